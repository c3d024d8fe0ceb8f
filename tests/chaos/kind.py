"""Kind and Fault: what can happen, and one time that it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tests.chaos.storm import Storm


class Fault(NamedTuple):
    """One fault; `target` is a seat, or one of the kind's targets from 1, or 0 without any."""

    at_s: float
    kind: str
    target: int
    lasts_s: float

    @property
    def end_s(self) -> float:
        return self.at_s + self.lasts_s

    def __str__(self) -> str:
        return f"{self.at_s:6.1f} s  {self.kind:<6} {self.target}  for {self.lasts_s:4.1f} s"


class Rhythm(NamedTuple):
    """When faults come of a kind that does not ask what the workers suffer meanwhile."""

    first_s: tuple[float, float]
    """When the first strikes, at least and at most."""
    gap_s: tuple[float, float]
    """From the end of one to the next."""
    targets: int = 0
    """How many there are to strike, or 0 where there is only one."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What happens; `strike` does it, heals it, and says whether it could be done."""

    name: str
    says: str
    lasts_s: tuple[float, float]
    """For how long, at least and at most."""
    strike: Callable[[Storm, Fault], bool]
    rhythm: Rhythm | None = None
    """Without one it strikes workers, one fault a worker at a time."""
    often: int = 1
    """Of workers: how many of each round are of this kind."""
    is_early: bool = False
    """Of workers: even a run of 30 s has one."""
    is_for_spare: bool = False
    """Of workers: it strikes the seat that is mostly empty."""
    run_min_s: float = 0.0
    """A run that is shorter has none."""
