"""Status: one line at the foot of a terminal that says how a worker does, and logs above it."""

from __future__ import annotations

import io
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import NamedTuple, Self

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.live import Live
from rich.text import Text
from structlog import DropEvent
from structlog.typing import EventDict, WrappedLogger

from consumer.pipeline.ledger import Ledger
from consumer.settings.telemetry import TelemetrySettings
from consumer.telemetry.health import Health
from consumer.telemetry.logs import set_up_logs

REFRESHES_PER_S = 4
"""As often as a person can read a number; it is told from what is counted anyway."""
RATE_S = 5.0
"""The rate is that of so long, so that it is neither jumpy nor old."""
ECHO = 2
"""Cells left free: a terminal echoes Ctrl-C as ^C, and a line that wraps is not cleared."""
NAMED_MAX = 3
"""Partitions named in one line; more are a number."""


class WorkerFigures(NamedTuple):
    """How a worker does now."""

    state: str
    """In words: starting, ready, or why nothing can be judged."""
    consumed: int = 0
    outcomes: Mapping[str, int] = {}
    """Verdicts by outcome, and dead letters."""
    in_flight: int = 0
    partitions: int = 0
    recovering: int = 0


def figures_of(
    health: Health, ledger: Ledger, outcomes: Mapping[str, int], owned: int, recovering: int
) -> WorkerFigures:
    """The figures of a worker that has started."""
    why = health.details["why"]
    assert isinstance(why, list)
    return WorkerFigures(
        "; ".join(why) or "ready",
        ledger.consumed,
        {**outcomes, "dead letters": ledger.dead_letters},
        ledger.in_flight,
        owned,
        recovering,
    )


class StatusLine:
    """Shows the figures on a terminal until it is closed; logs go above it."""

    def __init__(
        self, figures: Callable[[], WorkerFigures], now_s: Callable[[], float], console: Console
    ) -> None:
        """`figures` is called in a thread of the terminal's, so it only reads."""
        self._figures = figures
        self._now_s = now_s
        self._console = console
        self._seen: list[tuple[float, int]] = []
        self._live = Live(
            get_renderable=self.line,
            console=console,
            refresh_per_second=REFRESHES_PER_S,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def line(self) -> Text:
        """The figures, cut to the terminal."""
        now = self._figures()
        words = f"{now.state} · {self._rate(now.consumed):.0f}/s · taken {now.consumed:,}"
        counts = Counter(now.outcomes)
        for name in ("allow", "flag", "block", "dead letters"):
            words += f" · {name} {counts[name]:,}"
        words += f" · in flight {now.in_flight:,} · partitions {now.partitions:,}"
        if now.recovering:
            words += f", {now.recovering:,} not yet"
        width = self._console.width - ECHO
        if cell_len(words) > width:
            words = set_cell_size(words, width - 1) + "…"
        return Text(words, style="reverse", no_wrap=True)

    def _rate(self, consumed: int) -> float:
        """Records a second, over the last few seconds."""
        now_s = self._now_s()
        self._seen.append((now_s, consumed))
        while len(self._seen) > 1 and now_s - self._seen[0][0] > RATE_S:
            del self._seen[0]
        then_s, then = self._seen[0]
        return (consumed - then) / (now_s - then_s) if now_s > then_s else 0.0


class AboveStatus(io.StringIO):
    """Where logs are written while a status line stands at the foot."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        for line in text.rstrip("\n").split("\n"):
            self._console.print(Text.from_ansi(line), soft_wrap=True)
        return len(text)


def wants_status(settings: TelemetrySettings) -> bool:
    """Whether a person looks on who did not ask for JSON."""
    return settings.log_format != "json" and sys.stderr.isatty()


def logs_above(settings: TelemetrySettings, console: Console) -> None:
    """From now on logs stand above the status line, and say nothing that it says."""
    above = AboveStatus(console)
    set_up_logs(settings.log_level, "console", above, more=[gathered])


def gathered(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """
    No line for each partition, where a hundred of them come at a time: a number will do.

    What is worse than information is never left out.
    """
    if event.get("level") != "info":
        return event
    if "partition" in event:
        raise DropEvent
    partitions = event.get("partitions")
    if isinstance(partitions, list) and len(partitions) > NAMED_MAX:
        topics = sorted({str(each).rpartition("/")[0] for each in partitions})
        event["partitions"] = f"{len(partitions)} of {', '.join(topics)}"
    return event
