"""The policies that come with the project: short, sound, and their cases agree with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from consumer.commands.check import check_policies
from consumer.domain.binding import Catalogue
from consumer.domain.policy import PolicyVersion
from consumer.registry.load import load_catalogue

ROOT = Path(__file__).parents[3]
FOLDERS = {"product": ROOT / "policies", "tests": ROOT / "tests" / "policies"}
CATALOGUES: dict[str, Catalogue] = {
    name: load_catalogue(folder) for name, folder in FOLDERS.items()
}
VERSIONS = [
    pytest.param(FOLDERS[name], version, id=version.id)
    for name, catalogue in CATALOGUES.items()
    for binding in catalogue.bindings
    for version in binding.versions.values()
]


def cases_of(folder: Path, version: PolicyVersion) -> list[dict[str, Any]]:
    file = folder / version.set_name / f"v{version.number}" / "cases.jsonl"
    return [orjson.loads(line) for line in file.read_bytes().splitlines() if line.strip()]


def test_the_sets_that_ship() -> None:
    """Chat and comments have two versions each, and bind the topics of their names."""
    product = CATALOGUES["product"]
    assert [binding.set_name for binding in product.bindings] == [
        "chat.messages",
        "comments.posted",
    ]
    for binding in product.bindings:
        assert binding.patterns == (binding.set_name,)
        assert len(binding.versions) == 2


@pytest.mark.parametrize(("folder", "version"), VERSIONS)
def test_every_version_has_cases(folder: Path, version: PolicyVersion) -> None:
    """Each version has twenty cases or more, in five languages or more, no id or text twice."""
    cases = cases_of(folder, version)
    assert len(cases) >= 20
    assert len({case["lang"] for case in cases}) >= 5
    assert len({case["id"] for case in cases}) == len(cases)
    assert len({(case["policy"], case["text"]) for case in cases}) == len(cases)


@pytest.mark.parametrize(("folder", "version"), VERSIONS)
def test_cases_agree_with_their_policies(folder: Path, version: PolicyVersion) -> None:
    """A case's label, outcome and rules are those of its policy, and allows cite no rule."""
    policies = {policy.name: policy for policy in version.policies}
    for case in cases_of(folder, version):
        policy = policies[case["policy"]]
        assert policy.outcomes[case["label"]] == case["outcome"], case["id"]
        assert set(case["rules"]) <= set(policy.rules), case["id"]
        assert case["text"].strip(), case["id"]


@pytest.mark.parametrize(("folder", "version"), VERSIONS)
def test_cases_of_both_polarities(folder: Path, version: PolicyVersion) -> None:
    """Every policy has cases that it allows and cases that it does not."""
    cases = cases_of(folder, version)
    for policy in version.policies:
        outcomes = {case["outcome"] for case in cases if case["policy"] == policy.name}
        assert "allow" in outcomes
        assert len(outcomes) >= 2


@pytest.mark.parametrize(("folder", "version"), VERSIONS)
def test_no_case_is_given_away(folder: Path, version: PolicyVersion) -> None:
    """A case that stands in the prompt as an example would test nothing."""
    examples = {
        example.text.casefold() for policy in version.policies for example in policy.examples
    }
    assert not [c["id"] for c in cases_of(folder, version) if c["text"].casefold() in examples]


@pytest.mark.parametrize(("folder", "version"), VERSIONS)
def test_policies_are_short(folder: Path, version: PolicyVersion) -> None:
    """Text, rules and examples of a policy are 400 to 600 tokens."""
    for policy in version.policies:
        assert 400 <= policy.tokens <= 600, f"{policy.name}: {policy.tokens}"


@pytest.mark.parametrize("folder", FOLDERS.values(), ids=FOLDERS)
def test_nothing_about_them_is_doubtful(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The check has neither a fault nor a warning for what others copy."""
    assert check_policies(folder) == 0
    assert capsys.readouterr().out.endswith("no faults\n")
