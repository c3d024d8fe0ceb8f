"""The commands around a worker: run · demo · classify · doctor."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from consumer.cli.options import Config, Sets, examples, settings_of
from consumer.errors import InvalidSettings

app = cyclopts.App()
PROCESSES_MAX = 256
"""Of one supervisor; nobody has more cores, and a slip of the finger must not fill the machine."""


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

    if not 1 <= processes <= PROCESSES_MAX:
        raise InvalidSettings(f"--processes {processes}: give 1 to {PROCESSES_MAX}")
    settings = settings_of(config, set)
    if processes > 1:
        raise SystemExit(supervisor.supervise(settings, config, set or [], processes))
    serve.serve(settings)


@app.command(
    help_epilogue=examples(
        "safeguard demo",
        "safeguard demo --speed 2",
        "safeguard demo --seconds 5 --plain",
        "safeguard demo --endpoint http://127.0.0.1:11434/v1 --model gpt-oss-safeguard:20b",
    )
)
def demo(
    *,
    seconds: Annotated[
        float, Parameter(help="How long traffic flows; below 15 there is no story, only a count.")
    ] = 60.0,
    endpoint: Annotated[
        str | None, Parameter(help="A real inference server instead of the stand-in.")
    ] = None,
    model: Annotated[str | None, Parameter(help="The model's name there.")] = None,
    rate: Annotated[float, Parameter(help="Messages per second.")] = 12.0,
    speed: Annotated[
        float, Parameter(help="2 tells the same story in half the time, with the same messages.")
    ] = 1.0,
    plain: Annotated[
        bool, Parameter(negative=(), help="A line for each verdict, as into a pipe; no panes.")
    ] = False,
    policies: Annotated[
        Path | None,
        Parameter(
            help="Another folder of policy sets that binds chat.messages and comments.posted."
        ),
    ] = None,
    seed: Annotated[int, Parameter(help="Another seed, other traffic.")] = 1,
    svg: Annotated[
        Path | None,
        Parameter(help="Also draw the panes, once the policy was edited, into this file."),
    ] = None,
) -> None:
    """
    Watch chat and comments become verdicts, on an embedded broker and a stand-in model.

    Two worker processes share the partitions; one is killed, the other takes over; a policy is
    edited while they run. On a terminal you can type a sentence of your own and see it judged, and
    afterwards review what was flagged in the console, until you press q.
    """
    import asyncio

    from consumer.dev.demo.show import Demo
    from consumer.dev.demo.wishes import Wishes
    from consumer.telemetry.logs import set_up_logs

    set_up_logs("warning", "console")
    wishes = Wishes(seconds, rate, speed, seed, endpoint, model, policies, plain, svg)
    wishes.check()
    raise SystemExit(asyncio.run(Demo(wishes).run()))


@app.command(
    help_epilogue=examples(
        'safeguard classify "send me your seed phrase" --topic chat.messages',
        'echo "some text" | safeguard classify - --json',
        "safeguard classify --file letter.txt --version v1",
    )
)
def classify(
    text: Annotated[
        str | None,
        Parameter(allow_leading_hyphen=True, help="The text, or - to read it from stdin."),
    ] = None,
    *,
    file: Annotated[Path | None, Parameter(help="A file that holds the text.")] = None,
    version: Annotated[
        str | None, Parameter(help="v1, v2 and so on; the live one by default.")
    ] = None,
    topic: Annotated[str, Parameter(help="Whose policies to use.")] = "chat.messages",
    config: Config = None,
    set: Sets = None,
    json: Annotated[bool, Parameter(help="Print the judgements as JSON.")] = False,
) -> None:
    """Judge one text under the live policies of a topic, without Kafka."""
    import asyncio

    from consumer.commands.classify import classify_text

    settings = settings_of(config, set)
    words = _text(text, file)
    judging = classify_text(settings, words, topic, version=version, as_json=json)
    raise SystemExit(asyncio.run(judging))


def _text(text: str | None, file: Path | None) -> str:
    if (text is None) == (file is None):
        raise InvalidSettings("give a text, - for stdin, or --file")
    if file is None:
        # Bytes, whatever the terminal's language says that they are: texts are UTF-8.
        content = sys.stdin.buffer.read() if text == "-" else os.fsencode(str(text))
        return _utf8(content, "standard input" if text == "-" else "the text")
    try:
        return _utf8(file.read_bytes(), f"--file {file}")
    except OSError as error:
        raise InvalidSettings(f"--file {file} cannot be read: {error.strerror}") from None


def _utf8(content: bytes, what: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidSettings(f"{what} is not UTF-8: save it as UTF-8") from None


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
