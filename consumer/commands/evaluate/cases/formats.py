"""Files of cases -> rows: JSON lines, CSV, promptfoo's YAML, and Parquet where pyarrow is there."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path
from stat import S_ISREG
from typing import Any, BinaryIO, NamedTuple

import orjson
import yaml

from consumer.commands.evaluate.cases.labelled import BadRow, CaseRow
from consumer.commands.evaluate.cases.lines import lines_of
from consumer.commands.evaluate.cases.tables import table_rows
from consumer.errors import InvalidSettings

YAML_BYTES_MAX = 20_000_000
"""YAML can only be read whole."""
SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".yaml": "promptfoo",
    ".yml": "promptfoo",
    ".parquet": "parquet",
}


class CasesFile(NamedTuple):
    """A file of cases that can be read as often as is wanted."""

    path: Path
    shown: str
    """Its name in messages."""
    format: str

    def rows(self) -> Iterator[CaseRow | BadRow]:
        """
        The rows in the order of the file; no more than one is held.

        Raises:
            InvalidSettings: the file as a whole cannot be read.
        """
        if self.format == "parquet":
            yield from _parquet_rows(self.path, self.shown)
            return
        try:
            file = self.path.open("rb")
        except OSError as error:
            raise InvalidSettings(f"{self.shown} cannot be read: {error.strerror}") from None
        with closing(file):
            if self.format == "promptfoo":
                yield from _promptfoo_rows(file, self.shown)
            elif self.format == "jsonl":
                yield from _json_rows(file, self.shown)
            else:
                delimiter = "\t" if self.format == "tsv" else ","
                yield from table_rows(lines_of(file, self.shown), delimiter, self.shown)


def cases_file(name: str, spool: Path) -> CasesFile:
    """
    The file of that name; `-` is standard input, kept in the folder `spool` as it comes.

    Raises:
        InvalidSettings: there is no such file, or its format is none that is read.
    """
    if name == "-":
        path = Path(tempfile.mkstemp(dir=spool, prefix="cases-")[1])
        with path.open("wb") as kept:
            while chunk := sys.stdin.buffer.read(1 << 20):
                kept.write(chunk)
        return CasesFile(path, "standard input", _format_inside(path))
    path = Path(name)
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise InvalidSettings(f"--cases {name} cannot be read: {why}") from None
    if not S_ISREG(mode):
        raise InvalidSettings(
            f"--cases {name} cannot be read: it is no ordinary file; - reads standard input"
        )
    found = SUFFIXES.get(path.suffix.lower())
    if found is None:
        raise InvalidSettings(f"--cases {name}: its name must end in {', '.join(SUFFIXES)}")
    return CasesFile(path, name, found)


def _format_inside(path: Path) -> str:
    """What a stream without a name looks like."""
    with path.open("rb") as file:
        head = file.read(4_096).removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"{"):
        return "jsonl"
    starts = (b"tests:", b"prompts:", b"providers:", b"description:", b"- vars:", b"# yaml")
    return "promptfoo" if head.startswith(starts) else "csv"


def _json_rows(file: BinaryIO, shown: str) -> Iterator[CaseRow | BadRow]:
    for found in lines_of(file, shown):
        if isinstance(found, BadRow):
            yield found
            continue
        number, line = found
        if not line.strip():
            continue
        try:
            fields = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            is_nan = "NaN" in line or "Infinity" in line
            mend = ": NaN is no JSON, write null" if is_nan else ""
            yield BadRow(number, f"is no JSON: {error}{mend}")
            continue
        if isinstance(fields, dict):
            yield CaseRow(number, fields)
        else:
            yield BadRow(number, 'is no JSON object: write {"text": …, "label": …}')


def _promptfoo_rows(file: BinaryIO, shown: str) -> Iterator[CaseRow | BadRow]:
    content = file.read(YAML_BYTES_MAX + 1)
    if len(content) > YAML_BYTES_MAX:
        raise InvalidSettings(
            f"{shown} is larger than {YAML_BYTES_MAX:,} bytes: YAML is read whole, use JSON lines"
        )
    try:
        document = yaml.load(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidSettings(f"{shown} is no YAML: {' '.join(str(error).split())}") from None
    tests = document.get("tests") if isinstance(document, dict) else document
    if not isinstance(tests, list):
        raise InvalidSettings(f"{shown}: no list `tests:` as promptfoo has it")
    for number, test in enumerate(tests, 1):
        if not isinstance(test, dict) or not isinstance(test.get("vars"), dict):
            yield BadRow(number, "is no test with `vars`")
            continue
        yield CaseRow(number, _promptfoo_fields(test))


def _promptfoo_fields(test: dict[str, Any]) -> dict[str, object]:
    """Variables and metadata by their names, and what is asserted to equal as the label."""
    metadata = test.get("metadata")
    fields: dict[str, object] = {"id": test.get("description")}
    fields |= metadata if isinstance(metadata, dict) else {}
    fields |= test["vars"]
    asserted = test.get("assert")
    for each in asserted if isinstance(asserted, list) else []:
        if isinstance(each, dict) and each.get("type") == "equals" and "label" not in fields:
            fields["label"] = each.get("value")
    return fields


def _parquet_rows(path: Path, shown: str) -> Iterator[CaseRow | BadRow]:
    try:
        parquet = import_module("pyarrow.parquet")
    except ImportError:
        raise InvalidSettings(
            f"{shown}: Parquet needs pyarrow: pip install 'safeguard-consumer[evaluate]', or write "
            "the rows as JSON lines or CSV"
        ) from None
    number = 0
    try:
        for batch in parquet.ParquetFile(path).iter_batches(batch_size=256):
            for fields in batch.to_pylist():
                number += 1
                yield CaseRow(number, fields)
    except (OSError, ValueError) as error:
        raise InvalidSettings(f"{shown} is no readable Parquet file: {error}") from None
