"""
`python -m tests.chaos.without lease|recovery …`: the command line with one rule switched off.

For the controls: a run without the rule shows what the rule is for. The product has no such switch.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import structlog

from consumer import cli
from consumer.domain.checkpoint import Checkpoint, Floor, decode_checkpoint, short_id
from consumer.interfaces import Assigned, Output, Partition
from consumer.pipeline.assignment.lease import Lease, Moment
from consumer.pipeline.assignment.recovery import Recovered, Recovery

log = structlog.get_logger()


def without_lease() -> None:
    """Publish whenever a verdict is ready, and take over without waiting for anybody."""

    def allows_publishing(_self: Lease, _now: Moment) -> bool:
        return True

    async def wait_out(_self: Recovery, _left: Checkpoint, _partition: Partition) -> None:
        return None

    _replace(Lease, "allows_publishing", allows_publishing)
    _replace(Recovery, "_wait_out", wait_out)


def without_recovery() -> None:
    """Wait for the lease, but take nothing as done, and look at no output."""

    async def recover(self: Recovery, assigned: Assigned, outputs: Sequence[str]) -> Recovered:
        partition, left = assigned.partition, None
        if assigned.committed is not None:
            left = decode_checkpoint(assigned.metadata, assigned.committed, partition.topic)
        if left is not None:
            await self._wait_out(left, partition)
        ids = await self._tails.ids([partition.topic, *outputs])
        ends = await self._tails.ends([Output(name, partition.number) for name in outputs])
        term = (left.term if left else 0) + 1
        log.info("recovered", partition=str(partition), term=term)  # the harness reads it
        return Recovered(
            term=term,
            done=frozenset(),
            found_floors={},
            floors={o.topic: Floor(end, short_id(ids.get(o.topic, ""))) for o, end in ends.items()},
            topic_id=ids.get(partition.topic, ""),
            starts=0,
            careful_until=0,
        )

    _replace(Recovery, "_recover", recover)


def _replace(owner: type, name: str, function: object) -> None:
    """A rule that is not found under its name any more must not look like one switched off."""
    assert callable(getattr(owner, name)), f"{owner} has no {name}"
    setattr(owner, name, function)


RULES: dict[str, Callable[[], None]] = {"lease": without_lease, "recovery": without_recovery}

if __name__ == "__main__":
    RULES[sys.argv.pop(1)]()
    cli.main()
