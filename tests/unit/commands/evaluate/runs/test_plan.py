"""Runs side by side, and what tells one answer from another."""

from __future__ import annotations

import pytest

from consumer.commands.evaluate.runs.plan import runs_of, version_of
from consumer.domain.policy import Effort
from consumer.errors import InvalidSettings
from tests.builders import a_binding, a_policy, a_version

FIRST = a_version(number=1)
SECOND = a_version(a_policy(text="Other text: HH0, HH1, HH2."), number=2)
BINDING = a_binding(live=SECOND, versions={1: FIRST, 2: SECOND})


def test_every_version_with_every_model_and_effort() -> None:
    """Names say what differs and no more; the first is run once more where that is asked for."""
    alone = runs_of(BINDING, [], ["m"], [], with_rerun=True)
    assert [run.name for run in alone] == ["v2", "v2 again"]
    many = runs_of(BINDING, ["v1", "v2"], ["m", "n"], ["low", "high"], with_rerun=False)
    assert [run.name for run in many][:3] == ["v1 m low", "v1 m high", "v1 n low"]
    assert len(many) == 8
    assert many[1].alone["harassment"].policies[0].effort is Effort.HIGH


def test_whatever_could_change_an_answer_is_in_its_key() -> None:
    """Text, policy text, model, server, prompt, effort, and which time it is."""
    runs = runs_of(BINDING, ["v1", "v2"], ["m", "n"], ["low", "high"], with_rerun=True)
    keys = [run.key("digest", "harassment", "sg-1", ("served",)) for run in runs]
    keys += [
        runs[0].key("other", "harassment", "sg-1", ("served",)),
        runs[0].key("digest", "harassment", "sg-2", ("served",)),
        runs[0].key("digest", "harassment", "sg-1", ("stand-in",)),
    ]
    assert len(set(keys)) == len(keys)
    other = a_version(a_policy(subject="assistant reply"), number=1)
    renamed = a_binding(live=other, versions={1: other})
    (said,) = runs_of(renamed, [], ["m"], ["low"], with_rerun=False)
    assert said.version.digest == FIRST.digest
    assert said.key("digest", "harassment", "sg-1", ("served",)) not in keys
    again = runs_of(BINDING, ["v1"], ["m"], ["low"], with_rerun=False)
    assert again[0].key("digest", "harassment", "sg-1", ("served",)) == keys[0]


def test_a_version_goes_by_its_id_its_folder_or_its_number() -> None:
    """And without a word it is the live one."""
    for word in ("chat.messages@v1", "v1", "1"):
        assert version_of(BINDING, word) is FIRST
    assert version_of(BINDING, None) is SECOND


def test_a_run_for_each_of_twelve_can_be_asked_for() -> None:
    """Two versions by three models by two efforts; the same word twice asks for one."""
    runs = runs_of(BINDING, ["v1", "1", "v2"], ["a", "b", "c"], ["low", "high"], with_rerun=False)
    assert len(runs) == 12
    again = runs_of(BINDING, [], ["m"], ["low", "low"], with_rerun=True)
    assert [(run.name, run.again) for run in again] == [("v2 low", 0), ("v2 low again", 1)]


@pytest.mark.parametrize(
    ("versions", "models", "efforts", "problem"),
    [
        (["v9"], ["m"], [], "--version v9: chat.messages has v1, v2"),
        ([], ["m"], ["huge"], "--effort huge: there are low, medium, high"),
        (["v1", "v2"], list("abcdefg"), [], "14 runs are asked for, at most 12"),
    ],
)
def test_what_cannot_be_run(
    versions: list[str], models: list[str], efforts: list[str], problem: str
) -> None:
    """Is said before anything is asked."""
    with pytest.raises(InvalidSettings, match=problem):
        runs_of(BINDING, versions, models, efforts, with_rerun=False)
