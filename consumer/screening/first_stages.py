"""First stages: what is remembered for one policy set, and what that says of a message."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

from consumer.domain.binding import Binding
from consumer.domain.decided import overturns
from consumer.domain.messages.message import Message
from consumer.domain.policy import Outcome, PolicyVersion
from consumer.domain.screening import ListTerms
from consumer.domain.verdicts.decision import decide
from consumer.domain.verdicts.judged import Judged
from consumer.domain.verdicts.verdict import Cause, Screened, most_severe
from consumer.screening.audited import AuditedStage
from consumer.screening.authors import RecentAuthors
from consumer.screening.bursts.neighbours import Neighbours
from consumer.screening.bursts.wording import words_of
from consumer.screening.decision.deciding import Deciding
from consumer.screening.filtering import Filtering
from consumer.screening.lists import Lists
from consumer.screening.memo import TEXT_CHARS_MAX, AskedText, Memo
from consumer.screening.texts.normalise import normal_words, normalised
from consumer.screening.watched import WatchedMessage

VERSIONS_MAX = 4
"""Versions of one set whose bursts are kept: the live one, and those that still judge what was
taken before a reload."""

Named = tuple[tuple[str, str, str], ...]
"""Lists by what they are made of."""


class Stages(NamedTuple):
    """What may settle a message of one version now."""

    digest: str
    """Of the version."""
    neighbours: Neighbours | None
    filtering: Filtering | None
    deciding: Deciding | None

    @property
    def by_score(self) -> bool:
        return self.filtering is not None or self.deciding is not None


class Left:
    """A message that lists and what was said before leave to the stages that follow."""

    __slots__ = ("is_spared", "memo", "message", "said", "watched")

    def __init__(self, message: Message, memo: Memo | None, *, is_spared: bool) -> None:
        self.message = message
        self.memo = memo
        """Where what the model says of it is kept; None where it is not."""
        self.is_spared = is_spared
        """Whether a score may settle it."""
        self.said: Judged | None = None
        """What a filter says of it, where it settles it."""
        self.watched: WatchedMessage | None = None
        """Whom to tell what the model says, where a filter has looked at it."""


class FirstStages:
    """Of one policy set, under one binding."""

    def __init__(self, binding: Binding, lists: Lists, before: FirstStages | None) -> None:
        self.binding = binding
        self.terms = terms = binding.screening
        self.lists = lists
        self.filtering: Filtering | None = None
        self.deciding: Deciding | None = None
        self.authors = None if terms.authors is None else RecentAuthors(terms.authors)
        if before is not None and before.terms.authors == terms.authors:
            # What somebody wrote is not undone by other policies.
            self.authors = before.authors
        self.named = (named(terms.lists), lists)
        self.memo = None if terms.memo is None else Memo(terms.memo)
        self.bursts: dict[str, Neighbours] = {}
        """By the digest of the version."""
        # A reload that leaves the stage and the prompt alone leaves what is remembered.
        if before is None or before.binding.subject != binding.subject:
            return
        if before.terms.memo == terms.memo:
            self.memo = before.memo
        if before.terms.near_duplicates == terms.near_duplicates:
            self.bursts = before.bursts

    def __repr__(self) -> str:
        return f"<FirstStages {self.memo!r}, {list(self.bursts.values())!r}, {self.lists!r}>"

    def stages_for(self, version: PolicyVersion) -> Stages:
        """The stages that are on and for this version."""
        return Stages(
            version.digest,
            self._neighbours_of(version.digest),
            _fitting(self.filtering, version),
            _fitting(self.deciding, version),
        )

    def first_said(self, message: Message, stages: Stages, now_s: float) -> Judged | Left | None:
        """
        What lists say of a message, and what was said before of the same or nearly the same.

        None where nothing is said, and nobody waits for what the model says.
        """
        text, words = message.text, None
        if self.lists:
            words = normal_words(text)
            hit = self.lists.find(text, " ".join(words))
            if hit is not None:
                self.heed(message, hit.list.outcome, now_s)
                return settled(Cause.LIST, hit.list.outcome, None, hit.list.digest)
        # With context the same words mean another thing.
        if self.binding.context is not None:
            return None
        memo, neighbours = self.memo, stages.neighbours
        is_spared = stages.by_score and self._spares(message, now_s)
        if not is_spared and memo is None and neighbours is None and self.authors is None:
            return None
        if len(text) > TEXT_CHARS_MAX:
            memo = None
        if memo:
            answer = memo.answer(AskedText(stages.digest, text), now_s)
            if answer is not None:
                self.heed(message, most_severe([j.outcome for j in answer.judgements]), now_s)
                return answer
        if neighbours:
            words = normal_words(text) if words is None else words
            author = message.author or message.id
            shared = neighbours.shared(words_of(" ".join(words)), author, now_s)
            if shared is not None:
                self.heed(message, shared[0], now_s)
                return settled(Cause.NEAR_DUPLICATE, *shared)
        return Left(message, memo, is_spared=is_spared)

    def _neighbours_of(self, digest: str) -> Neighbours | None:
        """The bursts of a version, where the topic has that stage."""
        terms = self.terms.near_duplicates
        if terms is None:
            return None
        found = self.bursts.get(digest)
        if found is None:
            while len(self.bursts) >= VERSIONS_MAX:
                del self.bursts[next(iter(self.bursts))]
            found = self.bursts[digest] = Neighbours(terms)
        return found

    @property
    def remembers(self) -> bool:
        return bool(self.memo) or any(self.bursts.values())

    def decided(self, text: str, outcome: Outcome, now_s: float) -> int:
        """A person decided about this text; returns how much was forgotten."""
        words = words_of(normalised(text))
        found = sum(each.overturn(words, outcome, now_s) for each in self.bursts.values())
        if self.memo is not None:
            binding = self.binding
            found += self.memo.overturn(
                text, lambda judged: overturns(outcome, decide(judged, binding).outcome)
            )
        return found

    def _spares(self, message: Message, now_s: float) -> bool:
        """Whether a score may settle the message; else the model reads it."""
        # Who edits may have been told before that it was not allowed.
        if message.event is not None:
            return False
        return self.authors is None or not self.authors.holds(message.author, now_s)

    def heed(self, message: Message, outcome: Outcome, now_s: float) -> None:
        """A stage has settled the message."""
        if self.authors is not None and outcome is not Outcome.ALLOW:
            self.authors.note(message.author, now_s)

    def forget(self) -> None:
        """What was said before holds no more."""
        if self.memo is not None:
            self.memo.forget()
        self.bursts.clear()


Stage = TypeVar("Stage", bound=AuditedStage)


def _fitting(stage: Stage | None, version: PolicyVersion) -> Stage | None:
    """The stage, where it is on and for this version."""
    if stage is None or stage.off is not None or stage.version_digest != version.digest:
        return None
    return stage


def named(lists: tuple[ListTerms, ...]) -> Named:
    return tuple((each.digest, each.match, each.outcome) for each in lists)


def settled(stage: Cause, outcome: Outcome, score: float | None, artefact: str) -> Judged:
    """What is said of a message that a stage has settled, and no model has read."""
    screened = Screened(stage, score, artefact)
    return Judged((), cause=stage, settled=outcome, screened=screened)
