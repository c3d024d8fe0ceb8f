"""Reckoning: whether what went in came out, each message once."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from consumer.dev.demo.stage.stage import OUTPUTS


class Reckoning(NamedTuple):
    """What was sent, and what lies on the outputs."""

    sent: int
    out: Mapping[str, int]
    """Kind of output -> records on it."""
    positions: int
    """Input records that have at least one."""
    twice: int
    """Those that have more than one."""

    @property
    def adds_up(self) -> bool:
        return 0 < self.sent == sum(self.out.values()) == self.positions

    def __str__(self) -> str:
        counts = ", ".join(f"{kind} {self.out[kind]}" for kind in ("allow", "flag", "block"))
        dead = self.out["dead-letter"]
        return (
            f"in {self.sent} = verdicts {sum(self.out.values()) - dead} ({counts}) + dead letters "
            f"{dead}; {self.twice or 'none'} twice"
        )


def reckoned(sent: int, stored: Mapping[str, int]) -> Reckoning:
    """`stored` says how often `<kind> <position>` was found on the outputs."""
    out = Counter(dict.fromkeys(OUTPUTS, 0))
    positions = Counter[str]()
    for line, count in stored.items():
        kind, _, position = line.partition(" ")
        out[kind] += count
        positions[position] += count
    twice = sum(1 for count in positions.values() if count > 1)
    return Reckoning(sent, out, len(positions), twice)


def next_commands() -> tuple[str, str, str]:
    """What to type next, as it can be typed here."""
    safeguard = _program(Path(sys.executable).parent / "safeguard")
    return (
        f"{safeguard} policy show chat.messages@v2 --prompt",
        f"{safeguard} demo --endpoint http://127.0.0.1:11434/v1 --model gpt-oss-safeguard:20b",
        "docker compose -f deploy/compose.yaml --profile stand-in up --build",
    )


def _program(own: Path) -> str:
    """`make demo` makes an environment that the shell does not know: then its path is needed."""
    if not own.exists():
        return f"{sys.executable} -m consumer"
    known = shutil.which("safeguard")
    if known is not None and Path(known).resolve() == own.resolve():
        return "safeguard"
    # A name without a folder would be looked for in the PATH alone.
    is_below = any(folder == Path.cwd() for folder in own.parents[1:])
    return str(own.relative_to(Path.cwd()) if is_below else own)
