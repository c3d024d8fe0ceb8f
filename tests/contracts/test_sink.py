"""What every broker must do for the sink: store in order, report, and never store twice."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest
from confluent_kafka import KafkaError
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource

from consumer.domain.messages.message import Position
from consumer.domain.verdicts.verdict import verdict_id
from consumer.errors import PublishFailed
from consumer.interfaces import DeliveryReport, Fate, Output, Partition, Publication
from consumer.kafka.cluster.outputs import describe_outputs
from consumer.kafka.config import KafkaConfig
from consumer.kafka.reader.tail import TailReader
from consumer.kafka.sink.sink import KafkaSink
from consumer.telemetry.telemetry import Telemetry
from tests.records import read_all, write
from tests.stage import Broker
from tests.waiting import until


class Ticket:
    """A ticket with a number."""

    def __init__(self, number: int) -> None:
        self.number = number


class Listener:
    """Notes the reports."""

    def __init__(self) -> None:
        self.stored: list[int] = []
        self.too_large: list[int] = []
        self.not_stored: list[int] = []
        self.failures: list[Exception] = []

    def reported(self, reports: Sequence[DeliveryReport]) -> None:
        lists = {
            Fate.STORED: self.stored,
            Fate.TOO_LARGE: self.too_large,
            Fate.NOT_STORED: self.not_stored,
        }
        for ticket, fate in reports:
            assert isinstance(ticket, Ticket)
            lists[fate].append(ticket.number)

    def failed(self, error: Exception) -> None:
        self.failures.append(error)


@asynccontextmanager
async def running(config: KafkaConfig) -> AsyncIterator[tuple[KafkaSink, Listener, Telemetry]]:
    telemetry, listener = Telemetry(), Listener()
    sink = KafkaSink(config, TailReader(config), telemetry)
    sink.start(listener, {})
    try:
        yield sink, listener, telemetry
    finally:
        await sink.close(10.0)
    assert not listener.failures


def limits_of(config: KafkaConfig) -> Callable[[Sequence[str]], Mapping[str, int]]:
    """What the brokers say that topics take, as the worker asks them."""

    def ask(topics: Sequence[str]) -> Mapping[str, int]:
        facts = describe_outputs(config, topics)
        return {topic: fact.bytes_max for topic, fact in facts.items() if fact.bytes_max}

    return ask


def publication(topic: str, number: int, group: str, value: bytes | None = b"v") -> Publication:
    headers = (
        ("safeguard-position", b"in/0/%d" % number),
        ("safeguard-group", group.encode()),
    )
    return Publication(topic, 0, b"k%d" % number, value, headers)


async def test_publications_are_stored_in_order_with_their_headers(broker: Broker) -> None:
    """Key, value and headers lie on the partition named, in the order they were sent."""
    topic, config = broker.topic(), broker.config()
    async with running(config) as (sink, listener, _):
        for number in range(200):
            sink.send(publication(topic, number, config.group), Ticket(number))
        await until(lambda: len(listener.stored) == 200, "all reports")

    found = read_all(broker.bootstrap_servers, [topic])
    assert [record.key for record in found] == [b"k%d" % number for number in range(200)]
    assert found[7].header("safeguard-position") == "in/0/7"
    assert listener.stored == list(range(200))


async def test_what_is_too_large_is_reported_and_the_rest_goes_on(broker: Broker) -> None:
    """Too large is an answer for one publication, not a failure of the sink."""
    topic = broker.topic()
    config = broker.config(message_bytes_max=10_000)
    async with running(config) as (sink, listener, _):
        sink.send(publication(topic, 0, config.group), Ticket(0))
        sink.send(publication(topic, 1, config.group, b"x" * 20_000), Ticket(1))
        await until(lambda: listener.stored and listener.too_large, "two reports")
        sink.send(publication(topic, 2, config.group), Ticket(2))
        await until(lambda: len(listener.stored) == 2, "the third")

    assert listener.too_large == [1]
    assert len(read_all(broker.bootstrap_servers, [topic])) == 2


class Patient:
    """Sends in order what the sink takes, and again what it did not store; as the pipeline does."""

    def __init__(self, sink: KafkaSink) -> None:
        self._sink = sink
        self.waiting: deque[tuple[Publication, Ticket]] = deque()
        self._sent: dict[int, Publication] = {}
        self.stored: list[int] = []
        self.too_large: list[int] = []
        self.failures: list[Exception] = []

    def send(self, publication: Publication, number: int) -> None:
        self.waiting.append((publication, Ticket(number)))

    def pump(self) -> None:
        while self.waiting and self._sink.takes(self.waiting[0][0].output):
            publication, ticket = self.waiting.popleft()
            self._sent[ticket.number] = publication
            self._sink.send(publication, ticket)

    def reported(self, reports: Sequence[DeliveryReport]) -> None:
        again: list[tuple[Publication, Ticket]] = []
        for ticket, fate in reports:
            assert isinstance(ticket, Ticket)
            if fate is Fate.STORED:
                self.stored.append(ticket.number)
            elif fate is Fate.TOO_LARGE:
                self.too_large.append(ticket.number)
            else:
                again.append((self._sent[ticket.number], ticket))
        self.waiting.extendleft(reversed(again))
        self.pump()

    def failed(self, error: Exception) -> None:
        self.failures.append(error)


def alter(broker: Broker, name: str, setting: str, value: str, kind: str = "TOPIC") -> None:
    """Change a setting of a topic or a broker while it is in use; returns once it holds."""
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})
    entry = ConfigEntry(setting, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type[kind], name, incremental_configs=[entry])
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(10)


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("setting", "says"),
    [("max.message.bytes", True), ("max.message.bytes", False), ("segment.bytes", False)],
)
async def test_of_a_refused_batch_only_what_is_refused_alone_is_too_large(
    real_broker: Broker, setting: str, says: bool
) -> None:
    """A limit lowered under a running sink: the batch is not to blame, and all keep their order."""
    topic = real_broker.topic()
    limit = 5_000
    if setting == "segment.bytes":
        # A segment takes a megabyte at least, so the batch has to be larger than that.
        limit = 1_048_576
        alter(real_broker, topic, "max.message.bytes", "20000000")
    config = real_broker.config(
        message_bytes_max=3_000_000, linger_ms=100.0, message_timeout_s=10.0
    )
    said = {topic: limit} if says else {}
    sink = KafkaSink(config, TailReader(config), Telemetry(), limits=lambda topics: said)
    patient = Patient(sink)
    sink.start(patient, {})
    large = {7, 23}
    try:
        patient.send(publication(topic, 0, config.group), 0)
        patient.pump()
        await until(lambda: patient.stored == [0], "the first report")
        alter(real_broker, topic, setting, str(limit))
        for number in range(1, 40):
            size = limit * 2 if number in large else limit // 20
            patient.send(publication(topic, number, config.group, os.urandom(size)), number)
        patient.pump()
        await until(lambda: len(patient.stored) + len(patient.too_large) == 40, "all reports")
    finally:
        await sink.close(10.0)

    assert not patient.failures
    assert patient.too_large == sorted(large)
    stored = [b"k%d" % number for number in range(40) if number not in large]
    assert [record.key for record in read_all(real_broker.bootstrap_servers, [topic])] == stored


@pytest.mark.kafka
async def test_what_the_brokers_own_limit_refuses_is_looked_at_alone(real_broker: Broker) -> None:
    """`message.max.bytes` of the brokers holds for every topic that says nothing itself."""
    topic = real_broker.topic()
    config = real_broker.config(linger_ms=100.0, message_timeout_s=10.0)
    sink = KafkaSink(config, TailReader(config), Telemetry(), limits=limits_of(config))
    patient = Patient(sink)
    sink.start(patient, {})
    alter(real_broker, "1", "message.max.bytes", "6000", "BROKER")
    try:
        for number in range(40):
            size = 9_000 if number == 11 else 500
            patient.send(publication(topic, number, config.group, os.urandom(size)), number)
        patient.pump()
        await until(lambda: len(patient.stored) + len(patient.too_large) == 40, "all reports")
    finally:
        alter(real_broker, "1", "message.max.bytes", "1048588", "BROKER")
        await sink.close(10.0)

    assert patient.too_large == [11]
    assert sink._batches.bytes_max == 6_000
    assert patient.stored == [number for number in range(40) if number != 11]


@pytest.mark.kafka
async def test_batches_grow_again_when_their_output_takes_more(real_broker: Broker) -> None:
    """Once nothing is on its way; what is sent after that lies behind what was sent before."""
    topic = real_broker.topic()
    config = real_broker.config(linger_ms=100.0, message_timeout_s=10.0)
    limits = limits_of(config)
    sink = KafkaSink(config, TailReader(config), Telemetry(), limits=limits)
    patient = Patient(sink)
    sink.start(patient, {})
    alter(real_broker, topic, "max.message.bytes", "6000")
    try:
        for number in range(20):
            patient.send(publication(topic, number, config.group, os.urandom(500)), number)
        patient.pump()
        await until(lambda: len(patient.stored) == 20, "all reports")
        smaller = sink._producer.batch_bytes_max
        sink.heed_limits(limits([topic]))
        assert smaller == sink._batches.bytes_max == 6_000

        alter(real_broker, topic, "max.message.bytes", "500000")
        sink.heed_limits(limits([topic]))
        await until(lambda: sink._producer.batch_bytes_max == 500_000, "another producer")
        for number in range(20, 60):
            patient.send(publication(topic, number, config.group, os.urandom(500)), number)
        patient.pump()
        await until(lambda: len(patient.stored) == 60, "the rest")
    finally:
        await sink.close(10.0)

    assert not patient.failures
    stored = [b"k%d" % number for number in range(60)]
    assert [record.key for record in read_all(real_broker.bootstrap_servers, [topic])] == stored


@pytest.mark.kafka
async def test_of_a_batch_with_one_invalid_record_that_one_is_named(real_broker: Broker) -> None:
    """A topic that is compacted by now refuses what has no key: the others are not to blame."""
    topic = real_broker.topic()
    config = real_broker.config(linger_ms=100.0, message_timeout_s=10.0)
    sink = KafkaSink(config, TailReader(config), Telemetry())
    patient = Patient(sink)
    sink.start(patient, {})
    alter(real_broker, topic, "cleanup.policy", "compact")
    try:
        for number in range(5):
            what = publication(topic, number, config.group)
            patient.send(what._replace(key=None) if number == 3 else what, number)
        patient.pump()
        await until(lambda: patient.failures, "the failure")
    finally:
        await sink.close(10.0)

    assert "in/0/3" in str(patient.failures[0])
    assert patient.stored == [0, 1, 2]


async def test_what_the_client_finds_too_large_is_not_overtaken(broker: Broker) -> None:
    """What was sent after it is reported with it, so that what becomes of it comes first."""
    topic = broker.topic()
    config = broker.config(message_bytes_max=10_000)
    async with running(config) as (sink, listener, _):
        sink.send(publication(topic, 0, config.group), Ticket(0))
        sink.send(publication(topic, 1, config.group, b"x" * 20_000), Ticket(1))
        sink.send(publication(topic, 2, config.group), Ticket(2))
        await until(lambda: listener.too_large, "the report")

        assert listener.not_stored == [2]
        await until(lambda: listener.stored == [0], "the first report")
        sink.send(publication(topic, 2, config.group), Ticket(2))
        await until(lambda: listener.stored == [0, 2], "the last report")


async def test_reports_that_came_while_the_loop_stood_still_are_in_time(broker: Broker) -> None:
    """The loop collects them itself, and may come late: what was stored meanwhile is not late."""
    topic, config = broker.topic(), broker.config(message_timeout_s=3.0)
    async with running(config) as (sink, listener, _):
        sink.send(publication(topic, 0, config.group), Ticket(0))
        await until(lambda: listener.stored == [0], "the first report")
        client = sink._producer._client
        sink.send(publication(topic, 1, config.group), Ticket(1))
        time.sleep(3.5)  # noqa: ASYNC251 - the loop is to stand still
        await until(lambda: listener.stored == [0, 1], "the second report")

        assert sink._producer._client is client


async def test_a_tail_names_the_positions_of_its_own_group_alone(broker: Broker) -> None:
    """Another group's verdicts, superseding ones and foreign records are no proof of ours."""
    topic, config = broker.topic(), broker.config(group="mine")
    tail = TailReader(config)
    assert tail.identities(topic, 0, 0) == set()

    def put(number: int, group: bytes, *more: tuple[str, bytes]) -> None:
        headers = [("safeguard-position", b"in/0/%d" % number), ("safeguard-group", group), *more]
        write(broker.bootstrap_servers, topic, [b"v"], headers=headers)

    put(1, b"mine")
    put(2, b"other")
    put(3, b"mine", ("safeguard-supersedes", b"x"))
    write(broker.bootstrap_servers, topic, [b"v"])
    put(5, b"mine")
    second = verdict_id("in", Position("in", 0, 6), "mine", "d")
    for name in (second, "another"):
        ours = (("safeguard-verdict-id", name.encode()), ("safeguard-policy-digest", b"d"))
        put(6 if name == second else 7, b"mine", ("safeguard-supersedes", b"x"), *ours)

    known = {("in/0/5", "", ""), ("in/0/6", second, ""), ("in/0/7", "another", "")}
    assert tail.identities(topic, 0, 0) == {("in/0/1", "", ""), *known}
    assert tail.identities(topic, 0, 1) == known
    assert tail.ends([(topic, 0), (topic, 7), ("no-such-topic", 0)]) == {(topic, 0): 7}
    of = Partition("in", 0)
    output = Output(topic, 0)
    # A second judgement is the first verdict on its record; the other is of a record judged before.
    assert tail.offsets_of(output, 0, 7, of, "in") == {1, 5, 6}
    assert tail.offsets_of(output, 0, 5, of, "in") == {1, 5}
    assert tail.offsets_of(output, 0, 4, of, "in") == {1}
    assert tail.offsets_of(output, 0, 5, Partition("in", 1), "in") == set()


