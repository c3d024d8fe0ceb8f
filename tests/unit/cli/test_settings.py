"""`safeguard settings`: every setting is shown with the value that it has."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.cli.settings import settings
from consumer.settings.describe import describe_settings
from consumer.telemetry import logs

SEVERAL = """
[inference.endpoints.gpu-a]
address = "http://a:8000/v1"
"""


def test_every_setting_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of one endpoint among several are shown with their meaning, and together as values."""
    # The logs are the process's, and other tests have some too.
    monkeypatch.setattr(logs, "set_up_logs", lambda *_, **__: None)
    file = tmp_path / "safeguard.toml"
    file.write_text(SEVERAL)
    settings(config=file, set=["kafka.group=mine"])
    lines = capsys.readouterr().out.splitlines()
    shown = [line.split(" = ")[0] for line in lines if not line.startswith(" ")]
    assert shown == [each.name for each in describe_settings()]
    assert "kafka.group = 'mine'" in lines
    (endpoints,) = (line for line in lines if line.startswith("inference.endpoints = "))
    assert "'gpu-a': {'address': 'http://a:8000/v1'" in endpoints
