"""Cases are read whole, or every line that is none is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from consumer.commands.evaluate.cases.own import read_cases
from consumer.domain.policy import Outcome
from consumer.errors import InvalidPolicy
from consumer.registry.load import load_catalogue
from tests.builders import a_policy, a_version

ROOT = Path(__file__).parents[5]


@pytest.mark.parametrize("folder", [ROOT / "policies", ROOT / "policies" / "evaluation"])
def test_every_shipped_version_has_cases_that_can_be_read(folder: Path) -> None:
    """All cases of all versions, each under a policy of its version, and each policy has both."""
    for binding in load_catalogue(folder).bindings:
        for version in binding.versions.values():
            cases = read_cases(folder, version)
            assert len(cases) >= 20
            assert all(case.policy in version.policies for case in cases)
            assert all(case.outcome is case.policy.outcomes[case.label] for case in cases)
            harms = {(case.policy.name, case.outcome is Outcome.ALLOW) for case in cases}
            assert len(harms) == 2 * len(version.policies)


def write(folder: Path, *lines: str) -> Path:
    version = a_version()
    (folder / version.set_name / "v1").mkdir(parents=True)
    (folder / version.set_name / "v1" / "cases.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def test_a_case_is_its_text_and_the_label_it_deserves(tmp_path: Path) -> None:
    """Blank lines and fields for people are passed over."""
    policy = a_policy()
    folder = write(
        tmp_path,
        '{"id":"c1","text":"hi","lang":"en","policy":"harassment","label":"HH1","why":"x"}',
        "",
    )
    (case,) = read_cases(folder, a_version(policy))
    assert (case.id, case.text, case.language, case.policy) == ("c1", "hi", "en", policy)
    assert case.outcome is Outcome.FLAG


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "no JSON"),
        ("[]", "no JSON object"),
        ('{"id":"c1","policy":"harassment","label":"HH0"}', "lacks text"),
        ('{"id":"c1","text":"","policy":"harassment","label":"HH0"}', "lacks text"),
        ('{"id":"c1","text":5,"policy":"harassment","label":"HH0"}', "lacks text"),
        ('{"id":"c1","text":"x","policy":"other","label":"HH0"}', "policy other"),
        ('{"id":"c1","text":"x","policy":"harassment","label":"XX"}', "label XX"),
        (
            '{"id":"c1","text":"x","policy":"harassment","label":"HH0","outcome":"block"}',
            "HH0 means allow",
        ),
        (
            '{"id":"c1","text":"x","policy":"harassment","label":"HH0","rules":["HH9.a"]}',
            "rules HH9.a: harassment has HH1.a, HH2.a, HH2.b",
        ),
        (
            '{"id":"c1","text":"x","policy":"harassment","label":"HH0","rules":"HH1.a"}',
            "rules: must be a list",
        ),
        ('{"id":"c1","text":"x","policy":"harassment","label":"HH0","n":NaN}', "no JSON"),
    ],
)
def test_a_line_that_is_no_case_is_named(tmp_path: Path, line: str, problem: str) -> None:
    """By file and line, with what is wrong."""
    with pytest.raises(InvalidPolicy, match=problem) as caught:
        read_cases(write(tmp_path, "", line), a_version())
    assert caught.value.flaws[0].line == 2


def test_no_cases_at_all_is_a_fault(tmp_path: Path) -> None:
    """A version without the file, or with an empty one, cannot be evaluated."""
    with pytest.raises(InvalidPolicy, match=r":1: .*cannot be read"):
        read_cases(tmp_path, a_version())
    with pytest.raises(InvalidPolicy, match=":1: holds no case"):
        read_cases(write(tmp_path, ""), a_version())
    os.truncate(tmp_path / "chat.messages/v1/cases.jsonl", 50_000_001)
    with pytest.raises(InvalidPolicy, match=":1: is larger than 50,000,000 bytes"):
        read_cases(tmp_path, a_version())


def a_line(id: str, text: str, label: str) -> str:
    return f'{{"id":"{id}","text":"{text}","policy":"harassment","label":"{label}"}}'


def test_an_id_that_stands_twice_is_a_fault(tmp_path: Path) -> None:
    """By the id a case is compared from version to version."""
    folder = write(tmp_path, a_line("c1", "a", "HH0"), "", a_line("c1", "b", "HH0"))
    with pytest.raises(InvalidPolicy, match="3: id c1: stands on line 1 already"):
        read_cases(folder, a_version())


def test_cases_that_contradict_each_other_are_a_fault(tmp_path: Path) -> None:
    """One text deserves one label under a policy, however it is spaced."""
    same = [a_line("c1", "a b", "HH0"), a_line("c2", "a  b ", "HH0")]
    assert len(read_cases(write(tmp_path / "same", *same), a_version())) == 2
    folder = write(tmp_path / "other", *same, a_line("c3", " a b", "HH2"))
    with pytest.raises(InvalidPolicy, match="3: label HH2: line 1 has the same text"):
        read_cases(folder, a_version())


def test_cases_saved_on_another_system(tmp_path: Path) -> None:
    """A byte order mark and line endings are no part of a case."""
    folder = write(tmp_path)
    content = "\ufeff" + a_line("c1", "a", "HH0") + "\r\n" + a_line("c2", "b", "HH0") + "\r\n"
    (folder / "chat.messages/v1/cases.jsonl").write_bytes(content.encode())
    assert [case.id for case in read_cases(folder, a_version())] == ["c1", "c2"]
