"""Pins: what the content of each published version was, so that a change to one is refused."""

from __future__ import annotations

import os
from pathlib import Path

from consumer.domain.binding import Binding
from consumer.domain.policy import PolicyVersion
from consumer.errors import Flaw, InvalidPolicy
from consumer.registry.files import as_saved_anywhere, read_file
from consumer.registry.lines import TOML_BYTES_MAX, toml_fields

PINS = "pins.toml"
"""`v2 = "<digest>"`: a line for each published version; written by `safeguard policy pin`."""


def read_pins(file: Path) -> dict[str, str] | str:
    """The pins, or what is wrong with them."""
    if not os.path.lexists(file):
        return {}
    content = read_file(file, TOML_BYTES_MAX)
    if isinstance(content, str):
        return f"{content}, so nothing is protected"
    try:
        pins = toml_fields(as_saved_anywhere(content).decode())
    except ValueError as error:
        return f"the pins cannot be read, so nothing is protected: {error}"
    return {name: digest if isinstance(digest, str) else "" for name, digest in pins.items()}


def write_pins(folder: Path, binding: Binding) -> list[str]:
    """
    Pin the live version of a set and those before it; returns the lines that were added.

    Later numbers are drafts and may change as often as their author likes.
    """
    file = folder / binding.set_name / PINS
    pins = read_pins(file)
    if isinstance(pins, str):
        raise InvalidPolicy((Flaw(str(file), 1, pins),))
    added = [
        f'v{number} = "{version.digest}"'
        for number, version in sorted(binding.versions.items())
        if number <= binding.live.number and f"v{number}" not in pins
    ]
    if added:
        old = file.read_text() if file.exists() else _PINS_HEAD
        file.write_text(old + "".join(line + "\n" for line in added))
    return added


_PINS_HEAD = (
    "# What each published version's content was. A version whose text changes is refused:\n"
    "# publish the new text under the next number. Written by `safeguard policy pin`.\n"
)


def changed_version(version: PolicyVersion, shown: str) -> Flaw:
    """A published version's text changed under the same number."""
    return Flaw(
        shown,
        1,
        f"{version.id} is published and its text has changed: put the old text back and publish "
        "the new one under the next number",
    )
