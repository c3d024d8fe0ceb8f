"""Where values stand in what people wrote, so that a fault is named by its line."""

from __future__ import annotations

import pytest

from consumer.registry.lines import Path, line_of, toml_fields, toml_lines

TOML = """\
name = "chat"

[message]
"text.part" = "/body"
[[skip_when]]
field = "/a"
[[skip_when]]
field = "/b"
[a.b]
c = [
  1,
]
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("name",), 1),
        (("message",), 3),
        (("message", "text.part"), 4),
        (("skip_when", 0), 5),
        (("skip_when", 0, "field"), 6),
        (("skip_when", 1, "field"), 8),
        (("a", "b", "c"), 10),
        (("a", "b", "c", 0), 10),
        (("message", "no such field"), 3),
        (("no such table",), 1),
        ((), 1),
    ],
)
def test_a_value_stands_where_it_or_its_nearest_parent_is_written(path: Path, line: int) -> None:
    assert line_of(toml_lines(TOML), path) == line


def test_a_key_has_a_thousand_dots_at_most() -> None:
    """So many can be read; reading more would take for ever."""
    assert toml_fields("a" + ".a" * 1_000 + " = 1")
    with pytest.raises(ValueError, match="more than 1,000 parts"):
        toml_fields("a" + ".a" * 1_001 + " = 1")
