"""Schedule: which fault strikes when, whom, and for how long. A pure function of its seed."""

from __future__ import annotations

import random
from enum import StrEnum
from typing import NamedTuple

SEATS = 3
"""Workers that are always wanted; a fault of kind `join` adds one more for a while."""
NODES = 3
LONG_S = 60.0
"""A shorter run has its faults closer together."""
REST_S = 2.0
"""What a worker that is back is left alone for."""


class Kind(StrEnum):
    """What happens."""

    KILL = "kill"
    """SIGKILL of a worker; another one takes its seat."""
    FREEZE = "freeze"
    """SIGSTOP of a worker for longer than its session."""
    NAP = "nap"
    """SIGSTOP of a worker for less than its session."""
    TERM = "term"
    """SIGTERM of a worker, which must end with 0; another one takes its seat."""
    JOIN = "join"
    """One more worker for a while."""
    BROKER = "broker"
    """SIGKILL of a broker, which is started again."""
    SERVER = "server"
    """SIGKILL of the inference server, which is started again."""

    @property
    def joins(self) -> bool:
        return self is Kind.JOIN


LASTS_S = {
    Kind.KILL: (1.0, 6.0),
    Kind.FREEZE: (15.0, 20.0),
    Kind.NAP: (1.0, 5.0),
    Kind.TERM: (0.5, 3.0),
    Kind.JOIN: (8.0, 16.0),
    Kind.BROKER: (2.0, 6.0),
    Kind.SERVER: (1.5, 4.0),
}
"""For how long each kind lasts, at least and at most."""


BAG = (Kind.KILL, Kind.KILL, Kind.FREEZE, Kind.NAP, Kind.NAP, Kind.TERM, Kind.JOIN)
"""What workers suffer again and again, each time in another order."""


class Fault(NamedTuple):
    """One fault; `target` is a seat or a node, or 0 where there is only one."""

    at_s: float
    kind: Kind
    target: int
    lasts_s: float

    @property
    def end_s(self) -> float:
        return self.at_s + self.lasts_s

    def __str__(self) -> str:
        return f"{self.at_s:6.1f} s  {self.kind:<6} {self.target}  for {self.lasts_s:4.1f} s"


def schedule(seed: int, duration_s: float) -> list[Fault]:
    """
    Faults in the order of their times, the last of them over when `duration_s` is.

    Faults of workers, of brokers and of the server overlap as it comes; no two strike the same
    worker at once, and no two brokers are down together. From 30 s on there is at least one kill,
    one freeze, one stop in good order and one broker.
    """
    dice = random.Random(seed)
    faults = [
        *_workers(dice, duration_s),
        *_alone(dice, Kind.BROKER, NODES, (5.0, 9.0), (12.0, 24.0), duration_s),
        *_alone(dice, Kind.SERVER, 0, (9.0, 14.0), (25.0, 50.0), duration_s),
    ]
    return sorted(faults)


def _workers(dice: random.Random, duration_s: float) -> list[Fault]:
    free_s = dict.fromkeys(range(SEATS + 1), 0.0)
    faults: list[Fault] = []
    # A short run needs its long faults early.
    bag = _shuffled(dice, [Kind.KILL, Kind.FREEZE]) + _shuffled(dice, [Kind.TERM, Kind.NAP])
    gaps_s = (3.0, 7.0) if duration_s < LONG_S else (4.0, 10.0)
    at_s = dice.uniform(4.0, 5.0)
    while at_s < duration_s:
        kind = bag[0]
        free = [seat for seat in free_s if free_s[seat] <= at_s and (seat == SEATS) == kind.joins]
        if free:
            bag = bag[1:] or _shuffled(dice, list(BAG))
            fault = Fault(at_s, kind, dice.choice(free), dice.uniform(*LASTS_S[kind]))
            if fault.end_s <= duration_s:
                faults.append(fault)
                free_s[fault.target] = fault.end_s + REST_S
        at_s += dice.uniform(1.0, 4.0) if len(faults) < 2 else dice.uniform(*gaps_s)
    return faults


def _alone(
    dice: random.Random,
    kind: Kind,
    targets: int,
    first_s: tuple[float, float],
    gap_s: tuple[float, float],
    duration_s: float,
) -> list[Fault]:
    """Faults of one kind, each over before the next."""
    faults: list[Fault] = []
    at_s = dice.uniform(*first_s)
    while True:
        target = dice.randint(1, targets) if targets else 0
        fault = Fault(at_s, kind, target, dice.uniform(*LASTS_S[kind]))
        if fault.end_s > duration_s:
            return faults
        faults.append(fault)
        at_s = fault.end_s + dice.uniform(*gap_s)


def _shuffled(dice: random.Random, kinds: list[Kind]) -> list[Kind]:
    dice.shuffle(kinds)
    return kinds
