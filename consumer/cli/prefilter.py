"""The commands `prefilter ...`: train · report · explain · audits · on · off."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from consumer.cli.options import Config, Json, Sets, Since, examples, settings_of

app = cyclopts.App(
    name="prefilter",
    help="Settle harmless messages before the model, by a filter made of its own verdicts.",
)
FilterFile = Annotated[
    Path, Parameter(name="--filter", help="The filter that `prefilter train` wrote.")
]


@app.command(
    help_epilogue=examples(
        "safeguard prefilter train --topic chat.messages --recall 0.99",
        "safeguard prefilter train --topic chat.messages --since 7d --out chat.prefilter",
    )
)
def train(
    *,
    topic: Annotated[str, Parameter(help="The input topic.")],
    recall: Annotated[
        float, Parameter(help="Share of what the model would not allow that must reach it.")
    ] = 0.99,
    alpha: Annotated[
        float, Parameter(help="The chance that a recall is held to be shown although it is lower.")
    ] = 0.05,
    out: Annotated[
        Path | None, Parameter(help="File to write; VERSION.prefilter here by default.")
    ] = None,
    version: Annotated[
        str | None, Parameter(help="Policy version, as chat.messages@v2; the live one by default.")
    ] = None,
    since: Since = None,
    json: Json = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Make a filter of a topic's own verdicts; exit 1 where its recall could not be shown."""
    from consumer.commands.prefilter.training import TrainRequest, train_filter

    request = TrainRequest(topic, recall, out, version, since, alpha)
    raise SystemExit(train_filter(settings_of(config, set, quiet=True), request, as_json=json))


@app.command(
    help_epilogue=examples(
        "safeguard prefilter report --filter chat.prefilter",
        "safeguard prefilter report --filter chat.prefilter --page filter.html",
    )
)
def report(
    *,
    filter: FilterFile,
    page: Annotated[
        Path | None, Parameter(help="Write tables and plot there, as one page of HTML.")
    ] = None,
    json: Json = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Say what a filter misses and saves on traffic that it has not seen."""
    from consumer.commands.prefilter.report import ReportRequest, report_filter

    request = ReportRequest(filter, page)
    raise SystemExit(report_filter(settings_of(config, set, quiet=True), request, as_json=json))


@app.command(
    help_epilogue=examples(
        "safeguard prefilter explain 'where do we meet?' --filter chat.prefilter",
    )
)
def explain(text: str, *, filter: FilterFile, json: Json = False) -> None:
    """Say what a filter makes of a text, and which words say so."""
    from consumer.commands.prefilter.explain import explain_text

    raise SystemExit(explain_text(filter, text, as_json=json))


@app.command(help_epilogue=examples("safeguard prefilter audits --topic chat.messages"))
def audits(
    *,
    topic: Annotated[str, Parameter(help="The input topic.")],
    json: Json = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Say what the audits of a topic's filter have shown by now; exit 1 while it is off."""
    from consumer.commands.prefilter.audited import tell_audits

    raise SystemExit(tell_audits(settings_of(config, set, quiet=True), topic, as_json=json))


@app.command(help_epilogue=examples("safeguard prefilter on --topic chat.messages"))
def on(
    *,
    topic: Annotated[str, Parameter(help="The input topic.")],
    config: Config = None,
    set: Sets = None,
) -> None:
    """Let all workers use a topic's filter again, after an alarm or `off`."""
    from consumer.commands.prefilter.switching import switch_filter

    raise SystemExit(switch_filter(settings_of(config, set, quiet=True), topic, "switched on"))


@app.command(help_epilogue=examples("safeguard prefilter off --topic chat.messages"))
def off(
    *,
    topic: Annotated[str, Parameter(help="The input topic.")],
    config: Config = None,
    set: Sets = None,
) -> None:
    """Have all workers ask the model for everything, until it is switched on."""
    from consumer.commands.prefilter.switching import switch_filter

    raise SystemExit(switch_filter(settings_of(config, set, quiet=True), topic, "switched off"))
