"""
Forecast: how long until audits show something, at a topic's own traffic. Pure arithmetic.

By the growth of the best stake's logarithm of wealth; single runs need between half and twice what
is said here of their mean.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from consumer.screening.audits.alarm import STAKES, stakes_of
from consumer.screening.audits.terms import AuditTerms

BEST_STAKES = 2
"""Of the alarm's stakes about so many grow alike, and the mean is theirs; by simulation."""
_EULER = 0.5772156649015329
_TERMS = 200
"""Of the series below: far more than sixteen digits take."""
_SHARES = tuple(at / 200 for at in range(1, 200))


class Stream(NamedTuple):
    """What is assumed of a topic's traffic under a filter."""

    prevalence: float
    """Share of positives, 0 to 1."""
    recall: float
    """True recall of the filter."""
    near_of_missed: float = 0.8
    """Share of what is missed that lies near the threshold."""


def messages_to_certify(terms: AuditTerms, stream: Stream) -> float:
    """Messages until the demanded recall is shown anew; infinity where it never is."""
    growth = max(_growth(terms, stream, -share * terms.floor / terms.recall) for share in _SHARES)
    return _messages(math.log(1 / terms.alpha), growth, stream)


def messages_to_alarm(terms: AuditTerms, stream: Stream) -> float:
    """
    Messages until the alarm after the recall has fallen, on the mean; infinity where it has not.

    That of a Shiryaev-Roberts detector of a drifting Brownian motion, exp(b) E1(b) / g with g the
    growth and b = 1 / (g A), at the bar of the best stakes: the mean over all stakes must reach the
    bar, so one alone must reach several times it. It is no bound: what is simulated takes .57 to
    1.2 times as long, while log A / g, as for a test with one start, is up to ten times too long
    for small falls and too short for large ones. Positives until the alarm, means of 60 falls from
    the demanded recall to a share of it, run length 20,000, floor .02; four fifths of the misses
    near the threshold (audited with .3), and none:

    | demanded | falls to | near: simulated | said | log A / g | far: simulated | said | log A / g |
    |---|---|---|---|---|---|---|---|
    | 0.95 | 0.98 of it | 6,173 | 6,980 | 21,649 | 12,986 | 22,849 | 138,844 |
    | 0.95 | 0.95 of it | 1,606 | 1,539 | 2,965 | 6,101 | 8,043 | 24,657 |
    | 0.95 | 0.9 of it | 646 | 584 | 748 | 2,507 | 3,203 | 7,122 |
    | 0.95 | 0.8 of it | 326 | 281 | 258 | 1,047 | 1,230 | 2,158 |
    | 0.95 | 0.5 of it | 145 | 121 | 87 | 401 | 365 | 453 |
    | 0.99 | 0.98 of it | 2,443 | 2,155 | 3,946 | 7,263 | 10,442 | 37,709 |
    | 0.99 | 0.95 of it | 999 | 863 | 995 | 3,384 | 3,467 | 8,374 |
    | 0.99 | 0.9 of it | 522 | 460 | 442 | 1,599 | 1,507 | 2,883 |
    | 0.99 | 0.8 of it | 296 | 251 | 210 | 720 | 711 | 1,038 |
    | 0.99 | 0.5 of it | 138 | 115 | 81 | 371 | 312 | 327 |
    """
    growth = max(_growth(terms, stream, stake) for stake in stakes_of(terms.floor))
    if growth <= 0:
        return math.inf
    missed = 1.0 - stream.recall
    looked_at = stream.recall + missed * (
        stream.near_of_missed * terms.near + (1.0 - stream.near_of_missed) * terms.floor
    )
    # The run length counts what says something, the growth is for each positive.
    bar = terms.run_length / looked_at * len(STAKES) / BEST_STAKES
    return _messages(_scaled_e1(1.0 / (growth * bar)), growth, stream)


def _growth(terms: AuditTerms, stream: Stream, stake: float) -> float:
    """Of the logarithm of wealth, for each positive of the stream."""
    missed = 1.0 - stream.recall
    near, far = missed * stream.near_of_missed, missed * (1.0 - stream.near_of_missed)
    return (
        stream.recall * math.log1p(-stake * (1.0 - terms.recall))
        + near * terms.near * math.log1p(stake * terms.recall / terms.near)
        + far * terms.floor * math.log1p(stake * terms.recall / terms.floor)
    )


def _messages(goal: float, growth: float, stream: Stream) -> float:
    if growth <= 0 or stream.prevalence <= 0:
        return math.inf
    return goal / growth / stream.prevalence


def _scaled_e1(x: float) -> float:
    """exp(x) E1(x), with the exponential integral E1 (Abramowitz and Stegun, 5.1.11 and 5.1.22)."""
    if x > 1.0:
        tail = 0.0
        for at in range(_TERMS, 0, -1):
            tail = at / (1.0 + at / (x + tail))
        return 1.0 / (x + tail)
    found, term = -_EULER - math.log(x), 1.0
    for at in range(1, _TERMS):
        term *= -x / at
        found -= term / at
    return math.exp(x) * found
