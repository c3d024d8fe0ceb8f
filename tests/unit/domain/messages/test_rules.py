"""Rules: which records have one of a rule's values."""

from __future__ import annotations

import pytest

from consumer.domain.messages.message import Headers
from consumer.domain.messages.rules import EventRule, EventTerms, SkipRule, at, holds

VALUES = frozenset({"bot", "7", "true", "false", ""})
BY_FIELD = EventRule(VALUES, field=("a", "kind"))
BY_HEADER = SkipRule(frozenset({"bot", "\ufffd"}), header="kind")


@pytest.mark.parametrize(
    ("found", "is_held"),
    [
        ("bot", True),
        ("", True),
        ("human", False),
        (7, True),
        (8, False),
        (True, True),
        (False, True),
        (1, False),
        (7.0, False),
        (None, False),
        (["bot"], False),
    ],
)
def test_a_field_is_compared_as_it_is_written(found: object, is_held: bool) -> None:
    """Numbers and booleans by what JSON has for them; nothing else equals a word."""
    assert holds(BY_FIELD, (), {"a": {"kind": found}}) is is_held
    assert holds(EventRule(frozenset({"true"}), field=("k",)), (), {"k": False}) is False


@pytest.mark.parametrize(
    ("headers", "is_held"),
    [
        ((("kind", b"bot"),), True),
        ((("kind", b"human"), ("kind", b"bot")), False),
        ((("kind", None), ("kind", b""), ("kind", b"bot")), True),
        ((("Kind", b"bot"),), False),
        ((("kind", b"\xff"),), True),
        ((), False),
    ],
)
def test_the_first_header_that_says_anything_counts(headers: Headers, is_held: bool) -> None:
    """A field of the same name does not."""
    assert holds(BY_HEADER, headers, {"kind": "bot"}) is is_held


def test_no_document_has_no_field() -> None:
    """And the whole document is no word."""
    assert not holds(BY_FIELD, (), None)
    assert not holds(EventRule(VALUES), (), {"a": 1})
    assert holds(EventRule(VALUES), (), "bot")


def test_a_pointer_ends_where_its_path_does() -> None:
    document = {"a": [{"b": 1}, 2]}
    assert at(document, ()) is document
    assert at(document, ("a", "0", "b")) == 1
    assert at(document, ("a", "1")) == 2
    for path in (("a", "2"), ("a", "-1"), ("a", "x"), ("a", "1", "b"), ("b",), ("a", "²")):
        assert at(document, path) is None
    assert at([1], ("9" * 5_000,)) is None


def test_what_tells_an_event_says_where_its_target_is() -> None:
    """Where it says nothing, or where nothing tells it, nobody knows."""
    edit = EventRule(frozenset({"e"}), field=("t",), target=("of",))
    terms = EventTerms(edit=edit)
    assert terms.target_of("edit") == ("of",)
    assert terms.target_of("delete") is None
    assert terms.found_in((), {"t": "e"}) == "edit"
    assert terms.found_in((), {"t": "d"}) is None
    assert EventTerms(delete=edit).target_of("delete") == ("of",)
    assert EventTerms(delete=edit).target_of("edit") is None
