"""The commands `policy show` and `policy pin`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

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


def show_policies(folder: Path, version_id: str | None, prompt: bool, console: Console) -> int:
    catalogue = load_catalogue(folder)
    if version_id is None:
        for binding in catalogue.bindings:
            _show_binding(binding, console)
        return 0
    _show_version(version_named(catalogue, version_id), prompt, console)
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


def _show_binding(binding: Binding, console: Console) -> None:
    table = Table(title=f"{binding.set_name}: {', '.join(binding.patterns)}", title_justify="left")
    for column in ("version", "", "policies", "digest"):
        table.add_column(column)
    for version in binding.versions.values():
        names = ", ".join(policy.name for policy in version.policies)
        table.add_row(version.id, "live" if version is binding.live else "", names, version.digest)
    console.print(table)


def _show_version(version: PolicyVersion, prompt: bool, console: Console) -> None:
    for policy in version.policies:
        if prompt:
            print(system_message(policy))
            continue
        table = Table(
            title=f"{policy.title} ({policy.name}, severity {policy.severity}, "
            f"effort {policy.effort.value}, about {policy.tokens} tokens, "
            f"{tokens_of(system_message(policy))} in the prompt)",
            title_justify="left",
        )
        table.add_column("label")
        table.add_column("outcome")
        for label, outcome in policy.outcomes.items():
            table.add_row(label, outcome.value)
        console.print(table)
        for rule, meaning in policy.rules.items():
            console.print(f"  {rule}: {meaning}", markup=False)
    if not prompt:
        console.print(f"{version.id} {version.digest}", markup=False)
