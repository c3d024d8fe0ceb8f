"""A line is typed key by key, while the screen goes on."""

from __future__ import annotations

import asyncio
import io
import os
import pty
import sys
import termios
from collections.abc import Iterator

import pytest

from consumer.dev.demo.screen.keyboard import CHARS_MAX, TypedLine, typed


def test_letters_in_pieces_are_put_together() -> None:
    """A terminal hands over bytes, not letters."""
    said: list[str] = []
    line = TypedLine(said.append)
    for byte in "家は".encode():
        line.feed(bytes([byte]))
    assert line.text == "家は"
    line.feed(b"!\r")
    assert said == ["家は!"]
    assert line.text == ""


def test_mistakes_are_taken_back_and_function_keys_are_no_text() -> None:
    """Backspace, Ctrl-U and arrows do what they do everywhere; an empty line says nothing."""
    said: list[str] = []
    line = TypedLine(said.append)
    line.feed(b"helpp\x7f\x1b[D\x1b[3~\x01")
    assert line.text == "help"
    line.feed(b"\x15\r  \r")
    assert (line.text, said) == ("", [])


def test_a_line_has_a_limit() -> None:
    """Whoever leans on a key does not fill the memory."""
    line = TypedLine(lambda _: None)
    line.feed(b"x" * 10_000)
    assert len(line.text) == CHARS_MAX


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A terminal of our own; what is written to the number given is typed there."""
    keys, screen = pty.openpty()
    with os.fdopen(screen) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp())
        yield keys
    os.close(keys)


async def test_the_terminal_is_put_back_as_it_was(terminal: int) -> None:
    """Keys come at once and unechoed, and afterwards lines come as before."""
    before = termios.tcgetattr(sys.stdin.fileno())
    said = asyncio.Queue[str]()
    with typed(TypedLine(said.put_nowait).feed) as can_type:
        assert can_type
        assert not termios.tcgetattr(sys.stdin.fileno())[3] & (termios.ECHO | termios.ICANON)
        assert termios.tcgetattr(sys.stdin.fileno())[3] & termios.ISIG
        os.write(terminal, b"hello\n")
        assert await asyncio.wait_for(said.get(), 10) == "hello"
    assert termios.tcgetattr(sys.stdin.fileno()) == before


async def test_nobody_can_type_into_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor where there is no input at all."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with typed(TypedLine(lambda _: None).feed) as can_type:
        assert not can_type
