"""The commands about verdicts, whole topics of them: audit · rejudge."""

from __future__ import annotations

from typing import Annotated

import cyclopts
from cyclopts import Parameter

from consumer.cli.options import (
    Config,
    DryRun,
    Json,
    Limit,
    Sets,
    Since,
    Until,
    examples,
    selection_of,
    settings_of,
)

app = cyclopts.App()


@app.command(
    help_epilogue=examples(
        "safeguard audit --topic chat.messages --config safeguard.toml",
        "safeguard audit --topic chat.messages --since 2026-01-31T08:00:00Z --json",
        "safeguard audit --topic chat.messages --from-offset 0=1200 --from-offset 1=900",
    )
)
def audit(
    *,
    topic: Annotated[str, Parameter(help="The input topic.")],
    config: Config = None,
    set: Sets = None,
    json: Json = False,
    group: Annotated[
        str | None, Parameter(help="Whose verdicts; the setting kafka.group by default.")
    ] = None,
    from_offset: Annotated[
        list[str] | None,
        Parameter(
            negative=(),
            help="First offset to account for: OFFSET for every partition, or PARTITION=OFFSET; "
            "repeatable. The oldest record left by default.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        Parameter(help="Account for records from then on: 2h (ago), or 2026-01-31T08:00:00Z."),
    ] = None,
    output: Annotated[
        list[str] | None,
        Parameter(
            negative=(),
            help="A topic that verdicts went to before [outputs] was changed; repeatable.",
        ),
    ] = None,
) -> None:
    """Prove from the topics what became of each record; exit 1 where that is not as promised."""
    from consumer.commands.audit.auditor import AuditRequest, audit_topic

    request = AuditRequest(topic, group, from_offset or (), since, output or ())
    raise SystemExit(audit_topic(settings_of(config, set, quiet=True), request, as_json=json))


@app.command(
    help_epilogue=examples(
        "safeguard rejudge --topic chat.messages --dry-run",
        "safeguard rejudge --topic chat.messages --reason outage --since 2h",
        "safeguard rejudge --topic chat.messages --limit 1000 --json",
        "safeguard rejudge --topic chat.messages --shared 0f3a6b9c1d2e4f570f3a6b9c1d2e4f57",
    )
)
def rejudge(
    *,
    topic: Annotated[str, Parameter(help="The input topic.")],
    reason: Annotated[
        list[str] | None, Parameter(negative=(), help="Why they are unjudged; repeatable.")
    ] = None,
    shared: Annotated[
        str | None,
        Parameter(
            help="Instead, messages that the memo or a burst gave the answer to which this verdict "
            "(its id) rests on: each is judged by itself."
        ),
    ] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 0,
    dry_run: DryRun = False,
    json: Json = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """
    Judge unjudged messages once more; exit 1 where some stay so or are gone.

    With --shared those that have another message's verdict: each is judged by itself.
    """

    from consumer.commands.rejudge.rejudge import RejudgeRequest, rejudge_topic
    from consumer.domain.verdicts.verdict import UnjudgedReason
    from consumer.errors import InvalidSettings

    settings = settings_of(config, set, quiet=True)
    if shared is not None and reason:
        raise InvalidSettings("--reason is of unjudged messages: give it, or --shared")
    selection = selection_of(reason, since, until, None, limit, known=UnjudgedReason)
    request = RejudgeRequest(topic, selection, dry_run, shared)
    import asyncio

    raise SystemExit(asyncio.run(rejudge_topic(settings, request, as_json=json)))
