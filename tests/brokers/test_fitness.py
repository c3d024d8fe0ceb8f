"""What a real broker says of itself: sessions, room for metadata, outputs that forget too soon."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import ClassVar

import pytest

from consumer.errors import BrokerUnavailable, InvalidSettings
from consumer.kafka.cluster import session
from consumer.kafka.cluster.outputs import describe_outputs, unfit_steps
from consumer.kafka.cluster.session import check_metadata_room, read_session
from consumer.kafka.config import KafkaConfig
from tests.brokers.kafka import RealKafka
from tests.stage import Broker, new_name

pytestmark = pytest.mark.kafka


def test_outputs_that_forget_verdicts_too_soon_are_named(real_broker: Broker) -> None:
    """Compaction and a short retention would have messages judged again; with what to change."""
    compacted, short, fine = new_name(), new_name(), new_name()
    kafka = real_broker.creator
    assert isinstance(kafka, RealKafka)
    kafka.create_topics({compacted: 1}, {"cleanup.policy": "compact"})
    kafka.create_topics({short: 1}, {"retention.ms": "60000"})
    kafka.create_topics({fine: 1}, {"retention.ms": "86400000"})

    facts = describe_outputs(real_broker.config(), [compacted, short, fine])
    found = unfit_steps(facts, 86_400)

    assert [(step.topic, step.change) for step in found] == [
        (compacted, "by hand"),
        (short, "by hand"),
    ]
    assert facts[fine].bytes_max == 1_048_588
    assert "cleanup.policy=delete" in str(found[0])
    assert "keeps verdicts for 60 s only: set retention.ms to 86400000" in str(found[1])


def test_the_session_is_the_clients_or_the_groups(real_broker: Broker) -> None:
    """With KIP-848 the group's own configuration counts, whatever our setting says."""
    classic = read_session(real_broker.config(session_timeout_s=7.0))
    assert (classic.session_s, classic.heartbeat_s) == (7.0, 0.3)

    group = read_session(real_broker.config(group_protocol="consumer", session_timeout_s=7.0))
    assert (group.session_s, group.heartbeat_s) == (6.0, 0.3)
    assert "consumer.session.timeout.ms" in group.origin

    unasked = read_session(real_broker.config(group_protocol="consumer"), may_ask=False)
    assert unasked.origin == "kafka.session_timeout_s"


def test_a_broker_with_too_little_room_for_metadata_is_an_error_that_names_it(
    tmp_path: Path,
) -> None:
    """Found at the start, not at the first commit that does not fit."""
    with RealKafka(tmp_path, extra={"offset.metadata.max.bytes": "1000"}) as kafka:
        broker = Broker("real", kafka.bootstrap_servers, kafka)
        with pytest.raises(InvalidSettings, match=r"offset\.metadata\.max\.bytes = 1000"):
            check_metadata_room(broker.config())


def test_a_broker_with_kafkas_default_has_room(real_broker: Broker) -> None:
    check_metadata_room(real_broker.config())


@pytest.mark.parametrize("silent", [{1}, {1, 2}, {1, 2, 3}])
def test_no_worker_waits_for_one_broker_of_several(
    monkeypatch: pytest.MonkeyPatch, silent: set[int]
) -> None:
    """It may be ending just now; where none answers nobody knows anything."""

    def described(_config: object, _kind: object, name: str) -> dict[str, str]:
        if int(name) in silent:
            raise BrokerUnavailable(f"{name} does not answer")
        return {"offset.metadata.max.bytes": "4096"}

    monkeypatch.setattr(session, "AdminClient", lambda _: nullcontext(_Cluster()))
    monkeypatch.setattr(session, "_described", described)
    config = KafkaConfig("nowhere:9092", "g")
    if len(silent) < len(_Cluster.brokers):
        check_metadata_room(config)
    else:
        with pytest.raises(BrokerUnavailable, match="3 does not answer"):
            check_metadata_room(config)


class _Cluster:
    """What a cluster's metadata say of its brokers."""

    brokers: ClassVar = {1: "a", 2: "b", 3: "c"}

    def list_topics(self, timeout: float) -> _Cluster:
        assert timeout > 0
        return self
