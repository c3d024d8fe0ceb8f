"""The commands `decision ...`: fit · check · audits · on · off."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from consumer.cli.options import Config, Json, Sets, examples, settings_of

app = cyclopts.App(
    name="decision",
    help="Settle harmless messages before the safeguard, by a decision endpoint.",
)
Topic = Annotated[str, Parameter(help="The input topic.")]


@app.command(
    help_epilogue=examples(
        "safeguard decision fit --topic chat.messages",
        "safeguard decision fit --topic chat.messages --recall 0.9 --out chat.decision",
    )
)
def fit(
    *,
    topic: Topic,
    recall: Annotated[
        float, Parameter(help="Share of what is not allowed that must reach the safeguard.")
    ] = 0.95,
    alpha: Annotated[
        float, Parameter(help="The chance that a recall is held to be shown although it is lower.")
    ] = 0.05,
    flips: Annotated[
        float, Parameter(help="Share of texts whose answer may change with order or wording.")
    ] = 0.1,
    out: Annotated[
        Path | None, Parameter(help="File to write; VERSION.decision here by default.")
    ] = None,
    version: Annotated[
        str | None, Parameter(help="Policy version, as chat.messages@v2; the live one by default.")
    ] = None,
    json: Json = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Choose thresholds on the golden cases; exit 1 where they show too little to be used."""
    from consumer.commands.decision.fitting import FitRequest, fit_thresholds

    request = FitRequest(topic, recall, flips, out, version, alpha)
    raise SystemExit(fit_thresholds(settings_of(config, set, quiet=True), request, as_json=json))


@app.command(
    help_epilogue=examples(
        "safeguard decision check --topic chat.messages --thresholds chat.decision"
    )
)
def check(
    *,
    topic: Topic,
    thresholds: Annotated[Path, Parameter(help="The file that `decision fit` wrote.")],
    json: Json = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Ask about all golden cases anew, in other orders and words too; exit 1 if it fails."""
    from consumer.commands.decision.fitting import check_thresholds

    settings = settings_of(config, set, quiet=True)
    raise SystemExit(check_thresholds(settings, topic, thresholds, as_json=json))


@app.command(help_epilogue=examples("safeguard decision audits --topic chat.messages"))
def audits(*, topic: Topic, json: Json = False, config: Config = None, set: Sets = None) -> None:
    """Say what the audits of the decision stage have shown by now; exit 1 while it is off."""
    from consumer.commands.prefilter.audited import tell_audits
    from consumer.domain.verdicts.verdict import Cause

    settings = settings_of(config, set, quiet=True)
    raise SystemExit(tell_audits(settings, topic, stage=Cause.DECISION, as_json=json))


@app.command(help_epilogue=examples("safeguard decision on --topic chat.messages"))
def on(*, topic: Topic, config: Config = None, set: Sets = None) -> None:
    """Let all workers ask the decision endpoint first again, after an alarm or `off`."""
    from consumer.commands.prefilter.switching import switch_filter
    from consumer.domain.verdicts.verdict import Cause

    settings = settings_of(config, set, quiet=True)
    raise SystemExit(switch_filter(settings, topic, "switched on", Cause.DECISION))


@app.command(help_epilogue=examples("safeguard decision off --topic chat.messages"))
def off(*, topic: Topic, config: Config = None, set: Sets = None) -> None:
    """Have all workers ask the safeguard for everything, until it is switched on."""
    from consumer.commands.prefilter.switching import switch_filter
    from consumer.domain.verdicts.verdict import Cause

    settings = settings_of(config, set, quiet=True)
    raise SystemExit(switch_filter(settings, topic, "switched off", Cause.DECISION))
