"""`topics pause` said once more: the reason that was given holds until there is another."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.commands import pause
from consumer.commands.pause import pause_topic
from consumer.domain.control import Control
from consumer.kafka.cluster.controls import CONTROLS_TOPIC
from consumer.settings.load import load_settings
from tests.journeys.worker import make_policies


class Brokers:
    """A cluster with the input and the controls, in memory."""

    def __init__(self, _config: object) -> None:
        pass

    def partitions(self) -> dict[str, int]:
        return {"chat": 1, CONTROLS_TOPIC: 1}


@pytest.mark.parametrize(
    ("earlier", "said", "kept"),
    [("bad policy", "", "bad policy"), ("bad policy", "worse", "worse"), ("", "", "")],
)
def test_an_earlier_reason_is_kept(
    earlier: str,
    said: str,
    kept: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whoever pauses again without a word does not take the first one's away."""
    written: list[Control] = []
    before = {"chat": Control("chat", True, "me@host", "2026-01-31T08:00:00+00:00", earlier)}
    monkeypatch.setattr(pause, "Topics", Brokers)
    monkeypatch.setattr(pause, "_controls", lambda _config: before)
    monkeypatch.setattr(pause, "write_control", lambda _config, control: written.append(control))
    folder = make_policies(tmp_path, '["chat"]')
    settings = load_settings(None, {"policies.folder": str(folder)}, {})
    assert pause_topic(settings, "chat", said) == 0
    assert [control.reason for control in written] == [kept]
    assert (f"({kept})" in capsys.readouterr().out) == bool(kept)
