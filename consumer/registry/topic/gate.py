"""`[gate]`: what an evaluation has to find before a version is good enough."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from consumer.domain.binding import GateTerms
from consumer.registry.topic.table import ClosedTable

Share = Annotated[float, Field(ge=0, le=1)]


class GateTable(ClosedTable):
    """
    `[gate]`: what `evaluate` must find, by policy, label, `POLICY.LABEL` or `outcome`.

    On all of the texts: a run that asked about a part of them is held to nothing.
    """

    min_recall: dict[str, Share] = {}
    """Of what should be that, at least so much must be found."""
    min_precision: dict[str, Share] = {}
    """Of what was said to be that, at least so much must be."""
    min_f1: dict[str, Share] = {}
    """The harmonic mean of the two, at least."""
    max_fpr: dict[str, Share] = {}
    """Of what should not be that, at most so much may be said to be."""

    def terms(self) -> GateTerms:
        return GateTerms(self.min_recall, self.min_precision, self.min_f1, self.max_fpr)
