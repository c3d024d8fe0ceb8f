"""Policies: new · import · export · check · show · diff · review · pin · keys · cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import cyclopts
from cyclopts import Parameter

from consumer.cli.options import (
    Config,
    Json,
    Sets,
    Since,
    Until,
    examples,
    selection_of,
    settings_of,
)

app = cyclopts.App(name="policy", help="Begin, check, show and pin policies; what judging costs.")

Folder = Annotated[
    Path | None,
    Parameter(help="The folder of policy sets; the setting policies.folder by default."),
]


@app.command(
    help_epilogue=examples(
        "safeguard policy new spam --topic chat.messages",
    )
)
def new(
    name: Annotated[str, Parameter(help="What the policy is called: its file is NAME.md.")],
    *,
    topic: Annotated[str, Parameter(help="The input topic that it judges.")],
    folder: Folder = None,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Begin a policy set: topic.toml, one policy and labelled cases, all without fault."""
    from consumer.commands.beginning.policy_set import new_policy

    raise SystemExit(new_policy(_folder(folder, config, set), name, topic))


LayoutName = Annotated[
    Literal["teen-safety", "cope", "markdown"],
    Parameter(
        name="--as",
        help="Its layout: teen-safety (VALID and INVALID above codes), cope (Includes and Excludes "
        "of one label) or markdown (labels in headings, as in the model's guide).",
    ),
]


