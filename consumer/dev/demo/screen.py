"""What the demo shows: a line for each verdict and a running count; plain lines when piped."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from consumer.domain.messages.message import age_ms
from consumer.domain.verdicts.verdict import Judgement, Verdict
from consumer.pipeline.assignment.assignment import Flight

STYLES = {"allow": "green", "flag": "yellow", "block": "red", "dead letter": "magenta"}
TEXT_CELLS = 44


class Screen:
    """Collects what became terminal and shows it."""

    def __init__(self, console: Console, now_s: Callable[[], float], wall_ms: Callable[[], int]):
        self._console = console
        self._now_s = now_s
        self._wall_ms = wall_ms
        self._started_s = now_s()
        self._live = Live(console=console, refresh_per_second=4, transient=True)
        self.counts: Counter[str] = Counter()
        self.latencies_ms: list[int] = []

    def __enter__(self) -> Screen:
        if self._console.is_terminal:
            self._live.start()
        self._started_s = self._now_s()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def show(self, flight: Flight) -> None:
        """One record has become terminal."""
        age = age_ms(flight.record.timestamp_ms, self._wall_ms())
        if age is not None:
            self.latencies_ms.append(max(0, age))
        assert flight.conclusion is not None
        _, verdict, rejection = flight.conclusion
        if rejection is not None:
            self.counts["dead letter"] += 1
            self._line("dead letter", flight, rejection.reason, "", str(rejection))
        elif verdict is not None:
            outcome = verdict.outcome.value
            self.counts[outcome] += 1
            label, why = _label_and_why(verdict)
            self._line(outcome, flight, label, verdict.message.text, why)
        if self._console.is_terminal:
            self._live.update(self.table())

    def _line(self, outcome: str, flight: Flight, label: str, text: str, why: str) -> None:
        source = flight.record.position.topic.partition(".")[0]
        line = Text.assemble(
            (f"{outcome:<11}", STYLES[outcome]),
            (f" {source:<8} {label:<16} ", "bold" if outcome != "allow" else "dim"),
            visible(text),
            (f"  {why}", "dim"),
        )
        if self._console.is_terminal:
            self._console.print(line, no_wrap=True, overflow="ellipsis")
        else:
            self._console.print(line, soft_wrap=True)

    def table(self) -> Table:
        """The running counts, the rate and the latency so far."""
        table = Table(box=None, padding=(0, 2, 0, 0))
        for name in STYLES:
            table.add_column(name, style=STYLES[name])
        for name in ("rate", "latency p50", "p95"):
            table.add_column(name)
        total = sum(self.counts.values())
        seconds = max(0.001, self._now_s() - self._started_s)
        table.add_row(
            *(str(self.counts[name]) for name in STYLES),
            f"{total / seconds:.1f}/s",
            f"{self.percentile_ms(0.5)} ms",
            f"{self.percentile_ms(0.95)} ms",
        )
        return table

    def percentile_ms(self, share: float) -> int:
        """From the record's timestamp to the broker's acknowledgement of its verdict."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0


def _label_and_why(verdict: Verdict) -> tuple[str, str]:
    if verdict.unjudged_reason is not None or not verdict.judgements:
        why = verdict.message.skipped or verdict.unjudged_reason
        return verdict.cause.value, str(why or ("no text" if verdict.message.when_empty else ""))
    worst: Judgement = max(verdict.judgements, key=lambda found: found.outcome.severity)
    rules = f" ({', '.join(worst.rules)})" if worst.rules else ""
    return worst.label, f"{worst.policy}: {worst.rationale}{rules}"


def visible(text: str) -> str:
    """One line of fixed width, without anything that could move or turn the terminal's text."""
    line = " ".join(text.split())
    clean = "".join("·" if unicodedata.category(c).startswith("C") else c for c in line)
    if cell_len(clean) > TEXT_CELLS:
        clean = set_cell_size(clean, TEXT_CELLS - 1) + "…"
    return set_cell_size(clean, TEXT_CELLS)
