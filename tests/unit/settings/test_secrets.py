"""A secret is never shown, whatever key it came by, and where it is inline this is said."""

from __future__ import annotations

import pytest

from consumer.cli.settings import settings
from consumer.settings.load import load_settings
from consumer.settings.secrets import inline_secrets
from consumer.telemetry import logs

CANARY = "xq7canary"
KEYS = (
    "sasl.password",
    "ssl.key.password",
    "ssl.keystore.password",
    "ssl.key.pem",
    "sasl.oauthbearer.client.secret",
    "sasl.oauthbearer.config",
)


@pytest.mark.parametrize("key", KEYS)
def test_a_property_that_is_a_secret(
    key: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hidden in `safeguard settings`, and warned of with where it belongs."""
    monkeypatch.setattr(logs, "set_up_logs", lambda *_, **__: None)
    settings(set=[f"kafka.client.{key}={CANARY}"])
    said = capsys.readouterr()
    assert CANARY not in said.out + said.err
    assert "(hidden)" in said.out
    assert f"kafka.client.{key} is given inline" in said.err


def test_credentials_in_an_address(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are no part of the address that is shown."""
    monkeypatch.setattr(logs, "set_up_logs", lambda *_, **__: None)
    several = "inference.endpoints.a.address"
    address = f"http://me:{CANARY}@host:8000/v1"
    settings(set=[f"inference.endpoint={address}", f"{several}={address}"])
    said = capsys.readouterr()
    assert CANARY not in said.out + said.err
    assert "http://(hidden)@host:8000/v1" in said.out
    assert f"{several} holds credentials" in said.err


def test_what_is_no_secret_is_no_warning() -> None:
    """The path of a certificate and a user's name may be seen."""
    flags = {"kafka.client.ssl.ca.location": "/x", "kafka.client.sasl.username": "me"}
    assert list(inline_secrets(load_settings(None, flags, {}))) == []
