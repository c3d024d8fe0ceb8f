"""
Findings: all parts of a run that need no clock, on all cores.

They stand apart, so each is a job; which process does one, and when, changes no figure.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import NamedTuple

from consumer.commands.prefilter.curve import NamedCurve
from consumer.screening.audits.forecast import Stream
from consumer.screening.audits.terms import AuditTerms
from consumer.screening.prefilter.recall import CERTAIN
from tests.screening.avoided import Avoided, Demand, OrderFound, avoided, found_in_order
from tests.screening.drift import Drift, drift
from tests.screening.peeking import (
    Coverage,
    Times,
    certification,
    coverage,
    detection,
    run_length,
    together,
)
from tests.screening.public_sets import SetName

DEMANDS = [Demand(recall, certain) for certain in (0.0, CERTAIN) for recall in (0.95, 0.99)]
FALLS = [(recall, near) for recall in (0.97, 0.90) for near in (0.8, 0.0)]
ORDERS: Mapping[SetName, int] = {"pooled": 3, "2022": 8}
THIN = 0.05
"""Share of positives where they are few in learning as well."""
COVERED = 1_000
"""Streams of filters that are just too bad."""
COVERED_AT_ONCE = 250
DRIFTS = (0.95, 0.99)
"""Demanded recalls of the filters that a new kind of abuse comes to."""

Tests = Mapping[str, Coverage | Times]


class Findings(NamedTuple):
    """What came of all of them."""

    sets: list[Avoided]
    thin: list[Avoided]
    """With few positives to learn from."""
    curves: list[NamedCurve]
    drifts: dict[float, Drift]
    """By demanded recall."""
    tests: Tests


def findings(part: int) -> Findings:
    """`part`: of the orders and streams, one in so many, for a quick look."""
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        # The longest first, so that no core is left with one of them at the end.
        sets = {name: _orders(pool, name, count // part) for name, count in ORDERS.items()}
        thin = _orders(pool, "pooled", ORDERS["pooled"] // part, share=THIN)
        drifts = {recall: pool.submit(drift, recall, 0) for recall in DRIFTS}
        covered = _covered(pool, COVERED // part)
        times = {name: pool.submit(job) for name, job in _timed(part).items()}
        return Findings(
            sets=[each for name in ("2022", "pooled") for each in _all(name, sets[name])],
            thin=_all("pooled", thin),
            curves=[NamedCurve(name, sets[name][0].result().curve) for name in ("2022", "pooled")],
            drifts={recall: found.result() for recall, found in drifts.items()},
            tests={
                "coverage": together([each.result() for each in covered]),
                **{name: found.result() for name, found in times.items()},
            },
        )


def _orders(
    pool: Executor, name: SetName, count: int, share: float = 0.0
) -> list[Future[OrderFound]]:
    return [
        pool.submit(
            found_in_order, name, DEMANDS, seed, share=share, is_drawn=seed == 0 and not share
        )
        for seed in range(max(1, count))
    ]


def _all(name: SetName, orders: Sequence[Future[OrderFound]]) -> list[Avoided]:
    return avoided(name, DEMANDS, [each.result() for each in orders])


def _covered(pool: Executor, count: int) -> list[Future[Coverage]]:
    terms = AuditTerms(recall=0.95, floor=0.05)
    return [
        pool.submit(
            coverage, terms, range(at, min(count, at + COVERED_AT_ONCE)), count=4_000, seed=1
        )
        for at in range(0, count, COVERED_AT_ONCE)
    ]


def _timed(part: int) -> dict[str, Callable[[], Times]]:
    """How long it takes to an alarm or a certificate, by name."""
    terms = AuditTerms()
    found: dict[str, Callable[[], Times]] = {
        "run_length": partial(run_length, terms, streams=60 // part, most=150_000, seed=1)
    }
    for prevalence in (0.05, 0.01):
        for recall, near in FALLS:
            name = f"{prevalence:g} positives, fall to {recall:g}, {near:g} of it near"
            stream = Stream(prevalence, recall, near)
            found[name] = partial(
                detection, terms, stream, streams=100 // part, most=100_000, seed=1
            )
    found["0.05 positives, certified anew at 0.998"] = partial(
        certification, terms, Stream(0.05, 0.998), streams=20 // part, most=200_000, seed=1
    )
    return found
