"""`safeguard run`: one worker in this process, from its start to its exit code."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
import threading
import time
from typing import NoReturn

import structlog
from rich.console import Console

from consumer.errors import ConsumerError, Fatal, Retryable
from consumer.settings.settings import Settings
from consumer.worker import stops
from consumer.worker.status import StatusLine, logs_above, wants_status
from consumer.worker.worker import Worker

log = structlog.get_logger()

CLOSE_S = 1.0
"""A start that is broken off has taken nothing, so nobody gains by waiting for its threads."""
GRACE_S = 15.0
"""
Beyond the drain budget; then the process ends however it stands: redelivery covers it. More than
the steps of a stop take together, so it is for what hangs, and pipeline.drain_s is what to turn.
"""


def serve(settings: Settings) -> NoReturn:
    """Run one worker until it is told to stop, and end the process with its exit code."""
    try:
        import uvloop

        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    except ImportError:
        runner = asyncio.Runner()
    tune_interpreter()
    stops.leave(runner.run(_serve(settings)))


def tune_interpreter() -> None:
    """
    Settings of the interpreter that suit few threads and many short-lived objects.

    What is loaded by now lives for ever, so the collector need not look at it again, and it looks
    at the rest less often. Threads hand over after 1 ms, not 5: a record waits for that when
    it comes.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    sys.setswitchinterval(0.001)


async def _serve(settings: Settings) -> int:
    # Several processes would write over each other's line.
    if stops.has_supervisor() or not wants_status(settings.telemetry):
        return await _work(settings, Worker(settings))
    console = Console(stderr=True, highlight=False)
    logs_above(settings.telemetry, console)
    worker = Worker(settings)
    with StatusLine(worker.figures, time.monotonic, console):
        return await _work(settings, worker)


async def _work(settings: Settings, worker: Worker) -> int:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    patience = StopLimit(settings.pipeline.drain_s + GRACE_S)

    def on_stop() -> None:
        if stop.is_set():
            log.warning("second signal: ending at once")
            stops.leave(1)
        stop.set()
        patience.start()

    def on_orphaned() -> None:
        # Whoever starts the supervisor again needs the port at once, and nobody asks us any more.
        worker.vitals.release_port()
        if not stop.is_set():
            log.warning("the supervisor is gone: stopping")
            on_stop()

    for number in stops.STOPS:
        loop.add_signal_handler(number, on_stop)
    # In a thread: reading many files must not hold up the messages.
    loop.add_signal_handler(
        signal.SIGHUP, lambda: loop.run_in_executor(None, worker.policies.reload)
    )
    stops.when_orphaned(lambda: loop.call_soon_threadsafe(on_orphaned))
    try:
        if await _started(worker, stop):
            await worker.run(stop)
    except Exception as error:
        if stop.is_set() and isinstance(error, Retryable):
            # Told to stop, we did; what could not be finished is taken again by the next owner.
            log.warning("stopped while something was out", error=str(error))
            return 0
        if isinstance(error, ConsumerError):
            log.error("cannot carry on", error=str(error), kind=type(error).__name__)
        else:
            log.exception("cannot carry on: an unknown error")
        return error.exit_code if isinstance(error, Fatal) else 1
    finally:
        patience.end()
    return 0


async def _started(worker: Worker, stop: asyncio.Event) -> bool:
    """Start the worker; False where it was told to stop before it had."""
    starting = asyncio.create_task(worker.start())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not starting.done():
        starting.cancel()
        # Nothing has been taken, so nothing is owed; a broker that is away may keep its threads.
        await asyncio.wait((starting,), timeout=CLOSE_S)
        log.info("stopped before it had started")
        return False
    starting.result()
    return True


class StopLimit:
    """Ends a process whose stop hangs: nothing unfinished was committed, so nothing is lost."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timer = threading.Timer(seconds, self._end_process)
        self._timer.daemon = True

    def start(self) -> None:
        self._timer.start()

    def end(self) -> None:
        """The stop has come to its end by itself."""
        self._timer.cancel()

    def _end_process(self) -> None:
        log.error("the stop hangs: ending at once", waited_s=self._seconds)
        stops.leave(1)
