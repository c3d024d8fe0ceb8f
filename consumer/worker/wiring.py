"""Settings -> parts: clients, terms and limits, made from what the operator said."""

from __future__ import annotations

import os
import random
import socket
from pathlib import Path
from typing import Literal

from consumer.classifier.judge import SafeguardClassifier, SegmentLimits
from consumer.classifier.probing.known_texts import PROBE
from consumer.classifier.probing.probe import Probers
from consumer.classifier.probing.questions import ProbePlan
from consumer.errors import InvalidSettings
from consumer.inference.decision.endpoint import DecisionEndpoint, DecisionLimits
from consumer.inference.fleet.breaker import Breaker
from consumer.inference.fleet.endpoint import Contact, Endpoint
from consumer.inference.fleet.fleet import Fleet
from consumer.inference.pacing.capacity import Capacity
from consumer.inference.pacing.hedge import Hedging
from consumer.inference.pacing.knee import KneeFinder
from consumer.inference.pacing.retry import RetryLimits
from consumer.inference.transports.direct import DirectTransport
from consumer.inference.transports.transport import Transport
from consumer.inference.wires.format import RequestFormat
from consumer.interfaces import Clock
from consumer.kafka.cluster.properties import check_known
from consumer.kafka.cluster.session import read_session
from consumer.kafka.config import KafkaConfig, check_client_properties
from consumer.pipeline.assignment.lease import LeaseTerms
from consumer.pipeline.assignment.recovery import RecoveryLimits
from consumer.settings.decision import DecisionSettings
from consumer.settings.inference import EndpointSettings, InferenceSettings
from consumer.settings.kafka import KafkaSettings
from consumer.settings.settings import Settings
from consumer.telemetry.telemetry import Telemetry

POLL_SLACK_S = 15.0
"""
For the last commit of a revocation and the poll after it; whoever wants more sets the two settings
further apart.
"""


def kafka_config(settings: KafkaSettings) -> KafkaConfig:
    """
    What the Kafka clients are given; secrets are read from their files here.

    Raises:
        InvalidSettings: a property that the service owns, or a secret that cannot be read.
    """
    client = {name: _property(value) for name, value in settings.client.items()}
    for name, file in settings.client_files.items():
        try:
            client[name] = file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidSettings(
                f"kafka.client_files.{name}: {file} cannot be read: "
                f"{getattr(error, 'strerror', None) or 'it is no text'}"
            ) from None
    check_client_properties(client)
    check_known(client)
    return KafkaConfig(
        bootstrap_servers=settings.bootstrap_servers,
        group=settings.group,
        group_protocol=settings.group_protocol,
        static_member=settings.static_member,
        session_timeout_s=settings.session_timeout_s,
        max_poll_interval_s=settings.max_poll_interval_s,
        message_timeout_s=settings.message_timeout_s,
        request_timeout_s=settings.request_timeout_s,
        linger_ms=settings.linger_ms,
        message_bytes_max=settings.message_bytes_max,
        client=client,
    )


def check_budgets(settings: Settings) -> None:
    """
    Hold settings together that only make sense together.

    Raises:
        InvalidSettings: naming both, and what to change.
    """
    drain_s, poll_s = settings.pipeline.drain_s, settings.kafka.max_poll_interval_s
    if drain_s + POLL_SLACK_S > poll_s:
        raise InvalidSettings(
            f"pipeline.drain_s = {drain_s:g} does not fit into kafka.max_poll_interval_s = "
            f"{poll_s:g}: a drain that long would cost the membership; leave {POLL_SLACK_S:g} s "
            "between them"
        )


def lease_terms(settings: Settings, kafka: KafkaConfig) -> LeaseTerms:
    """
    What the publishing lease is made of. Blocking: with KIP-848 the brokers are asked.

    Raises:
        InvalidSettings: the group's session leaves no time to publish; naming what to change.
    """
    ours = settings.kafka
    session = read_session(kafka, may_ask=ours.topic_ids)
    terms = LeaseTerms(
        session_s=session.session_s,
        heartbeat_s=session.heartbeat_s,
        request_s=ours.request_timeout_s,
        margin_s=ours.lease_margin_s,
        publish_s=kafka.client_timeout_s,
    )
    commit_s = settings.pipeline.commit_every_s
    lacking_s = terms.needed_s + commit_s - terms.length_s
    if lacking_s > 0:
        raise InvalidSettings(
            f"the group's session of {session.session_s:g} s ({session.origin}) is {lacking_s:.1f} "
            "s too short for a publishing lease. It must hold a heartbeat "
            f"({session.heartbeat_s:g} s), kafka.request_timeout_s ({ours.request_timeout_s:g}), "
            f"1.25 x kafka.message_timeout_s ({ours.message_timeout_s:g}) + 0.5 s, "
            f"pipeline.commit_every_s ({commit_s:g}) and twice kafka.lease_margin_s "
            f"({ours.lease_margin_s:g}): raise the session, or lower one of these"
        )
    return terms


def recovery_limits(settings: Settings) -> RecoveryLimits:
    kafka, pipeline = settings.kafka, settings.pipeline
    return RecoveryLimits(
        when_unknown=kafka.when_unknown,
        scan_skew_s=kafka.scan_skew_s,
        clock_skew_s=kafka.clock_skew_s,
        careful_after=pipeline.careful_after,
        careful_offsets=pipeline.careful_offsets,
    )


