"""
Knee: how many calls at once a server takes before more of them only slow each other. Pure.

Concurrency c and mean latency m make the throughput c / m. While calls are added and m stays, the
server had room; where m grows as fast as c, they only queue inside the server, out of reach of our
lanes and deadlines. So m is compared at two widths: its elasticity, the growth of log m over the
growth of log c, is 0 below a server's slots, 1 above them, and in between where a GPU shares itself
among more calls. The limit goes to where it is about `ELASTICITY`.

Widths are doubled first. Where that showed a knee, the limit goes down to it, and up again where
the two now show another one. From then on widths a little below and above are tried by turns, ever
more rarely while nothing changes. Refusals for load (429, 503) are answers too: several among few
calls name a ceiling, which is tried again only after many answers; a single one may be anything's
doing, such as a gateway's. Nothing is learned while there was no more to do, nor from latencies
that were the worker's own doing: it then has calls enough, for more of them would wait for it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

ELASTICITY = 0.8
"""Where the knee is taken to lie: four fifths of an added call then wait for the others."""
SWING = 1.1
"""How far below and above the limit is tried."""
GAIN_MIN, GAIN_MAX = 0.02, 0.5
"""How far one comparison moves the limit, in its logarithm."""
WINDOW_MIN = 120
"""Answers in one comparison, at least; their latencies scatter as widely as texts differ."""
GROW_WINDOW_MIN = 40
"""The same while widths are doubled."""
HOLD_MAX = 16
"""Windows between two comparisons once they agree."""
HEADROOM = 1.08
"""A few calls more than the knee, so that a slot never waits for the next one to arrive."""
FLAT, STEEP, WALL = 0.4, 0.7, 0.92
"""Elasticity over a doubling or more: no knee in it; a knee in it; a fixed number of slots."""
WORSE = 1.3
"""Latency that grew so much at the same width makes it compare anew."""
OWN_SHARE = 0.1
"""
A window whose mean lateness is more of its mean latency tells of the worker and not of the server.

