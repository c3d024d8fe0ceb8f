"""Outcome: what a run found, as a table for a person and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

FAULTS = (
    "lost",
    "contradicting",
    "judged_twice",
    "out_of_order",
    "misdrawn",
    "stuck",
    "false_poison",
    "false_too_large",
    "orphans",
)
"""What must be 0."""
REPEATS = ("judged_unshown", "sent_twice", "duplicated_same_verdict")
"""What a broker that falls can bring about; the last is the audit's count of it."""

RECOVER_IS = (
    "from a worker's SIGKILL, or SIGSTOP for longer than the session, to the first verdict that "
    "the brokers stored under another term, for each partition it held; the session of 10 s and "
    "the faults that struck meanwhile are in it"
)


AUDITED_MIN = 0.3
"""A run whose last input has less of what was written shows nothing, and is not clean."""
JUDGED_MIN = 0.3
"""Nor does one in which a protocol had less than so much of its part of the messages to judge."""
COMPARED_MIN = 0.9
"""Nor does one that held less of all its verdicts against each other."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that `build/chaos.json` holds."""

    seed: int
    protocols: list[str]
    without: str | None
    """The rule that was switched off, in a control."""
    written: int
    """Messages that the feeder wrote, to any topic of the input's name."""
    messages: int
    """Stored on the input."""
    verdicts: int
    dead_letters: int
    lost: int
    duplicated_same_verdict: int
    contradicting: int
    """Records of which two things were said, the earlier of which still lay on its output then."""
    judged_twice: int
    """Records of which two owners said the same, likewise: the later one should have found it."""
    judged_unshown: int
    """
    The same, where the earlier one was surely not shown yet when the later owner had looked: a
    broker had taken it and its copies were behind. See deploy/README.md.
    """
    sent_twice: int
    """
    Records whose verdict one owner stored again, since it had seen neither a report nor, on the
    output, the verdict: a broker had taken it and did not show it yet. See deploy/README.md.
    """
    compared: int
    """Verdicts and dead letters that this rests on, with those on topics that are gone."""
    out_of_order: int
    misdrawn: int
    """Messages settled or audited by the filter otherwise than their position says."""
    stuck: int
    """Workers alive and ready while a partition was not judged to its end, all being healed."""
    false_poison: int
    """Dead letters with the reason `poison`: no message here ends its worker."""
    false_too_large: int
    """Dead letters with the reason `too_large`: every message here fits its outputs."""
    orphans: int
    """Workers that lived on although their supervisor was killed."""
    unknown: int
    causes: Mapping[str, int]
    """Verdicts by cause, `audited` those that the filter would have settled."""
    judged: Mapping[str, int]
    """Verdicts and dead letters that were stored under each protocol."""
    kills: int
    freezes: int
    """Pauses longer than the session."""
    naps: int
    """Shorter pauses."""
    terms: int
    joins: int
    broker_restarts: int
    server_restarts: int
    struck: Mapping[str, int]
    """How many faults of each kind took place, by the names in `tests/chaos/kinds`."""
    rebalances: int
    """How often any worker was given partitions."""
    recover_s: Mapping[str, float | int | None]
    """As `RECOVER_IS` says."""
    settled: bool
    """Whether, all healed, the commits reached the input's ends in time."""
    exits: list[Mapping[str, Any]]
    """Workers that ended by themselves, or other than with 0 when told to stop."""
    examples: Mapping[str, Any]
    duration_s: float
    machine: Mapping[str, Any]

    @property
    def pauses(self) -> int:
        return self.freezes + self.naps

    @property
    def is_clean(self) -> bool:
        """Whether none of the faults came up, all was done in time, and enough was looked at."""
        return self.settled and self.is_evidence and not any(getattr(self, f) for f in FAULTS)

    @property
    def is_evidence(self) -> bool:
        """Whether enough of all messages, and of all verdicts, was looked at to say anything."""
        return (
            self.messages >= AUDITED_MIN * self.written
            and self.compared >= COMPARED_MIN * self.published
            and min(self.judged.values()) >= JUDGED_MIN * self.written / len(self.judged)
        )

    @property
    def published(self) -> int:
        """Verdicts that were ever stored, wherever they lay."""
        return sum(self.causes.values())

    def write(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        document = {
            **asdict(self),
            "pauses": self.pauses,
            "published": self.published,
            "recover_is": RECOVER_IS,
            "is_evidence": self.is_evidence,
            "is_clean": self.is_clean,
        }
        file.write_text(json.dumps(document, indent=2) + "\n")

    def show(self, console: Console) -> None:
        """The ledger of the run."""
        rule = f", without {self.without}" if self.without else ""
        protocols = " then ".join(self.protocols)
        table = Table(title=f"chaos, seed {self.seed}, {protocols}{rule}", title_justify="left")
        table.add_column("")
        table.add_column("", justify="right")
        for name in ("messages", "verdicts", "dead_letters", *FAULTS, *REPEATS):
            count = getattr(self, name)
            table.add_row(name, str(count), style="red" if name in FAULTS and count else None)
        table.add_row(f"compared, of {self.published} verdicts", str(self.compared))
        enough = "yes" if self.is_evidence else "NO"
        table.add_row(
            f"enough of {self.written}", enough, style=None if self.is_evidence else "red"
        )
        table.add_section()
        for name, count in self.causes.items():
            table.add_row(f"cause: {name}", str(count))
        table.add_section()
        for name, count in self.judged.items():
            table.add_row(f"judged: {name}", str(count))
        table.add_section()
        for name, count in self.struck.items():
            table.add_row(f"struck: {name}", str(count))
        table.add_row("rebalances", str(self.rebalances))
        table.add_section()
        for name, seconds in self.recover_s.items():
            table.add_row(f"recover_s {name}", str(seconds))
        table.add_row("duration_s", f"{self.duration_s:.0f}")
        table.add_row("exits not asked for", str(len(self.exits)))
        table.add_row(
            "settled", "yes" if self.settled else "NO", style=None if self.settled else "red"
        )
        console.print(table)
        for found in self.exits:
            console.print(f"  exit: {dict(found)}", highlight=False)
        for kind, positions in self.examples.items():
            console.print(f"  {kind}: {', '.join(positions)}", highlight=False)
