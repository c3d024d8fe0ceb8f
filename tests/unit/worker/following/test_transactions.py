"""Open transactions are followed: what they hold up is said once each, and shown while it lasts."""

from __future__ import annotations

from typing import cast

from structlog.testing import capture_logs

from consumer.interfaces import Partition
from consumer.kafka.cluster.transactions import OpenTransactions
from consumer.telemetry.telemetry import Telemetry
from consumer.worker.following.transactions import TransactionFollower

ZERO, ONE = Partition("chat", 0), Partition("chat", 1)


def test_what_is_held_up_is_said_once() -> None:
    telemetry = Telemetry()
    follower = TransactionFollower(cast(OpenTransactions, None), list, telemetry)
    with capture_logs() as logs:
        for held in ({ONE: 7}, {ONE: 7, ZERO: 3}, {ZERO: 3}, {ONE: 9}, {}):
            follower.note(held)
            assert follower.held == held
            name = "safeguard_partitions_held_by_transactions"
            assert telemetry.metrics.registry.get_sample_value(name) == len(held)
    assert [(line["partition"], line["offset"]) for line in logs] == [
        ("chat/1", 7),
        ("chat/0", 3),
        ("chat/1", 9),
    ]
