"""
Knee: how many calls at once a server takes before more of them only slow each other. Pure.

Concurrency c and mean latency m make the throughput c / m. While calls are added and m stays, the
server had room; where m grows as fast as c, they only queue inside the server, out of reach of our
lanes and deadlines. So m is compared at two widths: its elasticity, the growth of log m over the
growth of log c, is 0 below a server's slots, 1 above them, and in between where a GPU shares itself
among more calls. The limit goes to where it is about `ELASTICITY`.

Widths are doubled first. Where that showed a knee, the limit goes down to it, and up again where
the two now show another one. From then on widths a little below and above are tried by turns, ever
more rarely while nothing changes. Where a server refuses, its `Ceiling` bounds them. Nothing is
learned while there was no more to do, nor from latencies that were the worker's own doing: it then
has calls enough, for more of them would wait for it.
"""

from __future__ import annotations

from consumer.inference.pacing.ceiling import Ceiling
from consumer.inference.pacing.stride import Stride
from consumer.inference.pacing.window import Sent, Width, Window

ELASTICITY = 0.8
"""Where the knee is taken to lie: four fifths of an added call then wait for the others."""
STEEP, FLAT = 0.7, 0.4
"""
Elasticity over a doubling or more: there is a knee in it, and there is none.

Either side of `ELASTICITY`: so few answers scatter, and what lies between is settled by comparing.
"""
SWING = 1.1
"""How far below and above the limit is tried."""
WINDOW_MIN = 120
"""Answers in one comparison, at least; their latencies scatter as widely as texts differ."""
GROW_WINDOW_MIN = 40
"""The same while widths are doubled, which shows more plainly than a swing does."""
HOLD_AT_TOP = 64
"""Windows between two comparisons at the very top, where one can only cost."""
HEADROOM = 1.08
"""A few calls more than the knee, so that a slot never waits for the next one to arrive."""


class KneeFinder:
    """The limit of one server."""

    def __init__(self, least: int, most: int, start: int) -> None:
        self._least, self._most = least, most
        self._centre = float(min(max(start, least), most))
        self.limit = round(self._centre)
        """Calls that may be under way at once, now."""
        self._ceiling = Ceiling()
        self._phase = "grow"
        self._first: Width | None = None
        """The narrowest: nothing queues there, and a window of few calls misses few slow ones."""
        self._below: Width | None = None
        self._above: Width | None = None
        """The width that the limit came down from."""
        self._stride = Stride()
        self._hold_left = self._stride.hold
        self._window = Window(0, self._enough, settling=self.limit)

    def __repr__(self) -> str:
        bounds = f"{self._least} to {self._most}"
        return f"<KneeFinder {self._phase} {self.limit} of {bounds}, {self._ceiling!r}>"

    def sent(self, at_once: int) -> Sent:
        """A call goes out; so many are under way with it."""
        return Sent(self._window.number, at_once)

    def answered(self, sent: Sent, latency_s: float, is_full: bool, late_s: float = 0.0) -> None:
        """
        It was answered; `is_full` says that others wait for its place.

        `late_s` is how late the worker itself is just now, see `Lateness`.
        """
        self._ceiling.answered()
        window = self._window
        if sent.window != window.number or not is_full:
            return
        if window.add(sent.at_once, latency_s, late_s):
            if window.is_of_worker:
                self._measure_again()
            else:
                self._measured(window.width)

    def refused(self, sent: Sent) -> None:
        """The server had no room for it."""
        if sent.at_once > self.limit or sent.window != self._window.number:
            return
        # A ceiling below the least would never be risen above, for as few calls are never given.
        if self._ceiling.refused(max(sent.at_once, self._least + 1)):
            self._hold()

    def _measured(self, width: Width) -> None:
        ceiling = self._ceiling.width
        if ceiling is not None and self.limit > self._top:
            # A whole window above it, and nothing was refused: is there any use in more?
            self._ceiling.rise(self.limit)
            self._centre = float(self.limit)
            self._compare()
        elif self._phase == "hold" and self._may_lift:
            self._begin(min(self._most, self._ceiling.tried()))
        elif self._phase == "grow":
            self._grown(width)
        elif self._phase == "return":
            self._returned(width)
        elif self._phase == "low":
            self._below = width
            self._phase = "high"
            self._begin(self._within(self._centre * SWING))
        elif self._phase == "high":
            self._compared(width)
        else:
            self._has_held()

    @property
    def _may_lift(self) -> bool:
        """Whether only a ceiling keeps the limit down, and it has stood for long enough."""
        return self._ceiling.may_be_tried and self._top <= self.limit < self._most

    def _measure_again(self) -> None:
        """The worker was the slow one: nothing is known of the server; wait at the middle width."""
        if self._phase in ("low", "high"):
            self._hold()
        else:
            self._begin(self.limit)

    def _grown(self, width: Width) -> None:
        below, self._below = self._below, width
        first = self._first = self._first or width
        if below is not None and below.elasticity(width, ELASTICITY) > STEEP:
            self._above = width
            self._return_to(first.slots(width))
        elif self._within(self._centre) >= self._top:
            self._compare()
        else:
            self._centre = float(self._within(self._centre * 2))
            self._begin(round(self._centre))

    def _return_to(self, centre: float) -> None:
        """Look from here whether the width above shows the same knee."""
        self._phase = "return"
        self._centre = centre
        self._begin(self._within(centre))

    def _returned(self, width: Width) -> None:
        # The two lie far apart, so that their difference is more than scatter.
        above = self._above
        assert above is not None
        if width.at_once * SWING**2 > above.at_once:
            self._compare()
        elif width.elasticity(above, ELASTICITY) < FLAT:
            # There was no knee at all: the server had become slower between two looks.
            self._phase, self._below, self._first = "grow", None, width
            self._centre = above.at_once
            self._begin(self._within(above.at_once))
        elif (slots := width.slots(above)) > width.at_once * SWING**2:
            self._return_to(slots)
        else:
            self._compare()

    def _compare(self) -> None:
        self._phase = "low"
        self._centre = float(min(max(self._centre, self._least), self._top))
        self._begin(self._within(self._centre / SWING))

    def _compared(self, width: Width) -> None:
        assert self._below is not None
        error = ELASTICITY - self._below.elasticity(width, ELASTICITY)
        error = min(1.0, max(-1.0, error))
        self._centre *= self._stride.factor(error)
        self._hold()

    def _hold(self) -> None:
        self._phase = "hold"
        self._begin(self._within(self._centre * HEADROOM))
        self._hold_left = HOLD_AT_TOP if self.limit >= self._top else self._stride.hold

    def _has_held(self) -> None:
        self._hold_left -= 1
        if self._hold_left <= 0:
            self._compare()
        else:
            self._begin(self.limit)

    @property
    def _top(self) -> int:
        ceiling = self._ceiling.width
        return self._most if ceiling is None else min(self._most, ceiling)

    def _within(self, width: float) -> int:
        return min(max(round(width), self._least), self._top)

    @property
    def _enough(self) -> int:
        """Answers in a window: enough for their scatter, and each call of a wide one counts."""
        if self._phase == "grow":
            return max(GROW_WINDOW_MIN, self.limit)
        return max(WINDOW_MIN, 2 * self.limit)

    def _begin(self, limit: int) -> None:
        """Measure this width in a new window."""
        settling = limit if limit != self.limit else 0
        self.limit = limit
        self._window = Window(self._window.number + 1, self._enough, settling)
