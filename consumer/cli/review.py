"""The commands of reviewers: feed · next · show · decide · undo · skip · hold · move · …."""

from __future__ import annotations

from getpass import getuser
from typing import TYPE_CHECKING, Annotated

import cyclopts
from cyclopts import Parameter

from consumer.cli.options import Config, Json, Sets, examples, settings_of

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
OutcomeWord = Annotated[str | None, Parameter(help="allow or block.")]
Label = Annotated[
    str | None, Parameter(help="POLICY.LABEL; without --outcome it decides what it means.")
]
Rule = Annotated[str | None, Parameter(help="The rule of the policy.")]
Reason = Annotated[str, Parameter(help="Why, for the record; needed.")]
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
    outcome: OutcomeWord = None,
    label: Label = None,
    rule: Rule = None,
    reason: Reason = "",
    alone: Annotated[
        bool, Parameter(negative=(), help="Leave the cases that say nearly the same as they are.")
    ] = False,
    as_: As = None,
    json: Json = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """
    Decide a case that you have claimed, and those that were shown with it as alike.

    Where a second person must agree it is proposed. Without a word it says what your draft says.
    """
    from consumer.commands.review.acts import decide_case, ruling_of

    ruling = ruling_of(outcome, label, rule, reason)
    settings = settings_of(config, set, quiet=True)
    raise SystemExit(decide_case(settings, _reviewer(as_, json), case, ruling, alone=alone))


@app.command(
    help_epilogue=examples('safeguard review draft 5d3c0f6a9b1e2d47 --reason "sells, I think"')
)
def draft(
    case: CaseId,
    *,
    outcome: OutcomeWord = None,
    label: Label = None,
    rule: Rule = None,
    reason: Reason = "",
    as_: As = None,
    json: Json = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Keep what you mean to say of a case that you have claimed; it waits for you."""
    from consumer.commands.review.acts import draft_case, ruling_of

    ruling = ruling_of(outcome, label, rule, reason)
    settings = settings_of(config, set, quiet=True)
    raise SystemExit(draft_case(settings, _reviewer(as_, json), case, ruling))


@app.command(
    help_epilogue=examples(
        "safeguard review bulk --author u-17 --label spam.SP2 --reason sells",
        "safeguard review bulk --judged spam.SP2 --outcome allow --reason quoted --count 37",
        "safeguard review bulk --like 5d3c0f6a9b1e2d47 --outcome allow --reason quoted",
    )
)
def bulk(
    *,
    author: Annotated[str | None, Parameter(help="Open cases of this author.")] = None,
    judged: Annotated[
        str | None, Parameter(help="Those that the model gave this POLICY.LABEL.")
    ] = None,
    like: Annotated[str | None, Parameter(help="This case and those alike.")] = None,
    topic: Annotated[str | None, Parameter(help="Those of this input.")] = None,
    queue: Annotated[str | None, Parameter(help="Those in this queue.")] = None,
    outcome: OutcomeWord = None,
    label: Label = None,
    rule: Rule = None,
    reason: Reason = "",
    count: Annotated[
        int | None, Parameter(help="Do not ask, where it is exactly so many cases.")
    ] = None,
    as_: As = None,
    json: Json = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Decide many open cases by one ruling; says how many and asks first."""
    from consumer.commands.review.acts import named, ruling_of
    from consumer.commands.review.together import Wanted, decide_many

    ruling = ruling_of(outcome, label, rule, reason)
    wanted = Wanted(ruling, author, judged, topic, queue, like, count)
    who = named(_reviewer(as_, json).name)
    settings = settings_of(config, set, quiet=True)
    raise SystemExit(decide_many(settings, who, wanted, as_json=json))


@app.command(
    help_epilogue=examples("safeguard review assign 5d3c0f6a9b1e2d47 --to eve --note Dutch")
)
def assign(
    case: CaseId,
    *,
    to: Annotated[str, Parameter(help="Who alone gets it from now on.")],
    note: Note = "",
    as_: As = None,
    json: Json = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Hand a case to one person; it is theirs until it is decided, skipped or moved."""
    from consumer.commands.review.acts import assign_case

    settings = settings_of(config, set, quiet=True)
    raise SystemExit(assign_case(settings, _reviewer(as_, json), case, to, note))


@app.command(
    help_epilogue=examples(
        "safeguard review undo 5d3c0f6a9b1e2d47", "safeguard review undo b-0f3a6b9c1d2e4f57"
    )
)
def undo(
    case: Annotated[str, Parameter(help="The case, or the batch.")],
    *,
    as_: As = None,
    json: Json = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Take your last decision back, or all of a batch, within review.undo_s."""
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