async def test_a_tail_tells_a_topic_from_an_earlier_one_of_its_name(broker: Broker) -> None:
    """What was published for a topic that was deleted says nothing of the one made since."""
    topic, config = broker.topic(), broker.config(group="mine")
    for number, source in ((1, "old-id"), (2, "new-id")):
        identity = verdict_id(source, Position("in", 0, number), "mine", "digest")
        headers = [
            ("safeguard-position", b"in/0/%d" % number),
            ("safeguard-group", b"mine"),
            ("safeguard-verdict-id", identity.encode()),
            ("safeguard-policy-digest", b"digest"),
        ]
        write(broker.bootstrap_servers, topic, [b"v"], headers=headers)
    for number, source in ((3, "old-id"), (4, "new-id")):
        headers = [
            ("safeguard-position", b"in/0/%d" % number),
            ("safeguard-group", b"mine"),
            ("safeguard-dead-letter-reason", b"empty_text"),
            ("safeguard-topic-id", source.encode()),
        ]
        write(broker.bootstrap_servers, topic, [b"v"], headers=headers)

    tail = TailReader(config)
    assert tail.offsets_of(Output(topic, 0), 0, 4, Partition("in", 0), "new-id") == {2, 4}


async def test_a_tail_begins_by_time_or_at_the_start_and_never_too_late(broker: Broker) -> None:
    """The embedded broker knows no look-up by time: it is read whole rather than not at all."""
    topic, config = broker.topic(), broker.config()
    tail = TailReader(config)
    output, partition = Output(topic, 0), Partition(topic, 0)
    assert tail.offsets_at([output], 1_000) == {output: 0}
    assert tail.timestamp_ms(partition, 0) is None
    # Of today: a broker soon deletes what is older than the topic is to keep it.
    now_ms = int(time.time() * 1_000)
    first_ms, second_ms, third_ms = now_ms - 3_000_000, now_ms - 2_000_000, now_ms - 1_000_000
    for timestamp_ms in (first_ms, second_ms, third_ms):
        write(broker.bootstrap_servers, topic, [b"v"], timestamp_ms=timestamp_ms)

    expected = {second_ms: 1, now_ms + 9_000_000: 3} if broker.kind == "real" else {second_ms: 0}
    for timestamp_ms, offset in expected.items():
        assert tail.offsets_at([output], timestamp_ms) == {output: offset}
    assert tail.timestamp_ms(partition, 1) == second_ms
    assert tail.timestamp_ms(partition, 3) is None


