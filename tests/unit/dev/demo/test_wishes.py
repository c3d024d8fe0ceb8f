"""Wishes that the demo cannot fulfil are refused before it begins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from consumer.dev.demo.stage.stage import set_up
from consumer.dev.demo.wishes import Wishes
from consumer.errors import InvalidPolicy, InvalidSettings
from tests.journeys.worker import make_policies

WISHES = Wishes(60.0, 12.0, 1.0, 1, None, None, None, False, None)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"seconds": 0.0}, "must be numbers above 0"),
        ({"seconds": float("nan")}, "must be numbers above 0"),
        ({"rate": float("inf")}, "must be numbers above 0"),
        ({"endpoint": "http://x/v1"}, "--endpoint and --model together"),
        ({"picture": Path("/nowhere at all/demo.svg")}, "there is no folder /nowhere at all"),
    ],
)
def test_what_does_not_go_together(changes: dict[str, Any], problem: str) -> None:
    """A picture that cannot be drawn is said at the start, not after a minute."""
    WISHES.check()
    with pytest.raises(InvalidSettings, match=problem):
        WISHES._replace(**changes).check()


def test_policies_that_do_not_bind_the_inputs(tmp_path: Path) -> None:
    """They are named as they were given, before any worker fails over them."""
    with (
        pytest.raises(InvalidPolicy, match="nowhere:1: no policy set"),
        set_up(tmp_path / "nowhere"),
    ):
        pass
    make_policies(tmp_path, '["chat.messages"]')
    with pytest.raises(InvalidSettings, match=r"binds comments\.posted"), set_up(tmp_path):
        pass
