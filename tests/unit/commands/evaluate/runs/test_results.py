"""What was judged is kept through a kill, and nothing is judged twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.commands.evaluate.runs.answer import KeptAnswer, answer_in
from consumer.commands.evaluate.runs.results import ResultsFile
from consumer.domain.policy import Outcome
from consumer.domain.verdicts.verdict import Tokens, UnjudgedReason
from consumer.errors import InvalidSettings

ANSWER = KeptAnswer(
    key="k1",
    case="d1",
    run="v1",
    policy="words",
    label="FINE",
    outcome=Outcome.ALLOW,
    reason=None,
    faults=(("two_labels", "X"),),
    score=0.9,
    is_calibrated=False,
    looked_again=False,
    ms=12.5,
    calls=2,
    tokens=Tokens(10, 5, 1, 3),
)
UNJUDGED = ANSWER._replace(label=None, outcome=None, score=None, reason=UnjudgedReason.OUTAGE)


def test_an_answer_is_read_as_it_was_written() -> None:
    """Judged or not; another line is none."""
    assert answer_in(ANSWER.line()) == ANSWER
    assert answer_in(UNJUDGED.line()) == UNJUDGED
    assert answer_in(b"{}\n") is None
    assert answer_in(b'{"key":') is None


def test_answers_are_there_after_a_kill(tmp_path: Path) -> None:
    """Half a line at the end is cut off, wherever it was cut, and what follows is whole."""
    file = tmp_path / "results.jsonl"
    with ResultsFile(file) as results:
        results.keep(ANSWER)
        results.keep(ANSWER._replace(key="k2"))
    whole = file.read_bytes()
    last = whole.rindex(b'{"key"')
    for cut in (last, last + 1, last + 50, len(whole) - 1):
        file.write_bytes(whole[:cut])
        with ResultsFile(file) as results:
            assert (results.has("k1"), results.has("k2"), results.kept) == (True, False, 1)
            results.keep(ANSWER._replace(key="k2"))
            assert results.get("k1") == ANSWER
            assert results.get("k2") == ANSWER._replace(key="k2")
            assert (results.judged_twice, results.billed_tokens) == (0, 26)
        assert file.read_bytes() == whole


def test_a_head_that_was_cut_is_written_anew(tmp_path: Path) -> None:
    """A kill in the first moment leaves a file that can be used."""
    file = tmp_path / "results.jsonl"
    ResultsFile(file).close()
    head = file.read_bytes()
    for cut in range(len(head)):
        file.write_bytes(head[:cut])
        ResultsFile(file).close()
        assert file.read_bytes() == head


def test_what_an_outage_left_open_is_asked_again(tmp_path: Path) -> None:
    """And that is not judging twice; a second final answer is."""
    with ResultsFile(tmp_path / "results.jsonl") as results:
        results.keep(UNJUDGED)
        assert not results.has("k1")
        assert results.get("k1") == UNJUDGED
        results.keep(ANSWER)
        assert results.has("k1")
        assert results.get("k1") == ANSWER
        assert results.judged_twice == 0
        results.keep(ANSWER)
        assert results.judged_twice == 1


def test_files_that_are_no_results(tmp_path: Path) -> None:
    """Another file is never written to, nor one that is in use."""
    other = tmp_path / "cases.jsonl"
    other.write_text('{"text":"precious"}\n')
    with pytest.raises(InvalidSettings, match="no results file"):
        ResultsFile(other)
    assert other.read_text() == '{"text":"precious"}\n'
    file = tmp_path / "results.jsonl"
    with ResultsFile(file), pytest.raises(InvalidSettings, match="in use"):
        ResultsFile(file)
    with file.open("ab") as more:
        more.write(b"nonsense\n")
    with pytest.raises(InvalidSettings, match="begins no answer"):
        ResultsFile(file)
    with pytest.raises(InvalidSettings, match="--results"):
        ResultsFile(tmp_path)
