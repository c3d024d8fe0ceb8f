"""A table on both brokers: the last value of each key, and a revision that says how far it is."""

from __future__ import annotations

from contextlib import closing

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from consumer.kafka.reader.table import Table
from tests.records import write
from tests.stage import Broker


def entry(key: bytes | None, value: bytes | None) -> tuple[bytes, bytes | None] | None:
    return None if key is None else (key, value)


async def test_a_table_holds_the_last_value_of_each_key(broker: Broker) -> None:
    """A record without a value takes its key away; one that is no entry moves the revision only."""
    topic = broker.topic()
    for key, value in ((b"a", b"1"), (b"b", b"1"), (b"a", b"2"), (b"b", None), (None, b"3")):
        write(broker.bootstrap_servers, topic, [value], key=key)
    with closing(Table(broker.config(), topic, entry)) as table:
        assert table.read() == {b"a": b"2"}
        assert table.revision == 5


def test_a_topic_that_is_not_there_is_an_empty_table(embedded_broker: Broker) -> None:
    """Revision 0: nothing was read."""
    with closing(Table(embedded_broker.config(), "no-such-topic", entry)) as table:
        assert table.read() == {}
        assert table.revision == 0


def test_whoever_follows_is_told_that_the_first_records_were_deleted(real_broker: Broker) -> None:
    """Before any record that is left: what it says hangs on what cannot be read any more."""
    topic, seen = real_broker.topic(), []

    def taken(key: bytes | None, value: bytes | None) -> tuple[bytes, bytes | None] | None:
        seen.append(value)
        return entry(key, value)

    def read() -> dict[bytes, bytes]:
        with closing(
            Table(real_broker.config(), topic, taken, when_cut=lambda: seen.append(b"cut"))
        ) as table:
            return dict(table.read())

    for value in (b"1", b"2", b"3"):
        write(real_broker.bootstrap_servers, topic, [value], key=b"a")
    assert read() == {b"a": b"3"}
    assert seen == [b"1", b"2", b"3"]

    seen.clear()
    admin = AdminClient({"bootstrap.servers": real_broker.bootstrap_servers})
    (deleted,) = admin.delete_records([TopicPartition(topic, 0, 2)]).values()
    deleted.result()
    assert read() == {b"a": b"3"}
    assert seen == [b"cut", b"3"]
