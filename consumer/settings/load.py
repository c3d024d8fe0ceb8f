"""
Load: from flags, environment, file and defaults to settings, or to a list of all faults.

A value comes from, in this order: a flag (`--set kafka.group=mine`), the environment
(`SAFEGUARD_KAFKA__GROUP=mine`), the file given by `--config`, the default. Secrets are named by
file and read once at the start.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from consumer.errors import InvalidSettings
from consumer.registry.lines import TOML_BYTES_MAX, Lines, line_of, toml_fields, toml_lines
from consumer.registry.spelling import did_you_mean
from consumer.registry.wording import worded
from consumer.settings.describe import describe_settings
from consumer.settings.environment import environment_values, misspelt, variable_of
from consumer.settings.settings import Settings


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
    variables = os.environ if environment is None else environment
    if file is not None:
        values, lines = _file_values(file)
        _merge(
            merged,
            origins,
            values,
            lambda name: f"{file}:{line_of(lines, tuple(name.split('.')))}: {name}",
        )
    _merge(
        merged,
        origins,
        environment_values(variables),
        lambda name: f"environment {variable_of(name)}",
    )
    _merge(merged, origins, dict(flags), lambda name: f"--set {name}")
    faults = [
        f"environment {name}: means nothing; did you mean {meant}?"
        for name, meant in misspelt(variables)
    ]
    try:
        settings = Settings.model_validate(_nested(merged))
    except ValidationError as error:
        faults = [*_faults(error, origins), *faults]
    if faults:
        noun = "fault" if len(faults) == 1 else "faults"
        told = "\n".join(f"  {fault}" for fault in faults)
        raise InvalidSettings(f"{len(faults)} {noun} in the settings:\n{told}")
    return settings


def _file_values(file: Path) -> tuple[dict[str, Any], Lines]:
    try:
        # A pipe may be meant, such as a shell's `<(…)`, so it is waited for; a device never ends.
        with file.open("rb") as content:
            found = content.read(TOML_BYTES_MAX + 1)
    except OSError as error:
        raise InvalidSettings(f"{file} cannot be read: {error.strerror}") from None
    if len(found) > TOML_BYTES_MAX:
        raise InvalidSettings(f"{file} is larger than {TOML_BYTES_MAX:,} bytes")
    try:
        text = found.decode("utf-8-sig").replace("\r\n", "\n")
        document = toml_fields(text)
    except UnicodeDecodeError:
        raise InvalidSettings(f"{file} is not UTF-8: save the file as UTF-8") from None
    except ValueError as error:
        raise InvalidSettings(f"{file} is not TOML: {error}") from None
    values: dict[str, Any] = {}
    for section, table in document.items():
        if not isinstance(table, dict):
            values[section] = table
            continue
        for name, value in table.items():
            path = f"{section}.{name}"
            if path in _INNER_TABLES and isinstance(value, dict):
                values |= {f"{path}.{inner}": each for inner, each in value.items()}
                continue
            is_free = path in _FREE_TABLES and isinstance(value, dict)
            values[path] = _flat(value) if is_free else value
    return values, toml_lines(text)


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
            if name.startswith(_DEEPER):
                _put(table, field.split("."), value)
            else:
                table[field] = value
    return nested


_INNER_TABLES = ("review.console", "inference.decision")
"""Tables of settings in tables of settings."""
_DEEPER = ("inference.endpoints.", *(f"{table}." for table in _INNER_TABLES))
"""Tables in tables: what follows their names is a path, and no name with dots."""


def _put(table: dict[str, Any], path: list[str], value: object) -> None:
    """Set what lies at a path, without changing the tables that were read from a file."""
    for step in path[:-1]:
        inner = table.get(step)
        table[step] = table = dict(inner) if isinstance(inner, dict) else {}
    table[path[-1]] = value


def _faults(error: ValidationError, origins: Mapping[str, str]) -> list[str]:
    lines = []
    for fault in error.errors(include_url=False, include_input=False):
        name = ".".join(str(step) for step in fault["loc"])
        steps = name.split(".")
        places = (origins.get(".".join(steps[:length])) for length in (len(steps), 3, 2))
        place = next(filter(None, places), None)
        place = place or next((origins[n] for n in origins if n.startswith(name + ".")), name)
        message = worded(fault)
        if fault["type"] == "extra_forbidden":
            message = "unknown setting" + (
                did_you_mean(name, _known()) or "; `safeguard settings` lists them all"
            )
        lines.append(f"{place}: {message}")
    return lines


def _known() -> set[str]:
    """Every name that could have been meant: of settings, and of their tables."""
    names = {each.name for each in describe_settings()}
    return names | {name.partition(".")[0] for name in names}
