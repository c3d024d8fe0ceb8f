"""One `topic.toml` -> what a topic wants (`Binding` without its versions), or what is wrong."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from consumer.domain.binding import (
    BudgetTerms,
    GateTerms,
    MessageFormat,
    MessageTerms,
    Outputs,
    Pointer,
    SkipRule,
)
from consumer.domain.messages.context import MESSAGES_MAX, ContextTerms
from consumer.domain.policy import USER_MESSAGE
from consumer.errors import Flaw
from consumer.registry.document import flaws_of
from consumer.registry.files import as_saved_anywhere
from consumer.registry.lines import toml_fields, toml_lines
from consumer.registry.wording import shape


class _ClosedTable(BaseModel):
    """The text below a field is its meaning, in policies/TOPIC.md too."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)


def _pointer(text: str) -> str:
    if text and not text.startswith("/"):
        raise ValueError('a JSON Pointer starts with "/", as in "/author/id"')
    return text


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


def _topic_name(text: str) -> str:
    if not text or len(text) > 249 or set(text) - (LETTERS | set("*?[]")):
        raise ValueError("no Kafka topic name or pattern: letters, digits, dots, - and _")
    return text


def _output_name(text: str) -> str:
    name = text.replace("{topic}", "")
    if not name or len(text) > 249 or set(name) - LETTERS:
        raise ValueError("no Kafka topic name; {topic} stands for the input's name and needs more")
    return text


LETTERS = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


PointerText = Annotated[str, AfterValidator(_pointer)]
TopicName = Annotated[str, AfterValidator(_topic_name)]
OutputName = Annotated[str, AfterValidator(_output_name)]


class MessageTable(_ClosedTable):
    """`[message]`: how a record is read."""

    format: MessageFormat = "json"
    """`json`, `text` (the whole value is the text) or `cloudevents`."""
    framing: Literal["none", "schema-registry-json"] = "none"
    """What stands before the JSON: nothing, or a schema registry's five bytes."""
    text: Annotated[
        list[PointerText],
        Field(min_length=1),
        BeforeValidator(lambda given: [given] if isinstance(given, str) else given),
    ] = ["/text"]
    """JSON Pointers to the text; several are judged together, in this order."""
    first_of: Annotated[list[PointerText], Field(min_length=1)] | None = None
    """Instead of text: the first of these pointers that says something."""
    unescape: Literal["none", "html"] = "none"
    """`html` reads entities such as `&lt;` as readers see them."""
    id: PointerText | None = None
    """Where the message's id is; else its position is its id."""
    author: PointerText | None = None
    """Where the author is."""
    conversation: PointerText | None = None
    """Where the room, thread or channel is."""
    language: PointerText | None = None
    """Where the language is."""

    @model_validator(mode="after")
    def _one_of(self) -> MessageTable:
        if self.first_of is not None and "text" in self.model_fields_set:
            raise ValueError("give either text or first_of")
        return self


class SkipTable(_ClosedTable):
    """`[[skip_when]]`: whose messages are allowed unjudged."""

    field: PointerText | None = None
    """JSON Pointer to what is compared; give this or header."""
    header: Annotated[str, Field(min_length=1)] | None = None
    """The record header that is compared; give this or field."""
    equals: Annotated[list[str], Field(min_length=1)]
    """The values that let a record through unjudged, with cause `skipped`."""

    @model_validator(mode="after")
    def _one_of(self) -> SkipTable:
        if (self.field is None) == (self.header is None):
            raise ValueError("give either field or header")
        return self


class OutputsTable(_ClosedTable):
    """`[outputs]`: topic names, where `{topic}` stands for the input's name."""

    allow: OutputName = "{topic}.allow"
    """Topic of verdicts with outcome allow."""
    flag: OutputName = "{topic}.flag"
    """Topic of those for reviewers, with text and reasons."""
    block: OutputName = "{topic}.block"
    """Topic of verdicts with outcome block."""
    dead_letter: OutputName = "{topic}.dead-letter"
    """Topic of records that are no messages."""
    payload: Literal["envelope", "passthrough"] = "envelope"
    """What allow and block carry: the verdict, or the record as it came, with verdict headers."""


class BudgetTable(_ClosedTable):
    """`[budget]`: what each input may cost in any hour, and what follows once that is spent."""

    calls_per_hour: Annotated[int, Field(ge=1)] | None = None
    """Calls in any hour, over all workers."""
    tokens_per_hour: Annotated[int, Field(ge=1)] | None = None
    """Tokens in any hour, over all workers."""
    on_budget: Literal["wait", "flag", "allow"] = "wait"
    """Once it is spent: take nothing more, or end messages unjudged with that outcome."""

    @model_validator(mode="after")
    def _any_of(self) -> BudgetTable:
        if self.calls_per_hour is None and self.tokens_per_hour is None:
            raise ValueError("give calls_per_hour, tokens_per_hour or both")
        return self


Share = Annotated[float, Field(ge=0, le=1, strict=False)]


