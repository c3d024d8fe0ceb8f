"""Panes: the demo on a terminal: story, stream, partitions, counts, and a line to type."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from io import StringIO
from types import TracebackType
from typing import NamedTuple, Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.layout import Layout
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from consumer.dev.demo.performance import Performance
from consumer.dev.demo.screen.row import DEAD, OutcomeRow
from consumer.dev.demo.screen.screen import STYLES, fitted
from consumer.dev.demo.stage.crew import Part
from consumer.dev.demo.stage.stage import INPUTS, PARTITIONS, input_partitions
from consumer.interfaces import Partition

KEPT = 200
"""Rows, more than any terminal is high."""
REFRESHES = 8
CELLS_MIN, LINES_MIN = 64, 18
"""On a smaller terminal plain lines say more."""
WRAPS_OFF, WRAPS_ON = "\x1b[?7l", "\x1b[?7h"
WORKERS_CELLS = 50
WIDE_CELLS = 100
NAMES = {DEAD: "dead"}
PARTS = {Part.STARTS: "cyan", Part.JUDGES: "green", Part.KILLED: "red", Part.ENDED: "dim"}


class Panes:
    """Redraws itself some times a second, from what it was told and from how things stand."""

    def __init__(
        self,
        console: Console,
        playing: Performance,
        title: str,
        typed: Callable[[], str | None],
    ) -> None:
        """`typed` says what has been typed so far; None where nobody can type."""
        self._console, self._playing = console, playing
        self._title, self._typed = title, typed
        self._stream: deque[_Line] = deque(maxlen=KEPT)
        self._caption = ""
        self._said: OutcomeRow | None = None
        self._live = Live(
            console=console,
            screen=True,
            refresh_per_second=REFRESHES,
            get_renderable=self.layout,
            transient=True,
        )

    def __repr__(self) -> str:
        return f"<Panes {len(self._stream)} lines>"

    def __enter__(self) -> Self:
        self._live.start()
        # Terminals disagree about the width of some scripts: what is too long is cut at the edge,
        # where the frame then still stands, and does not spill into the next line.
        self._console.file.write(WRAPS_OFF)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._console.file.write(WRAPS_ON)
        self._live.stop()

    def show(self, row: OutcomeRow) -> None:
        if row.mark == "you":
            self._said = row
        last = self._stream[-1] if self._stream else None
        # Most messages are harmless: those in a row are one line.
        if (
            last
            and not row.mark
            and not last.row.mark
            and row.outcome == last.row.outcome == "allow"
        ):
            self._stream[-1] = _Line(row, last.times + 1)
        else:
            self._stream.append(_Line(row, 1))

    def tell(self, caption: str) -> None:
        self._caption = caption

    def picture(self, width: int, height: int) -> str:
        """How it looks now, as an SVG that needs nothing from elsewhere."""
        console = Console(
            record=True,
            width=width,
            height=height,
            file=StringIO(),
            force_terminal=True,
            color_system="truecolor",
        )
        console.print(self.layout(width), height=height)
        drawn = console.export_svg(title="safeguard demo", unique_id="demo")
        return _without_fonts(drawn)

    def layout(self, width: int | None = None) -> Layout:
        """All panes, for the console's own width or another."""
        cells = width or self._console.width
        is_wide = cells >= WIDE_CELLS
        can_type = self._typed() is not None
        whole = Layout()
        parts = [
            Layout(self._head(), size=3 if is_wide else 4),
            Layout(_Stream(self._stream)),
            Layout(name="foot", size=6),
        ]
        if can_type:
            parts.append(Layout(self._typing(), size=2))
        whole.split_column(*parts)
        whole["foot"].split_row(
            Layout(self._workers(), minimum_size=WORKERS_CELLS, ratio=3),
            Layout(self._counts(cells * 2 // 5 - 4, is_wide=is_wide), ratio=2),
        )
        return whole

    def _head(self) -> Table:
        playing = self._playing
        passed_s = min(playing.passed_s(), playing.seconds)
        head = Table.grid(expand=True)
        head.add_column()
        head.add_column(justify="right")
        head.add_row(
            Text.assemble(("safeguard demo  ", "bold"), (self._title, "dim"), overflow="ellipsis"),
            Text(f"{passed_s:.0f} of {playing.seconds:.0f} s", "dim"),
        )
        both = Table.grid(expand=True)
        both.add_row(head)
        both.add_row(Text(self._caption, "bold cyan", overflow="ellipsis"))
        return both

    def _workers(self) -> Panel:
        crew, owners = self._playing.crew, self._playing.crew.owners
        lines = []
        for member in crew.members:
            owned = [part for part, name in owners.items() if name == member.name]
            state = (f" {member.part:<8}", PARTS[member.part])
            done = (f"{member.vital.done:>6}", "dim")
            lines.append(Text.assemble((member.name, "bold"), state, _partitions(owned), done))
        waiting = [part for part in input_partitions() if part not in owners]
        nobody = ("  nobody  ", "red" if waiting else "dim")
        lines.append(Text.assemble(nobody, _partitions(waiting)))
        recovering = sum(member.vital.recovering for member in crew.members)
        found = sum(member.vital.recovered for member in crew.members)
        words = f"{recovering} being recovered" if recovering else ""
        if found:
            words = f"{words}  found published, not judged again: {found}".strip()
        lines.append(Text(words, "cyan"))
        return _boxed(lines, "workers, partitions, done")

    def _counts(self, cells: int, *, is_wide: bool) -> Panel:
        """`cells` is what one line holds."""
        score, sender = self._playing.score, self._playing.sender
        counts = [
            Text(f"{NAMES.get(n, n)} {score.counts[n]}", style) for n, style in STYLES.items()
        ]
        seconds = max(0.001, self._playing.passed_s())
        lines = [
            Text("   ").join(counts[:2]),
            Text("   ").join(counts[2:]),
            Text(f"in {sender.sent}  out {score.total}  {score.total / seconds:.1f}/s"),
            Text(f"p50 {score.percentile_ms(0.5)} ms  p95 {score.percentile_ms(0.95)} ms", "dim"),
        ]
        # On a wide screen the outcomes have one line, and what is between in and out another.
        if is_wide:
            waiting = Text(f"under way or waiting: {max(0, sender.sent - score.total)}")
            # The last of them, the dead letters, must not be cut off as the counts grow.
            spare = (cells - sum(count.cell_len for count in counts)) // (len(counts) - 1)
            gap = Text(" " * min(3, max(1, spare)))
            lines = [gap.join(counts), *lines[2:3], waiting, lines[3]]
        return _boxed(lines, "messages")

    def _typing(self) -> Table:
        grid = Table.grid(expand=True)
        typed = self._typed() or ""
        hint = Text("say something, and press Enter", "dim") if not typed else Text()
        grid.add_row(Text.assemble((" ▸ ", "bold"), typed[-200:], ("▏", "bold"), hint))
        said = self._said
        if said is not None:
            answer = Text.assemble(
                (f"   {said.outcome}", f"bold {STYLES[said.outcome]}"),
                f" {said.label} in {said.age_ms} ms  ",
                (fitted(said.text, 24).rstrip(), "dim"),
                f"  {said.reason}",
            )
            grid.add_row(answer)
        for column in grid.columns:
            column.no_wrap, column.overflow = True, "ellipsis"
        return grid


class _Line(NamedTuple):
    """A row of the stream, and how many it stands for."""

    row: OutcomeRow
    times: int


class _Stream:
    """The latest verdicts, as many as there is room for."""

    def __init__(self, lines: deque[_Line]) -> None:
        self._lines = lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = max(1, (options.height or console.height) - 2)
        inner = options.max_width - 4
        # The text and the reason share what the outcome and the topic leave.
        text_cells = max(16, (inner - 16) // 2)
        shown = [self._text(line, inner, text_cells) for line in list(self._lines)[-room:]]
        title = "verdicts, as they come to lie on their topics"
        yield Panel(
            Text("\n").join(shown),
            title=title,
            title_align="left",
            border_style="dim",
            height=options.height,
        )

    def _text(self, line: _Line, inner: int, text_cells: int) -> Text:
        row, style = line.row, STYLES[line.row.outcome]
        name = NAMES.get(row.outcome, row.outcome)
        head = f"{name:<6}{row.topic:<9}"
        if line.times > 1:
            # One number instead of a screen full of harmless chatter.
            rest = f"{line.times} in a row, the last: {row.text}"
            return Text.assemble((head, f"dim {style}"), (fitted(rest, inner - 15), "dim"))
        reason = row.reason or row.label
        left = inner - 16 - text_cells
        return Text.assemble(
            (head, style),
            (fitted(row.text, text_cells), "bold" if row.mark else ""),
            " ",
            (fitted(reason, left), "dim" if row.outcome == "allow" else ""),
        )


def _boxed(lines: list[Text], title: str) -> Panel:
    body = Text("\n", no_wrap=True, overflow="ellipsis").join(lines)
    return Panel(body, title=title, title_align="left", border_style="dim")


def _partitions(owned: list[Partition]) -> Text:
    """`chat 0 2  comments 1`, each topic at its place, so that the eye sees what moves."""
    text = Text()
    for topic in INPUTS:
        word = topic.partition(".")[0]
        numbers = {part.number for part in owned if part.topic == topic}
        shown = " ".join(str(n) if n in numbers else "·" for n in range(PARTITIONS))
        text.append(f"{word} ", "dim")
        text.append(f"{shown}  ", "bold" if numbers else "dim")
    return text


def fits(console: Console) -> bool:
    """Whether a terminal is large enough for panes."""
    return console.is_terminal and console.width >= CELLS_MIN and console.height >= LINES_MIN


def _without_fonts(svg: str) -> str:
    """Without the fonts that would be fetched from elsewhere: any fixed one will do."""
    head, _, rest = svg.partition("<style>")
    style, _, body = rest.partition("</style>")
    while "@font-face" in style:
        before, _, after = style.partition("@font-face")
        style = before + after.partition("}")[2]
    style = style.replace("Fira Code, ", "").replace("Fira Code", "monospace")
    return f"{head}<style>{style}</style>{body}"
