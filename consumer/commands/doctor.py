"""The command `doctor`: everything that a worker needs, looked at and told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from consumer.classifier.probing.capabilities import Capabilities, LongPrompts, rows
from consumer.commands.load import carried_load
from consumer.commands.topics import missing_inputs, unfit
from consumer.domain.binding import Binding, Catalogue
from consumer.domain.counted import counted
from consumer.domain.policy import Look
from consumer.errors import ConsumerError, InvalidSettings, Retryable
from consumer.inference.fleet.endpoint import Endpoint
from consumer.inference.profiles import PROFILES
from consumer.kafka.cluster.audits import audits_steps
from consumer.kafka.cluster.session import check_metadata_room
from consumer.kafka.cluster.topics import Topics
from consumer.registry.load import load_catalogue
from consumer.screening.filters import named_filter, shown, stages_of
from consumer.settings.settings import Settings
from consumer.telemetry.clock import SystemClock
from consumer.telemetry.telemetry import Telemetry
from consumer.worker.wiring import (
    build_decision,
    build_fleet,
    build_probers,
    kafka_config,
    lease_terms,
)


async def examine(settings: Settings, console: Console) -> int:
    """Check everything that a worker needs; 0 where all is well."""
    checks = Checks(console)
    catalogue = checks.policies(settings)
    await asyncio.to_thread(checks.broker, settings, catalogue)
    await checks.endpoint(settings)
    await checks.decision(settings)
    console.print("all is well" if not checks.failed else f"{checks.failed} to mend")
    return 1 if checks.failed else 0


class Checks:
    """Prints a line for each thing checked, and counts what is to mend."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.failed = 0
        self._unsettled: list[Binding] = []
        """Those whose filter may not be used."""

    def _say(self, is_ok: bool, what: str, found: str) -> None:
        self.failed += not is_ok
        mark = Text("ok  ", "green") if is_ok else Text("MEND", "red")
        words = f"{what}: {found}"
        if not self._console.is_terminal:
            self._console.print(f"{mark} {words}", markup=False, highlight=False, soft_wrap=True)
            return
        line = Table.grid(padding=(0, 1, 0, 0))
        line.add_row(mark, Text(words))
        self._console.print(line)

    def policies(self, settings: Settings) -> Catalogue | None:
        try:
            catalogue = load_catalogue(settings.policies.folder)
        except ConsumerError as error:
            self._say(False, "policies", str(error))
            return None
        for binding in catalogue.bindings:
            policies = counted(len(binding.live.policies), "policy", "policies")
            found = f"live {binding.live.id}, {policies}"
            self._say(True, f"policies for {', '.join(binding.patterns)}", found)
            self._second_looks(binding, settings)
            if self._filters(binding):
                self._unsettled.append(binding)
        return catalogue

    def _filters(self, binding: Binding) -> bool:
        """
        Whether the filters that the topic names may be used for what is live; True where one that
        it names may not be.
        """
        failed = self.failed
        for stage in stages_of(binding):
            try:
                problem = named_filter(binding, stage).problem
            except InvalidSettings as error:
                problem = str(error)
            found = problem or "made for the live version, with evidence"
            self._say(problem is None, f"filter of {shown(binding.set_name, stage)}", found)
        return self.failed > failed

    def _load(
        self,
        settings: Settings,
        catalogue: Catalogue,
        binding: Binding,
        partitions: Mapping[str, int],
    ) -> None:
        """What comes upon the model while a filter is off."""
        what, now_ms = f"without the filter of {binding.set_name}", SystemClock().wall_ms()
        try:
            load = carried_load(
                kafka_config(settings.kafka), catalogue, binding, partitions, now_ms
            )
        except ConsumerError as error:
            self._say(False, what, str(error))
        else:
            self._say(True, what, load.line)

    async def decision(self, settings: Settings) -> None:
        """Whether the decision endpoint is there; workers go on without."""
        endpoint = build_decision(settings.inference.decision, SystemClock())
        if endpoint is None:
            return
        try:
            why = await endpoint.probe()
        finally:
            await endpoint.close()
        found = why or f"answers over the wire {endpoint.wire}"
        self._say(why is None, f"decision endpoint {settings.inference.decision.address}", found)

    def _second_looks(self, binding: Binding, settings: Settings) -> None:
        """Name the policies that want a second endpoint where there is none."""
        if any(each.role == "second" for each in settings.inference.endpoints.values()):
            return
        for policy in binding.live.policies:
            terms = policy.second_look
            if terms is not None and terms.how is Look.ENDPOINT:
                found = (
                    "no second endpoint is configured, so the first one is asked again: give one "
                    'of inference.endpoints role = "second"'
                )
                self._say(False, f"second look of {policy.name}", found)

    def broker(self, settings: Settings, catalogue: Catalogue | None) -> None:
        try:
            topics = Topics(kafka_config(settings.kafka))
            partitions = topics.partitions()
        except ConsumerError as error:
            self._say(False, "broker", str(error))
            return
        self._say(
            True,
            "broker",
            f"{settings.kafka.bootstrap_servers}, {counted(len(partitions), 'topic')}",
        )
        if catalogue is None:
            return
        for binding in self._unsettled:
            self._load(settings, catalogue, binding, partitions)
        steps = topics.plan(catalogue, partitions) + unfit(settings, catalogue, partitions)
        steps += audits_steps(catalogue, partitions)
        for step in steps:
            self._say(not step.is_needed, "topic", str(step))
        if steps:
            missing = " --create-inputs" if missing_inputs(catalogue, partitions) else ""
            self._console.print(
                f"     `safeguard topics apply{missing}` mends what can be mended", highlight=False
            )
        inputs = catalogue.inputs_among(list(partitions))
        self._say(bool(inputs), "inputs", ", ".join(inputs) or "no topic matches the policies")
        self._lease(settings)

    def _lease(self, settings: Settings) -> None:
        """How long a worker may publish after its last accepted commit."""
        kafka = kafka_config(settings.kafka)
        try:
            terms = lease_terms(settings, kafka)
            if settings.kafka.topic_ids:
                check_metadata_room(kafka)
        except ConsumerError as error:
            self._say(False, "lease", str(error))
            return
        self._say(
            True,
            "lease",
            f"{terms.length_s:g} s of the group's session of {terms.session_s:g} s; verdicts wait "
            f"where less than {terms.needed_s:g} s of it is left, and a killed worker's partitions "
            f"are judged again after {terms.session_s + settings.kafka.clock_skew_s:g} s at most",
        )

    async def endpoint(self, settings: Settings) -> None:
        telemetry = Telemetry()
        fleet = build_fleet(settings.inference, telemetry)
        try:
            found = await build_probers(settings.inference, fleet, telemetry.clock).probe()
        except ConsumerError as error:
            self._say(False, "endpoint", str(error))
            return
        finally:
            await fleet.close()
        for endpoint in fleet.all:
            self._endpoint(endpoint, found[endpoint.name])

    def _endpoint(self, endpoint: Endpoint, found: Capabilities | Retryable) -> None:
        if isinstance(found, Retryable):
            self._say(False, f"endpoint {endpoint.name}", str(found))
            return
        self._say(True, f"endpoint {endpoint.name}", "answers")
        served = ", ".join(found.models[:5]) or "not listed"
        self._say(found.has_model, f"model {endpoint.format.model}", f"the server has: {served}")
        self._say(found.label_for_bad == "THREAT", "known-bad text", found.label_for_bad)
        self._say(found.label_for_good == "SAFE", "known-good text", found.label_for_good)
        if found.long_prompts is LongPrompts.CUT:
            self._say(False, "long prompts", "cut without an error: raise the server's context")
        self._capabilities(found)

    def _capabilities(self, found: Capabilities) -> None:
        """What the endpoint can do, what it is not sent, and what is known of its kind."""
        profile = PROFILES[found.profile]
        title = f"     {profile.title} (inference.profile {profile.name})"
        self._console.print(title, markup=False, highlight=False)
        if self._console.is_terminal:
            table = Table("capability", "found", "meaning")
            for row in rows(found):
                table.add_row(*row)
            self._console.print(table)
        else:
            for row in rows(found):
                line = f"     {row.capability:<17} {row.found:<31} {row.meaning}"
                self._console.print(line, markup=False, highlight=False, soft_wrap=True)
        if found.left_out:
            left_out = f"     switched off: {', '.join(found.left_out)}"
            self._console.print(left_out, markup=False, highlight=False)
        for note in profile.notes:
            self._console.print(f"     note: {note}", markup=False, highlight=False, soft_wrap=True)
