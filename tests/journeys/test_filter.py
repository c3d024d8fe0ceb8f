"""A filter at work in real workers: it settles, is audited, and goes off in all of them at once."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

import orjson
import pytest

from consumer.commands.prefilter.audited import tell_audits
from consumer.commands.prefilter.switching import switch_filter
from consumer.commands.prefilter.training import TrainRequest, train_filter
from consumer.dev.safeguard.server import StandInSafeguard
from consumer.kafka.cluster.audits import AUDITS_TOPIC
from consumer.screening.audited import ALARMED, SWITCHED_OFF
from consumer.settings.settings import Settings
from consumer.worker.following.audits import NO_TOPIC
from consumer.worker.worker import Worker
from tests.journeys.worker import finished, make_policies, outputs_of, settings_for, working
from tests.records import write
from tests.salt import SALT
from tests.stage import Broker
from tests.waiting import until

# A sentence is read more easily than the list of its words.
WORDS = "we meet today around noon near the old house and talk about our garden again".split()  # noqa: SIM905
LEARNED = 600
"""A fifth of them positive: enough to show a recall of 0.9."""
FLOOR = 0.4
"""So that a few hundred messages say something."""
NEW_KIND = "noon garden"
"""Abuse in harmless words: nothing of the kind was learned from."""

BY_ALARM = ALARMED.format(stage="prefilter")
BY_PERSON = SWITCHED_OFF.format(stage="prefilter")


@pytest.fixture
def endpoint() -> Iterator[str]:
    with StandInSafeguard.in_thread() as server:
        yield server.base_url


def harmless(count: int, seed: int) -> list[str]:
    dice = Random(seed)
    texts = [" ".join(dice.choices(WORDS, k=7)) for _ in range(count)]
    return [text.replace(NEW_KIND, "noon again") for text in texts]


def send(broker: Broker, topic: str, texts: list[str], partition: int = 0) -> None:
    values = [json.dumps({"text": text}).encode() for text in texts]
    write(broker.bootstrap_servers, topic, values, partition=partition)


async def with_a_filter(
    broker: Broker, endpoint: str, folder: Path, topic: str, partitions: int
) -> Settings:
    """Settings of workers whose topic has a filter, learned from what one of them judged."""
    policies = folder / "policies"
    make_policies(policies, f'["{topic}"]')
    written = policies / "set" / "v1" / "words.md"
    written.write_text(written.read_text().replace("doubtful thing", NEW_KIND))
    settings = settings_for(broker, endpoint, policies)
    texts = [
        f"{text} banned thing" if at % 5 == 0 else text
        for at, text in enumerate(harmless(LEARNED, 5))
    ]
    # Lately: brokers delete what is older than they keep anything.
    since_ms = int(time.time() * 1_000) - 1_000 * LEARNED
    async with working(settings, partitions) as worker:
        for at in range(0, LEARNED, 10):
            values = [json.dumps({"text": text}).encode() for text in texts[at : at + 10]]
            write(
                broker.bootstrap_servers,
                topic,
                values,
                partition=at // 10 % partitions,
                timestamp_ms=since_ms + 1_000 * at,
            )
        await finished(worker, LEARNED)
    filters = policies / "set" / "filters"
    filters.mkdir()
    assert train_filter(settings, TrainRequest(topic, 0.9, filters / "f"), as_json=True) == 0
    (folder / "salt").write_bytes(SALT)
    more = (
        f'[screening.memo]\ntexts_max = 0\n[screening.prefilter]\nfile = "f"\nrecall = 0.9\n'
        f'salt_file = "{folder / "salt"}"\nfloor = {FLOOR}\nnear = {FLOOR}\nrun_length = 100\n'
    )
    (policies / "set" / "topic.toml").write_text(
        f'topics = ["{topic}"]\nlive = 1\nstart = "earliest"\n{more}'
    )
    return settings


def off(worker: Worker) -> str | None:
    return worker.filters.standing()["set"]


def causes(broker: Broker, topic: str, since: int = 0) -> Counter[str]:
    """Of the verdicts on records from that offset on."""
    found: Counter[str] = Counter()
    for stored in outputs_of(broker, topic):
        fields = orjson.loads(stored.value or b"")
        if fields["position"]["offset"] >= since:
            audited = "audit_probability" in fields.get("screening", {})
            found[f"{fields['cause']}, {'drawn for' if audited else 'no filter'}"] += 1
    return found


async def test_a_filter_settles_what_is_harmless_and_the_model_is_asked_about_a_share(
    embedded_broker: Broker,
    endpoint: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only once all notes were read; without a topic for them, never."""
    monkeypatch.setattr("consumer.worker.notes.COUNTS_S", 0.0)
    topic = embedded_broker.moderated()
    settings = await with_a_filter(embedded_broker, endpoint, tmp_path, topic, 1)
    async with working(settings, 1) as worker:
        await until(lambda: off(worker) == NO_TOPIC, "what keeps the filter off")
        assert worker.vitals.ready().details["filters"] == {"set": NO_TOPIC}
        send(embedded_broker, topic, harmless(20, 6))
        await finished(worker, 20)
        assert causes(embedded_broker, topic, LEARNED) == {"model, no filter": 20}

        embedded_broker.creator.create_topics({AUDITS_TOPIC: 1})
        await until(lambda: off(worker) is None, "the filter")
        assert worker.vitals.ready().is_ok
        send(embedded_broker, topic, harmless(100, 7))
        await finished(worker, 120)
        found = causes(embedded_broker, topic, LEARNED + 20)
        assert found["prefilter, drawn for"] + found["model, drawn for"] > 90
        assert 20 < found["model, drawn for"] < 60

        def seen() -> int:
            (filtering,) = worker.filters.in_use()
            return filtering.watch.standing.messages

        await until(lambda: seen() == 100, seen)
        capsys.readouterr()
        assert await asyncio.to_thread(tell_audits, settings, topic, as_json=False) == 0
        said = capsys.readouterr().out
        assert "recall 0.9 is demanded: not shown anew yet; from nothing it takes" in said
        assert "of 0 positives in 100 messages audits found 0 that it had settled" in said
        assert "0.00% [0.00%, " in said
        assert switch_filter(settings, topic, "switched off") == 0
        assert await asyncio.to_thread(tell_audits, settings, topic, as_json=False) == 1
        await until(lambda: off(worker) == BY_PERSON, "the word of a person")
        send(embedded_broker, topic, harmless(20, 8))
        await finished(worker, 140)
        assert causes(embedded_broker, topic, LEARNED + 120) == {"model, no filter": 20}
        assert switch_filter(settings, topic, "switched on") == 0
        await until(lambda: off(worker) is None, "the word of a person")


