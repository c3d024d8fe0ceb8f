"""The commands about all that was reviewed: stats, rebuild, statements, exports and the log."""

from __future__ import annotations

from getpass import getuser
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from consumer.cli.options import Config, DryRun, Json, Sets, examples, selection_of, settings_of
from consumer.cli.review import As, app


@app.command(
    help_epilogue=examples("safeguard review stats", "safeguard review stats --since 7d --json")
)
def stats(
    *,
    since: Annotated[str, Parameter(help="Decisions since: 7d (ago), or an RFC 3339 time.")] = "1d",
    json: Json = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Show the queues with their oldest case, who decided how much, and how often people agree."""
    from consumer.commands.review.figures import show_stats

    since_ms = selection_of(None, since, None, None, 0).since_ms or 0
    settings = settings_of(config, set, quiet=True)
    raise SystemExit(show_stats(settings, since_ms, as_json=json))


@app.command(
    help_epilogue=examples(
        "safeguard review rebuild",
        "safeguard review rebuild --set review.store=sqlite:///new.sqlite --json",
    )
)
def rebuild(*, json: Json = False, config: Config = None, set: Sets = None) -> None:
    """Read all topics into the store anew: after a loss, or into another store."""
    from consumer.commands.review.rebuilding import rebuild as read_again

    settings = settings_of(config, set, quiet=True)
    raise SystemExit(read_again(settings, as_json=json))


@app.command(
    name="export-cases",
    help_epilogue=examples(
        "safeguard review export-cases decided.jsonl --topic chat.messages",
        "safeguard review export-cases decided.yaml --topic chat.messages",
    ),
)
def export_cases(
    file: Annotated[Path, Parameter(help="JSON lines (.jsonl), or promptfoo's YAML (.yaml).")],
    *,
    topic: Annotated[str, Parameter(help="The input whose decisions are written.")],
    json: Json = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Write what was decided with a label as cases, which `safeguard evaluate --cases` reads."""
    from consumer.commands.review.figures import export_cases as export

    settings = settings_of(config, set, quiet=True)
    raise SystemExit(export(settings, file, topic, as_json=json))


@app.command(
    help_epilogue=examples(
        "safeguard review statements --since 1d > statements.jsonl",
        "safeguard review statements --people-alone",
    )
)
def statements(
    *,
    since: Annotated[str, Parameter(help="Since: 7d (ago), or an RFC 3339 time.")] = "1d",
    people_alone: Annotated[
        bool, Parameter(negative=(), help="What people decided; no topic is read for it.")
    ] = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Print a statement of reasons (Article 17 DSA) for each restriction, as JSON lines."""
    from consumer.commands.review.stating import list_statements

    since_ms = selection_of(None, since, None, None, 0).since_ms or 0
    settings = settings_of(config, set, quiet=True)
    raise SystemExit(list_statements(settings, since_ms, people_alone=people_alone))


@app.command(
    help_epilogue=examples(
        "safeguard review erase --author u-17 --dry-run",
        "safeguard review erase --author u-17 --export decided.jsonl",
        "safeguard review erase --message m-123 --topics",
    )
)
def erase(
    *,
    author: Annotated[str | None, Parameter(help="All that this person wrote.")] = None,
    message: Annotated[str | None, Parameter(help="The message with this id.")] = None,
    export: Annotated[
        list[Path] | None,
        Parameter(negative=(), help="Also from this file of export-cases; repeatable."),
    ] = None,
    topics: Annotated[
        bool,
        Parameter(negative=(), help="Write tombstones where topics are compacted, too."),
    ] = False,
    dry_run: DryRun = False,
    as_: As = None,
    json: Json = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Delete every trace of an author or a message from the store, for good."""
    from consumer.commands.review.acts import named
    from consumer.commands.review.erasing import Erasing, whom
    from consumer.commands.review.erasing import erase as erase_traces

    wanted = Erasing(whom(author, message), tuple(export or ()), topics, dry_run)
    who = named(getuser() if as_ is None else as_)
    settings = settings_of(config, set, quiet=True)
    raise SystemExit(erase_traces(settings, who, wanted, as_json=json))


@app.command(
    name="appeal-link",
    help_epilogue=examples(
        "safeguard review appeal-link 0f3a6b9c1d2e4f57",
        "safeguard review appeal-link 0f3a6b9c1d2e4f57 --by u-17 --since 30d --json",
    ),
)
def appeal_link(
    verdict: Annotated[str, Parameter(help="The header safeguard-verdict-id.")],
    *,
    by: Annotated[
        str | None, Parameter(help="Who may appeal; the author whom the verdict names by default.")
    ] = None,
    since: Annotated[
        str, Parameter(help="Blocked since: 7d (ago), or an RFC 3339 time; where it is searched.")
    ] = "7d",
    json: Json = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Print a link by which an author appeals once, where review.console.appeals is set."""
    from consumer.commands.review.appealing import WantedLink, make_appeal_link

    since_ms = selection_of(None, since, None, None, 0).since_ms or 0
    settings = settings_of(config, set, quiet=True)
    raise SystemExit(make_appeal_link(settings, WantedLink(verdict, by, since_ms), as_json=json))


@app.command(
    help_epilogue=examples(
        "safeguard review log > log.jsonl", "safeguard review log --since 2026-01-01T00:00:00Z"
    )
)
def log(
    *,
    since: Annotated[
        str | None, Parameter(help="Since: 7d (ago), or an RFC 3339 time; all of it by default.")
    ] = None,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Print the log of who saw and did what as JSON lines, with the digests that chain it."""
    from consumer.commands.review.figures import print_log

    since_ms = selection_of(None, since, None, None, 0).since_ms or 0
    raise SystemExit(print_log(settings_of(config, set, quiet=True), since_ms))


@app.command(name="verify-log", help_epilogue=examples("safeguard review verify-log --json"))
def verify_log(*, json: Json = False, config: Config = None, set: Sets = None) -> None:
    """See whether the log of who saw and did what is as it was written."""
    from consumer.commands.review.figures import verify_log as verify

    raise SystemExit(verify(settings_of(config, set, quiet=True), as_json=json))
