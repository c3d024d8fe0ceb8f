"""structlog set up: JSON lines for machines, colours on a terminal, and never a word of a user."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import TextIO, cast

import orjson
import structlog
from structlog.typing import EventDict, WrappedLogger

from consumer.telemetry.log_stream import LogStream

FORBIDDEN = frozenset({"text", "prompt", "content", "rationale", "reasoning", "value", "api_key"})
"""Names under which user text or secrets would travel; a processor takes them out for good."""


def set_up_logs(
    level: str,
    style: str = "auto",
    stream: TextIO | None = None,
    *,
    more: Sequence[structlog.typing.Processor] = (),
) -> None:
    """
    Configure logging once per process.

    Args:
        level: debug, info, warning or error.
        style: `json`, `console`, or `auto`: console on a terminal, JSON otherwise.
        stream: where to write; stderr by default, so that stdout stays for results.
        more: what else is done with each line before it is written.
    """
    out = LogStream(stream or sys.stderr)

    def count_lost(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {**event, "lines_lost": out.lost} if out.lost else event

    is_console = style == "console" or (style == "auto" and out.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact,
        count_lost,
        *more,
    ]
    # Tracebacks without local variables: those hold the messages being judged.
    last: list[structlog.typing.Processor] = (
        [
            structlog.dev.ConsoleRenderer(
                colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
        if is_console
        else [
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            ),
            structlog.processors.JSONRenderer(serializer=_json),
        ]
    )
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        # Line and newline in one write: several processes may share the stream.
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", out)),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, stream=out, format="%(name)s: %(message)s")


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop what must never be logged, whoever tried to."""
    for name in FORBIDDEN & event.keys():
        event[name] = "(left out)"
    return event


def signed(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Which process says it, where several write to one stream."""
    return {"pid": os.getpid(), **event}


def _json(event: EventDict, **_options: object) -> str:
    try:
        return orjson.dumps(event, default=str).decode()
    except TypeError:
        # A lone surrogate, as in a file's name, or a number beyond 64 bits.
        return orjson.dumps(
            {
                name: value if isinstance(value, str) and value.isascii() else ascii(value)
                for name, value in event.items()
            }
        ).decode()
