"""The commands of reviewers: feed · next · show · decide · undo · skip · hold · move · figures."""

from __future__ import annotations

from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cyclopts
from cyclopts import Parameter

from consumer.cli.options import Config, Json, Sets, examples, selection_of, settings_of

if TYPE_CHECKING:
    from consumer.commands.review.acts import Reviewer

app = cyclopts.App(
    name="review",
    help="Decide about messages that were flagged, reported or appealed.",
)

CaseId = Annotated[str, Parameter(help="The case, as `next` prints it.")]
As = Annotated[
    str | None,
    Parameter(name="--as", help="Who you are; the system's user by default."),
]
Rationale = Annotated[
    bool, Parameter(negative=(), help="Show what the model thought, too: better after deciding.")
]
Note = Annotated[str, Parameter(help="What for, for others to read.")]


def _reviewer(name: str | None, json: bool, rationale: bool = False) -> Reviewer:
    from consumer.commands.review.acts import Reviewer

    return Reviewer(getuser() if name is None else name, json, rationale)


@app.command(
    help_epilogue=examples(
        "safeguard review feed --config safeguard.toml",
        "safeguard review feed --set review.store=postgresql://review@db/review",
    )
)
def feed(*, config: Config = None, set: Sets = None) -> None:
    """Bring flagged messages, reports and appeals to the reviewers, and publish their decisions."""
    from consumer.commands.review.following import follow

    raise SystemExit(follow(settings_of(config, set)))


@app.command(
    name="next",
    help_epilogue=examples(
        "safeguard review next",
        "safeguard review next --queue escalated --as ann --json",
        "safeguard review next --case 5d3c0f6a9b1e2d47",
    ),
)
def next_(
    *,
    queue: Annotated[str | None, Parameter(help="Only from this queue.")] = None,
    case: Annotated[str | None, Parameter(help="This very case.")] = None,
    as_: As = None,
    rationale: Rationale = False,
    json: Json = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Claim the case that is due first; nobody else gets it while your lease runs."""
    from consumer.commands.review.acts import next_case

    settings = settings_of(config, set, quiet=True)
    raise SystemExit(next_case(settings, _reviewer(as_, json, rationale), queue, case))


@app.command(help_epilogue=examples("safeguard review show 5d3c0f6a9b1e2d47 --rationale"))
def show(
    case: CaseId,
    *,
    as_: As = None,
    rationale: Rationale = False,
    json: Json = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Show a case; if it is yours your lease begins anew."""
    from consumer.commands.review.acts import show_case

    settings = settings_of(config, set, quiet=True)
    raise SystemExit(show_case(settings, _reviewer(as_, json, rationale), case))


@app.command(
    help_epilogue=examples(
        "safeguard review decide 5d3c0f6a9b1e2d47 --outcome allow --reason quoted",
        "safeguard review decide 5d3c0f6a9b1e2d47 --label spam.SP2 --reason sells",
    )
)
def decide(
    case: CaseId,
    *,
    outcome: Annotated[str | None, Parameter(help="allow or block.")] = None,
    label: Annotated[
        str | None, Parameter(help="POLICY.LABEL; without --outcome it decides what it means.")
    ] = None,
    rule: Annotated[str | None, Parameter(help="The rule of the policy.")] = None,
    reason: Annotated[str, Parameter(help="Why, for the record; needed.")] = "",
    as_: As = None,
    json: Json = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Decide a case that you have claimed, or propose to where a second person must agree."""
    from consumer.commands.review.acts import decide_case, ruling_of

    ruling = ruling_of(outcome, label, rule, reason)
    settings = settings_of(config, set, quiet=True)
    raise SystemExit(decide_case(settings, _reviewer(as_, json), case, ruling))


@app.command(help_epilogue=examples("safeguard review undo 5d3c0f6a9b1e2d47"))
def undo(
    case: CaseId, *, as_: As = None, json: Json = False, config: Config = None, set: Sets = None
) -> None:
    """Take your last decision back, within review.undo_s."""
    from consumer.commands.review.acts import undo_case

    settings = settings_of(config, set, quiet=True)
    raise SystemExit(undo_case(settings, _reviewer(as_, json), case))


@app.command(help_epilogue=examples("safeguard review skip 5d3c0f6a9b1e2d47"))
def skip(
    case: CaseId, *, as_: As = None, json: Json = False, config: Config = None, set: Sets = None
) -> None:
    """Leave a case to others; it is not handed out to you again."""
    from consumer.commands.review.acts import skip_case

    settings = settings_of(config, set, quiet=True)
    raise SystemExit(skip_case(settings, _reviewer(as_, json), case))


@app.command(
    help_epilogue=examples("safeguard review hold 5d3c0f6a9b1e2d47 --wait 2h --note asked")
)
def hold(
    case: CaseId,
    *,
    wait: Annotated[str, Parameter(help="How long: 30m, 2h, 7d.")] = "1h",
    note: Note = "",
    as_: As = None,
    json: Json = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Leave a case for a while; then it is handed out again, to anybody."""
    from consumer.commands.review.acts import hold_case

    settings = settings_of(config, set, quiet=True)
    raise SystemExit(hold_case(settings, _reviewer(as_, json), case, wait, note))


@app.command(
    help_epilogue=examples("safeguard review move 5d3c0f6a9b1e2d47 --queue legal --note threat")
)
def move(
    case: CaseId,
    *,
    queue: Annotated[str, Parameter(help="The queue that it goes to.")],
    note: Note = "",
    as_: As = None,
    json: Json = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Hand a case to the people of another queue."""
    from consumer.commands.review.acts import move_case

    settings = settings_of(config, set, quiet=True)
    raise SystemExit(move_case(settings, _reviewer(as_, json), case, queue, note))


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
    """Show the queues with their oldest case, and who decided how much."""
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


@app.command(name="verify-log", help_epilogue=examples("safeguard review verify-log --json"))
def verify_log(*, json: Json = False, config: Config = None, set: Sets = None) -> None:
    """See whether the log of who saw and did what is as it was written."""
    from consumer.commands.review.figures import verify_log as verify

    raise SystemExit(verify(settings_of(config, set, quiet=True), as_json=json))
