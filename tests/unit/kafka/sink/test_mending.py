"""After a repair all is reported, in order, and what was not found may be sent again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest
from structlog.testing import capture_logs

from consumer.domain.checkpoint import Floor
from consumer.errors import BrokerUnavailable
from consumer.interfaces import DeliveryReport, Fate, Output, Publication
from consumer.kafka.config import KafkaConfig
from consumer.kafka.sink import mending
from consumer.kafka.sink.batches import Batches
from consumer.kafka.sink.held import Held
from consumer.kafka.sink.mending import Mending
from consumer.kafka.sink.probation import Probation
from consumer.kafka.sink.producer import ProducerInUse
from consumer.kafka.sink.stored import StoredFinder
from consumer.kafka.sink.under_way import Sending, UnderWay
from consumer.telemetry.telemetry import Telemetry
from tests.waiting import until

ONE, OTHER = Output("one", 0), Output("other", 0)


class FakeProducer:
    """Notes with how large batches it was made anew."""

    def __init__(self, under_way: UnderWay) -> None:
        self._under_way = under_way
        self.sizes: list[int] = []

    def empty(self) -> None:
        """Everything on its way is reported as failed a moment later."""
        asyncio.get_running_loop().call_soon(self._fail_all)

    def _fail_all(self) -> None:
        for number in list(self._under_way._sendings):
            self._under_way.fail(number)

    async def replace(self, config: KafkaConfig) -> None:
        self.sizes.append(config.batch_bytes_max)


class FakeFinder:
    """Knows the tickets that are stored, and of which outputs nobody can tell."""

    def __init__(self) -> None:
        self.stored: set[object] = set()
        self.unreadable: set[Output] = set()
        self.failing: set[Output] = set()
        self.are_there = True
        self.asked = 0
        """How often it was asked whether the brokers are there."""

    async def are_brokers_there(self) -> bool:
        self.asked += 1
        return self.are_there

    async def readable(self, outputs: Sequence[Output]) -> list[Output]:
        return [output for output in outputs if output not in self.unreadable]

    async def among(self, output: Output, failed: Sequence[Sending]) -> list[bool]:
        if output in self.failing:
            raise BrokerUnavailable("away")
        return [each.ticket in self.stored for each in failed]


class Scene:
    """Publications by ticket; reports are noted as the listener gets them."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self.under_way, self.held, self.probation = UnderWay(), Held(), Probation()
        self.producer, self.finder = FakeProducer(self.under_way), FakeFinder()
        self.reports: list[tuple[object, Fate]] = []
        self.failures: list[Exception] = []
        config = KafkaConfig("nowhere:1", "g")
        self.mending = Mending(
            self.under_way,
            self.held,
            self.probation,
            cast(ProducerInUse, self.producer),
            Batches(config, lambda topics: dict.fromkeys(topics, 5_000), executor),
            cast(StoredFinder, self.finder),
            Telemetry(),
        )
        self.mending.tell(self)

    def reported(self, reports: Sequence[DeliveryReport]) -> None:
        self.reports += reports

    def failed(self, error: Exception) -> None:
        self.failures.append(error)

    def send(self, output: Output, *tickets: str) -> None:
        for ticket in tickets:
            publication = Publication(*output, None, b"v", ())
            self.under_way.add(Sending(publication, output, ticket, Floor(0), 0.0, is_alone=False))

    def told(self, fate: Fate) -> list[object]:
        return [ticket for ticket, found in self.reports if found is fate]

    async def mended(self) -> None:
        await until(lambda: not self.mending.is_broken, "the end of the repair")


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    for name in ("EMPTY_S", "AGAIN_S", "SETTLE_S"):
        monkeypatch.setattr(mending, name, 0.001)
    with ThreadPoolExecutor(1) as executor:
        yield Scene(executor)


