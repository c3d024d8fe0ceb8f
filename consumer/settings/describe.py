"""Describe: every setting with its default, limits and meaning, for people to read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, get_args, get_origin

from pydantic.fields import FieldInfo

from consumer.settings.inference import EndpointSettings
from consumer.settings.section import Section
from consumer.settings.settings import Settings


class Described(NamedTuple):
    """One setting."""

    name: str
    """Dotted, as `--set` takes it."""
    default: str
    """Empty where there is none."""
    limits: str
    """What it may be: `1 to 60`, or words; empty where anything of its type will do."""
    meaning: str


def describe_settings() -> Iterator[Described]:
    """Every setting, in the order of the files."""
    for section, holder in Settings.model_fields.items():
        yield from _described_table(section, holder.default)
    for name, field in EndpointSettings.model_fields.items():
        yield described(f"inference.endpoints.NAME.{name}", field)


def _described_table(table: str, holder: Section) -> Iterator[Described]:
    """The settings of a table, and of the tables in it."""
    for name, field in type(holder).model_fields.items():
        if isinstance(field.default, Section):
            yield from _described_table(f"{table}.{name}", field.default)
        else:
            yield described(f"{table}.{name}", field)


def described(name: str, field: FieldInfo) -> Described:
    """One field of a table that people write, in the words of its docstring."""
    default = "" if field.is_required() or field.default is None else str(field.default)
    return Described(name, default, _limits(field), (field.description or "").replace("\n", " "))


def _limits(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return ", ".join(get_args(field.annotation))
    bounds = {
        name: f"{getattr(limit, name):,}"
        for limit in _metadata(field)
        for name in ("ge", "le", "lt")
        if hasattr(limit, name)
    }
    if not bounds:
        return ""
    if bounds.keys() == {"ge"}:
        return f"{bounds['ge']} or more"
    return f"{bounds['ge']} to {bounds.get('le') or 'below ' + bounds['lt']}"


def _metadata(field: FieldInfo) -> Iterator[object]:
    """The limits of a field, those of `Annotated[int, Field(ge=1)] | None` too."""
    yield from field.metadata
    for choice in get_args(field.annotation):
        for mark in getattr(choice, "__metadata__", ()):
            yield from getattr(mark, "metadata", ())
