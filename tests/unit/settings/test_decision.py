"""`[inference.decision]`: a table in a table, from file, environment and flags."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.errors import InvalidSettings
from consumer.settings.load import load_settings


def test_it_is_read_from_all_three(tmp_path: Path) -> None:
    file = tmp_path / "safeguard.toml"
    file.write_text(
        '[inference.decision]\naddress = "http://127.0.0.1:1/v1"\nmodel = "d"\ntimeout_s = 2\n'
    )
    found = load_settings(
        file,
        {"inference.decision.failures_max": "7"},
        {"SAFEGUARD_INFERENCE__DECISION__WIRE": "systemone"},
    ).inference.decision
    assert (found.address, found.model, found.timeout_s) == ("http://127.0.0.1:1/v1", "d", 2.0)
    assert (found.wire, found.failures_max) == ("systemone", 7)


def test_without_an_address_there_is_none() -> None:
    assert load_settings(None, environment={}).inference.decision.address is None


def test_an_address_without_a_model_is_refused() -> None:
    flags = {"inference.decision.address": "http://127.0.0.1:1/v1"}
    with pytest.raises(InvalidSettings, match=r"inference\.decision\.model: thresholds hold for"):
        load_settings(None, flags, environment={})
