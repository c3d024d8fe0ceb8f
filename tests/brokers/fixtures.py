"""The broker that the tests of a session share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.brokers.kafka import RealKafka
from tests.brokers.runtime import RuntimeUnavailable


@pytest.fixture(scope="session")
def real_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealKafka]:
    """
    One real node; a test takes topics and groups of its own and leaves the node alone.

    Where Java or Maven cannot be had, CI fails and a laptop skips.
    """
    with ExitStack() as running:
        try:
            kafka = running.enter_context(RealKafka(tmp_path_factory.mktemp("kafka")))
        except RuntimeUnavailable as reason:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(f"no real Kafka here: {reason}")
        yield kafka
