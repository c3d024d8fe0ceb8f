"""
Forecast: how long until audits show something, at a topic's own traffic. Pure arithmetic.

By the growth of the best stake's logarithm of wealth, which is what the tests need on the mean;
single runs need between half and twice that.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from consumer.screening.audits.terms import AuditTerms

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
    """Messages until the alarm after the recall has fallen; infinity where it never comes."""
    growth = max(_growth(terms, stream, share * 0.5) for share in _SHARES)
    return _messages(math.log(terms.run_length), growth, stream)


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
