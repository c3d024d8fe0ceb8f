"""The command `policy diff`: what changed from one version of a policy set to another."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path

from consumer.domain.binding import Binding, Catalogue
from consumer.domain.policy import Policy, PolicyVersion
from consumer.errors import InvalidSettings
from consumer.registry.load import load_catalogue


def diff_policies(folder: Path, old: str, new: str, set_name: str | None) -> int:
    """
    Print what differs: 0 where nothing does, 1 where something does, as `diff` has it.

    Raises:
        InvalidSettings: there is no such version, or no saying of which set.
    """
    catalogue = load_catalogue(folder)
    before, after = (version_of(catalogue, name, set_name) for name in (old, new))
    lines = list(differences(before, after))
    print(f"{before.id} {before.digest}\n{after.id} {after.digest}")
    for line in lines or ["nothing differs"]:
        print(line)
    return 1 if lines else 0


def version_of(catalogue: Catalogue, name: str, set_name: str | None) -> PolicyVersion:
    """
    The version that `set@v2` names, or `v2` with a set, or `v2` where there is one set alone.

    Raises:
        InvalidSettings: naming those that there are.
    """
    wanted, _, number = name.rpartition("@")
    wanted = wanted or set_name or ""
    sets = [each for each in catalogue.bindings if wanted in ("", each.set_name, *each.patterns)]
    if not sets or (not wanted and len(sets) > 1):
        known = ", ".join(binding.set_name for binding in catalogue.bindings)
        raise InvalidSettings(f"{name}: say of which set, as in SET@{number}; there are {known}")
    return _numbered(sets[0], number)


def _numbered(binding: Binding, number: str) -> PolicyVersion:
    found = {f"v{each}": version for each, version in binding.versions.items()}
    if number not in found:
        raise InvalidSettings(f"{binding.set_name} has no {number}; it has {', '.join(found)}")
    return found[number]


def differences(before: PolicyVersion, after: PolicyVersion) -> Iterator[str]:
    """A line for each policy that came or went, and what changed in the others."""
    old = {policy.name: policy for policy in before.policies}
    new = {policy.name: policy for policy in after.policies}
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield f"- {name}.md is gone"
        elif name not in old:
            yield f"+ {name}.md is new"
        elif changes := list(_changes(old[name], new[name])):
            yield f"{name}.md"
            yield from changes


def _changes(old: Policy, new: Policy) -> Iterator[str]:
    for what in ("title", "severity", "effort", "second_look"):
        was, now = getattr(old, what), getattr(new, what)
        if was != now:
            yield f"  {what}: {was} -> {now}"
    yield from _entries("label", _outcomes(old), _outcomes(new))
    yield from _entries("rule", dict(old.rules), dict(new.rules))
    were, are = ({e.text: e.label for e in each.examples} for each in (old, new))
    yield from _entries("example", were, are)
    yield from _text(old.text, new.text)


def _outcomes(policy: Policy) -> dict[str, str]:
    return {name: outcome.value for name, outcome in policy.outcomes.items()}


def _entries(what: str, old: dict[str, str], new: dict[str, str]) -> Iterator[str]:
    for name in dict.fromkeys((*old, *new)):
        if name not in new:
            yield f"  - {what} {name}: {old[name]}"
        elif name not in old:
            yield f"  + {what} {name}: {new[name]}"
        elif old[name] != new[name]:
            yield f"  {what} {name}: {old[name]} -> {new[name]}"


def _text(old: str, new: str) -> Iterator[str]:
    """The lines of the text that changed, without the file names that `diff` begins with."""
    changed = unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=1)
    for line in changed:
        if not line.startswith(("---", "+++")):
            yield f"  {line}"
