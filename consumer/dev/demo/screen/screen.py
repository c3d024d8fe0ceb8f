"""Screen: who is told what happens: panes for a person, plain lines for a pipe."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Protocol

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from consumer.dev.demo.screen.row import DEAD, OutcomeRow

STYLES = {"allow": "green", "flag": "yellow", "block": "red", DEAD: "magenta"}
TEXT_CELLS = 44


class Screen(Protocol):
    """Told what happens, in order."""

    def show(self, row: OutcomeRow) -> None:
        """A verdict or dead letter lies on its topic."""

    def tell(self, caption: str) -> None:
        """The story goes on."""


class PlainLines:
    """A line for each, as long as it is."""

    def __init__(self, console: Console, passed_s: Callable[[], float]) -> None:
        """`passed_s` says how far the demo is."""
        self._console, self._passed_s = console, passed_s

    def __repr__(self) -> str:
        return "<PlainLines>"

    def show(self, row: OutcomeRow) -> None:
        line = Text.assemble(
            (f"{row.outcome:<11}", STYLES[row.outcome]),
            (f" {row.topic:<8} {row.label:<16} ", "dim" if row.outcome == "allow" else "bold"),
            fitted(row.text, TEXT_CELLS),
            (f"  {printable(row.reason)}", "dim"),
        )
        line.rstrip()
        self._console.print(line, soft_wrap=True)

    def tell(self, caption: str) -> None:
        self._console.print(
            f"--- {self._passed_s():4.1f} s  {caption}", style="bold", soft_wrap=True
        )


def printable(text: str) -> str:
    """One line, without anything that could move or turn the terminal's text."""
    line = " ".join(text.split())
    return "".join("·" if unicodedata.category(char).startswith("C") else char for char in line)


def fitted(text: str, cells: int) -> str:
    """The same, exactly so many cells wide: an ideograph takes two of them."""
    clean = printable(text)
    if cell_len(clean) > cells:
        clean = set_cell_size(clean, max(0, cells - 1)) + "…"
    return set_cell_size(clean, cells)
