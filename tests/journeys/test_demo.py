"""The demo's story: a worker is killed on stage, a policy is edited, and the count adds up."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

ROOT = Path(__file__).parent.parent.parent
ADDS_UP = "every message in came out exactly once"


@contextmanager
def demo(*words: str, stderr: int | IO[str] = subprocess.STDOUT) -> Iterator[subprocess.Popen[str]]:
    """The demo, piped; whatever happens, it has ended afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-m", "consumer", "demo", *words],
        cwd=ROOT,
        # A setting of this machine's own service is none of the demo's.
        env={**os.environ, "SAFEGUARD_KAFKA__GROUP": "the-real-one"},
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        if process.stdout is not None and not process.stdout.closed:
            process.communicate()


def read_until(process: subprocess.Popen[str], text: str) -> str:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if text in line:
            return "".join(said)
    pytest.fail(f"{text!r} was never said:\n{''.join(said)}")


@pytest.mark.timeout(240)
def test_a_worker_is_killed_and_a_policy_edited_and_nothing_is_lost(tmp_path: Path) -> None:
    """Two processes, a takeover, a new version of a policy, a picture, and in = out."""
    picture = tmp_path / "demo.svg"
    with demo("--seconds", "15", "--svg", str(picture)) as process:
        said, _ = process.communicate(timeout=220)

    assert process.returncode == 0, said
    assert re.search(
        r"worker ([AB]) was killed; (?!\1)[AB] had its partitions [\d.]+ s later", said
    )
    assert "was allow under chat.messages@v2 and is flag under chat.messages@v3" in said
    assert "; none twice" in said
    assert ADDS_UP in said
    assert "go on with:" in said
    assert "SC1.c trade of game accounts" in said
    assert "selling my account" in picture.read_text().replace("&#160;", " ")


@pytest.mark.timeout(120)
def test_ctrl_c_still_counts() -> None:
    """What was sent comes out, is counted, and adds up."""
    with demo("--seconds", "14") as process:
        read_until(process, "allow ")
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=100)

    assert process.returncode == 0, said
    assert "Stopped: nothing more is sent" in said
    assert ADDS_UP in said


@pytest.mark.timeout(120)
def test_a_second_ctrl_c_ends_at_once() -> None:
    """Without a count, and without workers that are left over."""
    with demo("--seconds", "14") as process:
        read_until(process, "allow ")
        process.send_signal(signal.SIGINT)
        read_until(process, "Stopped: nothing more is sent")
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=20)

    assert process.returncode in (0, 130), said
    # It may just have been done when the second one came.
    assert (process.returncode == 0) == (ADDS_UP in said)


@pytest.mark.timeout(120)
def test_a_reader_that_is_gone_ends_it_without_a_word(tmp_path: Path) -> None:
    """As of `| head`: no traceback, no task that nobody looked after."""
    with (
        (tmp_path / "errors").open("w") as errors,
        demo("--seconds", "14", "--plain", stderr=errors) as process,
    ):
        read_until(process, "allow ")
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(60) == 1
    assert not (tmp_path / "errors").read_text()
