"""Terminal: how far a command has read, and what it found, for a person there or for a pipe."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from unicodedata import category

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from consumer.domain.messages.message import Record
from consumer.kafka.reader.reader import Span, TopicReader

AS_SEEN = ("Zs", "Cn", "Co")
"""Blanks, and characters that only later releases of Unicode know."""


def tell(
    fields: Mapping[str, object],
    lines: Iterable[str],
    *,
    as_json: bool,
    show: Callable[[Console], None] | None = None,
) -> None:
    """
    Print a result to stdout: as one JSON object where that was asked for, else as lines.

    A result that a person reads better in another form brings `show`; a pipe never gets that.
    """
    console = Console(highlight=False)
    if as_json:
        print(orjson.dumps(fields, option=orjson.OPT_INDENT_2).decode())
    elif show is not None and console.is_terminal:
        show(console)
    else:
        for line in lines:
            print(visible(line, kept="\n\t"))


def visible(text: str, kept: str = "") -> str:
    """
    Anybody's text on a terminal: what is seen as it is, the rest but for `kept` escaped, so that
    nothing is obeyed.
    """
    return "".join(
        each
        if each.isprintable() or each in kept or category(each) in AS_SEEN
        else each.encode("unicode_escape").decode()
        for each in text
    )


@contextmanager
def ending_at_once() -> Iterator[None]:
    """
    Ctrl-C ends what reads a file or a person's answer inside a loop.

    asyncio answers the first one by cancelling, which is heeded where the loop is waited for, and
    nowhere here.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def bars(console: Console) -> Progress:
    """Bars that are gone at the end, and are not there at all where nobody looks on."""
    return Progress(
        TextColumn("{task.description:<8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def read(
    scan: TopicReader, spans: Sequence[Span], progress: Progress, what: str
) -> Iterator[list[Record]]:
    """
    The records of the spans in batches, under a bar that says what they are.

    Raises:
        BrokerUnavailable: a partition cannot be read now.
    """
    total = sum(max(0, span.end - span.start) for span in spans)
    task = progress.add_task(what, total=total)
    for batch in scan.records(spans):
        yield batch
        progress.advance(task, len(batch))
    # Offsets without a record never come, so the bar would stop short.
    progress.update(task, completed=total)
