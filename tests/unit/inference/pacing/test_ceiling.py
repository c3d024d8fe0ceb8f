"""A ceiling is named by several refusals among few calls, and tried again now and then."""

from __future__ import annotations

from consumer.inference.pacing.ceiling import CEILING_ANSWERS, REFUSALS_MIN, Ceiling


def refused(ceiling: Ceiling, at_once: int) -> None:
    for _ in range(int(REFUSALS_MIN)):
        ceiling.refused(at_once)


def test_refusals_among_many_answers_name_none() -> None:
    """One call in ten may be anybody's doing."""
    ceiling = Ceiling()
    for _ in range(200):
        assert not ceiling.refused(32)
        for _ in range(10):
            ceiling.answered()
    assert ceiling.width is None
    assert not ceiling.may_be_tried


def test_it_stands_for_so_many_answers_and_again_where_the_try_is_refused() -> None:
    """A try costs a few refusals, so it is made rarely."""
    ceiling = Ceiling()
    refused(ceiling, 33)
    for _ in range(2):
        assert ceiling.width == 32
        for _ in range(CEILING_ANSWERS):
            assert not ceiling.may_be_tried
            ceiling.answered()
        assert ceiling.may_be_tried
        assert ceiling.tried() == 33
        refused(ceiling, 33)


def test_a_full_server_refuses_one_call_in_two_thousand_for_it() -> None:
    """That is what it costs to find out whether a ceiling still holds."""
    assert REFUSALS_MIN / CEILING_ANSWERS == 1 / 2_000


def test_each_try_that_nobody_refuses_goes_further() -> None:
    """More servers behind the same address are found within a few tries."""
    ceiling = Ceiling()
    refused(ceiling, 33)
    widths = []
    for _ in range(4):
        widths.append(ceiling.tried())
        ceiling.rise(widths[-1])
        assert ceiling.may_be_tried
    assert widths == [33, 35, 39, 47]
