"""The command `evaluate`: how good verdicts are, on texts whose labels are known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import cyclopts
from cyclopts import Parameter

from consumer.cli.options import Config, Json, Sets, examples, settings_of
from consumer.errors import InvalidSettings

app = cyclopts.App()


@app.command(
    help_epilogue=examples(
        "safeguard evaluate --topic chat.messages --config safeguard.toml",
        "safeguard evaluate --topic chat.messages --version v1 --suite cases --json",
        "safeguard evaluate --topic chat.messages --suite attacks --limit 50 --concurrency 4",
        "safeguard evaluate --topic chat.messages --cases tweets.csv --map text=tweet,label=class "
        "--labels hate=HH2,offensive=HH1,neither=HH0 --report tweets.html",
        "safeguard evaluate --topic chat.messages --version v1,v2 --rerun --min-recall HH2=0.9",
        "safeguard evaluate --topic chat.messages --cases - --effort low,high < cases.jsonl",
        "safeguard evaluate --preset hatecheck --cases test_suite_cases.csv --report hate.html",
    )
)
def evaluate(
    *,
    topic: Annotated[
        str | None,
        Parameter(help="The input topic whose policies are meant; a preset brings its own."),
    ] = None,
    version: Annotated[
        str | None,
        Parameter(help="v1, v2 and so on, or several as v1,v2; the live one by default."),
    ] = None,
    suite: Annotated[
        Literal["cases", "attacks", "all"] | None,
        Parameter(
            help="The version's labelled cases, attacks on the harmful ones among them, or both: "
            "what is done (all) where none of the options below it is given."
        ),
    ] = None,
    cases: Annotated[
        str | None,
        Parameter(
            allow_leading_hyphen=True,
            help="A file of labelled texts: .jsonl, .csv, .tsv, promptfoo's .yaml, .parquet, or - "
            "for standard input. The version's own cases by default.",
        ),
    ] = None,
    preset: Annotated[
        Literal["moderation-2022", "toxicchat", "hatecheck", "jigsaw"] | None,
        Parameter(
            help="The set that the file is of: its columns, and policies that were written for it."
        ),
    ] = None,
    map: Annotated[
        list[str] | None,
        Parameter(
            negative=(),
            help="Which column holds what: text=tweet,label=class,id=row; label.POLICY=COLUMN "
            "where each policy has a column of its own.",
        ),
    ] = None,
    labels: Annotated[
        list[str] | None,
        Parameter(
            negative=(),
            help="Which label a value means: hate=HH2,neither=HH0, or POLICY.value=LABEL; ? is no "
            "label.",
        ),
    ] = None,
    yes: Annotated[
        bool, Parameter(negative=(), help="Do not ask whether the columns are as meant.")
    ] = False,
    model: Annotated[
        str | None,
        Parameter(help="One or several, with commas; that of the settings by default."),
    ] = None,
    effort: Annotated[
        str | None, Parameter(help="low, medium, high, or several; each policy's own by default.")
    ] = None,
    rerun: Annotated[
        bool,
        Parameter(negative=(), help="Judge all once more, to see what changes by chance."),
    ] = False,
    attacks: Annotated[
        int, Parameter(help="Attack so many harmful texts of the cases; 0 is none.")
    ] = 0,
    results: Annotated[
        Path | None,
        Parameter(help="Where answers are kept, and taken from by the next run of the same."),
    ] = None,
    report: Annotated[
        list[Path] | None,
        Parameter(negative=(), help="Write the report to a .json or .html file; repeatable."),
    ] = None,
    export: Annotated[
        list[Path] | None,
        Parameter(negative=(), help="Write the cases as .jsonl, or .yaml for promptfoo."),
    ] = None,
    min_recall: Annotated[
        list[str] | None,
        Parameter(
            negative=(),
            help="Exit 1 below it: 0.9 for whole texts, POLICY=0.9 or LABEL=0.9; repeatable.",
        ),
    ] = None,
    min_precision: Annotated[
        list[str] | None, Parameter(negative=(), help="The same of precision.")
    ] = None,
    min_f1: Annotated[list[str] | None, Parameter(negative=(), help="The same of F1.")] = None,
    max_fpr: Annotated[
        list[str] | None,
        Parameter(negative=(), help="Exit 1 where more harmless texts are flagged or blocked."),
    ] = None,
    max_tokens_total: Annotated[
        int, Parameter(help="Stop asking at so many tokens in the results; 0 is no bound.")
    ] = 0,
    price_in: Annotated[float | None, Parameter(help="Price of a million prompt tokens.")] = None,
    price_cached: Annotated[float | None, Parameter(help="The same from the cache.")] = None,
    price_out: Annotated[float | None, Parameter(help="The same for completion tokens.")] = None,
    json: Json = False,
    limit: Annotated[
        int, Parameter(help="At most so many texts of each suite, spread over it; 0 is no limit.")
    ] = 0,
    concurrency: Annotated[int, Parameter(help="Texts judged at one time.")] = 8,
    config: Config = None,
    set: Sets = None,
) -> None:
    """
    Judge labelled cases and attacks; exit 1 where an attack or a harmful case gets through.

    With --cases, or any option from there to the prices: measure how good the labels are, with 95 %
    ranges; exit 1 where a bound is not kept.
    """
    import asyncio

    from consumer.commands.costs.prices import PriceRequest
    from consumer.commands.evaluate.cases.columns import columns_of
    from consumer.commands.evaluate.cases.presets import columns_with, topic_of
    from consumer.commands.evaluate.evaluation import evaluate_cases
    from consumer.commands.evaluate.evaluator import EvaluationRequest, evaluate_topic
    from consumer.commands.evaluate.report.gates import gates_of
    from consumer.commands.evaluate.request import CasesRequest
    from consumer.registry.shipped import shipped_policies

    folder = None
    if topic is None:
        if preset is None:
            raise InvalidSettings("--topic TOPIC: say whose policies are meant")
        topic, folder = topic_of(preset), shipped_policies() / "evaluation"
    request = CasesRequest(
        topic,
        cases,
        columns_with(preset, columns_of(map or [], labels or [])),
        _words(version),
        _words(model),
        _words(effort),
        rerun,
        concurrency,
        limit,
        max_tokens_total,
        attacks,
        results,
        tuple(report or ()),
        tuple(export or ()),
        gates_of(
            {
                "min_recall": min_recall or [],
                "min_precision": min_precision or [],
                "min_f1": min_f1 or [],
                "max_fpr": max_fpr or [],
            }
        ),
        PriceRequest(price_in, price_cached, price_out),
        yes,
        preset,
        folder,
    )
    if request.measures_nothing:
        settings = settings_of(config, set, quiet=True)
        suites = EvaluationRequest(topic, version, suite or "all", limit, concurrency)
        raise SystemExit(asyncio.run(evaluate_topic(settings, suites, as_json=json)))
    if suite is not None:
        raise InvalidSettings("--suite goes without --cases and the options below it")
    settings = settings_of(config, set, quiet=True)
    raise SystemExit(asyncio.run(evaluate_cases(settings, request, as_json=json)))


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())
