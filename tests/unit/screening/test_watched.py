"""What the model's answer says of a filter: confirmed by two of three, noted before all else."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.domain.verdicts.judged import Judged
from consumer.domain.verdicts.verdict import Cause, Screened, UnjudgedReason
from consumer.screening.audited import Filtered
from consumer.screening.audits.note import AuditNote
from consumer.screening.audits.terms import AuditTerms
from consumer.screening.filtering import Filtering, open_filtering
from consumer.screening.watched import WatchedMessage, answered
from tests.builders import a_judgement
from tests.salt import SALT
from tests.unit.screening.prefilter.filters import by_hand

ALLOWED = Judged((a_judgement("HH0"),))
FLAGGED = Judged((a_judgement("HH1"),))
MIXED = Judged((a_judgement("HH0"), a_judgement("HH2")))
UNJUDGED = Judged((), UnjudgedReason.DEADLINE)
PARTLY_ALLOWED = ALLOWED._replace(unjudged=UnjudgedReason.MODEL_FAULT)
PARTLY_FLAGGED = FLAGGED._replace(unjudged=UnjudgedReason.MODEL_FAULT)
AUDIT = Filtered("audit", 0.1, 0.02)
ASK = Filtered("ask", 0.9, asked_for="score")


class Bench:
    """One message, and what is noted of it."""

    def __init__(self, folder: Path, filtered: Filtered = AUDIT) -> None:
        (folder / "salt").write_bytes(SALT)
        terms = AuditTerms(recall=0.95)
        self.filtering: Filtering = open_filtering(by_hand(), folder, folder / "salt", terms)
        self.message = WatchedMessage(self.filtering, filtered, "t/0/7", "en", self.post)
        self.noted: list[AuditNote] = []
        self.asked = 0

    async def post(self, note: AuditNote) -> None:
        self.noted.append(note)

    async def answer(self, first: Judged, *later: Judged) -> None:
        answers = list(later)

        async def again() -> Judged:
            self.asked += 1
            return answers.pop(0)

        await answered([self.message], first, again)

    @property
    def negatives(self) -> int:
        return sum(note.negative for note in self.filtering.take_counts())


@pytest.mark.parametrize("first", [FLAGGED, MIXED, PARTLY_FLAGGED])
@pytest.mark.parametrize(
    ("later", "asked"),
    [((FLAGGED,), 1), ((ALLOWED, FLAGGED), 2), ((UNJUDGED,), 1), ((ALLOWED, PARTLY_ALLOWED), 2)],
)
async def test_two_of_three_answers_confirm_and_so_does_one_that_cannot_be_had(
    tmp_path: Path, first: Judged, later: tuple[Judged, ...], asked: int
) -> None:
    bench = Bench(tmp_path)
    await bench.answer(first, *later)
    (note,) = bench.noted
    assert (note.kind, note.position, note.language) == ("positive", "t/0/7", "en")
    assert (note.is_settled, note.probability) == (True, 0.02)
    assert (bench.asked, bench.negatives) == (asked, 0)


async def test_one_of_three_says_nothing_and_is_counted_with_the_allowed(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.answer(FLAGGED, ALLOWED, ALLOWED)
    assert (bench.noted, bench.asked, bench.negatives) == ([], 2, 1)


async def test_what_is_allowed_is_asked_about_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.answer(ALLOWED)
    assert (bench.noted, bench.asked, bench.negatives) == ([], 0, 1)


@pytest.mark.parametrize("first", [UNJUDGED, PARTLY_ALLOWED])
async def test_what_could_not_be_judged_says_nothing(tmp_path: Path, first: Judged) -> None:
    bench = Bench(tmp_path)
    await bench.answer(first)
    assert (bench.noted, bench.asked, bench.negatives) == ([], 0, 0)


async def test_a_positive_that_the_filter_left_to_the_model_is_noted_as_found(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, ASK)
    await bench.answer(FLAGGED, FLAGGED)
    assert (bench.noted[0].is_settled, bench.noted[0].probability) == (False, 1.0)
    assert bench.message.screened is None


def test_the_verdict_of_an_audited_message_says_with_what_probability(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assert bench.message.screened == Screened(Cause.PREFILTER, 0.1, bench.filtering.digest, 0.02)
