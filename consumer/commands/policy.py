"""The commands `policy show` and `policy pin`."""

from __future__ import annotations

from pathlib import Path

from consumer.classifier.prompt import system_message
from consumer.domain.binding import Binding, Catalogue
from consumer.domain.policy import PolicyVersion
from consumer.domain.tokens import tokens_of
from consumer.errors import InvalidSettings
from consumer.registry.load import load_catalogue
from consumer.registry.pins import write_pins


def pin_policies(folder: Path) -> int:
    for binding in load_catalogue(folder).bindings:
        for line in write_pins(folder, binding) or ["(all pinned already)"]:
            print(f"{binding.set_name}: {line}")
    return 0


def show_policies(folder: Path, version_id: str | None, prompt: bool) -> int:
    catalogue = load_catalogue(folder)
    if version_id is None:
        for binding in catalogue.bindings:
            _show_binding(binding)
        return 0
    _show_version(version_named(catalogue, version_id), prompt)
    return 0


def version_named(catalogue: Catalogue, version_id: str) -> PolicyVersion:
    """
    The version with that id.

    Raises:
        InvalidSettings: there is none.
    """
    versions = {v.id: v for binding in catalogue.bindings for v in binding.versions.values()}
    version = versions.get(version_id)
    if version is None:
        raise InvalidSettings(f"no version {version_id}; there are: {', '.join(versions)}")
    return version


def _show_binding(binding: Binding) -> None:
    print(f"{binding.set_name}: {', '.join(binding.patterns)}")
    for version in binding.versions.values():
        mark = "live" if version is binding.live else ""
        names = ", ".join(policy.name for policy in version.policies)
        print(f"  {mark:<4} {version.id}  {version.digest}  {names}")


def _show_version(version: PolicyVersion, prompt: bool) -> None:
    for policy in version.policies:
        if prompt:
            print(system_message(policy))
            continue
        print(f"{policy.name}: {policy.title}")
        print(
            f"  severity {policy.severity}, effort {policy.effort.value}, about {policy.tokens} "
            f"tokens, {tokens_of(system_message(policy))} in the prompt",
        )
        width = max(map(len, (*policy.outcomes, *policy.rules)))
        for label, outcome in policy.outcomes.items():
            print(f"  {label:<{width}}  {outcome.value}")
        for rule, meaning in policy.rules.items():
            print(f"  {rule:<{width}}  {meaning}")
    if not prompt:
        print(f"{version.id} {version.digest}")
