"""A window adds up what was sent at one width, and says whether it tells of the server at all."""

from __future__ import annotations

import math

import pytest

from consumer.inference.pacing.window import OWN_SHARE, Window


def test_the_first_answers_are_of_the_old_width_and_do_not_count() -> None:
    """Not even towards the lateness of the worker."""
    window = Window(1, enough=3, settling=2)
    assert [window.add(8, seconds, 0.0) for seconds in (9.0, 9.0, 0.1, 0.1, 0.1)] == [
        *(False, False, False, False),
        True,
    ]
    assert window.width.at_once == 8
    assert window.width.log_latency == pytest.approx(math.log(0.1))


@pytest.mark.parametrize(("share", "is_of_worker"), [(0.9, False), (1.0, False), (1.1, True)])
def test_a_window_of_a_late_worker_says_so(share: float, is_of_worker: bool) -> None:
    window = Window(1, enough=2, settling=0)
    window.add(8, 1.0, share * OWN_SHARE)
    assert window.is_of_worker == is_of_worker
