"""
`safeguard`: run · demo · classify · doctor · topics · policy · evaluate · audit · rejudge ·
dead-letters · settings.

Results go to stdout, logs and errors to stderr. Exit codes: 0 done, 1 failed, 2 something to mend
in settings, policies or topics, 130 interrupted.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import cyclopts
from cyclopts import Parameter
from rich.console import Console

from consumer import __version__
from consumer.domain.decoding import DeadLetterReason
from consumer.domain.verdict import UnjudgedReason
from consumer.errors import ConsumerError, Fatal, InvalidSettings
from consumer.reliability.selection import Selection, moment_ms, position_of
from consumer.settings import Settings, describe_settings, load_settings
from consumer.telemetry.clock import SystemClock
from consumer.telemetry.logs import set_up_logs


def examples(*lines: str) -> str:
    """The end of a command's help: what to copy."""
    return "\n".join(("Examples:", *(f"  {line}" for line in lines)))


app = cyclopts.App(
    name="safeguard",
    help_format="plaintext",
    help="Judge Kafka messages against written policies with gpt-oss-safeguard.",
    version=__version__,
    help_epilogue="Start with `safeguard demo`, then `safeguard doctor --config safeguard.toml`.",
)
topics_app = cyclopts.App(
    name="topics", help="Compare the broker's topics with the policies; pause and resume inputs."
)
policy_app = cyclopts.App(name="policy", help="Check, show and pin policies; what judging costs.")
app.command(topics_app)
app.command(policy_app)
dead_letters_app = cyclopts.App(
    name="dead-letters", help="List, show, retry and discard what could not be judged."
)
app.command(dead_letters_app)

Config = Annotated[
    Path | None, Parameter(name=["--config", "-c"], help="TOML file with the settings.")
]
Sets = Annotated[
    list[str] | None,
    Parameter(
        name="--set",
        negative=(),
        help="One setting, as in --set kafka.group=mine; repeatable, wins over all.",
    ),
]

Topic = Annotated[str | None, Parameter(help="The input whose dead letters are meant.")]
Reasons = Annotated[
    list[str] | None, Parameter(negative=(), help="Why they are dead letters; repeatable.")
]
Since = Annotated[
    str | None, Parameter(help="Written at or after: 2h (ago), or 2026-01-31T08:00:00Z.")
]
Until = Annotated[str | None, Parameter(help="Written before: as --since.")]
Key = Annotated[str | None, Parameter(help="The record's key, as `show` prints it.")]
Limit = Annotated[int, Parameter(help="At most so many, the oldest first; 0 is no limit.")]
All = Annotated[bool, Parameter(negative=(), help="All of the topic, without a filter.")]
DryRun = Annotated[bool, Parameter(negative=(), help="Say what would be done; change nothing.")]
Again = Annotated[
    bool, Parameter(negative=(), help="Those that were retried or discarded before as well.")
]


@app.command(
    help_epilogue=examples(
        "safeguard run --config safeguard.toml",
        "safeguard run -c safeguard.toml --processes 4",
        "safeguard run -c safeguard.toml --set inference.model=openai/gpt-oss-safeguard-120b",
    )
)
def run(
    *,
    config: Config = None,
    set: Sets = None,
    processes: Annotated[
        int,
        Parameter(
            help="Worker processes, each a member of the group; more cores need more of them. "
            "One that dies is started again."
        ),
    ] = 1,
) -> None:
    """Consume, judge and publish until stopped: Ctrl-C or SIGTERM drains, a second one ends."""
    from consumer import service, supervisor

    settings = _settings(config, set)
    if processes > 1:
        raise SystemExit(supervisor.supervise(settings, config, set or [], processes))
    raise SystemExit(service.serve(settings))


