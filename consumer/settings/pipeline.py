"""`[pipeline]`: how much is under way, and how long it may take."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from consumer.settings.section import Section


class PipelineSettings(Section):
    """Bounds of the worker."""

    in_flight_max: Annotated[int, Field(ge=1, le=100_000)] = 256
    """Records being judged at once; keep it somewhat above inference.calls_max."""
    pending_max: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """
    Records of one partition not yet committed past, before it is paused: how far the others may go
    ahead of one that takes long.
    """
    pending_total_max: Annotated[int, Field(ge=1, le=10_000_000)] = 10_000
    """Records taken and not yet stored on an output, over all partitions."""
    commit_every_s: Annotated[float, Field(ge=0.05, le=60)] = 0.5
    """How often finished offsets are committed."""
    pinned_s: Annotated[float, Field(ge=0, le=86_400)] = 300.0
    """A record that alone holds up a partition for so long ends as unjudged, stuck (0 = never)."""
    careful_after: Annotated[int, Field(ge=1, le=100)] = 3
    """Deaths at one offset, the model well and at work there, before records go one at a time."""
    careful_offsets: Annotated[int, Field(ge=1, le=1_000_000)] = 256
    """How many offsets are then taken one at a time, to find the one that ends its worker."""
    drain_s: Annotated[float, Field(ge=0.1, le=600)] = 20.0
    """Budget to finish what is in flight on revocation and at the stop."""
