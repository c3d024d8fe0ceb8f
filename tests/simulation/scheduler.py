"""Virtual time: what happens when, and event loops that are run one step at a time."""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import itertools
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from random import Random
from typing import Any


class Scheduler:
    """Events in the order of their time; those of one moment in the order they were asked for."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def at(self, when_s: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (max(when_s, self.now_s), next(self._numbers), event))

    def after(self, seconds: float, event: Callable[[], None]) -> None:
        self.at(self.now_s + seconds, event)

    def run(self, until_s: float, is_done: Callable[[], bool]) -> None:
        """Go on until that time, or until `is_done`, which is asked now and then."""
        count = 0
        while self._events and self._events[0][0] <= until_s:
            self.now_s, _, event = heapq.heappop(self._events)
            event()
            count += 1
            if count % 50 == 0 and is_done():
                return
        self.now_s = max(self.now_s, until_s)


class Loop(asyncio.AbstractEventLoop):
    """The event loop of one simulated process; it can stand still, and it can end for good."""

    def __init__(self, scheduler: Scheduler, dice: Random, stall_rate: float) -> None:
        self._scheduler = scheduler
        self._dice = dice
        self._stall_rate = stall_rate
        self._ready: deque[asyncio.Handle] = deque()
        self._is_due = False
        self.stands_until_s = 0.0
        self.is_dead = False
        self.failures: list[dict[str, Any]] = []

    def stand_still(self, seconds: float) -> None:
        self.stands_until_s = max(self.stands_until_s, self._scheduler.now_s + seconds)

    @property
    def is_standing(self) -> bool:
        return self._scheduler.now_s < self.stands_until_s

    def die(self) -> None:
        self.is_dead = True
        self._ready.clear()

    # What asyncio asks of a loop.

    def time(self) -> float:
        return self._scheduler.now_s

    def call_soon(  # type: ignore[override]
        self,
        callback: Callable[..., Any],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        if not self.is_dead:
            self._ready.append(handle)
            self._wake()
        return handle

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., Any],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)

        def due() -> None:
            if not handle.cancelled() and not self.is_dead:
                self._ready.append(handle)
                self._wake()

        self._scheduler.at(when, due)
        return handle

    def call_later(  # type: ignore[override]
        self,
        delay: float,
        callback: Callable[..., Any],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It stays in the schedule and does nothing there."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]
        self, coro: Coroutine[Any, Any, Any], **options: Any
    ) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, **options)
        # A process that ends does not end its tasks first.
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        return task

    def run_in_executor(  # type: ignore[override]
        self, executor: object, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """
        The work of a thread: done a little later, and told a little later still.

        Who dies in between has done it and does not know.
        """
        future = self.create_future()

        def work() -> None:
            if self.is_standing:
                self._scheduler.at(self.stands_until_s, work)
            elif not self.is_dead:
                tell = _done(future, func, args)
                self._scheduler.after(self._thread_s(), partial(self._soon, tell))

        self._scheduler.after(self._thread_s(), work)
        return future

    def _soon(self, tell: Callable[[], None]) -> None:
        self.call_soon(tell)

    def _thread_s(self) -> float:
        return self._dice.choice((0.001, 0.01, 0.1)) * self._dice.random()

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return self.is_dead

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self.is_dead:
            self.failures.append(context)

    # Steps.

    def _wake(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._scheduler.at(max(self._scheduler.now_s, self.stands_until_s), self._step)

    def _step(self) -> None:
        self._is_due = False
        if self.is_dead:
            return
        if self.is_standing:
            self._wake()
            return
        if self._dice.random() < self._stall_rate:
            self.stand_still(self._dice.choice((0.3, 2.0, 6.0, 14.0, 25.0)) * self._dice.random())
        if self._ready:
            handle = self._ready.popleft()
            if not handle.cancelled():
                self.run(handle._run)
        if self._ready:
            self._wake()

    def run(self, step: Callable[[], Any]) -> Any:
        """Run something as this process."""
        before = asyncio._get_running_loop()
        asyncio._set_running_loop(self)
        try:
            return step()
        finally:
            asyncio._set_running_loop(before)


def _done(
    future: asyncio.Future[Any], func: Callable[..., Any], args: tuple[Any, ...]
) -> Callable[[], None]:
    """Do it now; returns how to tell what came of it."""
    try:
        result = func(*args)
    except Exception as error:
        return _unless_cancelled(future, future.set_exception, error)
    return _unless_cancelled(future, future.set_result, result)


def _unless_cancelled(
    future: asyncio.Future[Any], tell: Callable[[Any], None], what: object
) -> Callable[[], None]:
    return lambda: None if future.done() else tell(what)


class VirtualClock:
    """The clocks of one process: seconds of the scheduler, and a wall clock that is a bit off."""

    def __init__(self, scheduler: Scheduler, skew_ms: int) -> None:
        self._scheduler = scheduler
        self._skew_ms = skew_ms

    def now_s(self) -> float:
        return self._scheduler.now_s

    def wall_ms(self) -> int:
        return 1_700_000_000_000 + int(self._scheduler.now_s * 1_000) + self._skew_ms
