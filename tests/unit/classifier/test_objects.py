"""JSON objects in an answer: where they stand, and what else than their label they say."""

from __future__ import annotations

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
