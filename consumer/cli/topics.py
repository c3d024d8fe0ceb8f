"""The commands about topics: plan · apply · pause · resume · paused."""

from __future__ import annotations

from typing import Annotated

import cyclopts
from cyclopts import Parameter

from consumer.cli.options import Config, Sets, examples, pairs_of, settings_of
from consumer.errors import InvalidSettings

app = cyclopts.App(
    name="topics", help="Compare the broker's topics with the policies; pause and resume inputs."
)

PARTITIONS_MAX = 100_000
"""Of one topic: the client library takes no more."""

CreateInputs = Annotated[
    bool, Parameter(negative=(), help="Create inputs that the policies name and are missing, too.")
]
InputPartitions = Annotated[
    int, Parameter(help="Partitions of the inputs that --create-inputs creates.")
]


def _partitions(is_asked: bool, partitions: int) -> int | None:
    if not 1 <= partitions <= PARTITIONS_MAX:
        raise InvalidSettings(f"--input-partitions {partitions}: give 1 to {PARTITIONS_MAX:,}")
    return partitions if is_asked else None


@app.command(
    help_epilogue=examples(
        "safeguard topics plan --config safeguard.toml",
        "safeguard topics plan --create-inputs",
    )
)
def plan(
    *,
    create_inputs: CreateInputs = False,
    input_partitions: InputPartitions = 3,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Show which topics are missing or have too few partitions; changes nothing."""
    from consumer.commands.topics import plan_topics

    wanted = _partitions(create_inputs, input_partitions)
    settings = settings_of(config, set, quiet=True)
    raise SystemExit(plan_topics(settings, input_partitions=wanted))


@app.command(
    help_epilogue=examples(
        "safeguard topics apply --config safeguard.toml --topic-config retention.ms=604800000",
        "safeguard topics apply --create-inputs --input-partitions 12",
    )
)
def apply(
    *,
    create_inputs: CreateInputs = False,
    input_partitions: InputPartitions = 3,
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
    from consumer.commands.topics import apply_topics

    pairs = pairs_of(topic_config or [], "--topic-config")
    wanted = _partitions(create_inputs, input_partitions)
    settings = settings_of(config, set, quiet=True)
    raise SystemExit(apply_topics(settings, pairs, input_partitions=wanted))


@app.command(
    help_epilogue=examples(
        'safeguard topics pause chat.messages --reason "the policy is being mended"',
    )
)
def pause(
    topic: Annotated[str, Parameter(help="An input topic.")],
    *,
    reason: Annotated[str, Parameter(help="Why; shown by `paused` and in the logs.")] = "",
    config: Config = None,
    set: Sets = None,
) -> None:
    """Let all workers take nothing more of an input topic; what they have taken is finished."""
    from consumer.commands.pause import pause_topic

    raise SystemExit(pause_topic(settings_of(config, set, quiet=True), topic, reason))


@app.command(
    help_epilogue=examples(
        "safeguard topics resume chat.messages",
    )
)
def resume(
    topic: Annotated[str, Parameter(help="A paused topic.")],
    *,
    reason: Annotated[str, Parameter(help="Why; shown in the logs.")] = "",
    config: Config = None,
    set: Sets = None,
) -> None:
    """Let all workers take again of a topic that was paused, from where they stopped."""
    from consumer.commands.pause import resume_topic

    raise SystemExit(resume_topic(settings_of(config, set, quiet=True), topic, reason))


@app.command(
    help_epilogue=examples(
        "safeguard topics paused",
    )
)
def paused(*, config: Config = None, set: Sets = None) -> None:
    """List the topics that are paused: by whom, since when and why."""
    from consumer.commands.pause import show_paused

    raise SystemExit(show_paused(settings_of(config, set, quiet=True)))
