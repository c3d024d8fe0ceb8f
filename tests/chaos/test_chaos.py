"""A short storm over both group protocols, in the test run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.brokers.runtime import RuntimeUnavailable
from tests.chaos.chaos import QUICK
from tests.chaos.outcome import FAULTS
from tests.chaos.run import Plan, run

SEED = 1
CAUSES = ("model", "memo", "near-duplicate", "list", "prefilter", "audited")
"""What settles messages here; without any of them the run shows less than it says."""


@pytest.mark.kafka
@pytest.mark.timeout(420)
def test_nothing_is_lost_contradicted_or_out_of_order(tmp_path: Path) -> None:
    """
    Kills, freezes, stops and dead brokers, and yet one verdict for each message, in order.

    A static member and a supervisor are killed under both protocols.
    """
    messages, seconds = QUICK
    plan = Plan(SEED, messages, seconds / 2, ("classic", "consumer"))
    try:
        outcome = run(plan, tmp_path / "chaos")
    except RuntimeUnavailable as reason:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no real Kafka here: {reason}")

    assert outcome.messages == messages
    assert {fault: getattr(outcome, fault) for fault in FAULTS} == dict.fromkeys(FAULTS, 0), outcome
    assert outcome.settled
    assert outcome.is_evidence, outcome
    assert min(outcome.kills, outcome.freezes, outcome.terms, outcome.broker_restarts) >= 1, outcome
    assert min(outcome.struck["static"], outcome.struck["supervisor"]) >= 2, outcome
    assert min(outcome.causes.get(cause, 0) for cause in CAUSES) >= 1, outcome
