"""Queries: each can be read, and asks for metrics, labels and values that the worker has."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import promql_parser as promql
import yaml

from consumer.domain.verdicts.verdict import UnjudgedReason
from consumer.errors import DeadLetterReason
from consumer.telemetry.metrics import TABLE, Metrics
from tests.deploy.shipped import Shipped

ADDED = {"instance", "job"}
"""Labels that Prometheus puts to what it scrapes."""
OF_PROMETHEUS = {"up": ADDED, "ALERTS": {"alertname", "alertstate", "severity"}}
VALUES: dict[tuple[str, str], Collection[str]] = {
    ("safeguard_dead_letters_total", "reason"): [*DeadLetterReason],
    ("safeguard_unjudged_total", "reason"): [*UnjudgedReason],
    ("safeguard_stage_seconds_bucket", "stage"): {"queued", "model", "publish", "total"},
    ("safeguard_judging_calls_total", "result"): {"judged", "unread"},
}
FILLED = {"$__rate_interval": "5m", "$topic": ".*"}
SEVERITIES = {"page", "ticket"}


def series() -> dict[str, set[str]]:
    """Every name under which a worker's metrics arrive -> its labels."""
    found, metrics = dict(OF_PROMETHEUS), Metrics()
    for metric in TABLE:
        (family,) = getattr(metrics, metric.attribute).collect()
        labels = {*metric.labels, *ADDED}
        if family.type == "histogram":
            found[f"{family.name}_bucket"] = {*labels, "le"}
            found |= {f"{family.name}_sum": labels, f"{family.name}_count": labels}
        else:
            found[family.name + ("_total" if family.type == "counter" else "")] = labels
    return found


def faults(shipped: Shipped) -> Iterator[str]:
    yield from _alerts(shipped)
    yield from _dashboard(shipped)
    for test in yaml.safe_load(shipped.text("prometheus/alerts_test.yaml"))["tests"]:
        for each in test["input_series"]:
            yield from query_faults(f"alerts_test.yaml: {test['name']}", each["series"])


def query_faults(place: str, query: str) -> Iterator[str]:
    for variable, value in FILLED.items():
        query = query.replace(variable, value)
    try:
        tree = promql.parse(query)
    except ValueError as error:
        yield f"{place}: {error}"
        return
    known, asked, grouped = series(), list[promql.VectorSelector](), set[str]()

    def look(node: promql.Expr) -> bool:
        if isinstance(node, promql.VectorSelector):
            asked.append(node)
        elif isinstance(node, promql.AggregateExpr) and node.modifier is not None:
            grouped.update(node.modifier.labels)
        return True

    promql.walk(tree, look)
    there = set[str]()
    for selector in asked:
        name = selector.name or ""
        if name not in known:
            yield f"{place}: {name} is no metric of ours"
            continue
        there |= known[name]
        for matcher in selector.matchers.matchers:
            if matcher.name not in known[name]:
                yield f"{place}: {name} has no label {matcher.name}"
            values = VALUES.get((name, matcher.name))
            if values and matcher.op == promql.MatchOp.Equal and matcher.value not in values:
                yield f"{place}: {name} has no {matcher.name} {matcher.value}"
    if grouped - there and asked:
        yield f"{place}: grouped by {', '.join(sorted(grouped - there))}, which is no label here"


def _alerts(shipped: Shipped) -> Iterator[str]:
    headings = set(re.findall(r"^#+ (\w+)$", shipped.text("README.md"), re.MULTILINE))
    tested = shipped.text("prometheus/alerts_test.yaml")
    for alert in shipped.alerts():
        name = alert["alert"]
        yield from query_faults(f"alerts.yaml: {name}", alert["expr"])
        if alert["labels"].get("severity") not in SEVERITIES:
            yield f"alerts.yaml: {name}: nobody knows whom to wake"
        if alert["annotations"].get("runbook") != f"deploy/README.md#{name.lower()}":
            yield f"alerts.yaml: {name}: its runbook is elsewhere"
        if name not in headings:
            yield f"README.md: no section {name}, where its alert leads to"
        if f'alertname="{name}"' not in tested:
            yield f"alerts_test.yaml: {name} is never seen to fire"
        told = set(re.findall(r"\$labels\.(\w+)", alert["annotations"]["summary"]))
        kept = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", alert["expr"]))))
        if kept and told - kept:
            yield f"alerts.yaml: {name}: the summary names {', '.join(told - kept)}, which is gone"


def _dashboard(shipped: Shipped) -> Iterator[str]:
    board = shipped.dashboard()
    numbers = [panel["id"] for panel in board["panels"]]
    if len(numbers) != len(set(numbers)):
        yield "safeguard.json: two panels have one number"
    taken: dict[tuple[int, int], str] = {}
    for panel in board["panels"]:
        title, grid = panel["title"], panel["gridPos"]
        for x in range(grid["x"], grid["x"] + grid["w"]):
            for y in range(grid["y"], grid["y"] + grid["h"]):
                if x >= 24 or taken.setdefault((x, y), title) != title:
                    yield f"safeguard.json: {title} lies over another panel or the edge"
                    break
        for target in panel["targets"]:
            yield from query_faults(f"safeguard.json: {title}", target["expr"])
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            name, _, label = variable["query"]["query"][len("label_values(") : -1].partition(", ")
            yield from query_faults(
                f"safeguard.json: ${variable['name']}", f"sum by ({label}) ({name})"
            )