async def test_after_an_outage_the_rest_is_said_not_to_be_stored_in_order(
    embedded_broker: Broker,
) -> None:
    """Timed-out publications are looked for; what is not found may be sent again, in order."""
    broker = embedded_broker
    topic = broker.topic()
    config = broker.config(message_timeout_s=3.0)
    embedded = broker.embedded
    async with running(config) as (sink, listener, telemetry):
        output = Output(topic, 0)
        assert sink.floor(output).offset == 0
        sink.send(publication(topic, 0, config.group), Ticket(0))
        await until(lambda: listener.stored == [0], "the first report")
        assert sink.floor(output).offset == 1
        embedded.set_broker_down()
        for number in range(1, 30):
            sink.send(publication(topic, number, config.group), Ticket(number))
        await until(lambda: "repairing" in repr(sink), "the first time-out")
        sink.send(publication(topic, 30, config.group), Ticket(30))
        embedded.set_broker_up()
        await until(lambda: len(listener.stored + listener.not_stored) == 31, "all reports")
        again, listener.not_stored = listener.not_stored, []
        for number in again:
            sink.send(publication(topic, number, config.group), Ticket(number))
        await until(lambda: len(listener.stored) == 31, "the rest")
        repeats = telemetry.metrics.publish_repeats._value.get()

    assert again == sorted(again)
    assert again[-1] == 30
    positions = [
        r.header("safeguard-position") for r in read_all(broker.bootstrap_servers, [topic])
    ]
    assert positions == [f"in/0/{number}" for number in range(31)]
    assert repeats == len(again) - 1