An answer waits for two or three turns of the loop, a timer for one at most: at a tenth the worker's
part is about a quarter, and cannot be taken for an elasticity of 0.8.
"""
REFUSALS_MIN = 4.0
"""
So many refusals among few calls name a ceiling. At a full server every call is refused, while a
server or gateway that refuses now and then does so at any width.
"""
REFUSAL_FADES = 0.9
"""What is left of earlier refusals with each answer: where one call in twenty is refused, 0.5."""
CEILING_ANSWERS = 2_000
"""After so many answers a ceiling is tried again; twice as many each time that it holds."""
CEILING_ANSWERS_MAX = 64_000


class Sent(NamedTuple):
    """What a call takes with it, to be told with its answer."""

    window: int
    at_once: int
    """Calls under way with this one."""


class _Width(NamedTuple):
    """What one window measured: calls at once, and the mean logarithm of their latency."""

    at_once: float
    log_latency: float


class KneeFinder:
    """The limit of one server."""

    def __init__(self, least: int, most: int, start: int) -> None:
        self._least, self._most = least, most
        self._centre = float(min(max(start, least), most))
        self.limit = round(self._centre)
        """Calls that may be under way at once, now."""
        self._phase = "grow"
        self._window = 0
        self._settling = 0
        self._calls = 0
        self._sum_at_once = 0.0
        self._sum_log = 0.0
        self._sum_s = self._sum_late_s = 0.0
        self._refusals = 0.0
        """Of late; each answer makes them less."""
        self._below: _Width | None = None
        self._above: _Width | None = None
        """The width that the limit came down from."""
        self._first: _Width | None = None
        self._held: _Width | None = None
        self._gain = GAIN_MAX
        self._last_error = 0.0
        self._hold_for = 1
        self._hold_left = 1
        self._ceiling: int | None = None
        self._ceiling_left = 0
        self._ceiling_answers = CEILING_ANSWERS
        self._ceiling_step = 1
        self._begin(self.limit)

    def __repr__(self) -> str:
        ceiling = f", ceiling {self._ceiling}" if self._ceiling is not None else ""
        return f"<KneeFinder {self._phase} {self.limit} of {self._least} to {self._most}{ceiling}>"

    def sent(self, at_once: int) -> Sent:
        """A call goes out; so many are under way with it."""
        return Sent(self._window, at_once)

    def answered(self, sent: Sent, latency_s: float, is_full: bool, late_s: float = 0.0) -> None:
        """
        It was answered; `is_full` says that others wait for its place.

        `late_s` is how late the worker itself is just now, see `Lateness`.
        """
        self._refusals *= REFUSAL_FADES
        if self._ceiling is not None:
            self._ceiling_left -= 1
        if sent.window != self._window or not is_full:
            return
        if self._settling > 0:
            # The first answers of a window are of calls that still met the old width.
            self._settling -= 1
            return
        self._calls += 1
        self._sum_at_once += sent.at_once
        self._sum_log += math.log(max(latency_s, 1e-6))
        self._sum_s += latency_s
        self._sum_late_s += late_s
        enough = max(WINDOW_MIN, 2 * self.limit)
        if self._phase == "grow":
            # A doubling shows more plainly than a swing does.
            enough = max(GROW_WINDOW_MIN, self.limit)
        if self._calls < enough:
            return
        if self._sum_late_s > OWN_SHARE * self._sum_s:
            self._measure_again()
        else:
            measured = _Width(self._sum_at_once / self._calls, self._sum_log / self._calls)
            self._measured(measured)

    def refused(self, sent: Sent) -> None:
        """The server had no room for it."""
        if sent.at_once > self.limit or sent.window != self._window:
            return
        self._refusals += 1
        if self._refusals < REFUSALS_MIN:
            return
        self._refusals = 0.0
        if self._ceiling is not None and sent.at_once <= self._ceiling:
            self._ceiling_answers = CEILING_ANSWERS
        elif self._ceiling is not None:
            self._ceiling_answers = min(2 * self._ceiling_answers, CEILING_ANSWERS_MAX)
        self._ceiling = max(self._least, min(sent.at_once, self.limit) - 1)
        self._ceiling_step = 1
        self._ceiling_left = self._ceiling_answers
        self._centre = min(self._centre, float(self._ceiling))
        self._hold()

    def _measured(self, width: _Width) -> None:
        if self._ceiling is not None and self.limit > self._ceiling:
            # A whole window above it, and nothing was refused: is there any use in more?
            self._ceiling = self.limit
            self._centre = float(self.limit)
            self._ceiling_step *= 2
            self._ceiling_left = 0
            self._compare()
            return
        if self._may_lift():
            self._ceiling_left = self._ceiling_answers
            self._phase = "hold"
            self._hold_left = 1
            self._begin(min(self._most, self._top + self._ceiling_step))
            return
        if self._phase == "grow":
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
            self._has_held(width)

    def _may_lift(self) -> bool:
        """Whether only a ceiling keeps the limit down, and it has stood for long enough."""
        if self._ceiling is None or self._phase != "hold":
            return False
        return self._ceiling_left <= 0 and self._ceiling <= self.limit < self._most

    def _measure_again(self) -> None:
        """The worker was the slow one: nothing is known of the server; wait at the middle width."""
        if self._phase in ("low", "high"):
            self._hold()
        else:
            self._begin(self.limit)

    def _grown(self, width: _Width) -> None:
        below, self._below = self._below, width
        first = self._first = self._first or width
        slope = _elasticity(below, width) if below else 0.0
        if slope > STEEP:
            # A wall is where the added calls began to wait; else it lies somewhere in between.
            between = math.sqrt(below.at_once * width.at_once) if below else width.at_once
            self._centre = _slots(first, width) if slope > WALL else between
            self._above = width
            self._return()
            return
        if self._within(self._centre) >= self._top:
            self._compare()
            return
        self._centre = float(self._within(self._centre * 2))
        self._begin(round(self._centre))

    def _return(self) -> None:
        """Look from here whether the width above shows the same knee."""
        self._phase = "return"
        self._centre = float(min(max(self._centre, self._least), self._top))
        self._begin(self._within(self._centre))

    def _returned(self, width: _Width) -> None:
        # The two lie far apart, so that their difference is more than scatter.
        above = self._above
        if above is None or width.at_once * SWING**2 > above.at_once:
            self._compare()
        elif _elasticity(width, above) < FLAT:
            # There was no knee at all: the server had become slower between two looks.
            self._phase, self._below, self._first = "grow", None, width
            self._centre = above.at_once
            self._begin(self._within(above.at_once))
        elif (slots := _slots(width, above)) > width.at_once * SWING**2:
            self._centre = slots
            self._return()
        else:
            self._compare()

    def _compare(self) -> None:
        self._phase = "low"
        self._centre = float(min(max(self._centre, self._least), self._top))
        self._begin(self._within(self._centre / SWING))

    def _compared(self, width: _Width) -> None:
        below = self._below
        slope = _elasticity(below, width) if below else ELASTICITY
        error = min(1.0, max(-1.0, ELASTICITY - slope))
        # Comparisons that contradict each other are noise about the knee: move less and rarely.
        is_going_on = error * self._last_error > 0
        self._last_error = error
        self._gain = (
            min(GAIN_MAX, self._gain * 1.4) if is_going_on else max(GAIN_MIN, self._gain / 2)
        )
        self._hold_for = 1 if is_going_on else min(2 * self._hold_for, HOLD_MAX)
        self._centre *= math.exp(self._gain * error)
        self._hold()

    def _hold(self) -> None:
        self._phase = "hold"
        self._held = None
        self._centre = float(min(max(self._centre, self._least), self._top))
        self._begin(self._within(self._centre * HEADROOM))
        # At the very top a comparison can only cost, so it is made rarely.
        self._hold_left = HOLD_MAX * 4 if self.limit >= self._top else self._hold_for

    def _has_held(self, width: _Width) -> None:
        if self._held is None:
            self._held = width
        is_worse = width.log_latency - self._held.log_latency > math.log(WORSE)
        if is_worse:
            self._hold_for = 1
        self._hold_left -= 1
        if is_worse or self._hold_left <= 0:
            self._compare()
        else:
            self._begin(self.limit)

    @property
    def _top(self) -> int:
        return self._most if self._ceiling is None else min(self._most, self._ceiling)

    def _within(self, width: float) -> int:
        return min(max(round(width), self._least), self._top)

    def _begin(self, limit: int) -> None:
        if limit != self.limit or self._calls == 0:
            self._settling = limit
        self.limit = limit
        self._window += 1
        self._calls = 0
        self._sum_at_once = self._sum_log = 0.0
        self._sum_s = self._sum_late_s = 0.0


def _slots(below: _Width, above: _Width) -> float:
    """How many slots a server has where `above` queues and `below` does not."""
    return above.at_once * math.exp(below.log_latency - above.log_latency)


def _elasticity(below: _Width, above: _Width) -> float:
    growth = math.log(above.at_once / below.at_once)
    if growth < 0.01:
        return ELASTICITY
    return (above.log_latency - below.log_latency) / growth
