"""Variables that only look like settings are named, and an orchestrator's are left alone."""

from __future__ import annotations

import pytest

from consumer.errors import InvalidSettings
from consumer.settings.environment import misspelt
from consumer.settings.load import load_settings


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SAFEGUARD_KAFKA_GROUP", "SAFEGUARD_KAFKA__GROUP"),
        ("SAFEGUARD_INFERENCE_ENDPOINT", "SAFEGUARD_INFERENCE__ENDPOINT"),
        ("SAFEGUARD_INFERENCE_API_KEY_FILE", "SAFEGUARD_INFERENCE__API_KEY_FILE"),
        ("SAFEGUARD_POLICIES_FOLDR", "SAFEGUARD_POLICIES__FOLDER"),
    ],
)
def test_one_underscore_too_few(name: str, meant: str) -> None:
    """It would be passed over, and the worker would run with the default."""
    assert list(misspelt({name: "x"})) == [(name, meant)]
    with pytest.raises(InvalidSettings, match=f"{name}: means nothing; did you mean {meant}"):
        load_settings(None, {}, {name: "x"})


@pytest.mark.parametrize(
    "name",
    [
        "SAFEGUARD_SERVICE_HOST",
        "SAFEGUARD_SERVICE_PORT_METRICS",
        "SAFEGUARD_PORT",
        "SAFEGUARD_PORT_9464_TCP_ADDR",
        "SAFEGUARD_HOME",
        "SAFEGUARD_TEST_ENDPOINT",
        "SAFEGUARD_KAFKA__GROUP",
    ],
)
def test_what_others_make_of_the_name_is_no_fault(name: str) -> None:
    """Kubernetes makes variables from a service's name."""
    assert list(misspelt({name: "x"})) == []