@app.command(
    name="import",
    help_epilogue=examples(
        "safeguard policy import teen-safety/ --as teen-safety --topic chat.messages",
        "safeguard policy import labelers/ --as cope --topic forum.posts --out policies/labelers",
    ),
)
def import_(
    source: Annotated[Path, Parameter(help="The folder with the pack; its subfolders are read.")],
    *,
    layout: LayoutName,
    topic: Annotated[str, Parameter(help="The input topic that the policies judge.")],
    out: Annotated[
        Path | None, Parameter(help="The set's folder; by default TOPIC among the policies.")
    ] = None,
    folder: Folder = None,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Make a policy set of a pack that others published; list by line what is left out of it."""
    from consumer.commands.packs.importer import ImportRequest, import_pack

    request = ImportRequest(source, layout, topic, out)
    raise SystemExit(import_pack(_folder(folder, config, set), request))


@app.command(
    help_epilogue=examples(
        "safeguard policy export chat.messages@v2 --as markdown --out pack/",
    )
)
def export(
    version: Annotated[str, Parameter(help="set@vN.")],
    *,
    layout: LayoutName,
    out: Annotated[Path, Parameter(help="A new folder for the pack.")],
    folder: Folder = None,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Write a version and its cases in a layout that others read; say what that cannot express."""
    from consumer.commands.packs.exporter import ExportRequest, export_pack

    request = ExportRequest(version, layout, out)
    raise SystemExit(export_pack(_folder(folder, config, set), request))


@app.command(
    help_epilogue=examples(
        "safeguard policy keys",
    )
)
def keys() -> None:
    """Print every key of topic.toml with its default and meaning."""
    from consumer.commands.keys import show_keys

    raise SystemExit(show_keys())


@app.command(
    help_epilogue=examples(
        "safeguard policy check",
        "safeguard policy check path/to/policies",
    )
)
def check(
    folder: Folder = None,
    *,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Check policies, topics and cases; list every fault and warning by file and line."""
    from consumer.commands.check import check_policies

    raise SystemExit(check_policies(_folder(folder, config, set)))


@app.command(
    help_epilogue=examples(
        "safeguard policy show",
        "safeguard policy show chat.messages@v2",
        "safeguard policy show chat.messages@v2 --prompt",
    )
)
def show(
    version: Annotated[str | None, Parameter(help="set@vN.")] = None,
    *,
    folder: Folder = None,
    prompt: Annotated[
        bool, Parameter(help="Print the system message that the model is sent, word for word.")
    ] = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Show the policy sets, or one version with its labels and rules."""
    from consumer.commands.policy import show_policies

    raise SystemExit(show_policies(_folder(folder, config, set), version, prompt))


@app.command(
    help_epilogue=examples(
        "safeguard policy diff chat.messages@v1 chat.messages@v2",
        "safeguard policy diff v1 v2 --topic chat.messages",
    )
)
def diff(
    old: Annotated[str, Parameter(help="set@vN, or vN.")],
    new: Annotated[str, Parameter(help="The same.")],
    *,
    topic: Annotated[str | None, Parameter(help="The set, or a topic that it binds.")] = None,
    folder: Folder = None,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Show what changed between two versions: labels, rules, examples, text; exit 1 if any did."""
    from consumer.commands.diff import diff_policies

    raise SystemExit(diff_policies(_folder(folder, config, set), old, new, topic))


@app.command(
    help_epilogue=examples(
        "safeguard evaluate --topic chat.messages --cases mine.jsonl --report evaluation.json",
        "safeguard policy review evaluation.json --report rules.html",
    )
)
def review(
    evaluation: Annotated[Path, Parameter(help="A report of `safeguard evaluate`, as JSON.")],
    *,
    run: Annotated[
        str | None, Parameter(help="One run of it, as in 'v2 high'; all by default.")
    ] = None,
    cases: Annotated[
        str | None, Parameter(help="The file of cases, where it has moved since.")
    ] = None,
    texts: Annotated[
        bool, Parameter(negative=(), help="Show the texts; the page has them on request.")
    ] = False,
    report: Annotated[Path | None, Parameter(help="Write it as a page, too: FILE.html.")] = None,
) -> None:
    """Show what each rule was cited for, where that was wrong, and what no rule covers."""
    from consumer.commands.evaluate.author import AuthorRequest, show_author

    raise SystemExit(show_author(AuthorRequest(evaluation, run, cases, texts, report)))


@app.command(
    help_epilogue=examples(
        "safeguard policy pin",
    )
)
def pin(folder: Path | None = None, *, config: Config = None, set: Sets = None) -> None:
    """Write down the digests of the published versions, so that a change to one is refused."""
    from consumer.commands.policy import pin_policies

    raise SystemExit(pin_policies(_folder(folder, config, set)))


@app.command(
    help_epilogue=examples(
        "safeguard policy cost --topic chat.messages --since 1d",
        "safeguard policy cost --topic chat.messages --price-in 0.075 --price-cached 0.0375 "
        "--price-out 0.30",
        "safeguard policy cost --topic chat.messages --gpu-hour 2.50 --calls-at-once 32 --json",
    )
)
def cost(
    *,
    topic: Annotated[str, Parameter(help="The input topic.")],
    since: Since = None,
    until: Until = None,
    price_in: Annotated[
        float | None, Parameter(help="Price of a million prompt tokens, in any currency.")
    ] = None,
    price_cached: Annotated[
        float | None, Parameter(help="The same for those from the cache; as --price-in else.")
    ] = None,
    price_out: Annotated[
        float | None, Parameter(help="The same for completion tokens, reasoning among them.")
    ] = None,
    gpu_hour: Annotated[
        float | None, Parameter(help="Price of an hour of the GPU, instead of tokens.")
    ] = None,
    calls_at_once: Annotated[
        float | None,
        Parameter(
            help="Calls that the GPU serves at once; else it is paid from the first verdict "
            "to the last."
        ),
    ] = None,
    json: Json = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Add up tokens and model time of an input's verdicts by version, and what they cost."""
    from consumer.commands.costs.costs import CostRequest, show_cost
    from consumer.commands.costs.prices import PriceRequest

    settings = settings_of(config, set, quiet=True)
    period = selection_of(None, since, until, None, 0)
    prices = PriceRequest(price_in, price_cached, price_out, gpu_hour, calls_at_once)
    request = CostRequest(topic, period.since_ms, period.until_ms, prices)
    raise SystemExit(show_cost(settings, request, as_json=json))


def _folder(folder: Path | None, config: Path | None, sets: list[str] | None) -> Path:
    return folder or settings_of(config, sets, quiet=True).policies.folder
