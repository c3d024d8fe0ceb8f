"""Storm: carries a schedule out, each fault in a thread, and heals what it has hurt."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from tests.brokers.kafka import RealKafka
from tests.chaos.cluster import Cluster
from tests.chaos.crew import Crew, Seat, Tell
from tests.chaos.feeder import Feeder
from tests.chaos.kind import Fault, Kind
from tests.chaos.lives import Life
from tests.chaos.model import Model

NODES = 3
WORK_S = 3.0
WORK_POLL_S = 0.2
SYNC_POLL_S = 0.25
SYNC_S = 90.0


class Storm:
    """What faults strike: the crew, the brokers with their topics, the feeder and the model."""

    def __init__(
        self,
        crew: Crew,
        kafka: RealKafka,
        cluster: Cluster,
        feeder: Feeder,
        model: Model,
        partitions: int,
        tell: Tell,
    ) -> None:
        self.crew = crew
        self.kafka = kafka
        self.cluster = cluster
        self.feeder = feeder
        self.model = model
        self.partitions = partitions
        """Of the input and of each output."""
        self.tell = tell
        self._ended = threading.Event()
        self._turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self.gone: list[Life] = []
        """What lay on each output that was deleted."""
        self.earlier: list[str] = []
        """Ids of the inputs that were deleted."""
        self.done: Counter[str] = Counter()
        """Faults that really took place, by the names of their kinds."""
        self._runs = 0
        self._share = 0.0

    @property
    def progress(self) -> float:
        """How many runs are over, with the part of the present one whose faults are: 1.5, say."""
        return self._runs + self._share

    def run(self, faults: Sequence[Fault], kinds: Mapping[str, Kind], duration_s: float) -> None:
        """
        Blocks until the time is over and everything is healed; raises what went wrong here.

        Faults wait for brokers and for each other, so on a busy machine it takes far longer.
        """
        began_s = time.monotonic()
        under_way: list[Future[None]] = []
        over: list[Future[None]] = []

        def note(fault_done: Future[None]) -> None:
            over.append(fault_done)
            self._share = len(over) / (len(faults) + 1)

        with ThreadPoolExecutor(16, thread_name_prefix="fault") as threads:
            try:
                for fault in faults:
                    self.sleep(began_s + fault.at_s - time.monotonic())
                    struck = threads.submit(self._strike, fault, kinds[fault.kind])
                    struck.add_done_callback(note)
                    under_way.append(struck)
                self.sleep(began_s + duration_s - time.monotonic())
            except BaseException:
                self._ended.set()
                raise
        self._runs, self._share = self._runs + 1, 0.0
        for fault_done in under_way:
            fault_done.result()

    def _strike(self, fault: Fault, kind: Kind) -> None:
        if self._ended.is_set():
            return
        if kind.strike(self, fault):
            self.done[kind.name] += 1
        else:
            self.tell(f"{fault.kind} {fault.target} could not be")

    # For those who strike.

    def sleep(self, seconds: float) -> None:
        """As long as the storm lasts."""
        self._ended.wait(max(0.0, seconds))

    def turn(self, name: str) -> threading.Lock:
        """Held by the fault that is under way there: two of one name wait for each other."""
        return self._turns[name]

    @contextmanager
    def seat(self, number: int, *, must_work: bool = True) -> Iterator[Seat]:
        """A seat for oneself, once the worker there has a partition: then it says most."""
        seat = self.crew.seats[number]
        with seat.turn:
            until_s = time.monotonic() + WORK_S
            # Not all of them always have one.
            while must_work and time.monotonic() < until_s and not seat.holds_something:
                self.sleep(WORK_POLL_S)
            yield seat

    def is_in_sync(self) -> bool:
        """Wait until all copies of everything are up to date; False where that takes too long."""
        until_s = time.monotonic() + SYNC_S
        while not self.cluster.is_in_sync(NODES):
            if self._ended.wait(SYNC_POLL_S) or time.monotonic() > until_s:
                return False
        return True
