"""Given a server that fails in every known way; when messages come; then no fault allows one."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from consumer.classifier.probing.known_texts import PROBE_GOOD
from consumer.dev.safeguard.behaviour import Behaviour
from consumer.dev.safeguard.faults.faults import FaultName
from consumer.dev.safeguard.faults.mixture import GROUPS, MODEL_FAULTS, spread
from consumer.dev.safeguard.server import RecordedAnswer, StandInSafeguard
from consumer.domain.verdicts.envelope import Envelope
from tests.journeys.worker import finished, make_policies, outputs_of, settings_for, working
from tests.records import Stored, write
from tests.stage import Broker

COUNT, COUNT_OF_DEATHS = 3_000, 600
"""Many enough that the last few, which may have been struck twice, do not make the rate."""
RATE = 0.2
PACE, TIMEOUT_S = 0.06, "2"
"""Slow enough that the calls take the time and not this process, which is server and worker."""
QUICK_PACE = 0.02
HEDGE_AT = "0.95"
"""So that a call that hangs does not hold its place until the time limit."""
SAID = {"allow": "all is fine", "flag": "a doubtful thing", "block": "a banned thing"}
LABELS = {"allow": "FINE", "flag": "DOUBT", "block": "BANNED"}
READABLE = {
    None,
    FaultName.HTTP_400_FAILED_GENERATION,
    FaultName.HTTP_400_UNKNOWN_PARAMETER,
    FaultName.RAW_HARMONY_FINAL,
    FaultName.FENCED_JSON,
    FaultName.ECHOED_STUB,
    FaultName.ECHOED_STUB_LABEL,
    FaultName.BARE_LABEL,
    FaultName.PROSE_AROUND_JSON,
    FaultName.UNKNOWN_RULE,
    FaultName.HUGE_RATIONALE,
    FaultName.MISSING_USAGE,
    FaultName.REASONING_CONTENT_FIELD,
}
"""An answer with one of these says clearly what its label is."""
SYSTEMIC = {
    FaultName.CONNECTION_RESET,
    FaultName.HANG,
    FaultName.SLOW_BODY,
    FaultName.TRUNCATED_BODY,
    FaultName.HTTP_500_ENGINE_DEAD,
    FaultName.HTTP_502,
    FaultName.HTTP_504,
}
"""Faults that a probe may meet as well, and which then open the breaker."""


class Run(NamedTuple):
    """What one run left behind."""

    messages: int
    found: list[Stored]
    answers: list[RecordedAnswer]
    faults_served: dict[FaultName, int]
    opened: int
    per_s: float


def kind_of(number: int) -> str:
    """Most messages are fine, some are not, and one in fifty is none."""
    if number % 50 == 49:
        return "dead-letter"
    return ("allow", "allow", "flag", "block")[number % 4]


def text_of(number: int) -> str:
    return f"{number}: {SAID[kind_of(number)]}"


def value_of(number: int) -> bytes:
    if kind_of(number) == "dead-letter":
        return b"{broken"
    return json.dumps({"text": text_of(number)}).encode()


async def run(
    broker: Broker,
    folder: Path,
    faults: dict[FaultName, float],
    count: int = COUNT,
    pace: float = PACE,
    down_s: float = 0.0,
) -> Run:
    """Moderate the same messages under these faults."""
    topic = broker.moderated()
    policies = make_policies(folder, f'["{topic}"]')
    async with StandInSafeguard(Behaviour(), record=True) as safeguard:
        changes = {"inference.timeout_s": TIMEOUT_S, "inference.hedge_at": HEDGE_AT}
        settings = settings_for(broker, safeguard.base_url, policies, changes)
        async with working(settings, 1) as worker:
            # The start has been probed; what follows is all of the traffic's own.
            safeguard.answers.clear()
            safeguard.behave(
                Behaviour(
                    profile="groq-20b", pace=pace, faults=faults, engine_down_s=down_s, seed=11
                )
            )
            started_s = time.perf_counter()
            write(broker.bootstrap_servers, topic, [value_of(n) for n in range(count)])
            await finished(worker, count)
            seconds = time.perf_counter() - started_s
            opened = worker.model.fleet.endpoints[0].breaker.opened
        answers, served = list(safeguard.answers), dict(safeguard.faults_served)
    return Run(count, outputs_of(broker, topic), answers, served, opened, count / seconds)


@pytest.mark.parametrize("group", ["model", "all"])
async def test_faults_of_every_kind_allow_nothing(
    group: str, embedded_broker: Broker, tmp_path: Path
) -> None:
    """20 % mixed faults: each message ends once, and an allow was said in a readable answer."""
    calm = await run(embedded_broker, tmp_path / "calm", {})
    faulty = await run(embedded_broker, tmp_path / "faulty", spread({group: RATE}))

    assert not check_ends(calm)
    unjudged = check_ends(faulty)
    assert unjudged.total() < COUNT * 0.1, unjudged
    check_breaker(faulty)
    assert all(answer.fault is None for answer in calm.answers)
    assert set(faulty.faults_served) <= GROUPS[group]
    assert len(faulty.faults_served) > len(GROUPS[group]) * 0.6
    struck = sum(faulty.faults_served.values())
    assert struck / len(faulty.answers) == pytest.approx(RATE, abs=0.06)
    if group == "model":
        assert set(faulty.faults_served) <= MODEL_FAULTS
        assert faulty.opened == 0
    tell(f"{RATE:.0%} of {group} faults", faulty, calm, unjudged)


async def test_an_engine_that_dies_again_and_again_allows_nothing(
    embedded_broker: Broker, tmp_path: Path
) -> None:
    """Mixed faults, and every now and then no connection at all: the topic waits, none is lost."""
    count = COUNT_OF_DEATHS
    calm = await run(embedded_broker, tmp_path / "calm", {}, count, QUICK_PACE)
    faults = spread({"all": RATE, "http_500_engine_dead": 0.005})
    faulty = await run(embedded_broker, tmp_path / "faulty", faults, count, QUICK_PACE, 0.6)

    unjudged = check_ends(faulty)
    check_breaker(faulty)
    deaths = faulty.faults_served[FaultName.HTTP_500_ENGINE_DEAD]
    assert deaths >= 1
    assert faulty.opened >= 1
    what = f"{RATE:.0%} of all faults, the engine dead {deaths} times for 0.6 s"
    tell(what, faulty, calm, unjudged)


def tell(what: str, faulty: Run, calm: Run, unjudged: Counter[str | None]) -> None:
    """What it cost, for people: times depend on the machine and are not asserted."""
    print(
        f"\n{what}: {sum(faulty.faults_served.values())} faults in {len(faulty.answers)} answers, "
        f"unjudged { ({str(reason): n for reason, n in unjudged.items()}) }, "
        f"breaker opened {faulty.opened} times; {faulty.per_s:.0f} messages/s, {calm.per_s:.0f} "
        f"without faults, ratio {faulty.per_s / calm.per_s:.2f}"
    )


def check_breaker(one: Run) -> None:
    """What opens it is a probe that failed, and that only by a fault of the server."""
    probes = [answer for answer in one.answers if answer.text == PROBE_GOOD]
    assert one.opened <= sum(probe.fault in SYSTEMIC for probe in probes)


def check_ends(one: Run) -> Counter[str | None]:
    """
    Every message once, where its text belongs or unjudged on the flag topic, never milder.

    Returns how many were left unjudged, by reason.
    """
    said = {(answer.text, answer.label) for answer in one.answers if answer.fault in READABLE}
    ends: dict[int, Stored] = {}
    for record in one.found:
        position = record.header("safeguard-position")
        assert position is not None
        number = int(position.rpartition("/")[2])
        assert number not in ends, f"{position} came out twice"
        ends[number] = record
    assert sorted(ends) == list(range(one.messages))
    unjudged: Counter[str | None] = Counter()
    for number, record in ends.items():
        kind, destination = kind_of(number), record.topic.rpartition(".")[2]
        if kind == "dead-letter" or destination == "dead-letter":
            assert kind == destination
            continue
        envelope = Envelope.model_validate_json(record.value or b"")
        if envelope.cause == "unjudged":
            assert destination == "flag"
            unjudged[envelope.unjudged_reason] += 1
            continue
        assert destination == kind
        assert (text_of(number), LABELS[kind]) in said
    return unjudged
