"""
Load: from flags, environment, file and defaults to settings, or to a list of all faults.

A value comes from, in this order: a flag (`--set kafka.group=mine`), the environment
(`SAFEGUARD_KAFKA__GROUP=mine`), the file given by `--config`, the default. Secrets are named by
file and read once at the start.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from consumer.errors import InvalidSettings
from consumer.settings.settings import Settings

ENV_PREFIX = "SAFEGUARD_"


def load_settings(
    file: Path | None,
    flags: Mapping[str, str] = {},
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """
    Read the settings once.

    Args:
        file: TOML, with one table for each section; None reads none.
        flags: dotted names to values, as given by `--set`; they win.
        environment: `SAFEGUARD_<SECTION>__<NAME>`; the process's own by default.

    Raises:
        InvalidSettings: listing every fault with the place it came from.
    """
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    if file is not None:
        _merge(merged, origins, _file_values(file), lambda name: f"{file}: {name}")
    _merge(
        merged,
        origins,
        _environment_values(os.environ if environment is None else environment),
        lambda name: f"environment {ENV_PREFIX}{name.upper().replace('.', '__')}",
    )
    _merge(merged, origins, dict(flags), lambda name: f"--set {name}")
    try:
        return Settings.model_validate(_nested(merged))
    except ValidationError as error:
        raise InvalidSettings(_faults(error, origins)) from None


def _file_values(file: Path) -> dict[str, Any]:
    try:
        document = tomllib.loads(file.read_text())
    except OSError as error:
        raise InvalidSettings(f"{file} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"{file} is not TOML: {error}") from None
    values: dict[str, Any] = {}
    for section, table in document.items():
        if not isinstance(table, dict):
            values[section] = table
            continue
        for name, value in table.items():
            is_free = f"{section}.{name}" in _FREE_TABLES and isinstance(value, dict)
            values[f"{section}.{name}"] = _flat(value) if is_free else value
    return values


_FREE_TABLES = ("kafka.client", "kafka.client_files")
"""Tables whose keys are librdkafka's own dotted names."""


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """TOML reads `sasl.username = …` as a table in a table; librdkafka's names are flat."""
    flat: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _environment_values(environment: Mapping[str, str]) -> dict[str, Any]:
    return {
        name.removeprefix(ENV_PREFIX).lower().replace("__", "."): value
        for name, value in environment.items()
        if name.startswith(ENV_PREFIX) and "__" in name
    }


def _merge(
    merged: dict[str, Any], origins: dict[str, str], values: Mapping[str, Any], origin: Any
) -> None:
    for name, value in values.items():
        section, _, rest = name.partition(".")
        field, _, inner = rest.partition(".")
        if inner and f"{section}.{field}" in _FREE_TABLES:
            # kafka.client.sasl.username: the name of the property itself holds dots, which the
            # environment writes as underscores.
            inner = inner.replace("_", ".")
            table = merged.get(f"{section}.{field}", {})
            if isinstance(table, dict):
                merged[f"{section}.{field}"] = {**table, inner: value}
            origins[f"{section}.{field}.{inner}"] = origin(name)
        else:
            merged[name] = value
            origins[name] = origin(name)


def _nested(merged: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in sorted(merged.items(), key=lambda item: item[0].count(".")):
        section, _, field = name.partition(".")
        if not field:
            nested[section] = value
        elif isinstance(table := nested.setdefault(section, {}), dict):
            if name.startswith(f"{_TABLE_OF_TABLES}."):
                _put(table, field.split("."), value)
            else:
                table[field] = value
    return nested


_TABLE_OF_TABLES = "inference.endpoints"
"""A table whose keys are names that the operator gives, each with a table of its own."""


def _put(table: dict[str, Any], path: list[str], value: object) -> None:
    """Set what lies at a path, without changing the tables that were read from a file."""
    for step in path[:-1]:
        inner = table.get(step)
        table[step] = table = dict(inner) if isinstance(inner, dict) else {}
    table[path[-1]] = value


def _faults(error: ValidationError, origins: Mapping[str, str]) -> str:
    lines = []
    for fault in error.errors(include_url=False, include_input=False):
        name = ".".join(str(step) for step in fault["loc"])
        place = origins.get(name) or origins.get(".".join(name.split(".")[:2]))
        place = place or next((origins[n] for n in origins if n.startswith(name + ".")), name)
        message = fault["msg"]
        if fault["type"] == "extra_forbidden":
            message = "unknown setting; `safeguard settings` lists them all"
        lines.append(f"  {place}: {message}")
    noun = "fault" if len(lines) == 1 else "faults"
    return f"{len(lines)} {noun} in the settings:\n" + "\n".join(lines)
