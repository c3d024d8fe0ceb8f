"""Lines fit the terminal, whatever script they are in, and obey nobody."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from rich.cells import cell_len

from consumer.commands.watch.line import cut, plain, shown, totals
from consumer.commands.watch.watched import Watched
from consumer.domain.messages.message import Position

FLAG = Watched(
    at_ms=0,
    outcome="flag",
    cause="model",
    unjudged_reason="",
    position=Position("chat.messages", 2, 4711),
    message_id="m",
    policy_version="chat@v1",
    labels=("hate H1",),
    text="ok",
    rationale="an insult",
    fields={},
)


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("text", ["a" * 300, "漢字" * 80, "👩‍👩‍👧 " * 60, "ไม่เป็นไร" * 30])
def test_no_line_is_wider_than_the_terminal(text: str, width: int) -> None:
    """Wide characters take two cells."""
    for line in shown(replace(FLAG, text=text, rationale=text), width):
        assert cell_len(line.plain) <= width


def test_a_terminal_obeys_nothing_in_a_text() -> None:
    """Escapes are shown, and a text stays on its line."""
    line = plain(replace(FLAG, text="a\x1b[2Jb\nc"))
    assert "\x1b" not in line
    assert "\n" not in line
    assert r"a\x1b[2Jb c" in line


def test_a_pipe_gets_all_of_it() -> None:
    """Columns of one width, and nothing cut."""
    line = plain(replace(FLAG, text="x" * 500))
    assert "flag        chat.messages 2/4711      hate H1" in line
    assert line.endswith('x"  an insult')


def test_why_it_is_unjudged_is_told() -> None:
    """In the words of the wire."""
    line = plain(replace(FLAG, cause="unjudged", unjudged_reason="outage", text="", rationale=""))
    assert "unjudged: outage" in line


def test_totals_add_up() -> None:
    """Dead letters are no verdicts; one is one."""
    assert totals(Counter(allow=1)) == "1 verdict: allow 1, flag 0, block 0"
    assert totals(Counter({"flag": 1_200, "dead-letter": 2})) == (
        "1,200 verdicts: allow 0, flag 1,200, block 0; 2 dead letters"
    )


def test_what_fits_is_not_cut() -> None:
    """And what does not ends so that one sees it."""
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "ab…"
