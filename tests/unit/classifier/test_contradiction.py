"""What an answer says beside its label, and whether it takes the label back."""

from __future__ import annotations

import pytest

from consumer.classifier.contradiction import contradicts
from tests.builders import a_policy


@pytest.mark.parametrize(
    ("value", "expected"), [(["HH0"], True), ([["HH0"]], True), (["a"], False)]
)
def test_a_list_may_name_another_label(value: object, expected: bool) -> None:
    assert contradicts({"label": "HH2", "x": value}, "HH2", a_policy()) is expected


@pytest.mark.parametrize(
    "beside",
    [
        {"outcome": "block"},
        {"Decision": "Flag"},
        {"violation": True},
        {"is_violating": True},
        {"flagged": True},
        {"safe": False},
        {"is_safe": False},
        {"allowed": False},
        {"error": "the text was cut"},
        {"refusal": "no"},
        {"result": {"violation": True}},
        {"confidence": "HH2"},
        {"rationale": {"label": "HH2"}},
    ],
    ids=repr,
)
def test_what_stands_beside_an_allow_may_say_the_contrary(beside: dict[str, object]) -> None:
    """A model that no schema binds says in several fields what it thinks, and they may differ."""
    assert contradicts({"label": "HH0"} | beside, "HH0", a_policy())


@pytest.mark.parametrize(
    "beside",
    [
        {"outcome": "allow"},
        {"violation": False},
        {"safe": True},
        {"error": None, "refusal": ""},
        {"score": 3, "policy": "harassment"},
        {"confidence": "sure", "rationale": "not HH2, block nothing"},
    ],
    ids=repr,
)
def test_what_stands_beside_an_allow_and_agrees_takes_nothing_from_it(
    beside: dict[str, object],
) -> None:
    assert not contradicts({"label": "HH0"} | beside, "HH0", a_policy())


def test_what_voids_a_label_does_so_for_every_label() -> None:
    assert contradicts({"label": "HH2", "error": "cut"}, "HH2", a_policy())
    assert contradicts({"label": "HH2", "outcome": "allow"}, "HH2", a_policy())
    assert not contradicts({"label": "HH2", "violation": True}, "HH2", a_policy())


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("HH0", True),
        ({"HH0": 1}, True),
        ([{"label": "HH2"}], True),
        ("HH2", False),
        (["HH2.a"], False),
        ([], False),
        (None, False),
    ],
)
def test_rules_that_name_another_label_contradict(rules: object, expected: bool) -> None:
    """Also where they are no list."""
    fields = {"label": "HH2", "rules": rules}
    assert contradicts(fields, "HH2", a_policy()) is expected
