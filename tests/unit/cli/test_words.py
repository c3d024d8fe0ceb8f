"""Words as they are typed, and texts as terminals of any language hand them over."""

from __future__ import annotations

import io
import sys

import pytest

from consumer import cli
from consumer.cli import worker
from consumer.errors import InvalidSettings


def text(words: str) -> str:
    return worker._text(words, None)


def test_a_dash_is_standard_input() -> None:
    """As the help of both commands has it."""
    words = ["evaluate", "--topic", "chat", "--cases", "-", "--limit", "3"]
    _, bound, _ = cli.app.parse_args(words, exit_on_error=False, print_error=False)
    assert bound.kwargs["cases"] == "-"
    assert bound.kwargs["limit"] == 3
    _, bound, _ = cli.app.parse_args(["classify", "-"], exit_on_error=False, print_error=False)
    assert bound.args == ("-",)


def test_a_text_that_is_no_utf8(monkeypatch: pytest.MonkeyPatch) -> None:
    """Typed or piped: it is said, before any server is asked."""
    assert text("caf\xe9") == "caf\xe9"
    with pytest.raises(InvalidSettings, match="the text is not UTF-8"):
        text("caf\udce9")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"caf\xe9")))
    with pytest.raises(InvalidSettings, match="standard input is not UTF-8"):
        text("-")


def test_a_text_that_is_utf8_whatever_the_terminal_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard input of an ASCII terminal is bytes all the same."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("é😀".encode()), "ascii"))
    assert text("-") == "é😀"


def test_a_character_that_the_terminal_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is shown as its number, and ends nothing."""
    shown = io.BytesIO()
    stream = io.TextIOWrapper(shown, "ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(cli, "app", lambda: print("perd\xf3n"))
    cli.main()
    stream.flush()
    assert shown.getvalue() == b"perd\\xf3n\n"
