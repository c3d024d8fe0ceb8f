"""Readiness: whether a worker can judge anything now, and if not, for which of the known causes."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import NamedTuple

from consumer.interfaces import Partition


class State(NamedTuple):
    """What the parts of a worker say of themselves."""

    is_stopping: bool
    failure: str | None
    """What ends the worker, once it has failed."""
    troubles: Sequence[str]
    """What the consumer knows to keep all records away."""
    owned: Set[Partition]
    stranded: Set[Partition]
    """Of these an output is missing."""
    recovering: Set[Partition]
    """Of these it is being found out what an earlier owner published."""
    unreadable: Set[Partition]
    """Of these the brokers give nothing."""
    held: Set[Partition]
    """Of these an open transaction holds back what comes next."""
    is_model_out: bool


def why_not_ready(state: State) -> list[str]:
    """
    The causes, in words for a person; empty where the worker is ready.

    A worker without partitions is ready: it takes over when another one ends. Neither does it wait
    for what an operator asked for, such as a pause.
    """
    if state.failure is not None:
        return [state.failure]
    if state.is_stopping:
        return ["stopping: what was taken is finished, nothing more is taken"]
    causes = list(state.troubles)
    kept = {
        "recovering": state.owned & state.recovering,
        "stranded": state.owned & state.stranded,
        "unreadable": state.owned & state.unreadable,
        "held_by_transactions": state.owned & state.held,
    }
    if state.owned and state.owned <= frozenset().union(*kept.values()):
        counts = ", ".join(f"{name} {len(those)}" for name, those in kept.items() if those)
        causes.append(f"none of its partitions can be judged: {counts}")
    if state.is_model_out:
        causes.append("no inference endpoint answers")
    return causes