INIT_PRODUCER_ID, PRODUCE = 22, 0


async def test_a_producer_that_is_not_let_in_ends_the_worker_with_what_to_do(
    embedded_broker: Broker,
) -> None:
    """No other producer would fare better, so none is tried: it would look alive for ever."""
    topic = embedded_broker.topic()
    config = embedded_broker.config()
    refused = [int(KafkaError.CLUSTER_AUTHORIZATION_FAILED)] * 100
    embedded_broker.embedded.fail_next(INIT_PRODUCER_ID, refused)
    sink, listener = KafkaSink(config, TailReader(config), Telemetry()), Listener()
    sink.start(listener, {})
    sink.send(publication(topic, 0, config.group), Ticket(0))
    await until(lambda: listener.failures, "the failure")
    await sink.close(0.0)

    error = listener.failures[0]
    assert isinstance(error, PublishFailed)
    assert error.exit_code == 1
    assert "right (ACL)" in str(error)


async def test_a_producer_that_lost_its_place_is_replaced(embedded_broker: Broker) -> None:
    """A sequence that the broker does not know ends a producer, not the worker."""
    topic = embedded_broker.topic()
    config = embedded_broker.config()
    async with running(config) as (sink, listener, _):
        sink.send(publication(topic, 0, config.group), Ticket(0))
        await until(lambda: listener.stored == [0], "the first report")
        lost = [int(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER)]
        embedded_broker.embedded.fail_next(PRODUCE, lost)
        sink.send(publication(topic, 1, config.group), Ticket(1))
        await until(lambda: listener.not_stored == [1], "the word that it was not stored")
        sink.send(publication(topic, 1, config.group), Ticket(1))
        await until(lambda: listener.stored == [0, 1], "the second report")


