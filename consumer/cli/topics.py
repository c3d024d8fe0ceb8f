"""The commands about topics: plan · apply · pause · resume · paused."""

from __future__ import annotations

from typing import Annotated

import cyclopts
from cyclopts import Parameter

from consumer.cli.options import Config, Sets, examples, pairs_of, settings_of

app = cyclopts.App(
    name="topics", help="Compare the broker's topics with the policies; pause and resume inputs."
)


@app.command(
    help_epilogue=examples(
        "safeguard topics plan --config safeguard.toml",
    )
)
def plan(*, config: Config = None, set: Sets = None) -> None:
    """Show which topics are missing or have too few partitions; changes nothing."""
    from consumer.commands.topics import plan_topics

    raise SystemExit(plan_topics(settings_of(config, set, quiet=True)))


@app.command(
    help_epilogue=examples(
        "safeguard topics apply --config safeguard.toml --topic-config retention.ms=604800000",
    )
)
def apply(
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
    from consumer.commands.topics import apply_topics

    pairs = pairs_of(topic_config or [], "--topic-config")
    raise SystemExit(apply_topics(settings_of(config, set, quiet=True), pairs))


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
