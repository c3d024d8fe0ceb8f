"""`safeguard run`: one worker in this process, from its start to its exit code."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading

import structlog

from consumer.app import Worker
from consumer.errors import ConsumerError, Fatal
from consumer.settings import Settings

log = structlog.get_logger()

GRACE_S = 15.0
"""Beyond the drain budget; then the process ends however it stands: redelivery covers it."""


def serve(settings: Settings) -> int:
    """Run one worker until it is told to stop. Returns the exit code."""
    try:
        import uvloop

        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    except ImportError:
        runner = asyncio.Runner()
    tune_interpreter()
    with runner:
        return runner.run(_serve(settings))


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
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    worker = Worker(settings)
    patience = Patience(2 * settings.pipeline.drain_s + GRACE_S)

    def on_stop() -> None:
        if stop.is_set():
            log.warning("second signal: ending at once")
            os._exit(1)
        stop.set()
        patience.start()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_stop)
    # In a thread: reading many files must not hold up the messages.
    loop.add_signal_handler(
        signal.SIGHUP, lambda: loop.run_in_executor(None, worker.policies.reload)
    )
    try:
        if await _started(worker, stop):
            await worker.run(stop)
    except Exception as error:
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
        await asyncio.wait((starting,))
        log.info("stopped before it had started")
        return False
    starting.result()
    return True


class Patience:
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
        os._exit(1)
