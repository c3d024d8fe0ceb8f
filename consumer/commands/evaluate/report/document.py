"""The whole report as one value: what the JSON holds, and what tables and pages are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import orjson
from pydantic import TypeAdapter

from consumer.commands.evaluate.measures.comparison import ComparisonMeasures
from consumer.commands.evaluate.measures.robustness import RobustnessMeasures
from consumer.commands.evaluate.measures.tally import RunMeasures
from consumer.commands.evaluate.measuring import MissedLabel
from consumer.commands.evaluate.report.gates import GateResult
from consumer.commands.evaluate.report.published import PublishedFigures

FORMAT = "safeguard.evaluation.v1"


@dataclass(frozen=True, slots=True)
class CasesSummary:
    """The file that was judged."""

    file: str
    digest: str
    """BLAKE2b-128 over the texts in their order."""
    rows: int
    texts: int
    judged_of: int
    """Texts that this run was about; fewer than all with a limit."""
    unlabelled: int
    bad_rows: int
    bad_rows_named: tuple[str, ...]
    duplicates: int
    contradictions: int
    contradictions_named: tuple[str, ...]
    labels: dict[str, dict[str, int]]
    text_column: str
    """Where the texts stand in it."""


@dataclass(frozen=True, slots=True)
class ResultsSummary:
    """The file that answers are kept in."""

    file: str
    answers: int
    kept_before: int
    judged_twice: int
    """Questions that were asked again though an answer was kept."""
    is_stopped_by_bound: bool
    """Whether the bound on tokens was reached, so that not all was asked."""


@dataclass(frozen=True, slots=True)
class EvaluationDocument:
    """One evaluation of a file of cases. Every interval holds the true figure in 95 of 100."""

    format: Literal["safeguard.evaluation.v1"]
    topic: str
    endpoint: str
    cases: CasesSummary
    results: ResultsSummary
    runs: tuple[RunMeasures, ...]
    comparisons: tuple[ComparisonMeasures, ...]
    """Every run against the first; the one named `again` is the same and shows what chance does."""
    robustness: RobustnessMeasures | None
    published: PublishedFigures | None
    """What others found on the same texts, where they are known."""
    gates: tuple[GateResult, ...]
    gates_left_open: tuple[str, ...]
    """Bounds of `topic.toml` that nothing was held to, since only a part of the texts was asked."""
    mistakes: tuple[MissedLabel, ...]

    @property
    def is_by_stand_in(self) -> bool:
        return any(run.is_by_stand_in for run in self.runs)

    @property
    def is_passed(self) -> bool:
        """Whether something was judged and every bound was kept."""
        judged = any(run.questions > sum(run.unjudged.values()) for run in self.runs)
        return judged and all(gate.is_kept for gate in self.gates)

    def json(self) -> bytes:
        return orjson.dumps(self, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS) + b"\n"


def document_schema() -> dict[str, Any]:
    """The JSON Schema of a report."""
    schema = TypeAdapter(EvaluationDocument).json_schema(mode="serialization")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = FORMAT
    return schema
