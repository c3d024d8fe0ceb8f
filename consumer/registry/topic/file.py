"""One `topic.toml` -> what a topic wants (`Binding` without its versions), or what is wrong."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError

from consumer.domain.binding import MessageTerms
from consumer.domain.messages.rules import EventTerms, Tombstones
from consumer.domain.policy import USER_MESSAGE
from consumer.errors import Flaw
from consumer.files import as_saved_anywhere
from consumer.registry.document import flaws_of
from consumer.registry.lines import line_of, toml_fields, toml_lines
from consumer.registry.topic.budget import BudgetTable
from consumer.registry.topic.context import ContextTable
from consumer.registry.topic.event import EventTable
from consumer.registry.topic.gate import GateTable
from consumer.registry.topic.message import MessageTable, SkipTable
from consumer.registry.topic.outputs import OutputsTable
from consumer.registry.topic.review import ReviewTable
from consumer.registry.topic.screening import ScreeningTable
from consumer.registry.topic.table import ClosedTable, TopicName, optional_pointer, split_pointer
from consumer.registry.wording import shape


def _start(text: str) -> str:
    if text in ("latest", "earliest"):
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError('"latest", "earliest" or a time such as "2026-01-31T08:00:00Z"') from None
    if moment.tzinfo is None:
        raise ValueError("the time needs its zone, as in 2026-01-31T08:00:00Z")
    return text


SUBJECT = shape(
    r"^[A-Za-z][A-Za-z0-9 '-]{0,58}[A-Za-z0-9]$",
    "must be a few plain words, at most 60 characters, as in assistant reply",
)
"""What a topic's texts are, in a few words such as `assistant reply`: it becomes a part of the
prompt, so it is no place for instructions."""


class TopicFile(ClosedTable):
    """`topic.toml`."""

    topics: Annotated[list[TopicName], Field(min_length=1)]
    """Topic names, or patterns such as `chat.*`; a name wins over a pattern."""
    live: Annotated[int, Field(ge=1)]
    """The version whose policies judge new messages: 2 means the folder `v2/`."""
    order: Literal["key", "none"] = "key"
    """`key`: verdicts of one key appear in its order; `none`: as soon as each is known."""
    deadline_s: Annotated[float, Field(ge=0)] = 30.0
    """Seconds after taking a record until its judgement is given up; 0 is never."""
    max_age_s: Annotated[float, Field(ge=0)] = 0.0
    """A record older than this, in seconds, is not judged but left unjudged; 0 is never."""
    on_unjudged: Literal["flag", "block", "allow"] = "flag"
    """Outcome of a message that could not be judged."""
    on_outage: Literal["wait", "unjudged"] = "wait"
    """While no server answers: hold the topic, or let on_unjudged decide."""
    lane: Literal["real-time", "comments", "replay"] = "real-time"
    """Who goes first when the servers are full: `real-time`, then `comments`, then `replay`."""
    start: Annotated[str, AfterValidator(_start)] = "latest"
    """Where a new group begins: `latest`, `earliest` or a time such as `2026-01-31T08:00:00Z`."""
    tombstones: Tombstones = "dead-letter"
    """What becomes of records without a value; `delete`: the message whose id is the key goes."""
    when_empty: Literal["dead-letter", "allow", "flag", "pass-over"] = "dead-letter"
    """What becomes of records without a text, such as a picture alone."""
    subject: Annotated[str, Field(pattern=SUBJECT)] = USER_MESSAGE
    """What the texts are, in a few words such as `assistant reply`; it is part of the prompt."""
    message: MessageTable = MessageTable()
    skip_when: list[SkipTable] = []
    outputs: OutputsTable = OutputsTable()
    budget: BudgetTable | None = None
    context: ContextTable | None = None
    gate: GateTable = GateTable()
    review: ReviewTable | None = None
    screening: ScreeningTable = ScreeningTable()

    def reading(self) -> MessageTerms:
        table = self.message
        return MessageTerms(
            format=table.format,
            framing=table.framing,
            text=tuple(map(split_pointer, table.first_of or table.text)),
            is_first_of=table.first_of is not None,
            unescape=table.unescape,
            when_empty=self.when_empty,
            id=optional_pointer(table.id),
            author=optional_pointer(table.author),
            conversation=optional_pointer(table.conversation),
            language=optional_pointer(table.language),
            language_guess=table.language_guess.terms() if table.language_guess else None,
            skip_when=tuple(rule.rule() for rule in self.skip_when),
            author_facts=tuple(map(split_pointer, self.context.author)) if self.context else (),
            event=self._event(),
        )

    def _event(self) -> EventTerms | None:
        if self.message.event is None and self.tombstones != "delete":
            return None
        table = self.message.event or EventTable()
        return table.terms(tombstones=self.tombstones == "delete")

    def event_flaw(self) -> tuple[str, str] | None:
        """Why no record could ever say which message it is about, and under which key that is."""
        if self.message.event is None:
            return None
        rules = self.message.event.rules
        if not rules and self.tombstones != "delete":
            return "", 'give edit or delete, or tombstones = "delete" above all tables'
        for name, rule in rules.items():
            if self.message.format == "text":
                return name, 'a record of format "text" has no field that names a message'
            if rule.target is None and self.message.id is None:
                return name, "needs a target, or `id` under [message], to know which message it is"
        return None

    def context_flaw(self) -> str | None:
        """Why no record could ever have the context that is asked for."""
        if self.context is None:
            return None
        if self.message.format == "text":
            return 'a record of format "text" has no fields to take context from'
        if self.context.messages and self.message.conversation is None:
            return "messages needs `conversation` under [message], to know which belong together"
        return None


def read_topic_file(shown: str, content: bytes) -> TopicFile | list[Flaw]:
    """Read a `topic.toml`; `shown` is its name in messages."""
    try:
        text = as_saved_anywhere(content).decode()
        fields = toml_fields(text)
    except UnicodeDecodeError:
        return [Flaw(shown, 1, "not UTF-8: save the file as UTF-8")]
    except ValueError as error:
        # Only Python 3.14's error has the line as a number.
        at = re.search(r"at line (\d+)", str(error))
        return [Flaw(shown, int(at[1]) if at else 1, f"not TOML: {error}")]
    lines = toml_lines(text)
    try:
        file = TopicFile.model_validate(fields)
    except ValidationError as error:
        return flaws_of(error, shown, lines, TopicFile)
    flaw = file.context_flaw()
    if flaw is not None:
        return [Flaw(shown, lines.get(("context",), 1), f"context: {flaw}")]
    event_flaw = file.event_flaw()
    if event_flaw is not None:
        path = ("message", "event", *filter(None, event_flaw[:1]))
        place = ".".join(path)
        return [Flaw(shown, line_of(lines, path), f"{place}: {event_flaw[1]}")]
    review = file.review.terms().templates if file.review else ()
    written = (*file.outputs.terms().templates, *review)
    own = [name for name in file.topics if name in written]
    return [
        Flaw(shown, lines.get(("outputs",), 1), f"{name} is an input and an output") for name in own
    ] or file
