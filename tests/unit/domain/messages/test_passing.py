"""What is passed over, by the record and its topic alone."""

from __future__ import annotations

import pytest

from consumer.domain.binding import MessageTerms
from consumer.domain.messages.passing import is_passed_over
from consumer.domain.messages.rules import SkipRule
from tests.builders import a_binding, a_record

PASSING = MessageTerms(when_empty="pass-over")
SEVENS = SkipRule(frozenset({"7"}), field=("t",))


@pytest.mark.parametrize(
    ("value", "reading", "is_passed"),
    [
        (b"{}", PASSING, True),
        (b'{"text":" "}', PASSING, True),
        (b'{"text":"hi"}', PASSING, False),
        (b'{"text":5}', PASSING, False),
        (b"{", PASSING, False),
        (None, PASSING, False),
        (b"{}", MessageTerms(), False),
        (b"{}", MessageTerms(when_empty="allow"), False),
        (b'{"t":7}', MessageTerms(when_empty="pass-over", skip_when=(SEVENS,)), False),
    ],
)
def test_only_what_has_no_text_is_passed_over(
    value: bytes | None, reading: MessageTerms, is_passed: bool
) -> None:
    """What cannot be read has a dead letter, what a rule skips a verdict."""
    assert is_passed_over(a_record(value), a_binding(reading=reading)) is is_passed


def test_tombstones_have_a_rule_of_their_own() -> None:
    assert is_passed_over(a_record(None), a_binding(tombstones="pass-over"))
    assert not is_passed_over(a_record(b""), a_binding(tombstones="pass-over"))
