"""Figures: what the audits of each filter have shown, as gauges."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import Gauge

from consumer.domain.messages.language import counted_as
from consumer.screening.audits.watch import FilterWatch
from consumer.telemetry.telemetry import Telemetry

ALL = "all"
Labels = tuple[Gauge, tuple[str, ...]]


class FilterFigures:
    """Keeps the gauges of all filters, and takes away those of filters that are gone."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._metrics = telemetry.metrics
        self._shown: set[Labels] = set()

    def __repr__(self) -> str:
        return f"<FilterFigures, {len(self._shown)} gauges>"

    def show(self, watches: Mapping[str, FilterWatch]) -> None:
        """Of these filters alone, by the names of their sets and stages."""
        figures: dict[Labels, float] = {}
        for name, watch in watches.items():
            figures |= self._of(name, watch)
        for (gauge, labels), value in figures.items():
            gauge.labels(*labels).set(value)
        for gauge, labels in self._shown - figures.keys():
            gauge.remove(*labels)
        self._shown = set(figures)

    def _of(self, name: str, watch: FilterWatch) -> dict[Labels, float]:
        metrics, standing = self._metrics, watch.standing
        found: dict[Labels, float] = {
            (metrics.filter_recall_shown, (name,)): float(standing.is_shown),
            (metrics.filter_recall_ratio, (name, "low")): standing.bounds.low,
            (metrics.filter_recall_ratio, (name, "high")): standing.bounds.high,
        }
        # A label is no place for what records may say: other names are in `prefilter audits`.
        known = {code: e for code, e in watch.by_language().items() if counted_as(code) == code}
        whole = {} if standing.prevalence is None else {ALL: standing.prevalence}
        for language, estimate in (known | whole).items():
            for bound, value in estimate._asdict().items():
                found[metrics.prevalence_ratio, (name, language, bound)] = value
        return found
