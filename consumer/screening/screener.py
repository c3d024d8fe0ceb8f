"""
Screener: the stages before the model in their order, for every topic. Start reading here.

Lists come first, since they are for what must act at once; then what the model said of the very
same text, and of its like; then the learned filter. What none of them settles at once is an
inquiry: it asks the decision endpoint, joins another one about the same text, and tells the stages
what came of it. Everything runs on the event loop, but `prepare`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from consumer.domain.binding import Binding, Catalogue
from consumer.domain.messages.message import Message
from consumer.domain.policy import Outcome
from consumer.domain.verdicts.judged import Judged
from consumer.domain.verdicts.verdict import Cause, Screened
from consumer.interfaces import Clock, Inquiry, ToScreen
from consumer.screening.audited import AuditedStage, Filtered
from consumer.screening.decision.deciding import Deciding
from consumer.screening.filtering import Filtering
from consumer.screening.filters import Filters
from consumer.screening.first_stages import FirstStages, Left, Named, Stages, named
from consumer.screening.inquiry import AskDecision, TextInquiry
from consumer.screening.lists import Hit, Lists
from consumer.screening.memo import AskedText
from consumer.screening.texts.normalise import normal_words, normalised
from consumer.screening.watched import WatchedMessage


class Screener:
    """Settles what needs no model."""

    def __init__(self, clock: Clock, filters: Filters | None = None) -> None:
        """Without `filters` no learned filter is asked, whatever the topics say."""
        self._clock = clock
        self._filters = filters
        self._by_set: dict[str, FirstStages] = {}
        """By policy set."""
        self._lists: dict[Named, Lists] = {}
        """Those in force, and those before the last reload, by what they are made of."""
        self._voice: object = None

    def __repr__(self) -> str:
        return f"<Screener {self._by_set!r}>"

    def prepare(self, catalogue: Catalogue) -> None:
        """
        Make lists and filters of these policies ready, in whichever thread: it may take a second.

        Raises:
            InvalidPolicy: a filter cannot be used.
        """
        known = self._lists
        new = {named(each.screening.lists): each.screening.lists for each in catalogue.bindings}
        made = {name: known.get(name) or Lists(lists) for name, lists in new.items()}
        # What was taken before the reload is screened by the lists that it was taken under.
        old = {
            name: lists for first in self._by_set.copy().values() for name, lists in [first.named]
        }
        self._lists = old | made
        if self._filters is not None:
            self._filters.prepare(catalogue)

    def spoken_to(self, voice: object) -> None:
        """Which model is asked now, and how; where it is another one nothing said before holds."""
        if voice == self._voice:
            return
        self._voice = voice
        for first in self._by_set.values():
            first.forget()

    def kept(self) -> dict[tuple[str, Cause], int]:
        """How much is remembered now, by policy set and stage."""
        found: dict[tuple[str, Cause], int] = {}
        for name, first in self._by_set.items():
            found[name, Cause.MEMO] = 0 if first.memo is None else len(first.memo)
            found[name, Cause.NEAR_DUPLICATE] = sum(map(len, first.bursts.values()))
        return found

    def hit(self, text: str, binding: Binding) -> Hit | None:
        """What the topic's lists say of a text."""
        lists = self._first_stages(binding).lists
        return lists.find(text, normalised(text)) if lists else None

    def screen(self, messages: Sequence[ToScreen]) -> list[Judged | Inquiry | None]:
        """What settles each, or what to ask the model with; None where nobody waits for that."""
        found: list[Judged | Inquiry | None] = []
        # Those of a batch that are under the same terms, which nearly always are all.
        for _, run in groupby(messages, _terms_of):
            found += self._screened([*run])
        return found

    def _screened(self, run: list[ToScreen]) -> list[Judged | Inquiry | None]:
        version, binding, source = run[0].version, run[0].binding, run[0].source
        first, now_s = self._first_stages(binding), self._clock.now_s()
        stages = first.stages_for(version)
        # What a score settles is allowed, and no stage before it heeds that of others: so all that
        # the first stages leave are looked at together.
        found = [first.first_said(each.message, stages, now_s) for each in run]
        left = [each for each in found if isinstance(each, Left)]
        if stages.filtering is not None:
            self._filter([each for each in left if each.is_spared], stages.filtering, source)
        return [
            self._inquiry(each, first, stages, source) if isinstance(each, Left) else each
            for each in found
        ]

    def remembers(self, binding: Binding) -> bool:
        """Whether anything said before would be said again of a policy set's messages."""
        first = self._by_set.get(binding.set_name)
        return first is not None and first.remembers

    def decided(self, text: str, outcome: Outcome, binding: Binding) -> int:
        """
        A person decided about a message of this text: what the model said against that is not said
        again of others. Returns how much was forgotten.
        """
        first = self._by_set.get(binding.set_name)
        return 0 if first is None else first.decided(text, outcome, self._clock.now_s())

    def _filter(self, left: Sequence[Left], filtering: Filtering, source: str) -> None:
        """Say of each what the filter settles, or whom to tell what the model says."""
        found = filtering.decide([each.message for each in left], source)
        for each, filtered in zip(left, found, strict=True):
            said = self._concluded(each.message, filtering, filtered, source)
            if isinstance(said, Judged):
                each.said = said
            else:
                each.watched = said

    def _inquiry(
        self, left: Left, first: FirstStages, stages: Stages, source: str
    ) -> Judged | Inquiry:
        if left.said is not None:
            return left.said
        message, ask = left.message, None
        if stages.deciding is not None and left.is_spared:
            ask = self._decision(message, stages.deciding, source)
        return TextInquiry(
            self._clock,
            AskedText(stages.digest, message.text),
            left.memo,
            stages.neighbours,
            left.watched,
            decide=ask,
            heed=lambda outcome: first.heed(message, outcome, self._clock.now_s()),
        )

    def _decision(self, message: Message, deciding: Deciding, source: str) -> AskDecision:
        """What a decision endpoint settles, or whom to tell, once it has answered."""

        async def ask() -> Judged | WatchedMessage:
            _, partition, offset = message.position
            asked_s = self._clock.now_s()
            found = await deciding.decide(
                message.text,
                normal_words(message.text),
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

    def _first_stages(self, binding: Binding) -> FirstStages:
        first = self._by_set.get(binding.set_name)
        if first is None or first.binding is not binding:
            terms = binding.screening
            name = named(terms.lists)
            lists = self._lists.get(name)
            if lists is None:
                lists = self._lists[name] = Lists(terms.lists)
            first = self._by_set[binding.set_name] = FirstStages(binding, lists, first)
            if self._filters is not None:
                first.filtering = self._filters.of(binding)
                first.deciding = self._filters.deciding_of(binding)
        return first


def _terms_of(each: ToScreen) -> tuple[int, int, str]:
    """Of a batch that is held: no two things have the same identity."""
    return id(each.version), id(each.binding), each.source