DRIFTED_MAX = 400
"""
Messages of the new kind within which the alarm has to come: with these shares of audits and a
recall that falls to nearly nothing it takes some 30, and they are sent before anybody looks.
"""


@pytest.mark.timeout(180)
async def test_a_new_kind_of_abuse_switches_it_off_in_all_workers_at_the_same_note(
    broker: Broker, endpoint: str, tmp_path: Path
) -> None:
    """
    Whichever partitions they own; then the model reads everything again, after a start too.

    Health and metric say so until a person switches it on again.
    """
    topic = broker.moderated(partitions=2)
    settings = await with_a_filter(broker, endpoint, tmp_path, topic, 2)
    broker.make_audits()
    half = DRIFTED_MAX // 2
    drifted = [f"{text} {NEW_KIND}" for text in harmless(half, 9)]
    async with AsyncExitStack() as stack:
        workers = await asyncio.gather(
            stack.enter_async_context(working(settings, 1)),
            stack.enter_async_context(working(settings, 1)),
        )
        await until(lambda: said(workers) == [("on", 1.0)] * 2, "the filter")
        send(broker, topic, drifted, 0)
        send(broker, topic, drifted, 1)
        for worker in workers:
            await finished(worker, half)
        # The metric is set a moment after the stage itself knows.
        await until(lambda: said(workers) == [(BY_ALARM, 0.0)] * 2, workers)
        await until(lambda: state(workers[0]) == state(workers[1]), "the same notes")

        send(broker, topic, drifted[:10], 0)
        send(broker, topic, drifted[:10], 1)
        for worker in workers:
            await finished(worker, half + 10)
        since = LEARNED // 2 + half
        assert causes(broker, topic, since) == {"model, no filter": 20}
    async with working(settings, 2) as worker:
        await until(lambda: off(worker) == BY_ALARM, "what was noted before it began")
        assert switch_filter(settings, topic, "switched on") == 0
        await until(lambda: off(worker) is None, "the word of a person")
        send(broker, topic, harmless(40, 10))
        await finished(worker, 40)
        found = causes(broker, topic, since + 10)
        assert found["prefilter, drawn for"] > 10
        assert found["model, no filter"] < 20


def said(workers: Sequence[Worker]) -> list[tuple[str, float | None]]:
    return [said_of(worker) for worker in workers]


def said_of(worker: Worker) -> tuple[str, float | None]:
    """What `/readyz` and the metric say of the filter."""
    address = f"http://127.0.0.1:{worker.vitals.port}/readyz"
    try:
        answer = urllib.request.urlopen(address, timeout=10)
    except urllib.error.HTTPError as not_ready:
        # A partition may still be recovered; what is said is the same.
        answer = not_ready
    with answer:
        told = json.load(answer).get("filters", {}).get("set", "nothing yet")
    registry = worker.telemetry.metrics.registry
    return told, registry.get_sample_value("safeguard_filter_on", {"policy_set": "set"})


def state(worker: Worker) -> object:
    (filtering,) = worker.filters.in_use()
    return filtering.watch.state()