async def test_what_is_found_is_stored_and_the_rest_may_be_sent_again_in_order(
    scene: Scene,
) -> None:
    """What was sent during the repair comes after it."""
    scene.send(ONE, "a", "b", "c")
    scene.finder.stored = {"b"}
    scene.mending.begin("late")
    scene.held.hold(ONE, ["d"])
    scene.mending.begin("late again")
    await scene.mended()

    assert scene.told(Fate.STORED) == ["b"]
    assert scene.told(Fate.NOT_STORED) == ["a", "c", "d"]
    assert scene.under_way.is_empty
    assert scene.held.is_empty
    assert len(scene.producer.sizes) == 1


async def test_brokers_that_are_out_hold_up_everything(scene: Scene) -> None:
    """Nothing is known of what was on its way."""
    scene.send(ONE, "a")
    scene.finder.are_there = False
    scene.mending.begin("late")
    await until(lambda: scene.producer.sizes, "another producer")
    await asyncio.sleep(0.01)
    assert scene.mending.is_broken
    assert scene.reports == []
    scene.finder.are_there = True
    await scene.mended()
    assert scene.told(Fate.NOT_STORED) == ["a"]


@pytest.mark.parametrize("how", ["unreadable", "failing"])
async def test_an_output_that_cannot_be_read_holds_up_its_own_alone(scene: Scene, how: str) -> None:
    """It is asked for again beside the others' work."""
    scene.send(ONE, "a")
    scene.send(OTHER, "x")
    getattr(scene.finder, how).add(ONE)
    scene.mending.begin("late")
    scene.held.hold(ONE, ["b"])
    scene.held.hold(OTHER, ["y"])
    await scene.mended()
    assert scene.told(Fate.NOT_STORED) == ["x", "y"]
    assert scene.held.holds(ONE)
    assert not scene.held.holds(OTHER)

    getattr(scene.finder, how).clear()
    await until(lambda: scene.held.is_empty, "the other output")
    assert scene.told(Fate.NOT_STORED) == ["x", "y", "a", "b"]
    assert not scene.failures


async def test_after_a_refused_batch_what_was_in_it_goes_one_at_a_time(scene: Scene) -> None:
    """And batches are as small as the brokers say from now on."""
    scene.send(ONE, "a", "b")
    scene.probation.is_to_blame(ONE, is_alone=False)
    scene.mending.begin("refused")
    await scene.mended()
    assert scene.producer.sizes == [5_000]
    assert scene.probation.sent(ONE)
    assert not scene.probation.takes(ONE)


async def test_a_repair_that_fails_is_said(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sink cannot go on; it would hold everything for ever."""

    def broken() -> bool:
        raise RuntimeError("a bug")

    monkeypatch.setattr(scene.finder, "are_brokers_there", broken)
    scene.send(ONE, "a")
    scene.mending.begin("late")
    await until(lambda: scene.failures, "the failure")
    assert "cannot be mended" in str(scene.failures[0])


@pytest.mark.parametrize("how", ["out", "unreadable", "failing"])
async def test_what_is_waited_for_is_said_once_and_again_after_it_was_there(
    scene: Scene, how: str
) -> None:
    """It is asked each second, and an output may be missing for a night."""

    def away(is_so: bool) -> None:
        scene.finder.are_there = not is_so or how != "out"
        for kind in ("unreadable", "failing"):
            outputs: set[Output] = getattr(scene.finder, kind)
            outputs |= {ONE} if is_so and how == kind else set()
            outputs &= {ONE} if is_so else set()

    with capture_logs() as logs:
        for _outage in range(2):
            away(True)
            scene.finder.asked = 0
            scene.send(ONE, "a")
            scene.mending.begin("late")
            await until(lambda: scene.finder.asked > 5, "more questions")
            away(False)
            await until(lambda: scene.held.is_empty and not scene.mending.is_broken, "the end")
    waits = [line for line in logs if line["event"].startswith(("outputs", "an output", "brokers"))]
    assert len(waits) == 2, logs
    assert all(line["outputs"] == ("all" if how == "out" else ["one"]) for line in waits)
    assert all(("topics plan" in line.get("mend", "")) == (how == "unreadable") for line in waits)
