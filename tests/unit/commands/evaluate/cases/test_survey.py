"""A survey counts what a file holds and names what is odd before anything is judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from consumer.commands.evaluate.cases.columns import Reader, columns_of
from consumer.commands.evaluate.cases.formats import cases_file
from consumer.commands.evaluate.cases.survey import NAMED_MAX, Survey, survey
from consumer.commands.evaluate.cases.texts import Texts
from consumer.errors import InvalidSettings
from tests.builders import a_policy, a_version

VERSION = a_version(a_policy(name="hate"))


def surveyed(folder: Path, rows: list[object], *maps: str) -> Survey:
    file = folder / "cases.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    columns = columns_of(maps, ())
    return survey(cases_file(str(file), folder), columns, Reader(columns, VERSION))


def case(text: str, label: str | None) -> dict[str, object]:
    return {"text": text, "label": label, "policy": "hate"}


def test_everything_is_counted(tmp_path: Path) -> None:
    """Bad rows, rows without a label, duplicates and contradictions each by their lines."""
    found = surveyed(
        tmp_path,
        [
            case("a", "HH0"),
            case("a ", "HH0"),
            case("a", "HH2"),
            case("b", None),
            case("c", "XX"),
            5,
        ],
    )
    assert (found.rows, found.texts, found.judgements, found.unlabelled) == (6, 3, 3, 1)
    assert found.labels == {("hate", "HH0"): 2, ("hate", "HH2"): 1}
    assert found.bad.count == 2
    assert found.bad.first[0].startswith("line 5: label XX")
    assert found.duplicates.first == ("line 2: as line 1, HH0",)
    assert found.contradictions.first == ("line 3: HH2, line 1 says HH0 under hate",)
    said = "\n".join(found.lines())
    assert "2 rows unreadable and passed over" in said
    assert "1 row without a known label, passed over" in said
    assert "1 label against an earlier row with the same text" in said


def test_one_is_one(tmp_path: Path) -> None:
    """Counts agree with their nouns."""
    found = surveyed(tmp_path, [case("a", "HH0")])
    assert next(found.lines()) == "1 row, 1 to judge, 1 label"
    assert next(surveyed(tmp_path, [case("a", "HH0")] * 2).lines()).startswith("2 rows, 2 to")


def test_the_named_are_bounded_and_the_count_is_not(tmp_path: Path) -> None:
    """So that a file of nothing but faults does not fill memory."""
    found = surveyed(tmp_path, [case("a", "HH0"), *[5] * 100])
    assert found.bad.count == 100
    assert len(found.bad.first) == NAMED_MAX
    assert "  and 95 more" in list(found.lines())


def test_what_is_named_is_bounded_too(tmp_path: Path) -> None:
    """A label as long as a book is not kept."""
    found = surveyed(tmp_path, [case("a", "HH0"), case("b", "X" * 500_000)])
    assert len(found.bad.first[0]) == 300


@pytest.mark.parametrize(
    ("rows", "maps", "problem"),
    [
        ([], (), "holds no row"),
        ([case("a", None)], (), "no label is known"),
        ([case("a", "XX")], (), "line 1: label XX"),
        ([case("a", "\x1b[2J")], (), r"line 1: label \\x1b\[2J"),
        ([case("a", "HH0")], ("text=tweet",), "no row has a column tweet; .* has text, label"),
    ],
)
def test_a_file_that_cannot_be_meant(
    tmp_path: Path, rows: list[object], maps: tuple[str, ...], problem: str
) -> None:
    """Nothing is judged then."""
    with pytest.raises(InvalidSettings, match=problem):
        surveyed(tmp_path, rows, *maps)


@pytest.mark.parametrize(("total", "limit"), [(10, 0), (10, 3), (10, 10), (7, 5), (3, 9), (1, 1)])
def test_a_limit_is_spread_over_the_file(tmp_path: Path, total: int, limit: int) -> None:
    """From the first text to near the last, as many as asked for, the same each time."""
    found = surveyed(tmp_path, [case(f"t{number}", "HH0") for number in range(total)])
    file = cases_file(str(tmp_path / "cases.jsonl"), tmp_path)
    texts = Texts(file, Reader(columns_of((), ()), VERSION), found.texts, limit)
    lines = [text.line for text in texts]
    assert len(lines) == len(texts) == min(limit or total, total)
    assert lines == sorted(set(lines))
    assert lines[0] == 1
    assert [text.line for text in texts] == lines
