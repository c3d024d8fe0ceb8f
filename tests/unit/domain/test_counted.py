"""Numbers with their nouns."""

from __future__ import annotations

from consumer.domain.counted import counted


def test_one_has_no_plural() -> None:
    assert counted(1, "partition") == "1 partition"


def test_none_and_several_have_one() -> None:
    assert counted(0, "partition") == "0 partitions"
    assert counted(2_000, "partition") == "2,000 partitions"


def test_a_plural_that_is_not_made_by_an_s() -> None:
    assert counted(2, "policy", "policies") == "2 policies"
    assert counted(1, "policy", "policies") == "1 policy"
