"""Avoided: how many calls a filter saves on a public set at a demanded recall, and its misses."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

from consumer.commands.evaluate.measures.interval import Interval, wilson
from consumer.commands.prefilter.curve import CurvePoint, SeenLook, curve_of
from consumer.screening.prefilter.prefilter import Prefilter
from consumer.screening.prefilter.train import LearnedFilter, Purpose, filter_for, learn
from tests.screening.public_sets import SetName, lines_of, stream_of, thinned

SHARES = (0.01, 0.02, 0.05)
"""Of positives among the traffic."""
TESTED = 0.25
"""The last quarter is only tested on, as for the baseline; the rest is learned from."""
THINNINGS = 20
"""Of the tested part, by seed: with 1 % of a small set only three positives are left."""


class Demand(NamedTuple):
    """What is asked of a filter."""

    recall: float
    certain: float
    """0: the threshold is where the recall is as demanded; else, where it will be shown."""


class Order(NamedTuple):
    """What one order of the stream gave."""

    missed: int
    positives: int
    settled_harmless: float
    avoided: dict[float, float]
    """Share of all calls by share of positives."""
    is_certified: bool


class Avoided(NamedTuple):
    """The mean over all orders. Their tested parts overlap, so the interval is a little narrow."""

    name: SetName
    demand: Demand
    orders: int
    settled_harmless: float
    avoided: dict[float, float]
    recall: Interval
    """The 95 % interval counts the positives of one order: splits are not independent."""
    lowest_recall: float
    certified: int
    """Orders of which the demanded recall was shown."""


class OrderFound(NamedTuple):
    """What one order of a set gave at each demand."""

    orders: dict[Demand, Order]
    curve: list[CurvePoint]
    """What is saved at each recall on the tested part; none unless asked for."""


def found_in_order(
    name: SetName, demands: Sequence[Demand], seed: int, *, share: float = 0.0, is_drawn: bool
) -> OrderFound:
    """
    Learn from one order of a set, and test on its last part.

    `share`: positives are thinned to it for learning as well, not for testing alone. `is_drawn`:
    the curve is wanted too.
    """
    examples = stream_of(lines_of(name), seed)
    if share:
        examples = thinned(examples, share, seed)
    learned = learn(examples, TESTED)
    orders = {demand: _order(learned, demand, seed) for demand in demands}
    return OrderFound(orders, _curve(learned) if is_drawn else [])


def avoided(name: SetName, demands: Sequence[Demand], found: Sequence[OrderFound]) -> list[Avoided]:
    """Over all orders of a set, for each demand."""
    return [_mean(name, demand, [each.orders[demand] for each in found]) for demand in demands]


def _mean(name: SetName, demand: Demand, found: Sequence[Order]) -> Avoided:
    recall = 1 - sum(each.missed for each in found) / sum(each.positives for each in found)
    size = round(fmean(each.positives for each in found))
    interval = wilson(round(recall * size), size)
    assert interval is not None, "a tested part without positives"
    return Avoided(
        name=name,
        demand=demand,
        orders=len(found),
        settled_harmless=fmean(each.settled_harmless for each in found),
        avoided={share: fmean(each.avoided[share] for each in found) for share in SHARES},
        recall=Interval(recall, interval.low, interval.high),
        lowest_recall=min(1 - each.missed / each.positives for each in found),
        certified=sum(each.is_certified for each in found),
    )


def _order(learned: LearnedFilter, demand: Demand, seed: int) -> Order:
    artefact = filter_for(learned, purpose(demand))
    prefilter = Prefilter(artefact)
    tested = learned.split.certifying
    looks = prefilter.looks([e.text for e in tested])
    settled = {id(e): look.is_settled for e, look in zip(tested, looks, strict=True)}
    return Order(
        missed=artefact.head.shown.missed,
        positives=artefact.head.shown.positives,
        settled_harmless=fmean(settled[id(e)] for e in tested if not e.is_positive),
        avoided={
            share: fmean(
                fmean(settled[id(e)] for e in thinned(tested, share, seed * THINNINGS + thinning))
                for thinning in range(THINNINGS)
            )
            for share in SHARES
        },
        is_certified=artefact.head.has_evidence,
    )


def _curve(learned: LearnedFilter) -> list[CurvePoint]:
    prefilter = Prefilter(filter_for(learned, purpose(Demand(0.95, 0.0))))
    tested = learned.split.certifying
    looks = prefilter.looks([e.text for e in tested])
    return curve_of([SeenLook(look, e.is_positive) for e, look in zip(tested, looks, strict=True)])


def purpose(demand: Demand) -> Purpose:
    return Purpose(
        topic="stream",
        version="stream@v1",
        version_digest="labels",
        model="labels",
        template="none",
        made_at="2026-11-30T00:00:00Z",
        recall=demand.recall,
        certifying_share=TESTED,
        certain=demand.certain,
    )
