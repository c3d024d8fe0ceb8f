"""The model as a worker knows it: warmed up before the first message, and well or not since."""

from __future__ import annotations

import structlog

from consumer.classifier.prompt import template_of
from consumer.domain.binding import Binding
from consumer.errors import Retryable
from consumer.settings.inference import InferenceSettings
from consumer.telemetry.telemetry import Telemetry
from consumer.worker.wiring import build_fleet, build_probers

log = structlog.get_logger()

MODELS_SHOWN = 5
"""Of those that a server lists; a host may list hundreds."""


class WatchedModel:
    """The endpoints, what probes them, and whether any has answered this process."""

    def __init__(self, settings: InferenceSettings, telemetry: Telemetry) -> None:
        """
        Raises:
            InvalidSettings: a key's file cannot be read.
        """
        self.fleet = build_fleet(settings, telemetry)
        self._probers = build_probers(settings, self.fleet, telemetry.clock)
        self._probers.follow_outages()
        self._was_there = False
        """Whether it answered before the first message."""

    def __repr__(self) -> str:
        return f"<WatchedModel {'well' if self.is_well() else 'not well'}, {self.fleet!r}>"

    @property
    def voice(self) -> tuple[object, ...]:
        """Which models answer and how they are asked: what was said by another voice is past."""
        formats = [endpoint.format for endpoint in self.fleet.all]
        return tuple((format.model, format.spoken) for format in formats)

    @property
    def models(self) -> list[str]:
        """The models that judge, each once; those for second looks are not among them."""
        return list(dict.fromkeys(each.format.model for each in self.fleet.endpoints))

    def template(self, binding: Binding) -> str:
        """The name of the prompt's shape for a topic, as verdicts have it."""
        spoken = [each.format.spoken for each in self.fleet.endpoints]
        return template_of(binding, spoken)

    async def warm_up(self) -> None:
        """A first structured request takes some servers 20 s: better before traffic than in it."""
        for name, found in (await self._probers.probe()).items():
            if isinstance(found, Retryable):
                log.warning("endpoint does not answer yet", endpoint=name, error=str(found))
                self._probers.probe_soon(name)
                continue
            self._was_there = True
            if not found.has_model:
                log.warning(
                    "the server does not list this model: set inference.model to one that it has",
                    endpoint=name,
                    model=[each.format.model for each in self.fleet.all if each.name == name],
                    served=list(found.models[:MODELS_SHOWN]),
                )
            log.info(
                "endpoint answers",
                endpoint=name,
                profile=found.profile,
                api=found.api,
                has_model=found.has_model,
                known_bad=found.label_for_bad,
                known_good=found.label_for_good,
                schema=found.has_schema,
            )

    def is_well(self) -> bool:
        """Whether it has answered this process, and is not out."""
        has_answered = self._was_there or self.fleet.last_judgement_s > float("-inf")
        return has_answered and not self.fleet.is_out

    async def close(self) -> None:
        await self._probers.close()
        await self.fleet.close()
