"""How long a message may take, and what it has cost so far."""

from __future__ import annotations

from consumer.classifier.asking.trail import Trail
from consumer.domain.lane import Lane
from consumer.domain.verdicts.usage import Tally


class Patience:
    """How long a message may take, and whether an outage counts. One per policy of a message."""

    __slots__ = ("_deadline_s", "lane", "tally", "trail", "waits_out_outages")

    def __init__(
        self,
        deadline_s: float | None,
        waits_out_outages: bool,
        lane: Lane = Lane.REAL_TIME,
        trail: Trail | None = None,
        tally: Tally | None = None,
    ) -> None:
        self._deadline_s = deadline_s
        self.waits_out_outages = waits_out_outages
        self.lane = lane
        self.trail = trail or Trail()
        self.tally = tally or Tally()
        """What the message has cost so far: one for all of its policies."""

    def copy(self) -> Patience:
        return Patience(self._deadline_s, self.waits_out_outages, self.lane, self.trail, self.tally)

    def left_s(self, now_s: float) -> float | None:
        return None if self._deadline_s is None else self._deadline_s - now_s

    def is_over(self, now_s: float) -> bool:
        """Whether it has run out, to the millisecond."""
        left_s = self.left_s(now_s)
        return left_s is not None and left_s <= 0.001

    def extend(self, seconds: float) -> None:
        """Time that the endpoint was out does not count."""
        if self._deadline_s is not None:
            self._deadline_s += seconds
