"""The command `review erase`: what somebody has a right to have forgotten, deleted for good."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from consumer.commands.review.room import opened
from consumer.commands.terminal import tell
from consumer.domain.counted import counted
from consumer.errors import InvalidSettings
from consumer.review.store.erasure import Erased, Eraser, Traces, Whom, without_cases
from consumer.settings.settings import Settings
from consumer.telemetry.clock import SystemClock


class Erasing(NamedTuple):
    """What is to be erased, and where else than in the store."""

    whom: Whom
    exports: Sequence[Path] = ()
    """Files that `export-cases` wrote, as JSON lines."""
    is_dry: bool = False


def whom(author: str | None, message_id: str | None) -> Whom:
    """Whose or which traces."""
    return Whom(author, message_id)


def erase(settings: Settings, who: str, wanted: Erasing, *, as_json: bool) -> int:
    """
    Delete every trace of an author or a message; 1 where some of it has to wait.

    Raises:
        InvalidSettings: nobody is named, or a file cannot be read or written.
        StoreUnavailable: the store does not answer; begin again.
    """
    if (wanted.whom.author is None) == (wanted.whom.message_id is None):
        raise InvalidSettings("say whose traces: --author, or --message for one message")
    for path in wanted.exports:
        if path.suffix.lower() != ".jsonl":
            raise InvalidSettings(f"--export {path}: write it anew; only .jsonl files are changed")
    with opened(settings) as room:
        eraser = Eraser(room.database, room.book)
        if wanted.is_dry:
            found = Erased(eraser.find(wanted.whom), ())
        else:
            # Files first: afterwards nobody knows any more which of their lines are meant.
            traces = eraser.find(wanted.whom)
            for path in wanted.exports:
                _erase_from(path, traces)
            found = eraser.erase(who, SystemClock().wall_ms(), wanted.whom)
    _tell(found, is_dry=wanted.is_dry, as_json=as_json)
    return 1 if found.waiting else 0


def _erase_from(path: Path, traces: Traces) -> None:
    try:
        kept = without_cases(path.read_bytes(), traces.decisions)
        new = path.with_name(f"{path.name}.new")
        new.write_bytes(kept)
        new.replace(path)
    except OSError as error:
        raise InvalidSettings(f"--export {path}: {error.strerror}") from None
    except ValueError:
        raise InvalidSettings(f"--export {path}: a line is not JSON; nothing was erased") from None


def _tell(found: Erased, *, is_dry: bool, as_json: bool) -> None:
    traces = found.traces
    number = len(traces.cases) - len(found.waiting)
    fields = {
        "cases": number,
        "reports": len(traces.said),
        "quotes": len(traces.quoted),
        "waiting": found.waiting,
        "dry_run": is_dry,
    }
    did = "would erase" if is_dry else "erased"
    lines = [
        f"{did} {counted(number, 'case')}, {len(traces.said):,} reports and appeals in others, and "
        f"what {counted(len(traces.quoted), 'other verdict')} quoted"
    ]
    if found.waiting:
        lines.append(
            f"{', '.join(found.waiting)}: not yet, for what was decided is not published. Let "
            "`safeguard review feed` run, and begin again"
        )
    tell(fields, lines, as_json=as_json)
