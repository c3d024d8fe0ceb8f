"""Storm: carries a schedule out, each fault in a thread, and heals what it has hurt."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from tests.brokers.kafka import RealKafka
from tests.chaos.cluster import Cluster
from tests.chaos.crew import Crew, Seat, Tell
from tests.chaos.model import Model
from tests.chaos.schedule import NODES, Fault, Kind

WORK_S = 3.0
WORK_POLL_S = 0.2
SYNC_POLL_S = 0.25
SYNC_S = 90.0


class Storm:
    """Hurts the crew, the brokers and the model as scheduled."""

    def __init__(
        self, crew: Crew, kafka: RealKafka, cluster: Cluster, model: Model, tell: Tell
    ) -> None:
        self._crew = crew
        self._kafka = kafka
        self._cluster = cluster
        self._model = model
        self._tell = tell
        self._ended = threading.Event()
        self._broker_turn = threading.Lock()
        self.done: Counter[Kind] = Counter()
        """Faults that really took place."""

    def run(self, faults: Sequence[Fault], duration_s: float) -> None:
        """Blocks until the time is over and everything is healed; raises what went wrong here."""
        began_s = time.monotonic()
        under_way: list[Future[None]] = []
        with ThreadPoolExecutor(16, thread_name_prefix="fault") as threads:
            try:
                for fault in faults:
                    self._sleep(began_s + fault.at_s - time.monotonic())
                    under_way.append(threads.submit(self._strike, fault))
                self._sleep(began_s + duration_s - time.monotonic())
            except BaseException:
                self._ended.set()
                raise
        for fault_done in under_way:
            fault_done.result()

    def _sleep(self, seconds: float) -> None:
        self._ended.wait(max(0.0, seconds))

    def _strike(self, fault: Fault) -> None:
        strikes: dict[Kind, Callable[[Fault], bool]] = {
            Kind.KILL: self._kill,
            Kind.FREEZE: self._freeze,
            Kind.NAP: self._freeze,
            Kind.TERM: self._term,
            Kind.JOIN: self._join,
            Kind.BROKER: self._break_broker,
            Kind.SERVER: self._break_server,
        }
        if self._ended.is_set():
            return
        if strikes[fault.kind](fault):
            self.done[fault.kind] += 1
        else:
            self._tell(f"{fault.kind} {fault.target} could not be")

    def _kill(self, fault: Fault) -> bool:
        seat = self._crew.seats[fault.target]
        with seat.turn:
            self._wait_for_work(seat)
            self._tell(f"kill {seat.name}")
            seat.kill()
            self._sleep(fault.lasts_s)
            seat.start()
            return True

    def _freeze(self, fault: Fault) -> bool:
        seat = self._crew.seats[fault.target]
        with seat.turn:
            self._wait_for_work(seat)
            self._tell(f"{fault.kind} {seat.name} for {fault.lasts_s:.1f} s")
            if not seat.freeze(fault.kind is Kind.FREEZE):
                return False
            self._sleep(fault.lasts_s)
            seat.thaw()
            return True

    def _term(self, fault: Fault) -> bool:
        seat = self._crew.seats[fault.target]
        with seat.turn:
            self._wait_for_work(seat)
            self._tell(f"term {seat.name}")
            seat.stop()
            self._sleep(fault.lasts_s)
            seat.start()
            return True

    def _wait_for_work(self, seat: Seat) -> None:
        """It says most to hurt a worker that has a partition; not all of them always have."""
        until_s = time.monotonic() + WORK_S
        while time.monotonic() < until_s and not seat.holds_something:
            self._sleep(WORK_POLL_S)

    def _join(self, fault: Fault) -> bool:
        seat = self._crew.seats[fault.target]
        with seat.turn:
            seat.start()
            self._tell(f"join {seat.name} for {fault.lasts_s:.1f} s")
            self._sleep(fault.lasts_s)
            seat.stop()
            return True

    def _break_broker(self, fault: Fault) -> bool:
        """Two copies must be left of everything, or the brokers themselves would refuse."""
        with self._broker_turn:
            if not self._is_in_sync():
                return False
            self._tell(f"broker {fault.target} killed")
            node = self._kafka.node(fault.target)
            node.kill()
            self._sleep(fault.lasts_s)
            node.start()
            self._tell(f"broker {fault.target} is back")
            self._is_in_sync()
            return True

    def _is_in_sync(self) -> bool:
        until_s = time.monotonic() + SYNC_S
        while not self._cluster.is_in_sync(NODES):
            if self._ended.wait(SYNC_POLL_S) or time.monotonic() > until_s:
                return False
        return True

    def _break_server(self, fault: Fault) -> bool:
        self._tell("inference server killed")
        self._model.kill()
        self._sleep(fault.lasts_s)
        self._model.start()
        return True