@app.command(
    help_epilogue=examples(
        "safeguard demo",
        "safeguard demo --seconds 20",
        "safeguard demo --endpoint http://127.0.0.1:11434/v1 --model gpt-oss-safeguard:20b",
    )
)
def demo(
    *,
    seconds: Annotated[float, Parameter(help="How long traffic flows.")] = 60.0,
    endpoint: Annotated[
        str | None, Parameter(help="A real inference server instead of the stand-in.")
    ] = None,
    model: Annotated[str | None, Parameter(help="The model's name there.")] = None,
    rate: Annotated[float, Parameter(help="Messages per second.")] = 12.0,
    policies: Annotated[
        Path | None,
        Parameter(
            help="Another folder of policy sets that binds chat.messages and comments.posted."
        ),
    ] = None,
    seed: Annotated[int, Parameter(help="Another seed, other traffic.")] = 1,
) -> None:
    """Watch chat and comments become verdicts, on an embedded broker and a stand-in model."""
    from consumer.demo.show import Demo

    set_up_logs("warning", "console")
    show = Demo(
        seconds=seconds, endpoint=endpoint, model=model, rate=rate, policies=policies, seed=seed
    )
    raise SystemExit(_run(show.run()))


@app.command(
    help_epilogue=examples(
        'safeguard classify "send me your seed phrase" --topic chat.messages',
        'echo "some text" | safeguard classify - --json',
    )
)
def classify(
    text: Annotated[
        str, Parameter(allow_leading_hyphen=True, help="The text, or - to read it from stdin.")
    ],
    *,
    topic: Annotated[str, Parameter(help="Whose policies to use.")] = "chat.messages",
    config: Config = None,
    set: Sets = None,
    json: Annotated[bool, Parameter(help="Print the judgements as JSON.")] = False,
) -> None:
    """Judge one text under the live policies of a topic, without Kafka."""
    from consumer.doctor import classify_text

    settings = _settings(config, set)
    words = sys.stdin.read() if text == "-" else text
    raise SystemExit(_run(classify_text(settings, words, topic, as_json=json)))


@app.command(
    help_epilogue=examples(
        "safeguard doctor --config safeguard.toml",
    )
)
def doctor(*, config: Config = None, set: Sets = None) -> None:
    """Check broker, topics, policies and endpoint, down to a verdict on two known texts."""
    from consumer.doctor import examine

    raise SystemExit(_run(examine(_settings(config, set, quiet=True), Console())))


