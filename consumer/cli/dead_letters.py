"""The commands about dead letters: list · show · retry · discard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import cyclopts
from cyclopts import Parameter

from consumer.cli.options import (
    Config,
    DryRun,
    Limit,
    Sets,
    Since,
    Until,
    examples,
    selection_of,
    settings_of,
)
from consumer.errors import InvalidSettings

if TYPE_CHECKING:
    from consumer.commands.dead_letters.selection import Selection

app = cyclopts.App(
    name="dead-letters", help="List, show, retry and discard what could not be judged."
)

Position = Annotated[str, Parameter(help="topic/partition/offset, as `list` prints it.")]
Topic = Annotated[str, Parameter(help="The input whose dead letters are meant.")]
Reasons = Annotated[
    list[str] | None, Parameter(negative=(), help="Why they are dead letters; repeatable.")
]
Key = Annotated[str | None, Parameter(help="The record's key, as `show` prints it.")]


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """Which letters something is done to, and how: what `retry` and `discard` are told alike."""

    topic: Topic | None = None
    reason: Reasons = None
    since: Since = None
    until: Until = None
    key: Key = None
    limit: Limit = 0
    all: Annotated[bool, Parameter(negative=(), help="All of the topic, without a filter.")] = False
    dry_run: DryRun = False
    again: Annotated[
        bool, Parameter(negative=(), help="Those that were retried or discarded before as well.")
    ] = False

    def selected(self, positions: tuple[str, ...]) -> tuple[list[str], Selection]:
        """The inputs and the letters that are meant; so much is done at once that it must be."""
        from consumer.commands.dead_letters.selection import Selection

        chosen = selection_of(self.reason, self.since, self.until, self.key, self.limit, positions)
        if chosen.positions:
            if self.topic or self.all or chosen != Selection(positions=chosen.positions):
                raise InvalidSettings("give positions, or --topic with filters, not both")
            return sorted({position.topic for position in chosen.positions}), chosen
        if self.topic is None:
            raise InvalidSettings("say which letters: positions, or --topic with a filter or --all")
        if chosen.is_everything != self.all:
            raise InvalidSettings(
                f"all dead letters of {self.topic}? Give a filter, or --all"
                if chosen.is_everything
                else "give filters or --all, not both"
            )
        return [self.topic], chosen


@app.command(
    name="list",
    help_epilogue=examples(
        "safeguard dead-letters list --topic chat.messages",
        "safeguard dead-letters list --topic chat.messages --reason not_json --since 2h",
        "safeguard dead-letters list --topic chat.messages --limit 0 --json",
    ),
)
def list_(
    *,
    topic: Topic,
    reason: Reasons = None,
    since: Since = None,
    until: Until = None,
    key: Key = None,
    limit: Annotated[int, Parameter(help="The newest so many; 0 shows all.")] = 100,
    json: Annotated[bool, Parameter(help="One JSON object a line.")] = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """List the dead letters of an input, newest last, and what became of each."""
    from consumer.commands.dead_letters.actions import list_letters

    settings = settings_of(config, set, quiet=True)
    selection = selection_of(reason, since, until, key, limit)
    raise SystemExit(list_letters(settings, topic, selection, as_json=json))


@app.command(
    help_epilogue=examples(
        "safeguard dead-letters show chat.messages/3/4711",
        "safeguard dead-letters show chat.messages/3/4711 --value",
    )
)
def show(
    position: Position,
    *,
    value: Annotated[
        bool, Parameter(negative=(), help="Print the value too; it is what a user wrote.")
    ] = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Show one dead letter with all its headers."""
    from consumer.commands.dead_letters.actions import show_letter
    from consumer.commands.dead_letters.selection import position_of

    found = position_of(position)
    settings = settings_of(config, set, quiet=True)
    raise SystemExit(show_letter(settings, found, with_value=value))


@app.command(
    help_epilogue=examples(
        "safeguard dead-letters retry chat.messages/3/4711",
        "safeguard dead-letters retry --topic chat.messages --reason no_text --dry-run",
        "safeguard dead-letters retry --topic chat.messages --all",
    )
)
def retry(
    *positions: Position, meant: Meant = Meant(), config: Config = None, set: Sets = None
) -> None:
    """Have the records of dead letters judged once more, after what was wrong has been mended."""
    from consumer.commands.dead_letters.actions import retry_letters

    settings = settings_of(config, set, quiet=True)
    selected = meant.selected(positions)
    raise SystemExit(retry_letters(settings, *selected, dry_run=meant.dry_run, again=meant.again))


@app.command(
    help_epilogue=examples(
        "safeguard dead-letters discard chat.messages/3/4711",
        "safeguard dead-letters discard --topic chat.messages --reason tombstone --until 7d",
    )
)
def discard(
    *positions: Position, meant: Meant = Meant(), config: Config = None, set: Sets = None
) -> None:
    """Note dead letters as done with, so that `retry` passes over them; none is deleted."""
    from consumer.commands.dead_letters.actions import discard_letters

    settings = settings_of(config, set, quiet=True)
    selected = meant.selected(positions)
    raise SystemExit(discard_letters(settings, *selected, dry_run=meant.dry_run, again=meant.again))
