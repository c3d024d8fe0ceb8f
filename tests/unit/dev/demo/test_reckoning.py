"""The demo adds up only if every message came out once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from consumer.dev.demo.reckoning import next_commands, reckoned


def test_what_adds_up_is_told_in_one_line() -> None:
    """In = verdicts + dead letters, none twice."""
    count = reckoned(3, {"allow t/0/0": 1, "block t/0/1": 1, "dead-letter t/0/2": 1})

    assert count.adds_up
    assert str(count) == (
        "in 3 = verdicts 2 (allow 1, flag 0, block 1) + dead letters 1; none twice"
    )


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (2, {"allow t/0/0": 1}),
        (1, {"allow t/0/0": 2}),
        (2, {"allow t/0/0": 1, "block t/0/0": 1}),
        (1, {"allow t/0/0": 1, "allow t/0/1": 1}),
        (0, {}),
    ],
    ids=["lost", "stored twice", "contradicted", "from nowhere", "nothing at all"],
)
def test_what_does_not_add_up_is_seen(sent: int, stored: dict[str, int]) -> None:
    """Lost, doubled, contradicted, or never sent."""
    assert not reckoned(sent, stored).adds_up


def test_there_are_three_ways_to_go_on() -> None:
    """None of them needs what the reader does not have yet."""
    assert len(next_commands()) == 3


@pytest.mark.parametrize(
    ("is_on_path", "is_here", "typed"),
    [(True, True, "safeguard"), (False, True, ".venv/bin/safeguard"), (False, False, None)],
)
def test_what_comes_next_can_be_typed_here(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_on_path: bool,
    is_here: bool,
    typed: str | None,
) -> None:
    """After `make demo` no shell knows the command by its name alone."""
    bin = tmp_path / "here" / ".venv" / "bin"
    bin.mkdir(parents=True)
    (bin / "safeguard").write_text("#!/bin/sh\n")
    (bin / "safeguard").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bin / "python"))
    monkeypatch.setenv("PATH", str(bin) if is_on_path else str(tmp_path))
    monkeypatch.chdir(tmp_path / "here" if is_here else bin)

    assert next_commands()[0].startswith(f"{typed or bin / 'safeguard'} policy show")
