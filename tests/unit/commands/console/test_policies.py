"""A console sees new versions without being started anew, and keeps the last good ones."""

from __future__ import annotations

from pathlib import Path

from consumer.commands.console.policies import CurrentPolicies
from consumer.settings.policies import PolicySettings
from tests.console import StandingClock
from tests.journeys.worker import make_policies


def test_new_versions_are_seen_and_faults_change_nothing(tmp_path: Path) -> None:
    make_policies(tmp_path, '["chat"]')
    clock = StandingClock()
    own = PolicySettings(folder=tmp_path, watch_every_s=5.0)
    policies, still = (
        CurrentPolicies(own, clock),
        CurrentPolicies(own.model_copy(update={"watch": False}), clock),
    )
    assert policies().bindings[0].live.id == "set@v1"

    make_policies(tmp_path, '["chat"]', live=2)
    assert policies().bindings[0].live.id == "set@v1", "it is not yet time to look"
    for _ in range(2):
        # What changed since the last look may be half saved.
        clock.at_ms += 5_000
        policies()
    assert policies().bindings[0].live.id == "set@v2"
    assert still().bindings[0].live.id == "set@v1"

    (tmp_path / "set" / "topic.toml").write_text("live = 9")
    for _ in range(3):
        clock.at_ms += 5_000
        assert policies().bindings[0].live.id == "set@v2"
