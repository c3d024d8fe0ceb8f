"""Files of cases are read row by row, and what is no row is named with its line and a way out."""

from __future__ import annotations

import io
import json
import sys
import tracemalloc
from pathlib import Path

import pytest

from consumer.commands.evaluate.cases.formats import cases_file
from consumer.commands.evaluate.cases.labelled import TEXT_BYTES_MAX, BadRow, CaseRow
from consumer.errors import InvalidSettings


def rows(folder: Path, name: str, content: bytes) -> list[CaseRow | BadRow]:
    (folder / name).write_bytes(content)
    return list(cases_file(str(folder / name), folder).rows())


def test_json_lines(tmp_path: Path) -> None:
    """Blank lines are passed over, a byte order mark too, and lines keep their numbers."""
    found = rows(tmp_path, "a.jsonl", b'\xef\xbb\xbf{"text":"a"}\r\n\n{"text":"b"}')
    assert found == [CaseRow(1, {"text": "a"}), CaseRow(3, {"text": "b"})]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{", "is no JSON"),
        (b'{"text":"x","label":NaN}', "write null"),
        (b"[1]", "is no JSON object"),
        (b'{"text":"caf\xe9"}', "byte 0xe9 at 13 is no UTF-8: save the file as UTF-8"),
        (b'{"text":"' + b"x" * 10_000_000 + b'"}', "holds 10,000,012 bytes, at most 1,000,000"),
    ],
)
def test_bad_json_lines_are_named_and_the_next_is_read(
    tmp_path: Path, line: bytes, problem: str
) -> None:
    """Each with its line, and nothing after it is lost."""
    bad, good = rows(tmp_path, "a.jsonl", line + b'\n{"text":"b"}\n')
    assert isinstance(bad, BadRow)
    assert bad.line == 1
    assert problem in bad.problem
    assert good == CaseRow(2, {"text": "b"})


def test_csv_cells_with_line_feeds_and_quotes(tmp_path: Path) -> None:
    """A row has the number of its first line."""
    found = rows(tmp_path, "a.csv", b'id,text\r\n1,"two\r\nlines, ""quoted"""\r\n\r\n2,plain\r\n')
    assert found == [
        CaseRow(2, {"id": "1", "text": 'two\r\nlines, "quoted"'}),
        CaseRow(5, {"id": "2", "text": "plain"}),
    ]


def test_tabs(tmp_path: Path) -> None:
    """A .tsv file is parted by tabs alone."""
    assert rows(tmp_path, "a.tsv", b"id\ttext\n1\ta,b\n") == [
        CaseRow(2, {"id": "1", "text": "a,b"})
    ]


def test_a_quote_that_nobody_closes_costs_one_row(tmp_path: Path) -> None:
    """The library's reader would swallow all that follows."""
    found = rows(tmp_path, "a.csv", b'id,text\n1,"open\n2,fine\n3,fine\n')
    bad, *good = found
    assert isinstance(bad, BadRow)
    assert (bad.line, "not closed" in bad.problem) == (2, True)
    assert [row.line for row in good] == [3, 4]


