"""`[kafka]`: the brokers and the group."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from consumer.registry.wording import shape
from consumer.settings.section import Section

Brokers = Annotated[
    str,
    StringConstraints(
        pattern=shape(
            r"^\s*[^\s,]+(\s*,\s*[^\s,]+)*\s*,?\s*$",
            "must be host:port of some brokers, with commas between",
        )
    ),
]
Group = Annotated[
    str,
    StringConstraints(
        pattern=shape(
            r"^[^\x00-\x1f\x7f]+$", "must be a name: not empty, and without control characters"
        )
    ),
]
"""The client library ends the whole process over an empty one."""


class KafkaSettings(Section):
    """The brokers and the group."""

    bootstrap_servers: Brokers = "127.0.0.1:9092"
    """Comma-separated `host:port` of some brokers."""
    group: Group = "safeguard"
    """The consumer group. Verdict ids are made from it: two groups judge independently."""
    group_protocol: Literal["classic", "consumer"] = "classic"
    """`classic` (cooperative rebalancing) or `consumer` (KIP-848, brokers from 4.0)."""
    static_member: str | None = None
    """A name for this member that survives restarts (group.instance.id), such as the pod's."""
    session_timeout_s: Annotated[float, Field(ge=1, le=1_800)] = 45.0
    """How long a silent member keeps its partitions (classic protocol; else the broker's)."""
    max_poll_interval_s: Annotated[float, Field(ge=10, le=86_400)] = 300.0
    """A worker that does not poll for so long leaves the group; must exceed pipeline.drain_s."""
    message_timeout_s: Annotated[float, Field(ge=1, le=600)] = 15.0
    """How long the client tries to store a verdict before it is looked for and sent again."""
    request_timeout_s: Annotated[float, Field(ge=1.5, le=300)] = 10.0
    """The longest that one request to a broker may take; part of the lease (socket.timeout.ms)."""
    lease_margin_s: Annotated[float, Field(ge=0.2, le=60)] = 2.0
    """A process that stands still for longer counts as stalled; part of the lease."""
    clock_skew_s: Annotated[float, Field(ge=0, le=60)] = 1.0
    """How far the clocks of two workers may differ; waited beyond a last owner's lease."""
    when_unknown: Literal["scan", "refuse"] = "scan"
    """A commit that is not ours (an operator's reset): read the outputs by time, or stop."""
    scan_skew_s: Annotated[float, Field(ge=0, le=604_800)] = 3_600.0
    """How much earlier than its record a verdict may seem written when outputs are read by time."""
    linger_ms: Annotated[float, Field(ge=0, le=1_000)] = 3.0
    """How long a verdict waits for company in a batch."""
    message_bytes_max: Annotated[int, Field(ge=1_000, le=100_000_000)] = 1_000_000
    """Largest record we try to store; larger verdicts are cut or become dead letters."""
    topic_ids: bool = True
    """Make verdict ids from the broker's topic ids, so that a topic made again is another one."""
    create_topics: bool = False
    """Create missing output topics at the start instead of stopping with the command to do so."""
    replication: Annotated[int, Field(ge=1, le=10)] = 3
    """Replication factor of topics that we create."""
    retention_min_s: Annotated[float, Field(ge=0, le=31_536_000)] = 86_400.0
    """Outputs must keep verdicts for so long: a worker that was away looks for its own there."""
    topics_refresh_s: Annotated[float, Field(ge=1, le=3_600)] = 60.0
    """How often the broker's topics are compared with the policies' patterns."""
    controls_refresh_s: Annotated[float, Field(ge=0.2, le=3_600)] = 5.0
    """How often workers look whether `safeguard topics pause` or `resume` was said."""
    client: dict[str, str | int | float | bool] = {}
    """Any other librdkafka property, such as security.protocol; those we own are refused."""
    client_files: dict[str, Path] = {}
    """librdkafka properties whose value is read from a file, such as sasl.password."""
