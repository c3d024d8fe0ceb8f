"""Vitals: a worker is watched from its first moment, before it has joined anything."""

from __future__ import annotations

import asyncio
import json
from urllib.error import HTTPError
from urllib.request import urlopen

from consumer.inference.fleet.fleet import Fleet
from consumer.settings.load import load_settings
from consumer.settings.settings import Settings
from consumer.telemetry.metrics import Metrics
from consumer.telemetry.telemetry import Telemetry
from consumer.worker.vitals import Vitals
from consumer.worker.wiring import build_fleet


def parts(port: int) -> tuple[Settings, Fleet, Metrics]:
    settings = load_settings(None, {"telemetry.health_port": str(port)}, environment={})
    telemetry = Telemetry()
    return settings, build_fleet(settings.inference, telemetry), telemetry.metrics


def get(url: str) -> tuple[int, dict[str, object]]:
    try:
        with urlopen(url) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        return error.code, json.load(error)


async def test_before_it_has_joined_it_is_live_and_not_ready() -> None:
    settings, fleet, metrics = parts(0)
    vitals = Vitals(settings, metrics.registry, fleet)
    await vitals.open()
    where = f"http://127.0.0.1:{vitals.port}"
    assert await asyncio.to_thread(get, f"{where}/livez") == (200, {"ok": True, "loop_s": 0.0})
    assert await asyncio.to_thread(get, f"{where}/readyz") == (
        503,
        {"ok": False, "why": ["starting"]},
    )
    vitals.close()
    await fleet.close()


async def test_a_port_that_is_let_go_of_in_time_is_taken_over() -> None:
    """The workers of a supervisor that was killed end a moment after the new ones begin."""
    settings, fleet, metrics = parts(0)
    before = Vitals(settings, metrics.registry, fleet)
    await before.open()
    settings, others, metrics = parts(before.port)
    after = Vitals(settings, metrics.registry, others)
    opening = asyncio.create_task(after.open())
    await asyncio.sleep(0)
    before.release_port()
    await opening
    assert after.port == settings.telemetry.health_port
    after.close()
    await fleet.close()
    await others.close()
    before.close()