def test_a_cell_of_many_lines_is_bounded(tmp_path: Path) -> None:
    """In bytes and in lines: what is longer is named, and what follows its end is read."""
    cell = b"x" * 2_000 + b"\n"
    for lines, problem in ((900, "more than 1,000,000 bytes"), (400, None)):
        content = b'id,text\n1,"' + cell * lines + b'"\n2,fine\n'
        found = rows(tmp_path, "a.csv", content)
        assert found[-1] == CaseRow(lines + 3, {"id": "2", "text": "fine"})
        first = found[0]
        if problem is None:
            assert len(found) == 2
        else:
            assert isinstance(first, BadRow)
            assert (first.line, problem in first.problem) == (2, True)
    found = rows(tmp_path, "a.csv", b'id,text\n1,"' + b"x\n" * 1_100 + b'"\n2,fine\n')
    assert isinstance(found[0], BadRow)
    assert "bytes" not in found[0].problem


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'1,a "b" "c\n', "not closed"),
        (b'1,"a"b\n', "is no CSV"),
        (b"1,2,3\n", "has 3 cells, the header 2"),
        (b"1," + b"x" * 2_000_000 + b"\n", "bytes, at most 1,000,000"),
        (b"1,\xff\n", "no UTF-8"),
    ],
)
def test_bad_csv_rows_are_named(tmp_path: Path, line: bytes, problem: str) -> None:
    """And the next row is read."""
    found = rows(tmp_path, "a.csv", b"id,text\n" + line + b"2,fine\n")
    assert isinstance(found[0], BadRow)
    assert problem in found[0].problem
    assert found[-1] == CaseRow(3, {"id": "2", "text": "fine"})


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"text,text\n", "names text twice"),
        ("a.csv", "text\nx\n".encode("utf-16"), "is UTF-16: write it anew"),
        ("a.yaml", b"tests: [", "is no YAML"),
        ("a.yaml", b"prompts: [x]", "no list `tests:`"),
        ("a.parquet", b"nonsense", "no readable Parquet|needs pyarrow"),
        ("a.xlsx", b"", "must end in .jsonl"),
    ],
)
def test_files_that_cannot_be_read_at_all(
    tmp_path: Path, name: str, content: bytes, problem: str
) -> None:
    """One sentence that says what to do."""
    with pytest.raises(InvalidSettings, match=problem):
        rows(tmp_path, name, content)


def test_promptfoo(tmp_path: Path) -> None:
    """Variables, metadata and what is asserted to be equal."""
    content = b"""
tests:
  - description: c1
    vars: {text: hello, policy: words}
    assert: [{type: contains, value: x}, {type: equals, value: FINE}]
    metadata: {language: de}
  - 5
"""
    found = rows(tmp_path, "a.yaml", content)
    fields = {"id": "c1", "text": "hello", "policy": "words", "label": "FINE", "language": "de"}
    assert found == [CaseRow(1, fields), BadRow(2, "is no test with `vars`")]


def test_parquet(tmp_path: Path) -> None:
    """Where pyarrow is there, rows with their nulls."""
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow.table({"text": ["a", "b"], "S": [1, None]}), tmp_path / "a.parquet")
    found = list(cases_file(str(tmp_path / "a.parquet"), tmp_path).rows())
    assert found == [CaseRow(1, {"text": "a", "S": 1}), CaseRow(2, {"text": "b", "S": None})]


def test_parquet_without_its_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the extra to install."""
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(InvalidSettings, match=r"pip install 'safeguard-consumer\[evaluate\]'"):
        rows(tmp_path, "a.parquet", b"PAR1")


@pytest.mark.parametrize(
    ("content", "count"),
    [(b'{"text":"a"}\n', 1), (b"text,label\na,b\n", 1), (b"tests:\n- vars: {text: a}\n", 1)],
)
def test_standard_input_is_taken_for_what_it_looks_like(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, count: int
) -> None:
    """And can be read twice."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    file = cases_file("-", tmp_path)
    assert len(list(file.rows())) == len(list(file.rows())) == count


def test_what_is_no_file_is_said_to_be_what_it_is(tmp_path: Path) -> None:
    """A folder, a link in a circle and a device are there; only what is not is missing."""
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "circle.csv").symlink_to("circle.csv")
    for name, problem in (
        ("folder.csv", "no ordinary file; - reads standard input"),
        ("circle.csv", "Too many levels of symbolic links"),
        ("none.csv", "No such file or directory"),
        ("/dev/null", "no ordinary file"),
    ):
        with pytest.raises(InvalidSettings, match=problem):
            cases_file(str(tmp_path / name), tmp_path)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Twenty thousand rows take no more than twenty."""
    peaks = []
    for count in (2_000, 20_000):
        with (tmp_path / "a.jsonl").open("w") as file:
            for number in range(count):
                file.write(json.dumps({"text": f"text {number}"}) + "\n")
        tracemalloc.start()
        assert sum(1 for _ in cases_file(str(tmp_path / "a.jsonl"), tmp_path).rows()) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 200_000
    assert peaks[1] < TEXT_BYTES_MAX * 4
