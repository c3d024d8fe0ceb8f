"""Numbers that no command can work with are refused before anything is asked or begun."""

from __future__ import annotations

import pytest

from consumer.cli import topics, worker
from consumer.errors import InvalidSettings


@pytest.fixture(autouse=True)
def nothing_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for the settings has gone on."""

    def settings_of(*_words: object, **_more: object) -> None:
        raise AssertionError("it went on")

    monkeypatch.setattr(topics, "settings_of", settings_of)
    monkeypatch.setattr(worker, "settings_of", settings_of)


@pytest.mark.parametrize("partitions", [0, -1, 100_001, 1_000_000_000])
def test_partitions_that_no_topic_has(partitions: int) -> None:
    """Beyond its limit the client library raises an error of its own."""
    with pytest.raises(InvalidSettings, match="give 1 to 100,000"):
        topics.apply(create_inputs=True, input_partitions=partitions)


@pytest.mark.parametrize("processes", [0, -1, 257, 100_000])
def test_processes_that_no_machine_has(processes: int) -> None:
    """Zero workers are not one, and a zero too many would fill the machine."""
    with pytest.raises(InvalidSettings, match=r"--processes .*: give 1 to 256"):
        worker.run(processes=processes)
