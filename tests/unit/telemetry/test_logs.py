"""Logs: one JSON object a line, and never a word of a user."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.telemetry.logs import FORBIDDEN, redact, set_up_logs, signed


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Logging is set up for the process, so each test puts it back."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def lines_of(stream: io.StringIO) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in stream.getvalue().split("\n") if line]


@pytest.mark.parametrize("name", sorted(FORBIDDEN))
def test_forbidden_names_are_dropped(name: str) -> None:
    """A value under a name that could carry user text or a secret is never written."""
    assert redact(None, "info", {"event": "e", name: "xq7canary"}) == {
        "event": "e",
        name: "(left out)",
    }


def test_what_is_forbidden() -> None:
    """User text, what the model says of it, and keys are on the list."""
    assert {"text", "value", "rationale", "reasoning", "prompt", "content", "api_key"} <= FORBIDDEN


def test_other_names_are_kept() -> None:
    """Everything else is written as it was given."""
    event = {"event": "e", "topic": "chat", "offset": 7}
    assert redact(None, "info", dict(event)) == event


class Full(io.StringIO):
    """What a full disk makes of a file."""

    is_full = True

    def write(self, line: str) -> int:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(line)


def test_a_log_that_cannot_be_written_stops_nobody() -> None:
    """Messages are judged on, and the first line that is taken again says how many were not."""
    stream = Full()
    set_up_logs("info", "json", stream)
    log = structlog.get_logger()
    log.info("one")
    log.info("two")
    stream.is_full = False
    log.info("three")
    log.info("four")
    found = lines_of(stream)
    assert [line["event"] for line in found] == ["three", "four"]
    assert [line.get("lines_lost") for line in found] == [2, None]


@pytest.mark.parametrize("is_open", [True, False])
def test_a_process_without_a_log_says_nothing_and_works(
    monkeypatch: pytest.MonkeyPatch, is_open: bool
) -> None:
    """Its stderr was closed before it began (None), or since then."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream if is_open else None)
    stream.close()
    set_up_logs("info", "auto")
    structlog.get_logger().warning("nobody reads this")


def test_one_json_object_a_line() -> None:
    """A log line is an object with time, level, event and what was given with it."""
    stream = io.StringIO()
    set_up_logs("info", "json", stream)
    log = structlog.get_logger()
    log.info("started", topics=["a"], port=9_464, text="xq7canary")
    log.warning("two\nlines", path=("a", 1))
    first, second = lines_of(stream)
    assert (first["event"], first["level"], first["topics"]) == ("started", "info", ["a"])
    assert first["timestamp"].endswith("Z")
    assert (second["event"], second["level"]) == ("two\nlines", "warning")
    assert "xq7canary" not in stream.getvalue()


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["topic", "count", "error", "value", "labels"]),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats()
            | st.text()
            | st.binary()
            | st.sampled_from(["\ud800", ValueError("x"), object]),
            lambda inner: st.lists(inner, max_size=2),
        ),
    )
)
def test_whatever_is_logged_is_one_line(values: dict[str, Any]) -> None:
    """A log call never raises, whatever it is given, and always writes one object on one line."""
    stream = io.StringIO()
    set_up_logs("info", "json", stream)
    structlog.get_logger().info("event", **values)
    (line,) = lines_of(stream)
    assert line["event"] == "event"


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_traceback_holds_no_local_variables(style: str) -> None:
    """A traceback names files and lines, and not the messages that were being judged."""
    stream = io.StringIO()
    set_up_logs("info", style, stream)
    message = "xq7" + "canary"

    def judge(text: str) -> int:
        return len(text) // 0

    try:
        judge(message)
    except ZeroDivisionError:
        structlog.get_logger().exception("failed")
    written = stream.getvalue()
    assert "ZeroDivisionError" in written
    assert "judge" in written
    assert "xq7canary" not in written


def test_the_level_is_heeded() -> None:
    """What is below the level is not written."""
    stream = io.StringIO()
    set_up_logs("warning", "json", stream)
    log = structlog.get_logger()
    log.info("quiet")
    log.error("loud")
    assert [line["event"] for line in lines_of(stream)] == ["loud"]


def test_auto_is_json_where_nobody_looks() -> None:
    """On anything but a terminal, `auto` writes JSON."""
    stream = io.StringIO()
    set_up_logs("info", "auto", stream)
    structlog.get_logger().info("started")
    assert lines_of(stream)[0]["event"] == "started"


def test_auto_is_for_people_on_a_terminal() -> None:
    """On a terminal, `auto` writes lines for people."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    set_up_logs("info", "auto", stream)
    structlog.get_logger().info("started")
    assert "started" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_a_signed_line_names_its_process_unless_it_speaks_of_another() -> None:
    """A supervisor's line says which of its workers ended, and that stays the one named."""
    stream = io.StringIO()
    set_up_logs("info", "json", stream, more=[signed])
    structlog.get_logger().info("taken")
    structlog.get_logger().info("a worker ended", pid=7)
    assert [line["pid"] for line in lines_of(stream)] == [os.getpid(), 7]
