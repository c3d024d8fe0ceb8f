"""The commands `review stats`, `export-cases` and `verify-log`: what the store says of the work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from consumer.commands.evaluate.cases.labelled import LabelledText
from consumer.commands.evaluate.report.export import export
from consumer.commands.review.quality import (
    DAY_MS,
    MINUTE_MS,
    Quality,
    quality_lines,
    second_look_fields,
    second_look_lines,
)
from consumer.commands.review.room import opened
from consumer.commands.terminal import tell
from consumer.domain.counted import counted
from consumer.errors import InvalidSettings
from consumer.review.cases.risk import lateness
from consumer.review.room import ReviewRoom
from consumer.review.store.log import entries, verify
from consumer.review.store.second_looks import SecondLooks
from consumer.review.store.survey import decided, flagged, queues, unpublished
from consumer.settings.settings import Settings
from consumer.telemetry.clock import SystemClock


def show_stats(settings: Settings, since_ms: int, *, as_json: bool) -> int:
    """Print queues with their oldest case, decisions, their quality, and what is not out."""
    now_ms = SystemClock().wall_ms()
    with opened(settings) as room:
        fields = stats_fields(room, since_ms, now_ms)
    lines = chain(
        _stats_lines(fields, now_ms),
        quality_lines(fields["quality"]),
        second_look_lines(fields["second_looks"]),
    )
    tell(fields, lines, as_json=as_json)
    return 0


def stats_fields(room: ReviewRoom, since_ms: int, now_ms: int) -> dict[str, Any]:
    """Queues, decisions since a time with their quality, and what is not out."""
    decisions, quality = [], Quality()
    for case, decision in decided(room.database, room.book, since_ms):
        decisions.append(decision)
        quality.add(case, decision)
    first_ms = now_ms - DAY_MS
    for case_id, verdict in flagged(room.database, since_ms):
        quality.add_flag(case_id, verdict)
        first_ms = min(first_ms, verdict.at_ms)
    days = max(now_ms - max(since_ms, first_ms), MINUTE_MS) / DAY_MS
    found = queues(room.database, now_ms)
    return {
        "queues": {name: count._asdict() for name, count in found.items()},
        "decisions": {
            "number": len(decisions),
            "outcomes": Counter(decision.outcome for decision in decisions),
            "causes": Counter(decision.cause for decision in decisions),
            "reviewers": Counter(person for each in decisions for person in each.people),
        },
        "unpublished": unpublished(room.database),
        "quality": quality.fields(days),
        "second_looks": second_look_fields(SecondLooks(room.database, 0.0).all_since(since_ms)),
    }


def _stats_lines(fields: Mapping[str, Any], now_ms: int) -> Iterator[str]:
    found, decisions = fields["queues"], fields["decisions"]
    if not found:
        yield "no case is open"
    for name, count in found.items():
        yield (
            f"queue {name}: {count['open']:,} open, {count['claimed']:,} claimed, "
            f"{count['held']:,} held, {count['late']:,} late"
        )
        if count["first_due_ms"] is not None and count["oldest_asked_ms"] is not None:
            yield f"  first {lateness(count['first_due_ms'], count['oldest_asked_ms'], now_ms)}"
    told = ", ".join(f"{name} {number:,}" for name, number in sorted(decisions["outcomes"].items()))
    yield counted(decisions["number"], "decision") + (f": {told}" if told else "")
    for name, number in decisions["reviewers"].most_common():
        yield f"  {name}: {number:,}"
    for state, number in sorted(fields["unpublished"].items()):
        yield f"outbox: {number:,} {state}"


def export_cases(settings: Settings, path: Path, topic: str, *, as_json: bool) -> int:
    """
    Write every decided text of an input that has a label as a labelled case.

    Raises:
        InvalidSettings: no policy binds the input, or the file cannot be written.
    """
    with opened(settings) as room:
        binding = room.catalogue.binding_for(topic)
        if binding is None:
            raise InvalidSettings(f"no policy binds the topic {topic}")
        texts = _texts(room, topic)
        left_out = sum(text is None for text in texts)
        written = export(path, [text for text in texts if text is not None], binding.live)
    lines = [f"wrote {counted(written, 'case')} to {path}"]
    if left_out:
        lines.append(f"{counted(left_out, 'decision')} left out: no label, or no text")
    tell({"written": written, "left_out": left_out}, lines, as_json=as_json)
    return 0


def _texts(room: ReviewRoom, topic: str) -> list[LabelledText | None]:
    """The last decision on each version of a message; None where it makes no case."""
    last: dict[tuple[str, str | None], LabelledText | None] = {}
    for case, decision in decided(room.database, room.book, 0):
        if case.topic != topic:
            continue
        here = [v for v in case.verdicts if v.position == decision.position and v.envelope]
        message = here[-1].envelope.get("message", {}) if here else {}
        text = message.get("text")
        found = None
        if text and decision.label and not message.get("text_cut"):
            policy, _, label = decision.label.partition(".")
            language = str(message.get("language") or "")
            name = f"review-{decision.id}"
            found = LabelledText(0, name, text, language, "", {policy: label})
        last[case.id, decision.position] = found
    return list(last.values())


def print_log(settings: Settings, since_ms: int) -> int:
    """Print each entry of the log since a time as a line of JSON, as it is chained."""
    with opened(settings) as room:
        for entry in entries(room.database):
            if entry.at_ms >= since_ms:
                print(orjson.dumps(entry._asdict()).decode())
    return 0


def verify_log(settings: Settings, *, as_json: bool) -> int:
    """Say whether the log of who did what is as it was written; 1 where it is not."""
    with opened(settings) as room:
        found = verify(room.database)
    entries = counted(found.entries, "entry", "entries")
    fault = f"broken after {entries}: {found.fault}"
    line = f"{entries}, each as it was written" if found.fault is None else fault
    tell({"entries": found.entries, "fault": found.fault}, [line], as_json=as_json)
    return 0 if found.fault is None else 1
