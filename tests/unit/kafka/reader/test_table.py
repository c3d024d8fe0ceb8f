"""A table that may not be read: nothing where that is allowed for, an error everywhere else."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError
from structlog.testing import capture_logs

from consumer.errors import BrokerUnavailable
from consumer.kafka.config import KafkaConfig
from consumer.kafka.reader import table
from consumer.kafka.reader.table import Table

REFUSED = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)


class RefusedConsumer:
    """A user without the right to read."""

    def __init__(self, _properties: object) -> None: ...

    def list_topics(self, topic: str, timeout: float) -> SimpleNamespace:
        assert timeout > 0
        return SimpleNamespace(topics={topic: SimpleNamespace(error=REFUSED)})


def a_table(when_refused: str | None = None) -> Table[str, str]:
    config = KafkaConfig("nowhere", group="g")
    return Table(config, "t", lambda key, value: None, when_refused=when_refused)


def test_a_table_that_may_not_be_read_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken for empty, letters that were retried would show as open."""
    monkeypatch.setattr(table, "Consumer", RefusedConsumer)
    with pytest.raises(BrokerUnavailable, match=r"t cannot be read: .* right to read"):
        a_table().read()


def test_where_a_refusal_is_allowed_for_it_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that may not see pauses goes on, and says so."""
    monkeypatch.setattr(table, "Consumer", RefusedConsumer)
    refused = a_table("pauses are not seen")
    with capture_logs() as logs:
        assert refused.read() == {}
        assert refused.read() == {}

    assert [entry["event"] for entry in logs] == ["pauses are not seen"]
