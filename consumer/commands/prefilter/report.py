"""The command `prefilter report`: what a filter misses and saves on traffic it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from consumer.commands.evaluate.measures.interval import Interval
from consumer.commands.evaluate.report.markup import figure_of, frame, table_part
from consumer.commands.place import check_place
from consumer.commands.policy import version_named
from consumer.commands.prefilter.curve import NamedCurve, SeenLook, curve_of, plot
from consumer.commands.prefilter.facts import facts_of, lines_of
from consumer.commands.prefilter.slices import (
    LookedAt,
    SliceRow,
    by_identity_term,
    by_language,
    slice_of,
)
from consumer.commands.prefilter.traffic import TopicTraffic
from consumer.commands.terminal import bars, tell
from consumer.registry.load import binding_of, load_catalogue
from consumer.screening.prefilter.artefact import FilterArtefact, read_artefact
from consumer.screening.prefilter.prefilter import Prefilter
from consumer.settings.settings import Settings

HEADS = ("part", "messages", "recall", "harmless that reach the model")


class ReportRequest(NamedTuple):
    """What to report, as asked for on the command line."""

    file: Path
    page: Path | None = None


def report_filter(settings: Settings, request: ReportRequest, *, as_json: bool) -> int:
    """
    Print the table and write the page; 0, whatever it says.

    Raises:
        InvalidSettings: no page can be written there, the file is no sound filter, or its version
            or topic is not known here.
        TopicsMissing: the topic or an output does not exist.
        BrokerUnavailable: a topic cannot be read now.
    """
    if request.page is not None:
        check_place("--page", request.page)
    artefact = read_artefact(request.file)
    head = artefact.head
    catalogue = load_catalogue(settings.policies.folder)
    binding = binding_of(catalogue, head.topic)
    version = version_named(catalogue, head.version)
    traffic = TopicTraffic(settings, binding, head.topic, version)
    with bars(Console(stderr=True)) as progress:
        judged = traffic.read(progress, head.certified_since_ms)
    prefilter = Prefilter(artefact)
    looks = prefilter.looks([example.text for example in judged.examples])
    looked = [*map(LookedAt, judged.examples, looks)]
    whole, languages, terms = slice_of("all", looked), by_language(looked), by_identity_term(looked)
    if request.page is not None:
        request.page.write_text(page_of(artefact, looked, [whole, *languages], terms), "utf-8")
    fields = {
        **facts_of(artefact),
        "all": _fields(whole),
        "languages": [_fields(row) for row in languages],
        "identity_terms": [_fields(row) for row in terms],
    }
    tell(fields, _lines(artefact, [whole, *languages, *terms], request.page), as_json=as_json)
    return 0


def _fields(row: SliceRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "messages": row.messages,
        "recall": _figure(row.recall),
        "harmless_asked": _figure(row.asked),
    }


def _figure(figure: Interval | None) -> list[float] | None:
    if figure is None:
        return None
    return [round(each, 4) for each in (figure.value, figure.low, figure.high)]


def _row(row: SliceRow) -> tuple[str, ...]:
    return (row.name, str(row.messages), figure_of(row.recall), figure_of(row.asked))


def _lines(artefact: FilterArtefact, rows: Sequence[SliceRow], page: Path | None) -> list[str]:
    table = [HEADS, *map(_row, rows)]
    widths = [max(len(line[at]) for line in table) for at in range(len(HEADS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    ]
    written = [] if page is None else [f"written: {page}"]
    return [*lines_of(artefact), "", *lines, *written]


def page_of(
    artefact: FilterArtefact,
    looked: Sequence[LookedAt],
    languages: Sequence[SliceRow],
    terms: Sequence[SliceRow],
) -> str:
    points = curve_of(
        [SeenLook(each.look, each.example.is_positive, each.example.weight) for each in looked]
    )
    about = "".join(f"<li>{escape(line)}</li>" for line in lines_of(artefact))
    body = [
        f"<ul>{about}</ul>",
        plot("Share of harmless messages saved, over recall", [NamedCurve("filter", points)]),
        table_part("by language", HEADS, [_row(row) for row in languages]),
        table_part("texts with identity terms", HEADS, [_row(row) for row in terms]),
        "<p class=dim>Recall is against the model's answers under this version, not against truth. "
        "All messages came after those that were learned from.</p>",
    ]
    return frame(f"Filter for {artefact.head.version}", "".join(body))
