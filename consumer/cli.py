"""
`safeguard`: run · demo · classify · doctor · topics · policy · settings.

Results go to stdout, logs and errors to stderr. Exit codes: 0 done, 1 failed, 2 something to mend
in settings, policies or topics, 130 interrupted.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import cyclopts
from cyclopts import Parameter
from rich.console import Console

from consumer import __version__
from consumer.errors import ConsumerError, Fatal, InvalidSettings
from consumer.settings import Settings, describe_settings, load_settings
from consumer.telemetry.logs import set_up_logs

app = cyclopts.App(
    name="safeguard",
    help="Judge Kafka messages against written policies with gpt-oss-safeguard.",
    version=__version__,
    help_epilogue="Start with `safeguard demo`, then `safeguard doctor --config safeguard.toml`.",
)
topics_app = cyclopts.App(name="topics", help="Compare the broker's topics with the policies.")
policy_app = cyclopts.App(name="policy", help="Check, show and pin policies.")
app.command(topics_app)
app.command(policy_app)

Config = Annotated[
    Path | None, Parameter(name=["--config", "-c"], help="TOML file with the settings.")
]
Sets = Annotated[
    list[str] | None,
    Parameter(
        name="--set", help="One setting, as in --set kafka.group=mine; repeatable, wins over all."
    ),
]


@app.command
def run(*, config: Config = None, set: Sets = None, processes: int = 1) -> None:
    """
    Consume, judge and publish until stopped (SIGTERM or Ctrl-C drains, a second one ends at once).

    Examples:
        safeguard run --config safeguard.toml
        safeguard run -c safeguard.toml --processes 4
        safeguard run -c safeguard.toml --set inference.model=openai/gpt-oss-safeguard-120b

    Parameters
    ----------
    processes
        Worker processes, each a member of the group; more cores need more of them.
    """
    from consumer import service

    settings = _settings(config, set)
    if processes > 1:
        raise SystemExit(service.supervise(settings, config, set or [], processes))
    raise SystemExit(service.serve(settings))


@app.command
def demo(
    *,
    seconds: float = 60.0,
    endpoint: str | None = None,
    model: str | None = None,
    rate: float = 12.0,
    policies: Path | None = None,
    seed: int = 1,
) -> None:
    """
    Watch realistic chat and comments become verdicts, on an embedded broker and a stand-in model.

    Examples:
        safeguard demo
        safeguard demo --seconds 20
        safeguard demo --endpoint http://127.0.0.1:11434/v1 --model gpt-oss-safeguard:20b

    Parameters
    ----------
    seconds
        How long traffic flows.
    endpoint
        A real inference server instead of the stand-in.
    model
        The model's name there.
    rate
        Messages per second.
    policies
        Another folder of policy sets that binds chat.messages and comments.posted.
    seed
        Another seed, other traffic.
    """
    from consumer.demo.show import Demo

    set_up_logs("warning", "console")
    show = Demo(
        seconds=seconds, endpoint=endpoint, model=model, rate=rate, policies=policies, seed=seed
    )
    raise SystemExit(_run(show.run()))


@app.command
def classify(
    text: str,
    *,
    topic: str = "chat.messages",
    config: Config = None,
    set: Sets = None,
    json: bool = False,
) -> None:
    """
    Judge one text under the live policies of a topic, without Kafka.

    Examples:
        safeguard classify "send me your seed phrase" --topic chat.messages
        echo "some text" | safeguard classify - --json

    Parameters
    ----------
    text
        The text, or - to read it from stdin.
    topic
        Whose policies to use.
    json
        Print the judgements as JSON.
    """
    from consumer.doctor import classify_text

    settings = _settings(config, set)
    words = sys.stdin.read() if text == "-" else text
    raise SystemExit(_run(classify_text(settings, words, topic, as_json=json)))


@app.command
def doctor(*, config: Config = None, set: Sets = None) -> None:
    """
    Check broker, topics, policies and endpoint, down to a verdict on two known texts.

    Example:
        safeguard doctor --config safeguard.toml
    """
    from consumer.doctor import examine

    raise SystemExit(_run(examine(_settings(config, set, quiet=True), Console())))


@app.command
def settings(*, config: Config = None, set: Sets = None, markdown: bool = False) -> None:
    """
    Print every setting with its value and meaning.

    Examples:
        safeguard settings --config safeguard.toml
        safeguard settings --markdown

    Parameters
    ----------
    markdown
        The table of defaults that the README holds.
    """
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


@topics_app.command(name="plan")
def topics_plan(*, config: Config = None, set: Sets = None) -> None:
    """
    Show which topics are missing or have too few partitions; changes nothing.

    Example:
        safeguard topics plan --config safeguard.toml
    """
    from consumer.doctor import plan_topics

    raise SystemExit(_call(lambda: plan_topics(_settings(config, set, quiet=True))))


@topics_app.command(name="apply")
def topics_apply(
    *,
    config: Config = None,
    set: Sets = None,
    topic_config: Annotated[list[str] | None, Parameter(name="--topic-config")] = None,
) -> None:
    """
    Create the missing output topics and grow those that have too few partitions.

    Example:
        safeguard topics apply --config safeguard.toml --topic-config retention.ms=604800000

    Parameters
    ----------
    topic_config
        A property of the new topics, NAME=VALUE; repeatable.
    """
    from consumer.doctor import apply_topics

    pairs = _pairs(topic_config or [], "--topic-config")
    raise SystemExit(_call(lambda: apply_topics(_settings(config, set, quiet=True), pairs)))


@policy_app.command(name="check")
def policy_check(folder: Path | None = None, *, config: Config = None, set: Sets = None) -> None:
    """
    Check every policy file and list every fault by file and line.

    Examples:
        safeguard policy check
        safeguard policy check path/to/policies

    Parameters
    ----------
    folder
        The folder of policy sets; the setting policies.folder by default.
    """
    from consumer.doctor import check_policies

    raise SystemExit(_call(lambda: check_policies(_folder(folder, config, set))))


@policy_app.command(name="show")
def policy_show(
    version: str | None = None,
    *,
    folder: Path | None = None,
    prompt: bool = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """
    Show the policy sets, or one version with its labels and rules.

    Examples:
        safeguard policy show
        safeguard policy show chat.messages@v2
        safeguard policy show chat.messages@v2 --prompt

    Parameters
    ----------
    version
        set@vN.
    folder
        The folder of policy sets; the setting policies.folder by default.
    prompt
        Print the system message that the model is sent, word for word.
    """
    from consumer.doctor import show_policies

    raise SystemExit(
        _call(lambda: show_policies(_folder(folder, config, set), version, prompt, Console()))
    )


@policy_app.command(name="pin")
def policy_pin(folder: Path | None = None, *, config: Config = None, set: Sets = None) -> None:
    """
    Write down the digests of the published versions, so that a change to one is refused.

    Example:
        safeguard policy pin
    """
    from consumer.doctor import pin_policies

    raise SystemExit(_call(lambda: pin_policies(_folder(folder, config, set))))


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
