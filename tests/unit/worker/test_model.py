"""A model is well once it has answered this process, and for as long as it is not out."""

from __future__ import annotations

from consumer.dev.safeguard.behaviour import Behaviour
from consumer.dev.safeguard.faults.faults import FaultName
from consumer.dev.safeguard.server import StandInSafeguard
from consumer.settings.inference import InferenceSettings
from consumer.telemetry.telemetry import Telemetry
from consumer.worker.model import WatchedModel


async def test_one_that_answers_the_warm_up_is_well_until_it_is_out() -> None:
    async with StandInSafeguard() as server:
        settings = InferenceSettings(endpoint=server.base_url, model="stand-in-safeguard")
        model = WatchedModel(settings, Telemetry())
        assert not model.is_well()
        await model.warm_up()
        assert model.is_well()
        model.fleet.endpoints[0].breaker.trip(0.0)
        assert not model.is_well()
        await model.close()


async def test_one_that_has_never_answered_is_not_well() -> None:
    """Nor does that end the start: it may come later."""
    down = Behaviour(faults={FaultName.HTTP_502: 1.0})
    async with StandInSafeguard(down) as server:
        settings = InferenceSettings(endpoint=server.base_url, model="stand-in-safeguard")
        model = WatchedModel(settings, Telemetry())
        await model.warm_up()
        assert not model.is_well()
        await model.close()
