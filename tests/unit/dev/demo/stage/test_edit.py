"""The edit on stage is one that a moderator could make: a new version, and it is without fault."""

from __future__ import annotations

import shutil
from pathlib import Path

from consumer.classifier.prompt import system_message
from consumer.dev.demo.stage.edit import SENTENCE, PolicyEdit
from consumer.dev.safeguard.judge import read_policy
from consumer.domain.policy import PolicyVersion
from consumer.registry.load import binding_of, load_catalogue

POLICIES = Path(__file__).parents[5] / "policies"


def labels(version: PolicyVersion) -> set[str]:
    """What the stand-in finds in the sentence, by policy."""
    found = set()
    for policy in version.policies:
        reading = read_policy(system_message(policy))
        assert reading is not None
        found.add(reading.judge(SENTENCE).label)
    return found


def test_the_new_version_flags_what_the_old_one_allowed(tmp_path: Path) -> None:
    """The live version stays as it is; its successor is live, and judges the sentence otherwise."""
    policies = tmp_path / "policies"
    shutil.copytree(POLICIES, policies)
    edit = PolicyEdit(policies)
    assert edit.applies
    before = binding_of(load_catalogue(policies), "chat.messages").live

    edit.publish()

    binding = binding_of(load_catalogue(policies), "chat.messages")
    assert (before.number, binding.live.number) == (2, 3)
    assert binding.versions[2].digest == before.digest
    assert "SC1" not in labels(before)
    assert "SC1" in labels(binding.live)


def test_other_policies_are_left_alone(tmp_path: Path) -> None:
    """With --policies the story has no edit, and nothing fails."""
    assert not PolicyEdit(tmp_path).applies
