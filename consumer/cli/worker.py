"""The commands around a worker: run · demo · classify · doctor."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from consumer.cli.options import Config, Sets, examples, settings_of

app = cyclopts.App()


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
    from consumer.worker import serve, supervisor

    settings = settings_of(config, set)
    if processes > 1:
        raise SystemExit(supervisor.supervise(settings, config, set or [], processes))
    serve.serve(settings)


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
    import asyncio

    from consumer.dev.demo.show import Demo
    from consumer.telemetry.logs import set_up_logs

    set_up_logs("warning", "console")
    show = Demo(
        seconds=seconds, endpoint=endpoint, model=model, rate=rate, policies=policies, seed=seed
    )
    raise SystemExit(asyncio.run(show.run()))


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
    import asyncio

    from consumer.commands.classify import classify_text

    settings = settings_of(config, set)
    words = sys.stdin.read() if text == "-" else text
    raise SystemExit(asyncio.run(classify_text(settings, words, topic, as_json=json)))


@app.command(
    help_epilogue=examples(
        "safeguard doctor --config safeguard.toml",
    )
)
def doctor(*, config: Config = None, set: Sets = None) -> None:
    """Check broker, topics, policies and endpoint, down to a verdict on two known texts."""
    import asyncio

    from rich.console import Console

    from consumer.commands.doctor import examine

    raise SystemExit(asyncio.run(examine(settings_of(config, set, quiet=True), Console())))
