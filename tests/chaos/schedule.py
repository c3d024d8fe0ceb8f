"""Schedule: which fault strikes when, whom, and for how long. A pure function of its seed."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from tests.chaos.kind import Fault, Kind, Rhythm
from tests.chaos.kinds import KINDS

SEATS = 3
"""Workers that are always wanted; a fault of a worker may be for the one seat more."""
LONG_S = 60.0
"""A shorter run has its faults closer together."""
REST_S = 2.0
"""What a worker that is back is left alone for."""


def schedule(
    seed: int, duration_s: float, kinds: Iterable[Kind] = tuple(KINDS.values())
) -> list[Fault]:
    """
    Faults in the order of their times, the last of them over when `duration_s` is.

    Faults of workers, and those of each kind with a rhythm, overlap as it comes; no two strike the
    same worker at once, and no two of one rhythm either. From 30 s on there is at least one of each
    kind of worker that is early, and one broker.
    """
    chosen = sorted((k for k in kinds if k.run_min_s <= duration_s), key=lambda kind: kind.name)
    faults = _workers(seed, [kind for kind in chosen if kind.rhythm is None], duration_s)
    for kind in chosen:
        if kind.rhythm is not None:
            faults += _by_itself(seed, kind, kind.rhythm, duration_s)
    return sorted(faults)


def _workers(seed: int, kinds: Sequence[Kind], duration_s: float) -> list[Fault]:
    dice = random.Random(seed)
    free_s = dict.fromkeys(range(SEATS + 1), 0.0)
    faults: list[Fault] = []
    # A short run needs its long faults early, and those that count.
    early = _shuffled(dice, [kind for kind in kinds if kind.is_early])
    bag = sorted(early, key=lambda kind: kind.name not in ("kill", "freeze"))
    gaps_s = (3.0, 7.0) if duration_s < LONG_S else (4.0, 10.0)
    at_s = dice.uniform(4.0, 5.0)
    while at_s < duration_s and kinds:
        bag = bag or _shuffled(dice, [kind for kind in kinds for _ in range(kind.often)])
        kind = bag[0]
        free = [s for s in free_s if free_s[s] <= at_s and (s == SEATS) == kind.is_for_spare]
        if free:
            bag = bag[1:]
            fault = Fault(at_s, kind.name, dice.choice(free), dice.uniform(*kind.lasts_s))
            if fault.end_s <= duration_s:
                faults.append(fault)
                free_s[fault.target] = fault.end_s + REST_S
        at_s += dice.uniform(1.0, 4.0) if len(faults) < 2 else dice.uniform(*gaps_s)
    return faults


def _by_itself(seed: int, kind: Kind, rhythm: Rhythm, duration_s: float) -> list[Fault]:
    """Faults of one kind, each over before the next, whatever other kinds there are."""
    dice = random.Random(f"{seed} {kind.name}")
    faults: list[Fault] = []
    at_s = dice.uniform(*rhythm.first_s)
    while True:
        target = dice.randint(1, rhythm.targets) if rhythm.targets else 0
        fault = Fault(at_s, kind.name, target, dice.uniform(*kind.lasts_s))
        if fault.end_s > duration_s:
            return faults
        faults.append(fault)
        at_s = fault.end_s + dice.uniform(*rhythm.gap_s)


def _shuffled(dice: random.Random, kinds: list[Kind]) -> list[Kind]:
    dice.shuffle(kinds)
    return kinds
