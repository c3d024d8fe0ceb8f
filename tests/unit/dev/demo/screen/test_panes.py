"""The panes fill a terminal of any usual size exactly, in whatever script people write."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from consumer.dev.demo.performance import Performance
from consumer.dev.demo.screen.panes import WRAPS_OFF, WRAPS_ON, Panes, fits
from consumer.dev.demo.screen.row import DEAD, OutcomeRow
from consumer.dev.demo.screen.score import Score
from consumer.dev.demo.stage.crew import Crew, Part, Vital
from consumer.dev.demo.stage.edit import PolicyEdit
from consumer.dev.demo.stage.sender import Sender
from consumer.dev.demo.stage.stage import input_partitions
from consumer.dev.demo.story import Story
from consumer.dev.demo.wishes import Wishes

TEXTS = (
    "gg everyone, 3 rounds and still smiling " * 5,
    "おつかれさま、3連戦だったね、また明日やりましょう、今日は本当に楽しかったです",
    "مباراة جميلة يا شباب، 8 جولات",
    "thumbs 👍🏽 and a family 👨‍👩‍👧 and \x1b[31mred\x07 and \u202eturned",
    "",
)
WISHES = Wishes(60, 12, 1, 1, None, None, None, is_plain=False, picture=None)


def panes_on(console: Console, folder: Path, typed: str | None = "") -> Panes:
    crew, sender, score = Crew("AB", {}, folder), Sender("127.0.0.1:1", 1), Score()
    crew.members[0].part = Part.JUDGES
    crew.members[0].vital = Vital(frozenset(input_partitions()[:4]), 2, 9, 48_123, 17)
    story = Story(crew, sender, PolicyEdit(folder), lambda _: None, lambda seconds: seconds)
    performance = Performance(WISHES, crew, sender, score, story)
    return Panes(console, performance, "embedded Kafka broker, a STAND-IN", lambda: typed)


def terminal(width: int, height: int) -> Console:
    return Console(
        width=width, height=height, file=StringIO(), force_terminal=True, color_system=None
    )


def drawn(panes: Panes, console: Console) -> list[str]:
    with console.capture() as captured:
        console.print(panes.layout(), height=console.height)
    return captured.get().rstrip("\n").split("\n")


def row(outcome: str, text: str, mark: str = "") -> OutcomeRow:
    reason = "" if outcome == "allow" else "SC2.b fake prize or advance fee: 偽の賞品 " * 3
    return OutcomeRow(outcome, "comments", "SC2", reason, "chat.messages@v2", 120, text, mark)


@pytest.mark.parametrize("size", [(80, 24), (120, 35), (64, 18)])
@pytest.mark.parametrize("typed", [None, "", "家" * 300])
def test_every_line_is_as_wide_as_the_terminal(
    tmp_path: Path, size: tuple[int, int], typed: str | None
) -> None:
    """As many lines as there are, each exactly as wide, with nothing that moves the cursor."""
    console = terminal(*size)
    panes = panes_on(console, tmp_path, typed)
    panes.tell("Worker A is KILLED. It might only be slow, and still publish: " * 6)
    for outcome in ("block", "allow", "flag", DEAD) * 12:
        for text in TEXTS:
            panes.show(row(outcome, text, "you" if outcome == "flag" else ""))

    lines = drawn(panes, console)

    assert len(lines) == size[1]
    assert {cell_len(line) for line in lines} == {size[0]}
    assert not any(char in "".join(lines) for char in "\x1b\x07\u202e")


def test_harmless_messages_in_a_row_are_one_line(tmp_path: Path) -> None:
    """What was flagged or blocked stays in sight; somebody's own sentence is never folded away."""
    console = terminal(100, 30)
    panes = panes_on(console, tmp_path)
    for number in range(20):
        panes.show(row("allow", f"harmless {number}"))
    panes.show(row("block", "you have won"))
    panes.show(row("allow", "a"))
    panes.show(row("allow", "mine", "you"))
    panes.show(row("allow", "b"))

    text = "\n".join(drawn(panes, console))

    assert "20 in a row, the last: harmless 19" in text
    assert "you have won" in text
    assert text.count("in a row") == 1
    assert "allow SC2 in 120 ms  mine" in text


@pytest.mark.parametrize("width", [80, 100, 120])
def test_all_four_counts_are_seen_at_the_end_of_a_story(tmp_path: Path, width: int) -> None:
    console = terminal(width, 30)
    panes = panes_on(console, tmp_path)
    panes._playing.score.counts.update({"allow": 634, "flag": 31, "block": 53, DEAD: 4})

    text = "\n".join(drawn(panes, console))

    assert all(word in text for word in ("allow 634", "flag 31", "block 53", "dead 4"))


def test_the_partitions_of_each_worker_are_seen_and_those_of_nobody(tmp_path: Path) -> None:
    """So that a takeover happens before the viewer's eyes."""
    console = terminal(80, 24)
    text = "\n".join(drawn(panes_on(console, tmp_path), console))

    assert "A judges  chat 0 1 2  comments 0 · ·   48123" in text
    assert "nobody  chat · · ·  comments · 1 2" in text
    assert "2 being recovered  found published, not judged again: 17"[:40] in text


def test_what_is_too_long_for_a_terminal_does_not_spill_over(tmp_path: Path) -> None:
    """Terminals disagree about some scripts: while panes are drawn wrapping is off."""
    console = terminal(80, 24)
    with panes_on(console, tmp_path):
        pass
    file = console.file
    assert isinstance(file, StringIO)
    assert file.getvalue().index(WRAPS_OFF) < file.getvalue().index(WRAPS_ON)


def test_a_pipe_and_a_small_terminal_get_plain_lines() -> None:
    """Panes need room, and somebody who looks."""
    assert fits(terminal(80, 24))
    assert not fits(terminal(50, 24))
    assert not fits(Console(file=StringIO(), width=200, height=60))


def test_the_picture_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    """No fonts are fetched when somebody looks at it."""
    svg = panes_on(terminal(80, 24), tmp_path).picture(110, 32)

    assert svg.startswith("<svg")
    assert "url(" not in svg.replace("url(#", "")
    assert "@font-face" not in svg
