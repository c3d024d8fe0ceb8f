"""
Context: what the model is shown beside the message that it judges. Pure.

Who said what before in the same conversation, and facts about the author. It is bounded in messages
and tokens, and names nobody: speakers are letters, and the author of the message to judge is A.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from consumer.domain.messages.message import Fact, Message
from consumer.domain.tokens import BYTES_A_TOKEN, tokens_of

MESSAGES_MAX = 25
"""With A for the author there are letters for so many others."""
LINE_TOKENS = 4
"""What a line costs beside its text: speaker, quotes and line break."""
CUT = "…"
SELF, UNKNOWN = "A", "?"


@dataclass(frozen=True, slots=True)
class ContextTerms:
    """How much context the messages of a topic are given."""

    messages: int = 0
    """The last so many of the same conversation; 0 shows none."""
    max_age_s: float = 600.0
    """Those that were written longer before the message do not count (0 = any age)."""
    tokens_max: int = 300
    """For facts and messages together, as `tokens_of` counts."""
    conversations_max: int = 10_000
    """Remembered at once for each partition; the least recently used is forgotten."""


class Utterance(NamedTuple):
    """A message of a conversation, as far as it is remembered."""

    author: int | None
    """A hash: an id may be a thousand characters long, and is only compared."""
    text: str
    timestamp_ms: int


class Line(NamedTuple):
    """An earlier message as the model is shown it."""

    speaker: str
    text: str


class Context(NamedTuple):
    """What is shown: facts about the author, and earlier messages, the oldest first."""

    facts: tuple[Fact, ...] = ()
    lines: tuple[Line, ...] = ()


def utterance_of(message: Message, tokens_max: int) -> Utterance:
    """What is remembered of a message: no more than can ever be shown."""
    text = cut(message.text, tokens_max - LINE_TOKENS)
    return Utterance(speaker_of(message), text, message.timestamp_ms)


def speaker_of(message: Message) -> int | None:
    return None if message.author is None else hash(message.author)


def context_of(message: Message, earlier: Sequence[Utterance], terms: ContextTerms) -> Context:
    """
    What a message is shown with; `earlier` is of its conversation, the oldest first.

    Facts come first. Where the messages do not fit, the oldest are left out, and the newest is cut
    if it does not even fit alone.
    """
    room = terms.tokens_max
    facts: list[Fact] = []
    for fact in message.facts:
        cost = tokens_of(fact.name) + tokens_of(fact.value) + LINE_TOKENS
        if cost > room:
            break
        facts.append(fact)
        room -= cost
    shown: list[Utterance] = []
    for utterance in reversed(earlier[-terms.messages :] if terms.messages else ()):
        if _is_too_old(utterance, message, terms.max_age_s):
            continue
        cost = tokens_of(utterance.text) + LINE_TOKENS
        if cost > room:
            text = "" if shown else cut(utterance.text, room - LINE_TOKENS)
            if text:
                shown.append(utterance._replace(text=text))
            break
        shown.append(utterance)
        room -= cost
    return Context(tuple(facts), _lines(shown[::-1], speaker_of(message)))


def cut(text: str, tokens_max: int) -> str:
    """The beginning of a text that takes no more tokens than that, marked where it was cut."""
    if tokens_of(text) <= tokens_max:
        return text
    room = max(0, tokens_max * BYTES_A_TOKEN - len(CUT.encode()))
    # The slice spares encoding all of a long text.
    kept = text[:room].encode()[:room].decode("utf-8", "ignore")
    return kept + CUT if kept else ""


def _is_too_old(utterance: Utterance, message: Message, max_age_s: float) -> bool:
    """By the records' own times: it does not depend on when we judge. Without a time none is."""
    if not max_age_s or utterance.timestamp_ms < 0:
        return False
    return message.timestamp_ms - utterance.timestamp_ms > max_age_s * 1_000


def _lines(shown: Sequence[Utterance], author: int | None) -> tuple[Line, ...]:
    letters: dict[int | None, str] = {None: UNKNOWN}
    if author is not None:
        letters[author] = SELF
    others = 0
    lines: list[Line] = []
    for utterance in shown:
        letter = letters.get(utterance.author)
        if letter is None:
            others += 1
            letter = letters[utterance.author] = chr(ord(SELF) + others)
        lines.append(Line(letter, utterance.text))
    return tuple(lines)
