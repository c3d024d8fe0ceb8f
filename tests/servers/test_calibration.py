"""The scores are true, as far as the public logs tell, and second looks stay within their share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cache
from random import Random

import pytest

from consumer.classifier.confidence import certainty
from consumer.classifier.confidence.calibration import Calibration
from tests.servers import calibration
from tests.servers.calibration import Model, Run, calibration_error, first_claims, separation

ERROR_MAX = 0.04
"""Seeds give 0.006 to 0.033; the table is two straight lines and the truth is a curve."""
SEPARATION_MIN = 0.8
"""The logs themselves have 0.87: no more can be had from the length of the reasoning."""


@cache
def a_run(share: float) -> Run:
    return asyncio.run(calibration.run(share))


def is_good(run: Run) -> bool:
    claims = first_claims(run.cases)
    return calibration_error(claims) < ERROR_MAX and separation(claims) > SEPARATION_MIN


def test_a_score_is_the_share_of_answers_that_are_repeated() -> None:
    """`pytest -s` prints the table; its truth is the stand-in's, from the logs."""
    found = calibration.document({share: a_run(share) for share in calibration.SHARES})
    print("\n" + "\n".join(calibration.lines(found)))
    for each in found["by_share"].values():
        for name in ("first", "final"):
            assert each[name]["calibration_error"] < ERROR_MAX
            assert each[name]["separation"] > SEPARATION_MIN


@pytest.mark.parametrize("share", [*calibration.SHARES, 0.37])
def test_second_looks_never_exceed_their_share_and_use_most_of_it(share: float) -> None:
    """After every single answer, not only in the end."""
    run = a_run(share)
    assert run.looks_most_ahead <= 1e-9
    assert run.looks > 0.9 * share * len(run.cases)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
def test_the_answers_that_are_looked_at_twice_are_the_ones_that_change(share: float) -> None:
    """They are repeated far less often than the rest, though a tenth of them is taken at random."""
    cases = a_run(share).cases
    looked_at = [case.first_was_repeated for case in cases if case.has_look]
    others = [case.first_was_repeated for case in cases if not case.has_look]
    assert sum(looked_at) / len(looked_at) < 0.8
    assert sum(others) / len(others) > 0.91


def invert(patch: pytest.MonkeyPatch) -> None:
    place = Calibration.place

    def bug(self: Calibration, length: float) -> float | None:
        shorter = place(self, length)
        return None if shorter is None else 1 - shorter

    patch.setattr(Calibration, "place", bug)


def ignore_the_table(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(certainty, "DOUBT_BY_LENGTH", ((0.0, 0.5), (1.0, 0.5)))


def ignore_the_length(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(certainty, "DOUBT_BY_LENGTH", ((0.0, 0.086), (1.0, 0.086)))


@pytest.mark.parametrize("bug", [invert, ignore_the_table, ignore_the_length])
def test_a_broken_score_is_found_out(
    bug: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bounds above are exceeded by each of these."""
    bug(monkeypatch)
    assert not is_good(asyncio.run(calibration.run(0.05, texts=3_000)))


class Fickle(Model):
    """Every third text is contested, and the length of the reasoning says nothing about it."""

    def __init__(self) -> None:
        super().__init__(1)
        self._toss = Random(2)

    def answer(self, text: str) -> tuple[str, int]:
        _, tokens = super().answer(text)
        is_contested = int(text.rpartition(" ")[2]) % 3 == 0
        return self._toss.choice(("HH0", "HH2")) if is_contested else "HH0", tokens


@pytest.mark.parametrize("learns", [True, False])
def test_second_looks_correct_the_scores_of_a_model_that_is_not_as_in_the_logs(
    learns: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not learns:
        monkeypatch.setattr(Calibration, "learn", lambda *_: None)
    run = asyncio.run(calibration.run(0.5, model=Fickle()))
    late = run.cases[len(run.cases) // 2 :]
    error = calibration_error(first_claims(late))
    assert error < 0.06 if learns else error > 0.09
    assert (sum(case.is_calibrated for case in late) > len(late) / 2) is learns
