"""
What a topic wants: which policies judge it, how its records are read, where verdicts go.

One `Binding` is one `policies/<set>/topic.toml`; a `Catalogue` is all of them at one moment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from consumer.domain.lane import Lane
from consumer.domain.messages.context import ContextTerms
from consumer.domain.messages.language import LanguageTerms
from consumer.domain.messages.message import WhenEmpty
from consumer.domain.messages.rules import EventTerms, Pointer, SkipRule, Tombstones
from consumer.domain.policy import USER_MESSAGE, Outcome, PolicyVersion
from consumer.domain.review import ReviewTerms
from consumer.domain.screening import ScreeningTerms

MessageFormat = Literal["json", "text", "cloudevents"]
"""What a record's value can be; `topic.toml` takes these words, and `decoding` reads each."""


@dataclass(frozen=True, slots=True)
class MessageTerms:
    """How a record of the topic is read as a message."""

    format: MessageFormat = "json"
    framing: Literal["none", "schema-registry-json"] = "none"
    """`schema-registry-json` drops the five bytes that JSON Schema serializers prepend."""
    text: tuple[Pointer, ...] = (("text",),)
    """Fields judged together in this order, such as title and body; absent ones are left out."""
    is_first_of: bool = False
    """Only the first of the text's fields that says something is judged."""
    unescape: Literal["none", "html"] = "none"
    """`html` reads `&lt;` as its readers see it."""
    when_empty: Literal["dead-letter"] | WhenEmpty = "dead-letter"
    """What becomes of a record without a text that no rule skips."""
    id: Pointer | None = None
    author: Pointer | None = None
    conversation: Pointer | None = None
    language: Pointer | None = None
    language_guess: LanguageTerms | None = None
    """How the language is guessed where the record does not say; None where it is not."""
    skip_when: tuple[SkipRule, ...] = ()
    author_facts: tuple[Pointer, ...] = ()
    """Facts about the author that the model is shown as context."""
    event: EventTerms | None = None
    """How an edit and a deletion look; None where every record is a message of its own."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """Topic names for what becomes of a record; `{topic}` stands for the input's name."""

    allow: str = "{topic}.allow"
    flag: str = "{topic}.flag"
    block: str = "{topic}.block"
    dead_letter: str = "{topic}.dead-letter"
    payload: Literal["envelope", "passthrough"] = "envelope"
    """What the allow and block topics carry; the flag topic always carries an envelope."""

    @property
    def templates(self) -> tuple[str, ...]:
        return (self.allow, self.flag, self.block, self.dead_letter)

    def topics(self, source: str) -> tuple[str, ...]:
        """Every output topic of one input, without repetition."""
        return tuple(dict.fromkeys(t.replace("{topic}", source) for t in self.templates))

    def destination(self, outcome: Outcome, source: str) -> str:
        template = self.allow
        if outcome is not Outcome.ALLOW:
            template = self.flag if outcome is Outcome.FLAG else self.block
        return template.replace("{topic}", source)

    def dead_letters_of(self, source: str) -> str:
        return self.dead_letter.replace("{topic}", source)


@dataclass(frozen=True, slots=True)
class BudgetTerms:
    """What an input may cost in any hour; at least one of the two is bounded."""

    calls_per_hour: int | None = None
    tokens_per_hour: int | None = None
    """Tokens of prompts and completions together, as the server counts them."""
    on_budget: Literal["wait", "flag", "allow"] = "wait"
    """`wait` takes nothing more until there is room; else messages end unjudged as it says."""


