"""What `topics plan` and `apply` find to do, on the embedded broker."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.commands.topics import missing_inputs, plan_topics
from consumer.dev.broker import EmbeddedBroker
from consumer.domain.binding import Catalogue
from consumer.registry.load import load_catalogue
from consumer.settings.load import load_settings
from tests.journeys.worker import make_policies


def catalogue_of(folder: Path) -> Catalogue:
    return load_catalogue(make_policies(folder, '["chat", "posts.*"]'))


def test_inputs_that_are_missing_are_named_with_their_set(tmp_path: Path) -> None:
    """A pattern names no topic, so nothing is missing for it."""
    catalogue = catalogue_of(tmp_path)
    assert missing_inputs(catalogue, {}) == {"chat": "set"}
    assert missing_inputs(catalogue, {"chat": 3}) == {}


def test_inputs_are_planned_when_that_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With all their outputs, so that one call makes all (`make first-hours` does, for real)."""
    catalogue_of(tmp_path)
    with EmbeddedBroker({"other": 1}) as broker:
        settings = load_settings(
            None,
            {
                "kafka.bootstrap_servers": broker.bootstrap_servers,
                "kafka.topic_ids": "false",
                "policies.folder": str(tmp_path),
            },
            environment={},
        )
        assert plan_topics(settings) == 1
        said = capsys.readouterr().out
        assert "by hand  chat: the input topic does not exist; --create-inputs makes it" in said
        assert plan_topics(settings, input_partitions=2) == 1
        assert ".reports" not in capsys.readouterr().out, "nobody reviews it"
        make_policies(tmp_path, '["chat"]', more="[review]")
        assert plan_topics(settings, input_partitions=2) == 1
    said = capsys.readouterr().out
    assert "create   chat: missing; set/topic.toml reads it" in said
    assert "create   chat.flag: missing; chat has 2 partitions" in said
    assert "by hand" not in said
    for end in (".reports", ".reports.dead-letter", ".appeals.dead-letter", ".decisions"):
        words = f"create   chat{end}: missing; chat has 2 partitions; `safeguard review feed`"
        assert words in said
