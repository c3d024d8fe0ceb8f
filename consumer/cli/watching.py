"""The command `watch`: verdicts as they are published."""

from __future__ import annotations

from typing import Annotated

import cyclopts
from cyclopts import Parameter

from consumer.cli.options import Config, Sets, examples, selection_of, settings_of

app = cyclopts.App()


@app.command(
    help_epilogue=examples(
        "safeguard watch",
        "safeguard watch --topic chat.messages --outcome flag --since 10m",
        "safeguard watch --cause unjudged --json",
    )
)
def watch(
    *,
    topic: Annotated[str | None, Parameter(help="One input; all of them by default.")] = None,
    outcome: Annotated[
        list[str] | None,
        Parameter(negative=(), help="allow, flag, block or dead-letter; repeatable."),
    ] = None,
    cause: Annotated[
        list[str] | None,
        Parameter(negative=(), help="model, skipped, unjudged, replay, human, appeal; repeatable."),
    ] = None,
    since: Annotated[
        str | None,
        Parameter(help="From then on: 10m (ago), or 2026-01-31T08:00:00Z; now by default."),
    ] = None,
    limit: Annotated[int, Parameter(help="End after so many; 0 goes on until Ctrl-C.")] = 0,
    json: Annotated[
        bool, Parameter(negative=(), help="One JSON object a line, as on the topic.")
    ] = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Follow the verdicts of the inputs, with text and reason where the flag topic has them."""
    from consumer.commands.watch.watch import OUTCOMES, WatchRequest, chosen
    from consumer.commands.watch.watch import watch as follow
    from consumer.domain.verdicts.verdict import Cause

    since_ms = selection_of(None, since, None, None, limit).since_ms
    outcomes = chosen(outcome, OUTCOMES, "--outcome")
    causes = chosen(cause, tuple(Cause), "--cause")
    settings = settings_of(config, set, quiet=True)
    request = WatchRequest(topic, outcomes, causes, since_ms, limit)
    raise SystemExit(follow(settings, request, as_json=json))
