"""The command `policy review`: what an evaluation tells the author of each policy, rule by rule."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from consumer.commands.evaluate.cases.formats import cases_file
from consumer.commands.evaluate.cases.labelled import CaseRow, text_digest
from consumer.commands.evaluate.measures.citations import CitedError
from consumer.commands.evaluate.measures.tally import RunMeasures
from consumer.commands.evaluate.report.author import author_lines
from consumer.commands.evaluate.report.author_page import author_page
from consumer.commands.evaluate.report.document import EvaluationDocument
from consumer.errors import InvalidSettings
from consumer.files import read_file

REPORT_BYTES_MAX = 50_000_000
"""Of a report; the largest hold some hundred kilobytes."""


class AuthorRequest(NamedTuple):
    """What is asked for on the command line."""

    report: Path
    """A report of `evaluate`, as JSON."""
    run: str | None = None
    """One of its runs, as in `v2 high`; all of them by default."""
    cases: str | None = None
    """The file of cases, where it has moved since."""
    with_texts: bool = False
    """Whether texts are shown on the terminal: they may offend."""
    out: Path | None = None
    """A page of HTML."""


def show_author(request: AuthorRequest) -> int:
    """
    Print the author's page, and write it where that was asked for.

    Raises:
        InvalidSettings: the report is none, lacks the run, or the page cannot be written.
    """
    document = _document(request.report)
    runs = [run for run in document.runs if not run.is_rerun]
    if request.run is not None:
        runs = [run for run in runs if run.run == request.run]
    if not runs:
        known = ", ".join(run.run for run in document.runs if not run.is_rerun)
        raise InvalidSettings(f"--run {request.run}: {request.report} has {known}")
    texts = _texts(document, request.cases, runs)
    shown = texts if request.with_texts else {}
    for number, run in enumerate(runs):
        for line in [""] * (number > 0) + list(author_lines(run, shown)):
            print(line)
    if request.out is not None:
        page = author_page(runs, document.cases.file, texts)
        try:
            request.out.write_bytes(page.encode("utf-8", "replace"))
        except OSError as error:
            raise InvalidSettings(f"--report {request.out}: {error.strerror}") from None
    return 0


def _document(file: Path) -> EvaluationDocument:
    content = read_file(file, REPORT_BYTES_MAX)
    if isinstance(content, str):
        raise InvalidSettings(f"{file} {content}")
    try:
        return TypeAdapter(EvaluationDocument).validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"][:6])) or "the whole"
        raise InvalidSettings(
            f"{file} is no report of this version's evaluate, see {where}: write one with "
            "`safeguard evaluate … --report FILE.json`"
        ) from None


def _texts(
    document: EvaluationDocument, cases: str | None, runs: Iterable[RunMeasures]
) -> dict[str, str]:
    """The texts of the errors that are named, by their digests, as far as the file has them."""
    wanted = {error.text_digest for run in runs for error in _errors(run)}
    found: dict[str, str] = {}
    if cases is None and not Path(document.cases.file).is_file():
        return found
    with tempfile.TemporaryDirectory(prefix="review-") as spool:
        for row in cases_file(cases or document.cases.file, Path(spool)).rows():
            text = row.fields.get(document.cases.text_column) if isinstance(row, CaseRow) else None
            if isinstance(text, str) and (digest := text_digest(text)) in wanted:
                found[digest] = text
    return found


def _errors(run: RunMeasures) -> Iterable[CitedError]:
    for policy in run.policies:
        yield from policy.citations.uncovered_named
        for rule in policy.citations.rules:
            yield from (*rule.clearest_harsh, *rule.clearest_mild)
