"""Environment: which variables are settings, and which only look like some."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from consumer.registry.spelling import nearest
from consumer.settings.describe import describe_settings

ENV_PREFIX = "SAFEGUARD_"
OTHERS = ("_TEST_", "_PARENT_PIPE")
"""Parts of names that are read elsewhere."""


def environment_values(environment: Mapping[str, str]) -> dict[str, Any]:
    """Dotted names to values, as far as variables are named like settings."""
    return {
        name.removeprefix(ENV_PREFIX).lower().replace("__", "."): value
        for name, value in environment.items()
        if name.startswith(ENV_PREFIX) and "__" in name
    }


def variable_of(setting: str) -> str:
    """The variable of a dotted name."""
    return ENV_PREFIX + setting.upper().replace(".", "__")


def misspelt(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """
    Variables that mean nothing and are like one that does, each with that one.

    Those that are like none are left alone: an orchestrator makes names of its own from a service
    that is called safeguard, such as SAFEGUARD_SERVICE_HOST.
    """
    known = {variable_of(each.name): None for each in describe_settings()}
    plain = {name.replace("__", "_"): name for name in known}
    for name in sorted(environment):
        if not name.startswith(ENV_PREFIX) or "__" in name or any(o in name for o in OTHERS):
            continue
        meant = plain.get(name) or plain.get(nearest(name, plain) or "")
        if meant is not None and not _is_of_a_service(name):
            yield name, meant


def _is_of_a_service(name: str) -> bool:
    """SAFEGUARD_PORT, SAFEGUARD_PORT_9464_TCP_ADDR, SAFEGUARD_SERVICE_PORT and their kind."""
    return name.removeprefix(ENV_PREFIX).startswith(("PORT", "SERVICE_"))