@app.command(
    help_epilogue=examples(
        "safeguard evaluate --topic chat.messages --config safeguard.toml",
        "safeguard evaluate --topic chat.messages --version v1 --suite cases --json",
        "safeguard evaluate --topic chat.messages --suite attacks --limit 50 --concurrency 4",
    )
)
def evaluate(
    *,
    topic: Annotated[str, Parameter(help="The input topic whose policies are meant.")],
    version: Annotated[
        str | None, Parameter(help="v1, v2 and so on; the live one by default.")
    ] = None,
    suite: Annotated[
        Literal["cases", "attacks", "all"],
        Parameter(
            help="The version's labelled cases, attacks on the harmful ones among them, or both."
        ),
    ] = "all",
    json: Annotated[bool, Parameter(help="Print the report as one JSON object.")] = False,
    limit: Annotated[
        int, Parameter(help="At most so many texts of each suite, spread over it; 0 is no limit.")
    ] = 0,
    concurrency: Annotated[int, Parameter(help="Texts judged at one time.")] = 8,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Judge labelled cases and attacks; exit 1 where an attack or a harmful case gets through."""
    from consumer.evaluator import EvaluationRequest, evaluate_topic

    settings = _settings(config, set, quiet=True)
    request = EvaluationRequest(topic, version, suite, limit, concurrency)
    raise SystemExit(_run(evaluate_topic(settings, request, as_json=json)))


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
    json: Annotated[bool, Parameter(help="Print the report as one JSON object.")] = False,
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
        str | None, Parameter(help="Account for records from this RFC 3339 time on.")
    ] = None,
) -> None:
    """Prove from the topics what became of each record; exit 1 where that is not as promised."""
    from consumer.auditor import AuditRequest, audit_topic

    request = AuditRequest(topic, group, from_offset or (), since)
    raise SystemExit(
        _call(lambda: audit_topic(_settings(config, set, quiet=True), request, as_json=json))
    )


@app.command(
    help_epilogue=examples(
        "safeguard rejudge --topic chat.messages --dry-run",
        "safeguard rejudge --topic chat.messages --reason outage --since 2h",
        "safeguard rejudge --topic chat.messages --limit 1000 --json",
    )
)
def rejudge(
    *,
    topic: Annotated[str, Parameter(help="The input topic.")],
    reason: Annotated[
        list[str] | None, Parameter(negative=(), help="Why they are unjudged; repeatable.")
    ] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 0,
    dry_run: DryRun = False,
    json: Annotated[bool, Parameter(help="Print the report as one JSON object.")] = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Judge unjudged messages once more; exit 1 where some stay so or are gone."""
    from consumer.rejudge import RejudgeRequest, rejudge_topic

    settings = _settings(config, set, quiet=True)
    selection = _selection(reason, since, until, None, limit, known=UnjudgedReason)
    request = RejudgeRequest(topic, selection, dry_run)
    raise SystemExit(_run(rejudge_topic(settings, request, as_json=json)))


@app.command(
    help_epilogue=examples(
        "safeguard settings --config safeguard.toml",
        "safeguard settings --markdown",
    )
)
def settings(
    *,
    config: Config = None,
    set: Sets = None,
    markdown: Annotated[
        bool, Parameter(help="The table of defaults that the README holds.")
    ] = False,
) -> None:
    """Print every setting with its value and meaning."""
    if markdown:
        print(settings_table())
        return
    values = _settings(config, set).model_dump(mode="json")
    for name, _default, meaning in describe_settings():
        section, _, field = name.partition(".")
        print(f"{name} = {values[section][field]!r}\n    {meaning}")


def settings_table() -> str:
    """The configuration table of the README."""
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for name, default, meaning in describe_settings():
        rows.append(
            f"| `{name}` | `{default}` | {meaning} |" if default else f"| `{name}` | | {meaning} |"
        )
    return "\n".join(rows)


@topics_app.command(
    name="plan",
    help_epilogue=examples(
        "safeguard topics plan --config safeguard.toml",
    ),
)
def topics_plan(*, config: Config = None, set: Sets = None) -> None:
    """Show which topics are missing or have too few partitions; changes nothing."""
    from consumer.doctor import plan_topics

    raise SystemExit(_call(lambda: plan_topics(_settings(config, set, quiet=True))))


@topics_app.command(
    name="apply",
    help_epilogue=examples(
        "safeguard topics apply --config safeguard.toml --topic-config retention.ms=604800000",
    ),
)
def topics_apply(
    *,
    config: Config = None,
    set: Sets = None,
    topic_config: Annotated[
        list[str] | None,
        Parameter(
            name="--topic-config",
            negative=(),
            help="A property of the new topics, NAME=VALUE; repeatable.",
        ),
    ] = None,
) -> None:
    """Create the missing output topics and grow those that have too few partitions."""
    from consumer.doctor import apply_topics

    pairs = _pairs(topic_config or [], "--topic-config")
    raise SystemExit(_call(lambda: apply_topics(_settings(config, set, quiet=True), pairs)))


@topics_app.command(
    name="pause",
    help_epilogue=examples(
        'safeguard topics pause chat.messages --reason "the policy is being mended"',
    ),
)
def topics_pause(
    topic: Annotated[str, Parameter(help="An input topic.")],
    *,
    reason: Annotated[str, Parameter(help="Why; shown by `paused` and in the logs.")] = "",
    config: Config = None,
    set: Sets = None,
) -> None:
    """Let all workers take nothing more of an input topic; what they have taken is finished."""
    from consumer.pausing import pause_topic

    raise SystemExit(_call(lambda: pause_topic(_settings(config, set, quiet=True), topic, reason)))


@topics_app.command(
    name="resume",
    help_epilogue=examples(
        "safeguard topics resume chat.messages",
    ),
)
def topics_resume(
    topic: Annotated[str, Parameter(help="A paused topic.")],
    *,
    reason: Annotated[str, Parameter(help="Why; shown in the logs.")] = "",
    config: Config = None,
    set: Sets = None,
) -> None:
    """Let all workers take again of a topic that was paused, from where they stopped."""
    from consumer.pausing import resume_topic

    raise SystemExit(_call(lambda: resume_topic(_settings(config, set, quiet=True), topic, reason)))


@topics_app.command(
    name="paused",
    help_epilogue=examples(
        "safeguard topics paused",
    ),
)
def topics_paused(*, config: Config = None, set: Sets = None) -> None:
    """List the topics that are paused: by whom, since when and why."""
    from consumer.pausing import show_paused

    raise SystemExit(_call(lambda: show_paused(_settings(config, set, quiet=True))))


@policy_app.command(
    name="check",
    help_epilogue=examples(
        "safeguard policy check",
        "safeguard policy check path/to/policies",
    ),
)
def policy_check(
    folder: Annotated[
        Path | None,
        Parameter(help="The folder of policy sets; the setting policies.folder by default."),
    ] = None,
    *,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Check every policy file and list every fault by file and line."""
    from consumer.doctor import check_policies

    raise SystemExit(_call(lambda: check_policies(_folder(folder, config, set))))


@policy_app.command(
    name="show",
    help_epilogue=examples(
        "safeguard policy show",
        "safeguard policy show chat.messages@v2",
        "safeguard policy show chat.messages@v2 --prompt",
    ),
)
def policy_show(
    version: Annotated[str | None, Parameter(help="set@vN.")] = None,
    *,
    folder: Annotated[
        Path | None,
        Parameter(help="The folder of policy sets; the setting policies.folder by default."),
    ] = None,
    prompt: Annotated[
        bool, Parameter(help="Print the system message that the model is sent, word for word.")
    ] = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Show the policy sets, or one version with its labels and rules."""
    from consumer.doctor import show_policies

    raise SystemExit(
        _call(lambda: show_policies(_folder(folder, config, set), version, prompt, Console()))
    )


@policy_app.command(
    name="pin",
    help_epilogue=examples(
        "safeguard policy pin",
    ),
)
def policy_pin(folder: Path | None = None, *, config: Config = None, set: Sets = None) -> None:
    """Write down the digests of the published versions, so that a change to one is refused."""
    from consumer.doctor import pin_policies

    raise SystemExit(_call(lambda: pin_policies(_folder(folder, config, set))))


@policy_app.command(
    name="cost",
    help_epilogue=examples(
        "safeguard policy cost --topic chat.messages --since 1d",
        "safeguard policy cost --topic chat.messages --price-in 0.075 --price-cached 0.0375 "
        "--price-out 0.30",
        "safeguard policy cost --topic chat.messages --gpu-hour 2.50 --calls-at-once 32 --json",
    ),
)
def policy_cost(
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
    json: Annotated[bool, Parameter(help="Print the report as one JSON object.")] = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Add up tokens and model time of an input's verdicts by version, and what they cost."""
    from consumer.billing.prices import PriceRequest
    from consumer.costs import CostRequest, show_cost

    settings = _settings(config, set, quiet=True)
    period = _selection(None, since, until, None, 0)
    prices = PriceRequest(price_in, price_cached, price_out, gpu_hour, calls_at_once)
    request = CostRequest(topic, period.since_ms, period.until_ms, prices)
    raise SystemExit(_call(lambda: show_cost(settings, request, as_json=json)))


@dead_letters_app.command(
    name="list",
    help_epilogue=examples(
        "safeguard dead-letters list --topic chat.messages",
        "safeguard dead-letters list --topic chat.messages --reason not_json --since 2h",
        "safeguard dead-letters list --topic chat.messages --limit 0 --json",
    ),
)
def dead_letters_list(
    *,
    topic: Annotated[str, Parameter(help="The input whose dead letters are meant.")],
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
    from consumer.letters.commands import list_letters

    settings = _settings(config, set, quiet=True)
    selection = _selection(reason, since, until, key, limit)
    raise SystemExit(_call(lambda: list_letters(settings, topic, selection, as_json=json)))


@dead_letters_app.command(
    name="show",
    help_epilogue=examples(
        "safeguard dead-letters show chat.messages/3/4711",
        "safeguard dead-letters show chat.messages/3/4711 --value",
    ),
)
def dead_letters_show(
    position: Annotated[str, Parameter(help="topic/partition/offset, as `list` prints it.")],
    *,
    value: Annotated[
        bool, Parameter(negative=(), help="Print the value too; it is what a user wrote.")
    ] = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Show one dead letter with all its headers."""
    from consumer.letters.commands import show_letter

    found = position_of(position)
    settings = _settings(config, set, quiet=True)
    raise SystemExit(_call(lambda: show_letter(settings, found, with_value=value)))


@dead_letters_app.command(
    name="retry",
    help_epilogue=examples(
        "safeguard dead-letters retry chat.messages/3/4711",
        "safeguard dead-letters retry --topic chat.messages --reason no_text --dry-run",
        "safeguard dead-letters retry --topic chat.messages --all",
    ),
)
def dead_letters_retry(
    *positions: Annotated[str, Parameter(help="topic/partition/offset, as `list` prints it.")],
    topic: Topic = None,
    reason: Reasons = None,
    since: Since = None,
    until: Until = None,
    key: Key = None,
    limit: Limit = 0,
    all: All = False,
    dry_run: DryRun = False,
    again: Again = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Have the records of dead letters judged once more, after what was wrong has been mended."""
    from consumer.letters.commands import retry_letters

    settings = _settings(config, set, quiet=True)
    selection = _selection(reason, since, until, key, limit, positions)
    topics = _topics_meant(topic, selection, all)
    raise SystemExit(
        _call(lambda: retry_letters(settings, topics, selection, dry_run=dry_run, again=again))
    )


@dead_letters_app.command(
    name="discard",
    help_epilogue=examples(
        "safeguard dead-letters discard chat.messages/3/4711",
        "safeguard dead-letters discard --topic chat.messages --reason tombstone --until 7d",
    ),
)
def dead_letters_discard(
    *positions: Annotated[str, Parameter(help="topic/partition/offset, as `list` prints it.")],
    topic: Topic = None,
    reason: Reasons = None,
    since: Since = None,
    until: Until = None,
    key: Key = None,
    limit: Limit = 0,
    all: All = False,
    dry_run: DryRun = False,
    again: Again = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Note dead letters as done with, so that `retry` passes over them; none is deleted."""
    from consumer.letters.commands import discard_letters

    settings = _settings(config, set, quiet=True)
    selection = _selection(reason, since, until, key, limit, positions)
    topics = _topics_meant(topic, selection, all)
    raise SystemExit(
        _call(lambda: discard_letters(settings, topics, selection, dry_run=dry_run, again=again))
    )


def _selection(
    reasons: list[str] | None,
    since: str | None,
    until: str | None,
    key: str | None,
    limit: int,
    positions: tuple[str, ...] = (),
    *,
    known: Iterable[str] = DeadLetterReason,
) -> Selection:
    now_ms = SystemClock().wall_ms()
    names = list(known)
    for reason in reasons or ():
        if reason not in names:
            raise InvalidSettings(f"--reason {reason}: there are {', '.join(names)}")
    if limit < 0:
        raise InvalidSettings(f"--limit {limit}: give 0 or more")
    return Selection(
        reasons=frozenset(reasons or ()),
        since_ms=None if since is None else moment_ms(since, now_ms, "--since"),
        until_ms=None if until is None else moment_ms(until, now_ms, "--until"),
        key=key,
        positions=frozenset(position_of(text) for text in positions),
        limit=limit,
    )


def _topics_meant(topic: str | None, selection: Selection, is_all: bool) -> list[str]:
    """The inputs that a command is about; so much is done at once that it must be meant."""
    if selection.positions:
        if topic or is_all or selection != Selection(positions=selection.positions):
            raise InvalidSettings("give positions, or --topic with filters, not both")
        return sorted({position.topic for position in selection.positions})
    if topic is None:
        raise InvalidSettings("say which letters: positions, or --topic with a filter or --all")
    if selection.is_everything != is_all:
        raise InvalidSettings(
            f"all dead letters of {topic}? Give a filter, or --all"
            if selection.is_everything
            else "give filters or --all, not both"
        )
    return [topic]


def _settings(config: Path | None, sets: list[str] | None, *, quiet: bool = False) -> Settings:
    if config is None and Path("safeguard.toml").exists():
        config = Path("safeguard.toml")
    settings = load_settings(config, _pairs(sets or [], "--set"))
    level = "error" if quiet else settings.telemetry.log_level
    set_up_logs(level, settings.telemetry.log_format)
    return settings


def _folder(folder: Path | None, config: Path | None, sets: list[str] | None) -> Path:
    return folder or _settings(config, sets, quiet=True).policies.folder


def _pairs(words: list[str], flag: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise InvalidSettings(f"{flag} {word}: write NAME=VALUE")
        pairs[name] = value
    return pairs


def _run(work: Coroutine[Any, Any, int]) -> int:
    return asyncio.run(work)


def _call(work: Any) -> int:
    return int(work())


def main() -> None:
    """Run the command line; errors of ours are printed without a traceback."""
    try:
        app()
    except ConsumerError as error:
        print(f"safeguard: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code if isinstance(error, Fatal) else 1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:
        raise SystemExit(1) from None
