"""
The command line in a process of its own, forked from one that has imported it already.

A journey may need forty commands, and most of a short command's time is what it imports. The
process that is forked has started nothing: it has modules, and neither threads nor clients.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).parents[1]
IMPORTED = (
    "consumer.cli",
    "consumer.commands.audit.auditor",
    "consumer.commands.review.acts",
    "consumer.commands.review.figures",
    "consumer.review.store.database",
    "consumer.kafka.reader.reader",
    "consumer.worker.wiring",
    "tests.forked",
)
"""What short commands share; a module more saves time and changes nothing."""

_context = get_context("forkserver")
_context.set_forkserver_preload(list(IMPORTED))


def run_command(
    words: Sequence[str], stdin: str = "", timeout_s: float = 90.0
) -> subprocess.CompletedProcess[str]:
    """
    Run `safeguard` with these words to its end, in the project's folder.

    Raises:
        TimeoutError: it has not ended in time; it is ended then.
    """
    with tempfile.TemporaryDirectory(prefix="command-") as temporary:
        said = [Path(temporary) / name for name in ("in", "out", "err")]
        said[0].write_text(stdin)
        process = _context.Process(target=_begin, args=(list(words), [str(each) for each in said]))
        process.start()
        process.join(timeout_s)
        if process.is_alive():
            process.kill()
            raise TimeoutError(f"safeguard {' '.join(words)} has not ended in {timeout_s:g} s")
        code = process.exitcode
        assert code is not None
        return subprocess.CompletedProcess(
            list(words), code, said[1].read_text(), said[2].read_text()
        )


def _begin(words: list[str], said: list[str]) -> None:
    """In the process of its own."""
    for number, (file, flags) in enumerate(
        zip(said, (os.O_RDONLY, *[os.O_WRONLY | os.O_CREAT] * 2), strict=True)
    ):
        os.dup2(os.open(file, flags, 0o600), number)
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
    sys.argv = ["safeguard", *words]
    os.chdir(ROOT)
    from consumer.__main__ import main

    try:
        main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