class GateTable(_ClosedTable):
    """`[gate]`: what `evaluate` must find, by policy, label, `POLICY.LABEL` or `outcome`."""

    min_recall: dict[str, Share] = {}
    """Of what should be that, at least so much must be found."""
    min_precision: dict[str, Share] = {}
    """Of what was said to be that, at least so much must be."""
    min_f1: dict[str, Share] = {}
    """The harmonic mean of the two, at least."""
    max_fpr: dict[str, Share] = {}
    """Of what should not be that, at most so much may be said to be."""


class ContextTable(_ClosedTable):
    """`[context]`: what the model is shown of a message's conversation and of its author."""

    messages: Annotated[int, Field(ge=0, le=MESSAGES_MAX)] = 0
    """How many of the last messages of the same conversation are shown."""
    max_age_s: Annotated[float, Field(ge=0, strict=False)] = 600.0
    """Older ones are not shown; seconds."""
    tokens_max: Annotated[int, Field(ge=20, le=4_000)] = 300
    """What all of it may take of the prompt, in tokens."""
    author: Annotated[list[PointerText], Field(max_length=16)] = []
    """JSON Pointers to facts about the author, such as `/author/age_days`."""
    conversations_max: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """How many conversations a worker keeps in memory; the oldest go first."""

    @model_validator(mode="after")
    def _any_of(self) -> ContextTable:
        if not self.messages and not self.author:
            raise ValueError("give messages, author or both, or leave [context] out")
        return self


SUBJECT = shape(
    r"^[A-Za-z][A-Za-z0-9 '-]{0,58}[A-Za-z0-9]$",
    "must be a few plain words, at most 60 characters, as in assistant reply",
)
"""What a topic's texts are, in a few words such as `assistant reply`: it becomes a part of the
prompt, so it is no place for instructions."""


class TopicFile(_ClosedTable):
    """`topic.toml`."""

    topics: Annotated[list[TopicName], Field(min_length=1)]
    """Topic names, or patterns such as `chat.*`; a name wins over a pattern."""
    live: Annotated[int, Field(ge=1)]
    """The version whose policies judge new messages: 2 means the folder `v2/`."""
    order: Literal["key", "none"] = "key"
    """`key`: verdicts of one key appear in its order; `none`: as soon as each is known."""
    deadline_s: Annotated[float, Field(ge=0, strict=False)] = 30.0
    """Seconds after taking a record until its judgement is given up; 0 is never."""
    max_age_s: Annotated[float, Field(ge=0, strict=False)] = 0.0
    """A record older than this, in seconds, is not judged but left unjudged; 0 is never."""
    on_unjudged: Literal["flag", "block", "allow"] = "flag"
    """Outcome of a message that could not be judged."""
    on_outage: Literal["wait", "unjudged"] = "wait"
    """While no server answers: hold the topic, or let on_unjudged decide."""
    lane: Literal["real-time", "comments", "replay"] = "real-time"
    """Who goes first when the servers are full: `real-time`, then `comments`, then `replay`."""
    start: Annotated[str, AfterValidator(_start)] = "latest"
    """Where a new group begins: `latest`, `earliest` or a time such as `2026-01-31T08:00:00Z`."""
    tombstones: Literal["dead-letter", "pass-over"] = "dead-letter"
    """What becomes of records without a value."""
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

    def reading(self) -> MessageTerms:
        table = self.message
        return MessageTerms(
            format=table.format,
            framing=table.framing,
            text=tuple(map(split_pointer, table.first_of or table.text)),
            is_first_of=table.first_of is not None,
            unescape=table.unescape,
            when_empty=self.when_empty,
            id=_optional(table.id),
            author=_optional(table.author),
            conversation=_optional(table.conversation),
            language=_optional(table.language),
            skip_when=tuple(
                SkipRule(frozenset(rule.equals), _optional(rule.field), rule.header)
                for rule in self.skip_when
            ),
            author_facts=tuple(map(split_pointer, self.context.author)) if self.context else (),
        )

    def destinations(self) -> Outputs:
        table = self.outputs
        return Outputs(table.allow, table.flag, table.block, table.dead_letter, table.payload)

    def budget_terms(self) -> BudgetTerms | None:
        table = self.budget
        if table is None:
            return None
        return BudgetTerms(table.calls_per_hour, table.tokens_per_hour, table.on_budget)

    def gate_terms(self) -> GateTerms:
        table = self.gate
        return GateTerms(table.min_recall, table.min_precision, table.min_f1, table.max_fpr)

    def context_terms(self) -> ContextTerms | None:
        table = self.context
        if table is None:
            return None
        return ContextTerms(
            table.messages, table.max_age_s, table.tokens_max, table.conversations_max
        )

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
    own = [name for name in file.topics if name in file.destinations().templates]
    return [
        Flaw(shown, lines.get(("outputs",), 1), f"{name} is an input and an output") for name in own
    ] or file


def split_pointer(text: str) -> Pointer:
    """`/author/id` -> ("author", "id"), with RFC 6901's escapes undone."""
    if not text:
        return ()
    return tuple(s.replace("~1", "/").replace("~0", "~") for s in text[1:].split("/"))


def _optional(text: str | None) -> Pointer | None:
    return None if text is None else split_pointer(text)