@dataclass(frozen=True, slots=True)
class GateTerms:
    """
    What `evaluate` must find for a version to be good enough, each by what it is of: a policy, a
    label, `POLICY.LABEL`, or `outcome` for whole texts.
    """

    min_recall: Mapping[str, float] = field(default_factory=dict)
    min_precision: Mapping[str, float] = field(default_factory=dict)
    min_f1: Mapping[str, float] = field(default_factory=dict)
    max_fpr: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Binding:
    """What one policy set does with the topics it binds."""

    set_name: str
    patterns: tuple[str, ...]
    """Topic names or glob patterns such as `chat.*`; a name wins over a pattern."""
    live: PolicyVersion
    reading: MessageTerms = MessageTerms()
    outputs: Outputs = Outputs()
    order: Literal["key", "none"] = "key"
    deadline_s: float = 30.0
    """Seconds from the worker taking the record to giving up its judgement (0 = never)."""
    max_age_s: float = 0.0
    """Seconds from the record's own timestamp to giving up its judgement (0 = never)."""
    on_unjudged: Outcome = Outcome.FLAG
    on_outage: Literal["wait", "unjudged"] = "wait"
    lane: Lane = Lane.REAL_TIME
    """Whose messages wait for whose when the servers are full."""
    start: str = "latest"
    """Where a new group begins: `latest`, `earliest`, or an RFC 3339 time."""
    tombstones: Tombstones = "dead-letter"
    budget: BudgetTerms | None = None
    """For each input that the set binds, over all workers; None is no limit."""
    context: ContextTerms | None = None
    """What the model is shown beside the message; None is nothing, and costs nothing."""
    subject: str = USER_MESSAGE
    """What the topic's texts are, as the prompt names them."""
    gate: GateTerms = GateTerms()
    """Bounds for `evaluate`; workers do not read them."""
    review: ReviewTerms | None = None
    """How people review its messages; None where nobody does. Workers do not read it."""
    screening: ScreeningTerms = field(default_factory=ScreeningTerms)
    """What is settled before the model is asked."""
    versions: Mapping[int, PolicyVersion] = field(default_factory=dict)

    def names(self, topic: str) -> bool:
        """Whether the topic is bound by its very name, not by a pattern."""
        return topic in self.patterns

    def origin_of(self, topic: str) -> str:
        """
        The topic that the outputs of a consumed topic are named after: its own name, but for `x` in
        the case of `x.retry`. A retry topic that is bound by its very name is an input like others.
        """
        if topic.endswith(RETRY) and not self.names(topic):
            return topic.removesuffix(RETRY)
        return topic

    def outputs_of(self, topic: str) -> tuple[str, ...]:
        """Every topic that what becomes of a consumed topic's records may go to."""
        return self.outputs.topics(self.origin_of(topic))

    def start_of(self, topic: str) -> str:
        """
        Where a new group begins on a consumed topic.

        A retry topic is taken from its beginning: what was retried before the workers knew of the
        topic was asked for by somebody, and would be lost without a word.
        """
        return self.start if self.origin_of(topic) == topic else "earliest"


RETRY = ".retry"
"""`x.retry` is where `safeguard dead-letters retry` sends the dead letters of `x` again."""

OWN_TOPICS = ("*.retry", "safeguard.*", "__*")
"""Never bound by a pattern: retries, our own book-keeping, and Kafka's internal topics."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All bindings at one moment: picked up whole or not at all."""

    bindings: tuple[Binding, ...]

    def binding_for(self, topic: str) -> Binding | None:
        """
        The binding of an input topic, or None where there is none.

        A name wins over a pattern, a longer pattern over a shorter one, and nothing that we
        write ourselves is ever an input by pattern. A retry topic has the binding of its input.
        """
        found = self._bound(topic)
        if found is not None or not topic.endswith(RETRY) or self._is_output(topic):
            return found
        return self._bound(topic.removesuffix(RETRY))

    def _bound(self, topic: str) -> Binding | None:
        for binding in self.bindings:
            if binding.names(topic):
                return binding
        if self.is_own(topic):
            return None
        candidates = [
            (len(pattern), binding.set_name, binding)
            for binding in self.bindings
            for pattern in binding.patterns
            if fnmatchcase(topic, pattern)
        ]
        return max(candidates, key=lambda found: found[:2])[2] if candidates else None

    def is_own(self, topic: str) -> bool:
        """Whether the topic is one that we write to, judged by the output templates alone."""
        return any(fnmatchcase(topic, own) for own in OWN_TOPICS) or self._is_output(topic)

    def _is_output(self, topic: str) -> bool:
        """Whether a verdict or a dead letter may be written there."""
        return any(
            _template_regex(template).fullmatch(topic)
            for binding in self.bindings
            for template in binding.outputs.templates
        ) or self._is_of_review(topic)

    def _is_of_review(self, topic: str) -> bool:
        """Whether reports, appeals or decisions are written there."""
        return any(
            _template_regex(template).fullmatch(topic)
            for binding in self.bindings
            if binding.review is not None
            for template in binding.review.templates
        )

    def inputs_among(self, topics: list[str]) -> list[str]:
        """Those of the broker's topics that we consume, sorted; a retry topic with its input."""
        present = set(topics)
        found = {topic: self.binding_for(topic) for topic in topics}
        return sorted(
            topic
            for topic, binding in found.items()
            if binding is not None and binding.origin_of(topic) in present
        )

    def retry_topic_of(self, source: str) -> str | None:
        """
        The retry topic of an input, whether or not the broker has it.

        None where the name is taken, by an input of its own or by an output, and for what is a
        retry topic itself.
        """
        topic = source + RETRY
        binding = self.binding_for(source)
        if binding is None or binding.origin_of(source) != source:
            return None
        is_ours = self.binding_for(topic) is binding and binding.origin_of(topic) == source
        return topic if is_ours else None

    @property
    def named_topics(self) -> tuple[str, ...]:
        """The inputs bound by name, whether or not the broker has them."""
        return tuple(
            pattern
            for binding in self.bindings
            for pattern in binding.patterns
            if not any(character in pattern for character in "*?[")
        )


def _template_regex(template: str) -> re.Pattern[str]:
    return re.compile(re.escape(template).replace(re.escape("{topic}"), ".+"))
