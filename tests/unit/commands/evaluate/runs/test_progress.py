"""What a person who waits for an evaluation is told."""

from __future__ import annotations

import io
from unittest.mock import Mock

from rich.console import Console
from rich.progress import Progress

from consumer.commands.evaluate.runs.progress import EVERY_S, RunProgress


def test_the_time_left_is_that_of_the_judging_and_of_what_comes_after_it() -> None:
    """Ten in 20 s and 30 to go is a minute, and the report takes 9 s more."""
    clock, out = Mock(), io.StringIO()
    clock.now_s.return_value = 100.0
    console = Console(file=out, force_terminal=False)
    results = Mock(billed_tokens=1_234)
    progress = Progress(console=console, disable=True)
    watch = RunProgress(progress, console, results, clock, None, 40, 9.0)

    for _ in range(9):
        watch.advance(Mock())
    clock.now_s.return_value = 100.0 + EVERY_S - 0.1
    watch.advance(None)
    assert out.getvalue() == ""

    clock.now_s.return_value = 120.0
    watch.advance(Mock())

    assert out.getvalue() == "judged 11 of 40, 1,234 tokens, about 1 min 7 s left\n"
