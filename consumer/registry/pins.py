"""Pins: what the content of each published version was, so that a change to one is refused."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from consumer.domain.binding import Binding
from consumer.domain.policy import PolicyVersion
from consumer.errors import Flaw, InvalidPolicy
from consumer.files import as_saved_anywhere, read_file
from consumer.registry.lines import TOML_BYTES_MAX, toml_fields

PINS = "pins.toml"
"""A line for each published version; written by `safeguard policy pin`."""


class Pin(NamedTuple):
    """What a version was when it was published."""

    digest: str
    files: Mapping[str, str]
    """By name; none in pins that were written before 0.2."""

    def __str__(self) -> str:
        files = ", ".join(f'"{name}" = "{digest}"' for name, digest in sorted(self.files.items()))
        return f'{{ digest = "{self.digest}", files = {{ {files} }} }}'


def pin_of(version: PolicyVersion) -> Pin:
    """What it is now."""
    return Pin(version.digest, version.files)


def read_pins(file: Path) -> dict[str, Pin] | str:
    """The pins by the versions' folders, or what is wrong with them."""
    if not os.path.lexists(file):
        return {}
    content = read_file(file, TOML_BYTES_MAX)
    if isinstance(content, str):
        return f"{content}, so nothing is protected"
    try:
        pins = toml_fields(as_saved_anywhere(content).decode())
    except ValueError as error:
        return f"the pins cannot be read, so nothing is protected: {error}"
    return {name: _pin(said) for name, said in pins.items()}


def _pin(said: Any) -> Pin:
    """What is no pin protects like one that nothing matches."""
    fields = said if isinstance(said, dict) else {"digest": said}
    digest, files = fields.get("digest"), fields.get("files")
    return Pin(digest if isinstance(digest, str) else "", files if isinstance(files, dict) else {})


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
        f"v{number} = {pin_of(version)}"
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


def flaws_of_change(version: PolicyVersion, pin: Pin, shown: str) -> list[Flaw]:
    """What of a published version changed under the same number; `shown` is its folder's name."""
    if version.digest == pin.digest:
        return []
    names = sorted({*pin.files, *version.files}) if pin.files else []
    changed = [name for name in names if pin.files.get(name) != version.files.get(name)]
    if not changed:
        return [Flaw(shown, 1, _refusal(version, "its text has changed", "the old text"))]
    return [
        Flaw(f"{shown}/{name}", 1, _refusal(version, *_change(name, pin, version)))
        for name in changed
    ]


def _change(name: str, pin: Pin, version: PolicyVersion) -> tuple[str, str]:
    if name not in pin.files:
        return "this file is new in it", "what was there"
    if name not in version.files:
        return "this file is gone from it", "it"
    return "this text has changed", "the old text"


def _refusal(version: PolicyVersion, what: str, old: str) -> str:
    return (
        f"{version.id} is published and {what}: put {old} back and publish the new text under "
        "the next number"
    )
