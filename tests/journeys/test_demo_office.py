"""The reviewers' console after the demo's story, on a terminal: one sign-in, one key to end it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

from consumer.dev.demo.visit import END_KEY

ROOT = Path(__file__).parent.parent.parent
LINK = re.compile(r"(http://127\.0\.0\.1:\d+)/sign-in/link\?token=[\w-]+")
PATIENCE_S = 100.0
ON_A_TERMINAL = (
    "import fcntl, os, struct, sys, termios\n"
    "os.setsid()\n"
    "fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 12, 60, 0, 0))\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "os.execv(sys.argv[1], sys.argv[1:])\n"
)
"""What a shell in a window does; too small for panes, so that there is a line for each verdict."""


class Terminal:
    """A demo on a terminal of its own."""

    def __init__(self, process: subprocess.Popen[bytes], screen: int) -> None:
        self.process = process
        self.screen = screen
        self.said = ""

    def until(self, is_there: Callable[[str], object], what: str) -> None:
        """Read on until something is on it."""
        until_s = time.monotonic() + PATIENCE_S
        while not is_there(self.said):
            assert time.monotonic() < until_s, f"{what} never came:\n{self.said}"
            try:
                self.said += os.read(self.screen, 4_096).decode(errors="replace")
            except OSError:
                # Linux tells the end of who wrote so.
                assert is_there(self.said), f"it ended before {what}:\n{self.said}"

    def press(self, key: str) -> None:
        os.write(self.screen, key.encode())

    def children(self) -> set[int]:
        """The processes that it started."""
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return {int(pid) for pid in found.split()}


@contextmanager
def on_a_terminal(*words: str, **changes: str) -> Iterator[Terminal]:
    screen, inside = os.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    process = subprocess.Popen(
        [sys.executable, "-c", ON_A_TERMINAL, sys.executable, "-m", "consumer", "demo", *words],
        cwd=ROOT,
        env={**environment, "TERM": "xterm", **changes},
        stdin=inside,
        stdout=inside,
        stderr=inside,
    )
    os.close(inside)
    try:
        yield Terminal(process, screen)
    finally:
        process.kill()
        process.wait()
        os.close(screen)


def opened(terminal: Terminal) -> str:
    """The link, once the office is open."""
    terminal.until(lambda said: f"press {END_KEY} here" in said, "the console's address")
    found = LINK.search(terminal.said)
    assert found is not None, terminal.said
    return found[0]


def gone(pids: set[int]) -> bool:
    """Whether none of them runs: whoever nobody waits for is a zombie, and runs no more."""
    return not any(_runs(pid) for pid in pids)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(pids: set[int]) -> None:
    until_s = time.monotonic() + 30
    while not gone(pids):
        assert time.monotonic() < until_s, f"{pids} still run"
        time.sleep(0.1)  # another process has no event to wait for


class Browser:
    """Somebody with cookies of their own."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> str:
        with self._opener.open(self.origin + path, timeout=20) as answer:
            return str(answer.read().decode())

    def sign_in(self, link: str) -> int:
        """By a link, as the button of its page does; the status of the answer."""
        token = link.partition("token=")[2]
        body = urllib.parse.urlencode({"link": token}).encode()
        address = f"{self.origin}/sign-in/link"
        try:
            request = urllib.request.Request(address, body, {"Origin": self.origin})
            with self._opener.open(request, timeout=20) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code


@pytest.mark.timeout(240)
def test_the_console_is_open_after_the_story_until_a_key() -> None:
    """What was flagged is there; the link lets one person in, and the key ends all processes."""
    with on_a_terminal("--seconds", "3") as terminal:
        link = opened(terminal)
        origin = link.partition("/sign-in")[0]
        children = terminal.children()
        assert len(children) == 2
        first, second = Browser(origin), Browser(origin)
        assert first.sign_in(link) == 200
        wait_for_cases(first)
        assert second.sign_in(link) == 403
        assert "Sign in" in second.get("/")
        terminal.press("x")
        terminal.press(END_KEY)
        assert terminal.process.wait(30) == 0
        wait_until_gone(children)


def wait_for_cases(browser: Browser) -> None:
    """The feed has brought what was flagged."""
    until_s = time.monotonic() + PATIENCE_S
    while 'class="queues"' not in browser.get("/"):
        assert time.monotonic() < until_s
        time.sleep(0.3)  # the feed tells nobody when it has written


@pytest.mark.timeout(240)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_its_processes_end_with_the_demo(number: signal.Signals) -> None:
    """However that ends."""
    with on_a_terminal("--seconds", "1") as terminal:
        opened(terminal)
        children = terminal.children()
        assert children
        terminal.process.send_signal(number)
        wait_until_gone(children)
        assert terminal.process.wait(30) == (-signal.SIGKILL if number == signal.SIGKILL else 0)


@pytest.mark.timeout(240)
def test_nothing_is_opened_in_a_build() -> None:
    """There nobody would press the key."""
    with on_a_terminal("--seconds", "1", CI="true") as terminal:
        terminal.until(lambda said: "go on with:" in said, "the count")
        assert terminal.process.wait(30) == 0
        assert "console" not in terminal.said
