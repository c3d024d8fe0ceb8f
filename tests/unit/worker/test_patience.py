"""Patience: what is waited for at the start, and what is left behind at the stop."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from consumer.errors import BrokerUnavailable
from consumer.worker import patience
from consumer.worker.patience import patiently, within


async def test_a_step_that_takes_too_long_is_left_behind() -> None:
    """And said: whoever looks for the reason finds which it was."""
    with capture_logs() as logs:
        await within(0.0, "draining", asyncio.Event().wait())  # type: ignore[arg-type]
        await within(1.0, "closing", asyncio.sleep(0))
    assert [line["step"] for line in logs] == ["draining"]


async def test_brokers_are_asked_again_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "AGAIN_S", 0.0)
    answers = iter([False, False, True])

    def ask() -> str:
        if not next(answers):
            raise BrokerUnavailable("a leader moves")
        return "here"

    assert await patiently(ask) == "here"
    monkeypatch.setattr(patience, "START_PATIENCE_S", -1.0)
    answers = iter([False])
    with pytest.raises(BrokerUnavailable):
        await patiently(ask)
