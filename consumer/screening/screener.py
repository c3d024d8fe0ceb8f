"""
Screener: the stages before the model in their order, for every topic. Start reading here.

Lists come first, since they are for what must act at once; then what the model said of the very
same text, and of its like; then the learned filter. What none of them settles at once is an
inquiry: it asks the decision endpoint, joins another one about the same text, and tells the stages
what came of it. Everything runs on the event loop, but `prepare`.
"""

from __future__ import annotations

from typing import TypeVar

from consumer.domain.binding import Binding, Catalogue
from consumer.domain.decided import overturns
from consumer.domain.messages.message import Message
from consumer.domain.policy import Outcome, PolicyVersion
from consumer.domain.screening import ListTerms
from consumer.domain.verdicts.decision import decide
from consumer.domain.verdicts.judged import Judged
from consumer.domain.verdicts.verdict import Cause, Screened, most_severe
from consumer.interfaces import Clock, Inquiry
from consumer.screening.audited import AuditedStage, Filtered
from consumer.screening.authors import RecentAuthors
from consumer.screening.decision.deciding import Deciding
from consumer.screening.filtering import Filtering
from consumer.screening.filters import Filters
from consumer.screening.inquiry import AskDecision, TextInquiry
from consumer.screening.lists import Hit, Lists
from consumer.screening.memo import TEXT_CHARS_MAX, AskedText, Memo
from consumer.screening.neighbours import Neighbours
from consumer.screening.normalise import normal_words, normalised
from consumer.screening.watched import WatchedMessage
from consumer.screening.wording import words_of

VERSIONS_MAX = 4
"""Versions of one set whose bursts are kept: the live one, and those that still judge what was
taken before a reload."""

_Named = tuple[tuple[str, str, str], ...]


class Screener:
    """Settles what needs no model."""

    def __init__(self, clock: Clock, filters: Filters | None = None) -> None:
        """Without `filters` no learned filter is asked, whatever the topics say."""
        self._clock = clock
        self._filters = filters
        self._rooms: dict[str, _Room] = {}
        """By policy set."""
        self._lists: dict[_Named, Lists] = {}
        """Those in force, and those before the last reload, by what they are made of."""
        self._voice: object = None

    def __repr__(self) -> str:
        return f"<Screener {self._rooms!r}>"

    def prepare(self, catalogue: Catalogue) -> None:
        """
        Make lists and filters of these policies ready, in whichever thread: it may take a second.

        Raises:
            InvalidPolicy: a filter cannot be used.
        """
        known = self._lists
        new = {_named(each.screening.lists): each.screening.lists for each in catalogue.bindings}
        made = {name: known.get(name) or Lists(lists) for name, lists in new.items()}
        # What was taken before the reload is screened by the lists that it was taken under.
        old = {name: lists for room in self._rooms.copy().values() for name, lists in [room.named]}
        self._lists = old | made
        if self._filters is not None:
            self._filters.prepare(catalogue)

    def spoken_to(self, voice: object) -> None:
        """Which model is asked now, and how; where it is another one nothing said before holds."""
        if voice == self._voice:
            return
        self._voice = voice
        for room in self._rooms.values():
            room.forget()

    def kept(self) -> dict[tuple[str, Cause], int]:
        """How much is remembered now, by policy set and stage."""
        found: dict[tuple[str, Cause], int] = {}
        for name, room in self._rooms.items():
            found[name, Cause.MEMO] = 0 if room.memo is None else len(room.memo)
            found[name, Cause.NEAR_DUPLICATE] = sum(map(len, room.bursts.values()))
        return found

    def hit(self, text: str, binding: Binding) -> Hit | None:
        """What the topic's lists say of a text."""
        lists = self._room(binding).lists
        return lists.find(text, normalised(text)) if lists else None

    def screen(
        self, message: Message, version: PolicyVersion, binding: Binding, source: str
    ) -> Judged | Inquiry | None:
        """What settles the message, or what to ask the model with; None where nobody waits."""
        room = self._room(binding)
        text, now_s = message.text, self._clock.now_s()
        words = None
        if room.lists:
            words = normal_words(text)
            hit = room.lists.find(text, " ".join(words))
            if hit is not None:
                room.heed(message, hit.list.outcome, now_s)
                return settled(Cause.LIST, hit.list.outcome, None, hit.list.digest)
        memo, neighbours = room.memo, room.neighbours_of(version.digest)
        # With context the same words mean another thing.
        if binding.context is not None:
            return None
        is_spared = room.spares(message, now_s)
        filtering = _fitting(room.filtering, version) if is_spared else None
        deciding = _fitting(room.deciding, version) if is_spared else None
        by_score = filtering is not None or deciding is not None
        if not by_score and memo is None and neighbours is None and room.authors is None:
            return None
        asked = AskedText(version.digest, text)
        if len(text) > TEXT_CHARS_MAX:
            memo = None
        if memo is not None:
            answer = memo.answer(asked, now_s)
            if answer is not None:
                room.heed(message, most_severe([j.outcome for j in answer.judgements]), now_s)
                return answer
        if neighbours:
            words = normal_words(text) if words is None else words
            author = message.author or message.id
            shared = neighbours.shared(words_of(" ".join(words)), author, now_s)
            if shared is not None:
                room.heed(message, shared[0], now_s)
                return settled(Cause.NEAR_DUPLICATE, *shared)
        watched = None
        if filtering is not None:
            found = self._filtered(message, filtering, source, words)
            if isinstance(found, Judged):
                return found
            watched = found
        return TextInquiry(
            self._clock,
            asked,
            memo,
            neighbours,
            watched,
            decide=None if deciding is None else self._decision(message, deciding, source, words),
            heed=lambda outcome: room.heed(message, outcome, self._clock.now_s()),
        )

    def remembers(self, binding: Binding) -> bool:
        """Whether anything said before would be said again of a policy set's messages."""
        room = self._rooms.get(binding.set_name)
        return room is not None and room.remembers

    def decided(self, text: str, outcome: Outcome, binding: Binding) -> int:
        """
        A person decided about a message of this text: what the model said against that is not said
        again of others. Returns how much was forgotten.
        """
        room = self._rooms.get(binding.set_name)
        return 0 if room is None else room.decided(text, outcome, self._clock.now_s())

    def _filtered(
        self, message: Message, filtering: Filtering, source: str, words: list[str] | None
    ) -> Judged | WatchedMessage:
        """What the filter settles, or whom to tell what the model says."""
        _, partition, offset = message.position
        found = filtering.decide(
            message.text,
            normal_words(message.text) if words is None else words,
            message.written_in,
            source=source,
            partition=partition,
            offset=offset,
        )
        return self._concluded(message, filtering, found, source)

    def _decision(
        self, message: Message, deciding: Deciding, source: str, words: list[str] | None
    ) -> AskDecision:
        """The same of a decision endpoint, once it has answered."""

        async def ask() -> Judged | WatchedMessage:
            _, partition, offset = message.position
            asked_s = self._clock.now_s()
            found = await deciding.decide(
                message.text,
                normal_words(message.text) if words is None else words,
                source=source,
                partition=partition,
                offset=offset,
            )
            if self._filters is not None:
                self._filters.asked(deciding, found, self._clock.now_s() - asked_s)
            return self._concluded(message, deciding, found, source)

        return ask

    def _concluded(
        self, message: Message, stage: AuditedStage, found: Filtered, source: str
    ) -> Judged | WatchedMessage:
        if found.action == "settle":
            stage.count(message.written_in, is_settled=True)
            screened = Screened(stage.stage, found.score, stage.digest, found.audit_probability)
            return Judged((), cause=stage.stage, settled=Outcome.ALLOW, screened=screened)
        assert self._filters is not None
        assert self._filters.post is not None
        _, partition, offset = message.position
        place = f"{source}/{partition}/{offset}"
        return WatchedMessage(stage, found, place, message.written_in, self._filters.post)

    def _room(self, binding: Binding) -> _Room:
        room = self._rooms.get(binding.set_name)
        if room is None or room.binding is not binding:
            terms = binding.screening
            name = _named(terms.lists)
            lists = self._lists.get(name)
            if lists is None:
                lists = self._lists[name] = Lists(terms.lists)
            room = self._rooms[binding.set_name] = _Room(binding, lists, room)
            if self._filters is not None:
                room.filtering = self._filters.of(binding)
                room.deciding = self._filters.deciding_of(binding)
        return room