class BlindTail(TailReader):
    """Cannot read one topic, as where its leader is out."""

    blind_to = ""

    def ends(self, outputs: Iterable[tuple[str, int]]) -> dict[Output, int]:
        return {o: end for o, end in super().ends(outputs).items() if o.topic != self.blind_to}


async def test_an_output_that_cannot_be_read_holds_up_no_other(embedded_broker: Broker) -> None:
    """Also where nothing was on its way to any other when its publications failed."""
    one, other = embedded_broker.topic(), embedded_broker.topic()
    config = embedded_broker.config()
    tail, listener = BlindTail(config), Listener()
    sink = KafkaSink(config, tail, Telemetry())
    sink.start(listener, {})
    sink.send(publication(one, 0, config.group), Ticket(0))
    await until(lambda: listener.stored == [0], "the first report")
    tail.blind_to = one
    embedded_broker.embedded.fail_next(PRODUCE, [int(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER)])
    sink.send(publication(one, 1, config.group), Ticket(1))
    await until(lambda: sink.troubled == [one], "the repair")
    sink.send(publication(other, 2, config.group), Ticket(2))
    sink.send(publication(one, 3, config.group), Ticket(3))

    def is_other_stored() -> bool:
        again, listener.not_stored = listener.not_stored, []
        for number in again:
            sink.send(publication(other, number, config.group), Ticket(number))
        return 2 in listener.stored

    await until(is_other_stored, "the report of the other output")
    assert listener.not_stored == []
    tail.blind_to = ""
    await until(lambda: listener.not_stored == [1, 3], "the word that they were not stored")
    await sink.close(0.0)
    assert not listener.failures
