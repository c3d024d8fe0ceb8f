"""What a real group does to members that are not wanted, and what the source makes of it."""

from __future__ import annotations

import asyncio

import pytest
from confluent_kafka import Consumer, KafkaError

from consumer.errors import Fatal
from consumer.kafka.source.source import KafkaSource
from tests.contracts.test_source import Listener, member
from tests.records import write
from tests.stage import Broker
from tests.waiting import until


async def closed(*sources: KafkaSource) -> None:
    await asyncio.gather(*(source.close() for source in sources))


def started(source: KafkaSource, listener: Listener) -> tuple[KafkaSource, Listener]:
    source.start(listener)
    source.give_credits(100)
    return source, listener


@pytest.mark.kafka
async def test_a_static_member_that_is_fenced_ends_with_a_clear_error(real_broker: Broker) -> None:
    """Classic: who joins under the same name takes over, and the other one says so and stops."""
    topic = real_broker.topic()
    config = real_broker.config(static_member="pod-0")
    first, told_first = started(*member(config, topic))
    await until(lambda: told_first.owned, "an assignment")

    second, told_second = started(*member(config, topic))
    await until(lambda: told_first.failures, "the first one's end")
    (error,) = told_first.failures
    assert isinstance(error, Fatal)
    assert error.exit_code == 1
    assert "fenced" in str(error)
    assert "kafka.static_member" in str(error)

    write(real_broker.bootstrap_servers, topic, [b"x"])
    await until(lambda: told_second.records, "the second one's record")
    assert not told_second.failures
    await closed(first, second)


@pytest.mark.kafka
async def test_a_fenced_member_that_only_commits_ends_too(real_broker: Broker) -> None:
    """Without credits nothing is polled for: the refused commit is what tells."""
    topic = real_broker.topic()
    config = real_broker.config(static_member="pod-0")
    source, told = member(config, topic)
    source.start(told)
    await until(lambda: told.owned, "an assignment")
    ((partition, _),) = told.owned.items()
    other, told_other = started(*member(config, topic))
    await until(lambda: told_other.owned, "the other one's assignment")

    def tried() -> bool:
        source.commit({partition: told.point(partition, 0, "sg1:x")})
        return bool(told.failures)

    await until(tried, "the end")
    assert "kafka.static_member" in str(told.failures[0])
    await closed(source, other)


@pytest.mark.kafka
async def test_a_static_member_waits_for_its_name_and_then_goes_on(real_broker: Broker) -> None:
    """KIP-848: the name is held by the last process; the next one says so, and waits for it."""
    topic = real_broker.topic()
    config = real_broker.config(static_member="pod-0", group_protocol="consumer")
    first, told_first = started(*member(config, topic))
    await until(lambda: told_first.owned, "an assignment")

    second, told_second = started(*member(config, topic))
    await until(lambda: second.troubles.told((), second.polled_s), "the refusal")
    assert "kafka.static_member = pod-0" in second.troubles.told((), second.polled_s)[0]
    assert not told_second.failures

    await closed(first)
    await until(lambda: told_second.owned, "the name")
    write(real_broker.bootstrap_servers, topic, [b"x"])
    await until(lambda: told_second.records, "a record")
    assert second.troubles.told((), second.polled_s) == []
    assert not told_first.failures
    assert not told_second.failures
    await closed(second)


@pytest.mark.kafka
async def test_a_name_that_never_becomes_free_ends_with_a_clear_error(real_broker: Broker) -> None:
    """KIP-848: held for longer than a dead member's session, it is another live worker's."""
    topic = real_broker.topic()
    config = real_broker.config(static_member="pod-0", group_protocol="consumer")
    first, told_first = started(*member(config, topic))
    await until(lambda: told_first.owned, "an assignment")

    second, told_second = member(config._replace(session_timeout_s=-9.0), topic)
    started(second, told_second)
    await until(lambda: told_second.failures, "the second one's end")
    (error,) = told_second.failures
    assert isinstance(error, Fatal)
    assert error.exit_code == 1
    assert "kafka.static_member = pod-0" in str(error)
    assert not told_first.failures
    await closed(first, second)


@pytest.mark.kafka
async def test_a_session_that_the_brokers_do_not_allow_is_a_fault_of_the_settings(
    real_broker: Broker,
) -> None:
    """The client would ask again for ever."""
    config = real_broker.config(session_timeout_s=0.5)
    source, told = started(*member(config, real_broker.topic()))
    await until(lambda: told.failures, "the end")
    (error,) = told.failures
    assert isinstance(error, Fatal)
    assert error.exit_code == 2
    assert "kafka.session_timeout_s" in str(error)
    await closed(source)


@pytest.mark.kafka
async def test_a_group_that_shares_out_in_another_way_is_said(real_broker: Broker) -> None:
    """Somebody else's consumers in our group: the client would ask to join for ever."""
    topic = real_broker.topic()
    config = real_broker.config()
    stranger = Consumer(
        {
            "bootstrap.servers": config.bootstrap_servers,
            "group.id": config.group,
            "partition.assignment.strategy": "range",
        }
    )
    stranger.subscribe([topic])
    while not stranger.assignment():
        await asyncio.to_thread(stranger.poll, 0.1)

    source, told = started(*member(config, topic))
    await until(lambda: stranger.poll(0) is None and told.failures, "the end")
    assert "kafka.group of its own" in str(told.failures[0])
    stranger.close()
    await closed(source)


JOIN_GROUP, OFFSET_COMMIT, FETCH = 11, 8, 1


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (JOIN_GROUP, KafkaError.GROUP_AUTHORIZATION_FAILED),
        (JOIN_GROUP, KafkaError.GROUP_MAX_SIZE_REACHED),
        (OFFSET_COMMIT, KafkaError.GROUP_AUTHORIZATION_FAILED),
        (OFFSET_COMMIT, KafkaError.TOPIC_AUTHORIZATION_FAILED),
        (FETCH, KafkaError.TOPIC_AUTHORIZATION_FAILED),
    ],
)
async def test_rights_that_are_taken_away_end_the_worker(
    embedded_broker: Broker, request_: int, error: int
) -> None:
    """From a poll or a commit: the client would go on asking, and nothing would be judged."""
    topic = embedded_broker.topic()
    source, told = member(embedded_broker.config(), topic)
    if request_ == JOIN_GROUP:
        embedded_broker.embedded.fail_next(JOIN_GROUP, [error] * 1_000)
        started(source, told)
    else:
        started(source, told)
        await until(lambda: told.owned, "an assignment")
        embedded_broker.embedded.fail_next(request_, [error] * 1_000)
        ((partition, _),) = told.owned.items()
        source.commit({partition: told.point(partition, 0, "sg1:x")})
    await until(lambda: told.failures, "the end")
    assert isinstance(told.failures[0], Fatal)
    assert told.failures[0].exit_code == 1
    assert KafkaError(error).str() in str(told.failures[0])
    embedded_broker.embedded.clear_failures(request_)
    await closed(source)
