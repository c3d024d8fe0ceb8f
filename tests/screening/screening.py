"""
`make screening`: what a filter avoids on public sets, and whether its tests hold their promises.

    python -m tests.screening.screening [--quick] [--out build/screening.json]

Writes the figures as JSON and one page with a plot beside it. Fails where a promise is broken.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from consumer.commands.evaluate.report.markup import figure_of, frame, table_part
from consumer.commands.prefilter.curve import NamedCurve, plot
from consumer.screening.audits.terms import AuditTerms
from tests.screening.avoided import SHARES, Avoided
from tests.screening.cost import Cost, cost
from tests.screening.drift import LATE, MOST, Drift
from tests.screening.findings import Tests, findings
from tests.screening.peeking import Coverage, Times

ROOT = Path(__file__).parents[2]
LIMITS = (
    "The labels stand for a model's answers; real ones to one policy are more alike, and traffic "
    "is more of one kind than these sets. Davidson's tweets were collected by a word list, so most "
    "positives carry a word of it, and the pooled set is easier than a stream. Tested parts of "
    "different orders overlap, and texts of one set are not independent. The 2022 set has 130 "
    "positives to test on: enough to show 0.95, far too few for 0.99. Nothing here says how fast "
    "a real topic drifts."
)
"""What these sets can and cannot show."""
BASELINE = {
    ("2022", 0.95): 0.32,
    ("2022", 0.99): 0.19,
    ("pooled", 0.95): 0.76,
    ("pooled", 0.99): 0.37,
}
"""Calls avoided at 5 % positives by hashed character 2- to 5-grams, half of the texts to learn."""
AIM = {("2022", 0.95): 0.32, ("2022", 0.99): 0.19, ("pooled", 0.95): 0.80, ("pooled", 0.99): 0.45}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a tenth of the streams and orders")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "screening.json")
    options = parser.parse_args(arguments)
    began_s = time.monotonic()
    # Alone, before anything else keeps the cores busy.
    spent = cost()
    sets, thin, curves, drifts, tests = findings(10 if options.quick else 1)
    broken = [*_broken(sets, tests), *_broken_drifts(drifts.values())]
    said = {**tests, **_named(drifts)}
    found = {
        "sets": [_fields(each) for each in sets],
        "pooled_with_5_percent_positives_to_learn_from": [_fields(each) for each in thin],
        "baseline_avoided_at_5_percent": [
            {"set": name, "recall": recall, "avoided": value}
            for (name, recall), value in BASELINE.items()
        ],
        "cost_us": spent._asdict(),
        "tests": {name: each._asdict() for name, each in tests.items()},
        "drift": [{"recall": recall, **each._asdict()} for recall, each in drifts.items()],
        "limits": LIMITS,
        "broken": broken,
        "seconds": round(time.monotonic() - began_s),
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(found, indent=2) + "\n")
    options.out.with_suffix(".html").write_text(_page(sets, thin, spent, said, curves))
    for line in _lines(sets, spent, said):
        print(line)
    print(LIMITS)
    for line in broken:
        print(f"BROKEN: {line}", file=sys.stderr)
    return 1 if broken else 0


def _broken(sets: Sequence[Avoided], tests: Tests) -> list[str]:
    """What was promised and did not hold."""
    broken = [
        f"{each.name} at {each.demand.recall}: {each.avoided[0.05]:.3f} of calls avoided"
        for each in sets
        if not each.demand.certain and each.avoided[0.05] < AIM[each.name, each.demand.recall]
    ]
    shown, run = tests["coverage"], tests["run_length"]
    if isinstance(shown, Coverage) and shown.wrong > 0.05 * shown.streams:
        broken.append(f"{shown.wrong} of {shown.streams} bad filters were certified")
    if isinstance(run, Times) and run.mean < AuditTerms().run_length:
        broken.append(f"the mean run to a false alarm is {run.mean:.0f}")
    return broken


def _broken_drifts(drifts: Iterable[Drift]) -> list[str]:
    """Both workers switch off in time, at one note, and the topic goes back to the model."""
    return [
        f"a new kind of abuse: {each}"
        for each in drifts
        if not each.is_same_note
        or each.until_alarm >= min(MOST, LATE * each.stated)
        or each.alarms_before
        or each.settled_after
    ]


def _fields(each: Avoided) -> dict[str, Any]:
    return {
        "set": each.name,
        "recall_demanded": each.demand.recall,
        "certain": each.demand.certain,
        "orders": each.orders,
        "harmless_settled": round(each.settled_harmless, 4),
        "calls_avoided": {f"{share:g}": round(each.avoided[share], 4) for share in SHARES},
        "recall": round(each.recall.value, 4),
        "recall_95_percent": [round(each.recall.low, 4), round(each.recall.high, 4)],
        "recall_lowest_order": round(each.lowest_recall, 4),
        "orders_certified": each.certified,
    }


def _row(each: Avoided) -> list[str]:
    return [
        each.name,
        f"{each.demand.recall:g}",
        "shown" if each.demand.certain else "met",
        *(f"{each.avoided[share]:.1%}" for share in SHARES),
        figure_of(each.recall),
        f"{each.certified} of {each.orders}",
    ]


HEADS = ("set", "recall", "to be", "avoided at 1 %", "at 2 %", "at 5 %", "true recall", "certified")


def _lines(
    sets: Sequence[Avoided], spent: Cost, tests: Mapping[str, Coverage | Times | Drift]
) -> list[str]:
    rows = [HEADS, *(_row(each) for each in sets)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(HEADS))]
    table = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    costs = " · ".join(f"{name} {value:.1f}" for name, value in spent._asdict().items())
    return [
        *table,
        f"us a text: {costs}",
        *(f"{name}: {_said(each)}" for name, each in tests.items()),
    ]


def _said(each: Coverage | Times | Drift) -> str:
    return " · ".join(
        f"{name.replace('_', ' ')} {value:,.6g}" for name, value in each._asdict().items()
    )


def _named(drifts: Mapping[float, Drift]) -> dict[str, Drift]:
    return {f"a new kind of abuse, {recall:g} demanded": each for recall, each in drifts.items()}


def _page(
    sets: Sequence[Avoided],
    thin: Sequence[Avoided],
    spent: Cost,
    tests: Mapping[str, Coverage | Times | Drift],
    curves: Sequence[NamedCurve],
) -> str:
    body = [
        plot("Share of calls for harmless texts saved, over recall", curves),
        table_part("public sets as streams", HEADS, [_row(each) for each in sets]),
        table_part("pooled, 5 % positives to learn from", HEADS, [_row(each) for each in thin]),
        table_part(
            "microseconds a text",
            ("", "us"),
            [(name, f"{value:.1f}") for name, value in spent._asdict().items()],
        ),
        table_part("simulated", ("", ""), [(name, _said(each)) for name, each in tests.items()]),
        f"<p>{LIMITS}</p>",
    ]
    return frame("Screening", "".join(body))


if __name__ == "__main__":
    sys.exit(main())
