"""The brokers that the tests of a session share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TypeVar

import pytest

from tests.brokers.kafka import RealKafka
from tests.brokers.runtime import RuntimeUnavailable
from tests.brokers.secure import SecureKafka, secure_kafka_in

T = TypeVar("T")


@pytest.fixture(scope="session")
def real_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealKafka]:
    """
    One real node; a test takes topics and groups of its own and leaves the node alone.

    Where Java or Maven cannot be had, CI fails and a laptop skips.
    """
    with started_or_skipped(RealKafka(tmp_path_factory.mktemp("kafka"))) as kafka:
        yield kafka


@pytest.fixture(scope="session")
def secure_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    """One more node, with a listener for TLS and SASL; only tests that ask for it start it."""
    folder = tmp_path_factory.mktemp("secure-kafka")
    with started_or_skipped(secure_kafka_in(folder)) as kafka:
        yield kafka


@contextmanager
def started_or_skipped(broker: AbstractContextManager[T]) -> Iterator[T]:
    """The broker, started; where what it needs is missing, CI fails and a laptop skips."""
    with ExitStack() as running:
        try:
            started = running.enter_context(broker)
        except RuntimeUnavailable as reason:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(f"no real server here: {reason}")
        yield started
