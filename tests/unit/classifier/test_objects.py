"""JSON objects in an answer: where they stand, and what else than their label they say."""

from __future__ import annotations

import pytest

from consumer.classifier.contradiction import contradicts
from consumer.classifier.objects import object_in, objects_in
from tests.builders import a_policy


def test_a_brace_alone_hides_no_object_behind_it() -> None:
    assert objects_in('of { and {"a": 1}') == [(9, 17)]


def test_there_is_an_end_of_objects_and_of_braces() -> None:
    """Eight of each are looked at: an answer that has more is none."""
    assert objects_in("{}" * 8) == [(at, at + 2) for at in range(0, 16, 2)]
    assert objects_in("{}" * 9) is None
    assert objects_in("{ " * 7 + "{}") == [(14, 16)]
    assert objects_in("{ " * 8 + "{}") is None


def test_an_object_that_says_two_labels_says_none() -> None:
    """Deeper inside it is something else that is called a label."""
    assert object_in('{"label": "HH0", "a": 1, "label": "HH2"}') == {"label": None, "a": 1}
    assert object_in('{"label": "HH2", "label": "HH2"}') == {"label": "HH2"}
    inside = object_in('{"label": "HH2", "x": {"label": 1, "label": 2}}')
    assert inside is not None
    assert contradicts(inside, "HH2", a_policy())


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