def _property(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def build_fleet(
    settings: InferenceSettings,
    telemetry: Telemetry,
    role: Literal["first", "second"] = "first",
) -> Fleet:
    """
    The endpoints that judge, as the settings name them, and with them those for second looks.

    Raises:
        InvalidSettings: a key's file cannot be read.
    """
    # Before the first ones: the gauges are those of the whole.
    second = None
    if role == "first" and any(e.role == "second" for e in settings.endpoints.values()):
        second = build_fleet(settings, telemetry, "second")
    hedging = Hedging(settings.hedge_at, settings.hedge_share_max) if settings.hedge_at else None
    endpoints = [
        _build_endpoint(name, each, settings, telemetry)
        for name, each in endpoints_of(settings).items()
        if each.role == role
    ]
    return Fleet(endpoints, telemetry, settings.reserved_share, hedging, second)


def endpoints_of(settings: InferenceSettings) -> dict[str, EndpointSettings]:
    """By name; the one of `inference.endpoint` has its address as its name."""
    if settings.endpoints:
        return dict(settings.endpoints)
    return {settings.endpoint: EndpointSettings(address=settings.endpoint)}


def _build_endpoint(
    name: str, ours: EndpointSettings, settings: InferenceSettings, telemetry: Telemetry
) -> Endpoint:
    calls_max = ours.calls_max or settings.calls_max
    knee = None
    if settings.adaptive and calls_max > settings.calls_min:
        knee = KneeFinder(settings.calls_min, calls_max, START_CALLS)
    transport = _transport(ours, settings, calls_max)
    return Endpoint(
        Contact(name, ours.address, transport, settings.timeout_s),
        format=RequestFormat(
            model=ours.model or settings.model,
            tokens_max=settings.tokens_max,
            tokens_max_low=settings.tokens_max_low,
            temperature=settings.temperature,
            seed=settings.seed,
            api="responses" if settings.api == "responses" else "chat",
        ),
        breaker=Breaker(settings.probe_every_s),
        capacity=Capacity(calls_max, knee),
        probe=PROBE,
        telemetry=telemetry,
    )


START_CALLS = 16
"""
Where the search for a server's knee begins; `inference.calls_max` bounds it. It doubles while a
server has room, so another beginning is found out within seconds.
"""


def _transport(ours: EndpointSettings, settings: InferenceSettings, calls_max: int) -> Transport:
    key = _key(ours, settings)
    # Probes go out beside the calls: one whether it is there, one for what it can do.
    if settings.transport == "sdk":
        # Imported here: the package takes a second and 40 MB that the direct transport saves.
        from consumer.inference.transports.sdk import SdkTransport

        return SdkTransport(ours.address, key, calls_max + 2, settings.timeout_s)
    return DirectTransport(ours.address, key, calls_max + 2, settings.timeout_s)


def _key(ours: EndpointSettings, settings: InferenceSettings) -> str:
    return _read_key("inference.api_key_file", ours.api_key_file or settings.api_key_file)


def _read_key(setting: str, file: Path | None) -> str:
    if file is None:
        return "none"
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise InvalidSettings(f"{setting}: {file} cannot be read: {why}") from None


def build_decision(settings: DecisionSettings, clock: Clock) -> DecisionEndpoint | None:
    """
    The endpoint that is asked before the safeguard; None where the settings name none.

    Raises:
        InvalidSettings: its key's file cannot be read.
    """
    if settings.address is None or settings.model is None:
        return None
    key = _read_key("inference.decision.api_key_file", settings.api_key_file)
    # A probe goes out beside the calls.
    transport = DirectTransport(
        settings.address, key, settings.in_flight_max + 1, settings.timeout_s
    )
    limits = DecisionLimits(
        model=settings.model,
        wire=settings.wire,
        timeout_s=settings.timeout_s,
        in_flight_max=settings.in_flight_max,
        questions_max=settings.questions_max,
        body_bytes_max=settings.body_bytes_max,
        failures_max=settings.failures_max,
    )
    return DecisionEndpoint(transport, limits, Breaker(settings.probe_every_s), clock)


def build_probers(settings: InferenceSettings, fleet: Fleet, clock: Clock) -> Probers:
    """What finds out what the endpoints can do, at the start and after outages."""
    plan = ProbePlan(
        profile=settings.profile,
        api=None if settings.api == "auto" else settings.api,
        timeout_s=settings.timeout_s,
        pause_s=settings.capabilities_every_s,
    )
    return Probers(fleet, plan, clock)


def build_classifier(
    settings: InferenceSettings, fleet: Fleet, telemetry: Telemetry
) -> SafeguardClassifier:
    return SafeguardClassifier(
        fleet,
        RetryLimits(settings.attempts_max, wait_max_s=settings.wait_max_s),
        SegmentLimits(
            settings.segment_bytes, settings.segment_overlap_chars, settings.segments_max
        ),
        telemetry,
        random.Random(),
    )


def worker_name() -> str:
    """Who signs dead letters: host and process."""
    return f"{socket.gethostname()}-{os.getpid()}"
