"""Inquiry: a message that no stage has settled; what the model says of it is told to the stages."""

from __future__ import annotations

from consumer.domain.policy import Outcome
from consumer.domain.verdicts.judged import Judged
from consumer.domain.verdicts.verdict import Screened, most_severe
from consumer.interfaces import Clock
from consumer.screening.memo import AskedText, Memo, remembered
from consumer.screening.neighbours import Neighbours
from consumer.screening.normalise import normalised
from consumer.screening.wording import words_of


class TextInquiry:
    """Asks about one text, or waits for whoever asks about the same."""

    __slots__ = ("_asked", "_clock", "_leads", "_memo", "_neighbours", "_text", "screened")

    def __init__(
        self,
        clock: Clock,
        text: str,
        asked: AskedText | None,
        memo: Memo | None,
        neighbours: Neighbours | None,
    ) -> None:
        """`asked` is what it is remembered by; None where it is not to be."""
        self._clock = clock
        self._text = text
        self._asked = asked
        self._memo = memo
        self._neighbours = neighbours
        self._leads = False
        """Whether others may wait for this one."""
        self.screened: Screened | None = None

    def __repr__(self) -> str:
        return f"<TextInquiry {'others wait for' if self._leads else 'for itself'}>"

    async def elsewhere(self) -> Judged | None:
        memo, asked = self._memo, self._asked
        if memo is None or asked is None:
            return None
        if memo.is_asked(asked):
            return await memo.wait(asked)
        # It may have been heard since this one was screened.
        answer = memo.answer(asked, self._clock.now_s())
        if answer is None:
            memo.ask(asked)
            self._leads = True
        return answer

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
