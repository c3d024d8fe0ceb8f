"""`[outputs]`: where verdicts and dead letters go."""

from __future__ import annotations

from typing import Literal

from consumer.domain.binding import Outputs
from consumer.registry.topic.table import ClosedTable, OutputName


class OutputsTable(ClosedTable):
    """`[outputs]`: topic names, where `{topic}` stands for the input's name."""

    allow: OutputName = "{topic}.allow"
    """Topic of verdicts with outcome allow."""
    flag: OutputName = "{topic}.flag"
    """Topic of those for reviewers, with text and reasons."""
    block: OutputName = "{topic}.block"
    """Topic of verdicts with outcome block."""
    dead_letter: OutputName = "{topic}.dead-letter"
    """Topic of records that are no messages."""
    payload: Literal["envelope", "passthrough"] = "envelope"
    """What allow and block carry: the verdict, or the record as it came, with verdict headers."""

    def terms(self) -> Outputs:
        return Outputs(self.allow, self.flag, self.block, self.dead_letter, self.payload)
