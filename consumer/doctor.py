"""The commands that look and tell: doctor, topics, policy."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from consumer.classifier.capabilities import Capabilities, LongPrompts, rows
from consumer.classifier.endpoint import Endpoint
from consumer.classifier.profiles import PROFILES
from consumer.classifier.prompt import system_message
from consumer.domain.binding import Binding, Catalogue
from consumer.domain.policy import Look, PolicyVersion
from consumer.domain.tokens import tokens_of
from consumer.errors import ConsumerError, InvalidSettings, Retryable
from consumer.kafka.controls import controls_steps
from consumer.kafka.outputs import describe_outputs, unfit_steps
from consumer.kafka.session import check_metadata_room
from consumer.kafka.topics import Step, Topics
from consumer.parts import (
    build_fleet,
    build_probers,
    kafka_config,
    lease_terms,
)
from consumer.registry.load import load_catalogue, write_pins
from consumer.settings import Settings
from consumer.telemetry.clock import SystemClock
from consumer.telemetry.metrics import Metrics


async def examine(settings: Settings, console: Console) -> int:
    """Check everything that a worker needs; 0 where all is well."""
    checks = Checks(console)
    catalogue = checks.policies(settings)
    await asyncio.to_thread(checks.broker, settings, catalogue)
    await checks.endpoint(settings)
    console.print("all is well" if not checks.failed else f"{checks.failed} to mend")
    return 1 if checks.failed else 0


class Checks:
    """Prints a line for each thing checked, and counts what is to mend."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.failed = 0

    def _say(self, is_ok: bool, what: str, found: str) -> None:
        self.failed += not is_ok
        mark = "[green]ok  [/]" if is_ok else "[red]MEND[/]"
        self._console.print(f"{mark} {what}: ", end="")
        self._console.print(found, markup=False, highlight=False)

    def policies(self, settings: Settings) -> Catalogue | None:
        try:
            catalogue = load_catalogue(settings.policies.folder)
        except ConsumerError as error:
            self._say(False, "policies", str(error))
            return None
        for binding in catalogue.bindings:
            found = f"live {binding.live.id}, {len(binding.live.policies)} policies"
            self._say(True, f"policies for {', '.join(binding.patterns)}", found)
            self._second_looks(binding, settings)
        return catalogue

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
        self._say(True, "broker", f"{settings.kafka.bootstrap_servers}, {len(partitions)} topics")
        if catalogue is None:
            return
        steps = topics.plan(catalogue, partitions) + _unfit(settings, catalogue, partitions)
        for step in steps:
            self._say(not step.is_needed, "topic", str(step))
        if steps:
            self._console.print("     `safeguard topics apply` mends what can be mended")
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
        clock = SystemClock()
        fleet = build_fleet(settings.inference, clock, Metrics())
        try:
            found = await build_probers(settings.inference, fleet, clock).probe()
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


def plan_topics(settings: Settings) -> int:
    """Print what `apply` would do; 1 where there is something to do."""
    _topics, steps = _topics_and_steps(settings)
    for step in steps:
        print(f"{step.change:<8} {step}")
    if not steps:
        print("nothing to do: every topic is as the policies need it")
    return 1 if steps else 0


def apply_topics(settings: Settings, config: Mapping[str, str]) -> int:
    topics, steps = _topics_and_steps(settings)
    for line in topics.apply(steps, settings.kafka.replication, config):
        print(line)
    if not steps:
        print("nothing to do: every topic is as the policies need it")
    return 1 if any(step.change == "by hand" for step in steps) else 0


def _topics_and_steps(settings: Settings) -> tuple[Topics, list[Step]]:
    topics = Topics(kafka_config(settings.kafka))
    catalogue = load_catalogue(settings.policies.folder)
    partitions = topics.partitions()
    steps = topics.plan(catalogue, partitions) + controls_steps(partitions)
    return topics, steps + _unfit(settings, catalogue, partitions)


def _unfit(settings: Settings, catalogue: Catalogue, partitions: Mapping[str, int]) -> list[Step]:
    """Outputs that would forget verdicts too soon."""
    if not settings.kafka.topic_ids:
        return []
    outputs: dict[str, None] = {}
    for source in catalogue.inputs_among(list(partitions)):
        binding = catalogue.binding_for(source)
        if binding is not None:
            outputs |= dict.fromkeys(o for o in binding.outputs_of(source) if o in partitions)
    facts = describe_outputs(kafka_config(settings.kafka), list(outputs))
    return unfit_steps(facts, settings.kafka.retention_min_s)


def pin_policies(folder: Path) -> int:
    for binding in load_catalogue(folder).bindings:
        for line in write_pins(folder, binding) or ["(all pinned already)"]:
            print(f"{binding.set_name}: {line}")
    return 0


def show_policies(folder: Path, version_id: str | None, prompt: bool, console: Console) -> int:
    catalogue = load_catalogue(folder)
    if version_id is None:
        for binding in catalogue.bindings:
            _show_binding(binding, console)
        return 0
    versions = {v.id: v for binding in catalogue.bindings for v in binding.versions.values()}
    version = versions.get(version_id)
    if version is None:
        raise InvalidSettings(f"no version {version_id}; there are: {', '.join(versions)}")
    _show_version(version, prompt, console)
    return 0


def _show_binding(binding: Binding, console: Console) -> None:
    table = Table(title=f"{binding.set_name}: {', '.join(binding.patterns)}", title_justify="left")
    for column in ("version", "", "policies", "digest"):
        table.add_column(column)
    for version in binding.versions.values():
        names = ", ".join(policy.name for policy in version.policies)
        table.add_row(version.id, "live" if version is binding.live else "", names, version.digest)
    console.print(table)


def _show_version(version: PolicyVersion, prompt: bool, console: Console) -> None:
    for policy in version.policies:
        if prompt:
            print(system_message(policy))
            continue
        table = Table(
            title=f"{policy.title} ({policy.name}, severity {policy.severity}, "
            f"effort {policy.effort.value}, about {policy.tokens} tokens, "
            f"{tokens_of(system_message(policy))} in the prompt)",
            title_justify="left",
        )
        table.add_column("label")
        table.add_column("outcome")
        for label, outcome in policy.outcomes.items():
            table.add_row(label, outcome.value)
        console.print(table)
        for rule, meaning in policy.rules.items():
            console.print(f"  {rule}: {meaning}", markup=False)
    if not prompt:
        console.print(f"{version.id} {version.digest}", markup=False)
