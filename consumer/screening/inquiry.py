"""Inquiry: a message that no stage has settled; what the model says of it is told to the stages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from consumer.domain.policy import Outcome
from consumer.domain.verdicts.judged import Judged
from consumer.domain.verdicts.verdict import Screened, most_severe
from consumer.interfaces import Clock
from consumer.screening.bursts.neighbours import Neighbours
from consumer.screening.bursts.wording import words_of
from consumer.screening.memo import AskedText, Memo, remembered
from consumer.screening.texts.normalise import normalised
from consumer.screening.watched import WatchedMessage, answered

AskDecision = Callable[[], Awaitable[Judged | WatchedMessage]]
"""Asks the decision endpoint about the message: what it settles, or whom to tell what follows."""


class TextInquiry:
    """Asks about one text, or waits for whoever asks about the same."""

    __slots__ = (
        "_asked",
        "_clock",
        "_decide",
        "_heed",
        "_leads",
        "_memo",
        "_neighbours",
        "_watched",
    )

    def __init__(
        self,
        clock: Clock,
        asked: AskedText,
        memo: Memo | None,
        neighbours: Neighbours | None,
        watched: WatchedMessage | None = None,
        *,
        decide: AskDecision | None = None,
        heed: Callable[[Outcome], None] = lambda _: None,
    ) -> None:
        """
        Without `memo` it is not remembered. `watched` is what a filter said of it, where one is on,
        and `decide` asks a decision endpoint. `heed` is told what the model says of it.
        """
        self._clock = clock
        self._asked = asked
        self._memo = memo
        self._neighbours = neighbours
        self._leads = False
        """Whether others may wait for this one."""
        self._watched = [] if watched is None else [watched]
        self._decide = decide
        self._heed = heed

    def __repr__(self) -> str:
        return f"<TextInquiry {'others wait for' if self._leads else 'for itself'}>"

    @property
    def screened(self) -> Screened | None:
        return next((each.screened for each in self._watched if each.is_audited), None)

    @property
    def _is_audited(self) -> bool:
        return any(each.is_audited for each in self._watched)

    async def elsewhere(self) -> Judged | None:
        # Who is audited is asked: copies that wait for one answer would be misses nobody notes.
        if self._decide is not None and not self._is_audited:
            decided = await self._decide()
            if isinstance(decided, Judged):
                for each in self._watched:
                    each.settled_later()
                return decided
            self._watched.append(decided)
        memo, asked = self._memo, self._asked
        if memo is None or self._is_audited:
            return None
        if memo.is_asked(asked):
            answer = await memo.wait(asked)
        else:
            # It may have been heard since this one was screened.
            answer = memo.answer(asked, self._clock.now_s())
        # Of those who waited in vain all ask, and one of them for whoever comes now.
        if answer is None and not memo.is_asked(asked):
            memo.ask(asked)
            self._leads = True
        return self._heeded(answer)

    def _heeded(self, judged: Judged | None) -> Judged | None:
        if judged is not None and judged.judgements:
            self._heed(most_severe([each.outcome for each in judged.judgements]))
        return judged

    async def answered(self, judged: Judged, again: Callable[[], Awaitable[Judged]]) -> None:
        await answered(self._watched, judged, again)

    def heard(self, judged: Judged, verdict_id: str) -> None:
        now_s = self._clock.now_s()
        # Only a call that the memo knows of is known not to have begun before a person, or another
        # model, said otherwise; and who asks beside it must not end the wait of others.
        if self._leads and self._memo is not None:
            self._memo.heard(self._asked, judged, verdict_id, now_s)
        self._leads = False
        self._heeded(judged)
        neighbours = self._neighbours
        if neighbours is None or remembered(judged, verdict_id) is None:
            return
        outcome = most_severe([judgement.outcome for judgement in judged.judgements])
        # An allow is news only where something like it was not allowed.
        if outcome is not Outcome.ALLOW or neighbours:
            neighbours.heard(words_of(normalised(self._asked.text)), outcome, verdict_id, now_s)

    def gave_up(self) -> None:
        if self._leads and self._memo is not None:
            self._memo.gave_up(self._asked)
        self._leads = False