class _Room:
    """What is remembered for one policy set, under one binding."""

    def __init__(self, binding: Binding, lists: Lists, before: _Room | None) -> None:
        self.binding = binding
        self.terms = terms = binding.screening
        self.lists = lists
        self.filtering: Filtering | None = None
        self.deciding: Deciding | None = None
        self.authors = None if terms.authors is None else RecentAuthors(terms.authors)
        if before is not None and before.terms.authors == terms.authors:
            # What somebody wrote is not undone by other policies.
            self.authors = before.authors
        self.named = (_named(terms.lists), lists)
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
        return f"<_Room {self.memo!r}, {list(self.bursts.values())!r}, {self.lists!r}>"

    def neighbours_of(self, digest: str) -> Neighbours | None:
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
        words = words_of(normalised(text))
        found = sum(each.overturn(words, outcome, now_s) for each in self.bursts.values())
        if self.memo is not None:
            binding = self.binding
            found += self.memo.overturn(
                text, lambda judged: overturns(outcome, decide(judged, binding).outcome)
            )
        return found

    def spares(self, message: Message, now_s: float) -> bool:
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
        if self.memo is not None:
            self.memo.forget()
        self.bursts.clear()


Stage = TypeVar("Stage", bound=AuditedStage)


def _fitting(stage: Stage | None, version: PolicyVersion) -> Stage | None:
    """The stage, where it is on and for this version."""
    if stage is None or stage.off is not None or stage.version_digest != version.digest:
        return None
    return stage


def _named(lists: tuple[ListTerms, ...]) -> _Named:
    return tuple((each.digest, each.match, each.outcome) for each in lists)


def settled(stage: Cause, outcome: Outcome, score: float | None, artefact: str) -> Judged:
    """What is said of a message that a stage has settled, and no model has read."""
    screened = Screened(stage, score, artefact)
    return Judged((), cause=stage, settled=outcome, screened=screened)
