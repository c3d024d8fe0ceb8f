"""Wiring: secrets, owned properties, budgets that go together, and one endpoint or several."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.errors import InvalidSettings
from consumer.kafka.config import OWNED, check_client_properties
from consumer.settings.inference import InferenceSettings
from consumer.settings.kafka import KafkaSettings
from consumer.settings.load import load_settings
from consumer.telemetry.telemetry import Telemetry
from consumer.worker.wiring import build_fleet, check_budgets, endpoints_of, kafka_config


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "safeguard.toml"


SEVERAL = """
[inference]
model = "small"
calls_max = 32

[inference.endpoints.gpu-a]
address = "http://a:8000/v1"

[inference.endpoints.gpu-b]
address = "http://b:8000/v1"
model = "large"
calls_max = 8
role = "second"
"""


def test_secrets_come_from_files(tmp_path: Path) -> None:
    """A property given by file has the file's content, without the line's end."""
    secret = tmp_path / "password"
    secret.write_text("s3cret\n")
    config = kafka_config(KafkaSettings(client_files={"sasl.password": secret}))
    assert config.client == {"sasl.password": "s3cret"}


def test_a_secret_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing secret stops the start and names the setting and the file."""
    missing = tmp_path / "missing"
    with pytest.raises(InvalidSettings, match=r"kafka\.client_files\.sasl\.password: .*missing"):
        kafka_config(KafkaSettings(client_files={"sasl.password": missing}))
    with pytest.raises(
        InvalidSettings, match=r"inference\.api_key_file: .*missing cannot be read: No such file"
    ):
        build_fleet(InferenceSettings(api_key_file=missing), Telemetry())


def test_a_secret_that_is_no_text(tmp_path: Path) -> None:
    """A secret file that is no UTF-8 is a fault of the settings, not a crash."""
    secret = tmp_path / "password"
    secret.write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidSettings):
        kafka_config(KafkaSettings(client_files={"sasl.password": secret}))
    with pytest.raises(InvalidSettings):
        build_fleet(InferenceSettings(api_key_file=secret), Telemetry())


def test_properties_are_words_for_the_client() -> None:
    """Numbers and booleans are passed on as librdkafka spells them."""
    client: dict[str, str | int | float | bool] = {
        "log.connection.close": True,
        "retries": 5,
        "linger.ms": 0.5,
        "sasl.username": "x",
    }
    assert kafka_config(KafkaSettings(client=client)).client == {
        "log.connection.close": "true",
        "retries": "5",
        "linger.ms": "0.5",
        "sasl.username": "x",
    }


@pytest.mark.parametrize("name", sorted(OWNED))
def test_owned_properties_are_refused(name: str, tmp_path: Path) -> None:
    """A property that the service owns is refused by name, with what to use instead."""
    with pytest.raises(InvalidSettings) as caught:
        kafka_config(KafkaSettings(client={name: "x"}))
    assert f"kafka.client.{name} is not yours to set: {OWNED[name]}" in str(caught.value)
    secret = tmp_path / "x"
    secret.write_text("x")
    with pytest.raises(InvalidSettings):
        kafka_config(KafkaSettings(client_files={name: secret}))


def test_all_owned_properties_are_named_at_once() -> None:
    """Several refused properties are one message."""
    with pytest.raises(InvalidSettings) as caught:
        check_client_properties({"acks": "0", "group.id": "x", "client.rack": "r"})
    assert str(caught.value).count("\n") == 1
    assert "client.rack" not in str(caught.value)


def test_a_drain_that_costs_the_membership_is_refused() -> None:
    """Budgets that only make sense together are checked together, and both are named."""
    settings = load_settings(
        None, {"pipeline.drain_s": "60", "kafka.max_poll_interval_s": "60"}, environment={}
    )

    with pytest.raises(InvalidSettings, match=r"pipeline\.drain_s.*kafka\.max_poll_interval_s"):
        check_budgets(settings)


async def test_several_endpoints_each_have_a_table(file: Path) -> None:
    """What an endpoint does not say is that of all; a flag reaches into one of the tables."""
    # Async only because a client wants a running loop; nothing else runs that this could hold up.
    file.write_text(SEVERAL)  # noqa: ASYNC240
    flags = {"inference.endpoints.gpu-a.calls_max": "16"}
    inference = load_settings(file, flags, environment={}).inference

    fleet = build_fleet(inference, Telemetry())
    second = build_fleet(inference, Telemetry(), "second")

    assert [(e.name, e.format.model) for e in fleet.endpoints] == [("gpu-a", "small")]
    (other,) = second.endpoints
    assert (other.name, other.format.model, other.capacity.limit) == ("gpu-b", "large", 8)
    assert endpoints_of(inference)["gpu-a"].calls_max == 16
    await fleet.close()
    await second.close()


async def test_one_endpoint_needs_no_name() -> None:
    """`inference.endpoint` alone is a fleet of one."""
    fleet = build_fleet(InferenceSettings(), Telemetry())

    assert [endpoint.name for endpoint in fleet.endpoints] == ["http://127.0.0.1:8000/v1"]
    await fleet.close()
