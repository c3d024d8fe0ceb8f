"""The meter: sums under each version, handed on when it is flushed and never twice."""

from __future__ import annotations

from consumer.domain.verdicts.usage import Usage
from consumer.domain.verdicts.verdict import Tokens
from consumer.telemetry.telemetry import Telemetry
from consumer.telemetry.usage import UsageMeter

ONE = Tokens(400, 320, 60, 80)


def read(telemetry: Telemetry, name: str, version: str, **labels: str) -> float | None:
    labels = {"policy_version": version, **labels}
    return telemetry.metrics.registry.get_sample_value(f"safeguard_{name}_total", labels)


def test_each_version_has_its_own_sums() -> None:
    telemetry = Telemetry()
    meter = UsageMeter(telemetry)
    meter.add("chat@v1", Usage(1, 0, ONE), 250.0)
    meter.add("chat@v1", Usage(3, 2, ONE + ONE + ONE, ONE + ONE), 750.0)
    meter.add("chat@v2", Usage(1, 0, ONE), 1.0)
    assert read(telemetry, "tokens", "chat@v1", kind="prompt") == 0

    for _ in range(2):
        meter.flush()

    assert read(telemetry, "judging_calls", "chat@v1", result="judged") == 2
    assert read(telemetry, "judging_calls", "chat@v1", result="unread") == 2
    assert read(telemetry, "model_seconds", "chat@v1") == 1.0
    for kind, count in ONE._asdict().items():
        assert read(telemetry, "tokens", "chat@v1", kind=kind) == 4 * count
        assert read(telemetry, "unread_tokens", "chat@v1", kind=kind) == 2 * count
        assert read(telemetry, "tokens", "chat@v2", kind=kind) == count
    assert "chat@v1, chat@v2" in repr(meter)


def test_what_is_added_after_a_flush_comes_with_the_next() -> None:
    telemetry = Telemetry()
    meter = UsageMeter(telemetry)
    for _ in range(2):
        meter.add("chat@v1", Usage(1, 0, ONE), 10.0)
        meter.flush()
    assert read(telemetry, "tokens", "chat@v1", kind="completion") == 160
