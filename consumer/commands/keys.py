"""The command `policy keys`: every key of `topic.toml`, from the model that reads it."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from consumer.registry.document import table_in
from consumer.registry.topic.file import TopicFile
from consumer.settings.describe import Described, described


def describe_keys() -> Iterator[tuple[str, list[Described]]]:
    """The tables of `topic.toml` as they are headed in it, the outermost one first without head."""
    yield from _tables("", "", TopicFile)


def _tables(head: str, path: str, table: type[BaseModel]) -> Iterator[tuple[str, list[Described]]]:
    """A table's keys, then the tables within it."""
    fields = {
        name: (field, table_in(field.annotation)) for name, field in table.model_fields.items()
    }
    yield (
        head,
        [described(name, field) for name, (field, inner) in fields.items() if head or not inner],
    )
    for name, (field, inner) in fields.items():
        if inner is not None:
            is_list = "list" in str(field.annotation)
            within = f"[[{path}{name}]]" if is_list else f"[{path}{name}]"
            yield from _tables(within, f"{path}{name}.", inner)


def keys_page() -> str:
    """The page policies/TOPIC.md."""
    lines = [
        "# topic.toml",
        "",
        "Every key, generated from the code by `make schemas`; `safeguard policy keys` prints it.",
        "`topics` and `live` must be there. Times are seconds.",
    ]
    for head, keys in describe_keys():
        title = f"`{head}`" if head else "Above all tables"
        lines += [
            "",
            f"## {title}",
            "",
            "| key | default | may be | meaning |",
            "|---|---|---|---|",
        ]
        for name, default, limits, meaning in keys:
            shown = f"`{default}`" if default else ""
            lines.append(f"| `{name}` | {shown} | {limits} | {meaning} |")
    return "\n".join(lines) + "\n"


def show_keys() -> int:
    """Print the keys, a line for each and one below it that says what it means."""
    for head, keys in describe_keys():
        if head:
            print(f"\n{head}")
        for name, default, limits, meaning in keys:
            notes = [f"default {default}"] if default else []
            notes += [limits] if limits else []
            print(name + (f"  ({'; '.join(notes)})" if notes else ""))
            print(f"    {meaning}")
    return 0
