"""What stood around a text, as a row says it and as the model is shown it. Pure."""

from __future__ import annotations

from consumer.commands.evaluate.cases.labelled import LabelledText, Setting, text_digest
from consumer.domain.messages.context import Context, ContextTerms, Utterance, context_of
from consumer.domain.messages.message import Fact, Message, Position

SHAPE = '{"author": "…", "facts": {"age": 3}, "messages": [{"author": "…", "text": "…"}]}'


def setting_in(value: object) -> Setting | str | None:
    """The setting in an object of that shape, all of it optional; or what is wrong with it."""
    if value is None:
        return None
    if not isinstance(value, dict) or not set(value) <= {"author", "facts", "messages"}:
        return f"context: write {SHAPE}"
    facts, messages = value.get("facts") or {}, value.get("messages") or []
    if not isinstance(facts, dict) or not isinstance(messages, list):
        return f"context: facts are an object and messages a list, as in {SHAPE}"
    earlier = [
        (_word(each.get("author")), _sound(each["text"]))
        for each in messages
        if isinstance(each, dict) and isinstance(each.get("text"), str)
    ]
    if len(earlier) < len(messages):
        return f"context: a message is an object with a text, as in {SHAPE}"
    told = tuple(Fact(_sound(str(name)), _sound(str(fact))) for name, fact in facts.items())
    return Setting(_word(value.get("author")), told, tuple(earlier))


def context_shown(text: LabelledText, terms: ContextTerms | None) -> Context | None:
    """What a worker would show the model beside it; None where the topic shows nothing."""
    if terms is None:
        return None
    setting = text.setting or Setting()
    message = Message(
        Position("", 0, 0), -1, text.text, text.id, author=setting.author, facts=setting.facts
    )
    earlier = [
        Utterance(None if author is None else hash(author), said, -1)
        for author, said in setting.earlier
    ]
    return context_of(message, earlier, terms)


def shown_digest(text: LabelledText, terms: ContextTerms | None) -> str:
    """Of all that is judged: the text, and what is shown beside it."""
    context = context_shown(text, terms)
    if not context or not any(context):
        return text_digest(text.text)
    return text_digest(f"{text.text}\0{context!r}")


def _word(value: object) -> str | None:
    return None if value is None else _sound(str(value))


def _sound(text: str) -> str:
    """The text without half characters, of which no request can be made."""
    return text.encode("utf-8", "replace").decode()
