"""Options: what several commands are told in the same words, and how those words are read."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from consumer.errors import DeadLetterReason, InvalidSettings

if TYPE_CHECKING:
    from consumer.commands.dead_letters.selection import Selection
    from consumer.settings.settings import Settings

HERE = Path("safeguard.toml")

Config = Annotated[
    Path | None,
    Parameter(
        name=["--config", "-c"], help="TOML file with the settings; ./safeguard.toml by default."
    ),
]
Sets = Annotated[
    list[str] | None,
    Parameter(
        name="--set",
        negative=(),
        help="One setting, as in --set kafka.group=mine; repeatable, wins over all.",
    ),
]
Since = Annotated[
    str | None, Parameter(help="Written at or after: 2h (ago), or 2026-01-31T08:00:00Z.")
]
Until = Annotated[str | None, Parameter(help="Written before: as --since.")]
Limit = Annotated[int, Parameter(help="At most so many, the oldest first; 0 is no limit.")]
DryRun = Annotated[bool, Parameter(negative=(), help="Say what would be done; change nothing.")]
Json = Annotated[bool, Parameter(help="Print the report as one JSON object.")]


def examples(*lines: str) -> str:
    """The end of a command's help: what to copy."""
    return "\n".join(("Examples:", *(f"  {line}" for line in lines)))


def settings_of(config: Path | None, sets: list[str] | None, *, quiet: bool = False) -> Settings:
    """
    The settings, and logs set up by them; `quiet` logs errors alone.

    A `safeguard.toml` that lies here is read by itself, and this is said.
    """
    import structlog

    from consumer.settings.load import load_settings
    from consumer.settings.secrets import inline_secrets
    from consumer.telemetry.logs import set_up_logs, signed
    from consumer.worker.stops import has_supervisor

    # A link that leads nowhere is a file that cannot be read, not one that nobody wrote.
    is_found = config is None and os.path.lexists(HERE)
    settings = load_settings(HERE if is_found else config, pairs_of(sets or [], "--set"))
    level = "error" if quiet else settings.telemetry.log_level
    # The lines of `--processes N` are one stream, and a line that names no process helps nobody.
    more = [signed] if has_supervisor() else []
    set_up_logs(level, settings.telemetry.log_format, more=more)
    if is_found and quiet:
        print(f"safeguard: settings from ./{HERE}", file=sys.stderr)
    elif is_found:
        structlog.get_logger().info("settings read", file=f"./{HERE}")
    for doubt in inline_secrets(settings):
        if quiet:
            print(f"safeguard: warning: {doubt}", file=sys.stderr)
        else:
            structlog.get_logger().warning("settings", doubt=doubt)
    return settings


def pairs_of(words: list[str], flag: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise InvalidSettings(f"{flag} {word}: write NAME=VALUE")
        pairs[name] = value
    return pairs


def selection_of(
    reasons: list[str] | None,
    since: str | None,
    until: str | None,
    key: str | None,
    limit: int,
    positions: tuple[str, ...] = (),
    *,
    known: Iterable[str] = DeadLetterReason,
) -> Selection:
    from consumer.commands.dead_letters.selection import Selection, moment_ms, position_of
    from consumer.telemetry.clock import SystemClock

    now_ms = SystemClock().wall_ms()
    names = list(known)
    for reason in reasons or ():
        if reason not in names:
            raise InvalidSettings(f"--reason {reason}: there are {', '.join(names)}")
    if limit < 0:
        raise InvalidSettings(f"--limit {limit}: give 0 or more")
    return Selection(
        reasons=frozenset(reasons or ()),
        since_ms=None if since is None else moment_ms(since, now_ms, "--since"),
        until_ms=None if until is None else moment_ms(until, now_ms, "--until"),
        key=key,
        positions=frozenset(position_of(text) for text in positions),
        limit=limit,
    )
