"""Keyboard: a line that somebody types while the screen goes on; only on a real terminal."""

from __future__ import annotations

import asyncio
import codecs
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager

CHARS_MAX = 500
"""Longer than anybody types into a demo."""
_ENTER, _ERASE, _CLEAR, _ESCAPE = "\r\n", "\x7f\b", "\x15", "\x1b"


class TypedLine:
    """What has been typed so far, from the characters as they come."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.text = ""
        self._say = say
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="ignore")
        self._is_in_escape = False

    def __repr__(self) -> str:
        return f"<TypedLine {len(self.text)} characters>"

    def feed(self, data: bytes) -> None:
        for char in self._decoder.decode(data):
            self._take(char)

    def _take(self, char: str) -> None:
        if self._is_in_escape:
            # An arrow or a function key: up to its last letter it is none of the text.
            self._is_in_escape = not (char.isalpha() or char == "~")
        elif char == _ESCAPE:
            self._is_in_escape = True
        elif char in _ENTER:
            text, self.text = self.text.strip(), ""
            if text:
                self._say(text)
        elif char in _ERASE:
            self.text = self.text[:-1]
        elif char == _CLEAR:
            self.text = ""
        elif not unicodedata.category(char).startswith("C") and len(self.text) < CHARS_MAX:
            self.text += char


@contextmanager
def typed(feed: Callable[[bytes], None]) -> Iterator[bool]:
    """
    Feed what is typed at the terminal, key by key and unechoed; gives whether there is one.

    Ctrl-C stays a signal. The terminal is put back as it was, whatever happens.
    """
    try:
        import termios
        import tty

        number = sys.stdin.fileno()
        before = termios.tcgetattr(number)
        is_ours = os.tcgetpgrp(number) == os.getpgrp()
    except (ImportError, OSError, ValueError, termios.error):
        yield False
        return
    if not is_ours:
        yield False
        return
    loop = asyncio.get_running_loop()
    tty.setcbreak(number)
    loop.add_reader(number, lambda: feed(os.read(number, 1024)))
    try:
        yield True
    finally:
        loop.remove_reader(number)
        termios.tcsetattr(number, termios.TCSADRAIN, before)
