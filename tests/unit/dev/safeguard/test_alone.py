"""`safeguard stand-in` says what it is, and what is wrong with where it should listen."""

from __future__ import annotations

import socket

import pytest

from consumer.dev.safeguard.alone import BANNER, stand_alone
from consumer.errors import InvalidSettings, PortTaken


def test_the_banner_says_that_it_proves_nothing_about_quality() -> None:
    """Nobody may take its verdicts for a model's."""
    assert "no model" in BANNER
    assert "prove nothing" in BANNER


def test_a_port_that_is_taken_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """With what to do; and no banner before it, since nothing was served."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"--port {port} is in use by another process"):
            stand_alone("127.0.0.1", port, 0.0, 1)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("port", "latency_s", "slots"), [(70_000, 0.0, 1), (0, -1.0, 1), (0, 0.0, 0)]
)
def test_numbers_that_cannot_be(port: int, latency_s: float, slots: int) -> None:
    """Named by their flags."""
    with pytest.raises(InvalidSettings, match="--"):
        stand_alone("127.0.0.1", port, latency_s, slots)
