"""
The commands that work with dead letters: list, show, retry, discard.

A retry first sends the records and has them acknowledged, and only then notes the letters as
retried (`resending.py` says what a crash in between means).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing

import orjson

from consumer.commands.dead_letters.letter import LetterState, printable
from consumer.commands.dead_letters.printing import fields, print_table, value_text
from consumer.commands.dead_letters.resending import Resending
from consumer.commands.dead_letters.selection import (
    Selection,
    Sorted,
    age,
    newest_of,
    sort_out,
    state_of,
)
from consumer.commands.dead_letters.store import LetterStore, LetterTopics
from consumer.domain.messages.message import Position
from consumer.domain.verdicts.headers import rfc3339
from consumer.errors import InvalidSettings
from consumer.settings.settings import Settings


def list_letters(settings: Settings, topic: str, selection: Selection, *, as_json: bool) -> int:
    """Print the letters of an input, newest last."""
    store = LetterStore(settings)
    letters = store.letters(store.topics_of(topic), selection)
    marks = store.marks()
    shown = newest_of(letters, selection.limit)
    if as_json:
        for letter in shown:
            print(orjson.dumps(fields(letter, marks)).decode())
        return 0
    print_table(shown, marks, store.now_ms)
    counts = ", ".join(
        f"{count} {state}"
        for state in LetterState
        if (count := sum(state_of(letter, marks) is state for letter in letters))
    )
    newest = f"; the newest {len(shown)} are shown" if len(shown) < len(letters) else ""
    print(f"{len(letters)} dead letters of {topic}{': ' if counts else ''}{counts}{newest}")
    return 0


def show_letter(settings: Settings, position: Position, *, with_value: bool) -> int:
    """Print one letter whole, its value only where it is asked for."""
    store = LetterStore(settings)
    where = store.topics_of(position.topic)
    found = store.letters(where, Selection(positions=frozenset({position})))
    if not found:
        print(f"no dead letter of {position} on {where.dead_letters}")
        return 1
    letter = found[0]
    start = {letter.place.partition: letter.place.offset}
    with closing(store.records(where, start)) as records:
        record = next(records, None)
    if record is None or record.position != letter.place:
        print(f"the dead letter of {position} has just gone from {where.dead_letters}")
        return 1
    mark = store.marks().get(position)
    state = f"{mark.state} at {rfc3339(mark.at_ms)}" if mark else LetterState.OPEN.value
    written = f"{rfc3339(letter.written_ms)}, {age(store.now_ms - letter.written_ms)} ago"
    for name, found_text in (
        ("position", str(letter.position)),
        ("first position", str(letter.first or "not known")),
        ("dead letter", str(letter.place)),
        ("written", written),
        ("reason", letter.reason),
        ("error", letter.error),
        ("attempts", str(letter.attempts)),
        ("state", state),
        ("key", printable(letter.key)),
    ):
        print(f"{name:<15} {found_text}")
    print("headers")
    for name, content in record.headers:
        print(f"  {printable(name.encode())}: {printable(content)}")
    print(f"{'value':<15} {value_text(record, letter, with_value)}")
    return 0


def retry_letters(
    settings: Settings, topics: list[str], selection: Selection, *, dry_run: bool, again: bool
) -> int:
    """Send the records of the selected letters through the retry topic, and note it."""
    store = LetterStore(settings)
    places = list(dict.fromkeys(store.topics_of(topic) for topic in topics))
    for where in places:
        store.retry_topic(where)
    store.check_marks()
    code = 0
    for where, work in _work(store, places, selection, again=again, needs_value=True):
        retry = store.retry_topic(where, work.taken)
        if dry_run:
            print_table(work.taken, {}, store.now_ms)
            print(f"{len(work.taken)} would be retried through {retry}; nothing was done")
        else:
            gone = Resending(store, where, retry).send(work.taken)
            print(f"{len(work.taken) - len(gone)} retried through {retry}")
            if gone:
                print(f"{len(gone)} have just gone from {where.dead_letters}: not retried")
                code = 1
        code = max(code, _print_rest(work, selection))
    return code


def discard_letters(
    settings: Settings, topics: list[str], selection: Selection, *, dry_run: bool, again: bool
) -> int:
    """Note the selected letters as discarded; they stay on their topic as long as it keeps them."""
    store = LetterStore(settings)
    places = list(dict.fromkeys(store.topics_of(topic) for topic in topics))
    store.check_marks()
    code = 0
    for where, work in _work(store, places, selection, again=again, needs_value=False):
        if dry_run:
            print_table(work.taken, {}, store.now_ms)
            print(f"{len(work.taken)} of {where.source} would be discarded; nothing was done")
        else:
            store.note(work.taken, LetterState.DISCARDED)
            print(f"{len(work.taken)} of {where.source} discarded")
        code = max(code, _print_rest(work, selection))
    return code


def _work(
    store: LetterStore,
    places: list[LetterTopics],
    selection: Selection,
    *,
    again: bool,
    needs_value: bool,
) -> Iterable[tuple[LetterTopics, Sorted]]:
    """What is to be done on each input; a position that has no letter is said before anything."""
    marks = store.marks()
    found = [(where, store.letters(where, selection)) for where in places]
    known = {letter.position for _, letters in found for letter in letters}
    missing = sorted(str(position) for position in selection.positions - known)
    if missing:
        raise InvalidSettings(
            f"no dead letter of this group for {', '.join(missing)}; nothing was done. "
            "`safeguard dead-letters list` shows which there are"
        )
    for where, letters in found:
        yield (
            where,
            sort_out(letters, marks, selection.limit, again=again, needs_value=needs_value),
        )


def _print_rest(work: Sorted, selection: Selection) -> int:
    """Say what was not touched; 1 where something was asked for by name and cannot be done."""
    if work.done_before:
        print(
            f"{len(work.done_before)} skipped: retried or discarded before; --again takes them too"
        )
    if work.left:
        print(f"{work.left} left for the next time: beyond --limit")
    if not work.valueless:
        return 0
    print(
        f"{len(work.valueless)} cannot be retried: the value was too large and was left out; take "
        "it from the input topic"
    )
    return 1 if selection.positions else 0
