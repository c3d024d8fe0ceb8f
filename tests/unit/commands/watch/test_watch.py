"""`safeguard watch` on the embedded broker: what is asked for is shown, with a count at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumer.commands.watch.watch import OUTCOMES, WatchRequest, chosen, watch
from consumer.dev.broker import EmbeddedBroker
from consumer.domain.messages.message import Headers
from consumer.errors import InvalidSettings, TopicsMissing
from consumer.settings.load import load_settings
from consumer.settings.settings import Settings
from tests.journeys.worker import make_policies
from tests.records import write

OUTPUTS = ("chat.allow", "chat.flag", "chat.block", "chat.dead-letter")


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker({"chat": 1, **dict.fromkeys(OUTPUTS, 1)}) as running:
        yield running


def settings_of(broker: EmbeddedBroker, folder: Path) -> Settings:
    make_policies(folder, '["chat", "posts"]')
    flags = {
        "kafka.bootstrap_servers": broker.bootstrap_servers,
        "kafka.topic_ids": "false",
        "policies.folder": str(folder),
    }
    return load_settings(None, flags, {})


def publish(broker: EmbeddedBroker, outcome: str, cause: str, offset: int) -> None:
    headers: Headers = (
        ("safeguard-verdict-id", b"v"),
        ("safeguard-outcome", outcome.encode()),
        ("safeguard-cause", cause.encode()),
        ("safeguard-position", f"chat/0/{offset}".encode()),
        ("safeguard-judged-at", b"2026-01-31T08:00:00.000Z"),
    )
    write(broker.bootstrap_servers, f"chat.{outcome}", [b"as it came"], headers=list(headers))


def test_what_is_asked_for_is_shown(
    broker: EmbeddedBroker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of two unjudged flags and more, those two; ended by --limit, with the count on stderr."""
    settings = settings_of(broker, tmp_path)
    for at, (outcome, cause) in enumerate(
        [("flag", "model"), ("flag", "unjudged"), ("allow", "unjudged"), ("flag", "unjudged")]
    ):
        publish(broker, outcome, cause, at)
    request = WatchRequest("chat", frozenset({"flag"}), frozenset({"unjudged"}), 0, 2)
    assert watch(settings, request, as_json=False) == 0
    said = capsys.readouterr()
    assert [line.split()[1:4] for line in said.out.splitlines()] == [
        ["flag", "chat", "0/1"],
        ["flag", "chat", "0/3"],
    ]
    assert said.err.splitlines()[-1] == "2 verdicts: allow 0, flag 2, block 0"


def test_json_is_the_wire_s(
    broker: EmbeddedBroker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One object a line, names as in the envelope, and nothing else on either stream."""
    settings = settings_of(broker, tmp_path)
    publish(broker, "block", "model", 7)
    assert watch(settings, WatchRequest(None, since_ms=0, limit=1), as_json=True) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert found["outcome"] == "block"
    assert found["position"]["offset"] == 7
    assert said.err == ""


def test_an_input_without_outputs(broker: EmbeddedBroker, tmp_path: Path) -> None:
    """It says what makes them."""
    with pytest.raises(TopicsMissing, match="posts has no outputs yet"):
        watch(settings_of(broker, tmp_path), WatchRequest("posts"), as_json=False)


def test_a_filter_that_is_none() -> None:
    """It says which there are."""
    with pytest.raises(InvalidSettings, match="there are allow, flag, block, dead-letter"):
        chosen(["blocked"], OUTCOMES, "--outcome")
