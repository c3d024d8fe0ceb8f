"""Inquiry: a message that no stage has settled; what the model says of it is told to the stages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from consumer.domain.policy import Outcome
from consumer.domain.verdicts.judged import Judged
from consumer.domain.verdicts.verdict import Screened, most_severe
from consumer.interfaces import Clock
from consumer.screening.memo import AskedText, Memo, remembered
from consumer.screening.neighbours import Neighbours
from consumer.screening.normalise import normalised
from consumer.screening.watched import WatchedMessage
from consumer.screening.wording import words_of


class TextInquiry:
    """Asks about one text, or waits for whoever asks about the same."""

    __slots__ = (
        "_asked",
        "_clock",
        "_leads",
        "_memo",
        "_neighbours",
        "_text",
        "_watched",
        "screened",
    )

    def __init__(
        self,
        clock: Clock,
        text: str,
        asked: AskedText | None,
        memo: Memo | None,
        neighbours: Neighbours | None,
        watched: WatchedMessage | None = None,
    ) -> None:
        """
        `asked` is what it is remembered by; None where it is not to be. `watched` is what a filter
        said of it, where one is on.
        """
        self._clock = clock
        self._text = text
        self._asked = asked
        self._memo = memo
        self._neighbours = neighbours
        self._leads = False
        """Whether others may wait for this one."""
        self._watched = watched
        self.screened: Screened | None = None if watched is None else watched.screened

    def __repr__(self) -> str:
        return f"<TextInquiry {'others wait for' if self._leads else 'for itself'}>"

    async def elsewhere(self) -> Judged | None:
        memo, asked = self._memo, self._asked
        # Who is audited is asked: copies that wait for one answer would be misses nobody notes.
        is_audited = self._watched is not None and self._watched.is_audited
        if memo is None or asked is None or is_audited:
            return None
        if memo.is_asked(asked):
            return await memo.wait(asked)
        # It may have been heard since this one was screened.
        answer = memo.answer(asked, self._clock.now_s())
        if answer is None:
            memo.ask(asked)
            self._leads = True
        return answer

    async def answered(self, judged: Judged, again: Callable[[], Awaitable[Judged]]) -> None:
        if self._watched is not None:
            await self._watched.answered(judged, again)

    def heard(self, judged: Judged, verdict_id: str) -> None:
        now_s = self._clock.now_s()
        if self._memo is not None and self._asked is not None:
            self._memo.heard(self._asked, judged, verdict_id, now_s)
            self._leads = False
        neighbours = self._neighbours
        if neighbours is None or remembered(judged, verdict_id) is None:
            return
        outcome = most_severe([judgement.outcome for judgement in judged.judgements])
        # An allow is news only where something like it was not allowed.
        if outcome is not Outcome.ALLOW or neighbours:
            neighbours.heard(words_of(normalised(self._text)), outcome, verdict_id, now_s)

    def gave_up(self) -> None:
        if self._leads and self._memo is not None and self._asked is not None:
            self._memo.gave_up(self._asked)
        self._leads = False
