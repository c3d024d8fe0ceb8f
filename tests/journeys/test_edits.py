"""Messages that are edited and deleted, from the input to the topics and to reviewers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource

from consumer.dev.safeguard.server import StandInSafeguard
from consumer.review.cases.facts import case_id
from tests.brokers.kafka import RealKafka
from tests.journeys.reviewing import PATIENCE_S, ReviewScene
from tests.journeys.worker import make_policies, outputs_of, settings_for, working
from tests.records import Stored, write
from tests.stage import Broker
from tests.waiting import until

EVENT = """
[message.event]
edit = {field = "/type", equals = ["edited"], target = "/of"}
delete = {field = "/type", equals = ["deleted"], target = "/of"}
"""
LONG = EVENT + "settle_s = 60\n"
PASSTHROUGH = '[outputs]\npayload = "passthrough"\n'


def posted(name: str, text: str) -> bytes:
    return json.dumps({"id": name, "text": text}).encode()


def edited(name: str, text: str) -> bytes:
    return json.dumps({"type": "edited", "id": "e", "of": name, "text": text}).encode()


def deleted(name: str) -> bytes:
    return json.dumps({"type": "deleted", "id": "d", "of": name}).encode()


def told(record: Stored) -> tuple[Any, ...]:
    """Offset, message, event, cause and where it lies."""
    offset = (record.header("safeguard-position") or "").rpartition("/")[2]
    names = ("safeguard-message-id", "safeguard-event", "safeguard-cause")
    return (int(offset), *map(record.header, names), record.topic.rpartition(".")[2])


async def test_edits_are_judged_once_and_deletions_are_passed_on(
    broker: Broker, tmp_path: Path
) -> None:
    """In the order of the key; what still waits for edits is judged when the worker stops."""
    topic = broker.moderated()
    head = 'tombstones = "delete"\n[message]\nid = "/id"\n'
    policies = make_policies(tmp_path, f'["{topic}"]', more=head + LONG + PASSTHROUGH)
    values = [
        posted("m1", "all is fine"),
        edited("m1", "a banned thing"),
        edited("m1", "still fine"),
        deleted("m2"),
        None,
    ]
    write(broker.bootstrap_servers, topic, values, key=b"m3")
    async with StandInSafeguard() as safeguard:
        settings = settings_for(broker, safeguard.base_url, policies)
        async with working(settings, 1) as worker:
            ledger = worker.member.intake.ledger
            await until(lambda: ledger.consumed == 5 and ledger.verdicts >= 2, worker)

    found = sorted(outputs_of(broker, topic), key=lambda record: told(record)[0])
    assert [told(record) for record in found] == [
        (0, "m1", None, "model", "allow"),
        (1, "m1", "edit", "overtaken", "block"),
        (2, "m1", "edit", "model", "allow"),
        (3, "m2", "delete", "deleted", "allow"),
        (4, "m3", "delete", "deleted", "allow"),
    ]
    allowed = [record.value for record in found if record.topic.endswith(".allow")]
    assert allowed == [values[0], values[2], values[3], None], "as they came, in their order"
    assert all(record.header("safeguard-supersedes") is None for record in found)


@pytest.mark.kafka
@pytest.mark.timeout(300)
async def test_reviewers_learn_of_edits_and_deletions_and_reports_are_judged_once_more(
    real_broker: Broker, tmp_path: Path, store_address: str
) -> None:
    """An edit under their eyes, a deletion, and a report on what was allowed; then a rebuild."""
    scene = ReviewScene(real_broker, tmp_path, store_address, EVENT)
    assert isinstance(real_broker.creator, RealKafka)
    real_broker.creator.create_topics({f"{scene.topic}.retry": 2})
    _write(scene, posted("m-0", "a doubtful thing"), posted("m-1", "all is fine"))
    await scene.work(2, 4)
    with scene.feed():
        await scene.until_open(1)
        case = scene.next("ann")["case"]
        assert case == case_id(scene.topic, "m-0")
        _write(scene, edited("m-0", "another doubtful thing"))
        await scene.work(1, 4)
        await until(lambda: _versions(scene) == 2, "the edit", PATIENCE_S)
        said = scene.decide("ann", case, "--outcome", "allow")
        assert "has changed since you saw it" in said
        assert "the message was edited, verdict flag" in said

        _report(scene)
        await until(lambda: len(scene.on(".retry")) == 1, "the request", PATIENCE_S)
        await scene.work(1, 4)
        _write(scene, deleted("m-0"))
        await scene.work(1, 4)
        await until(lambda: scene.known_to("deleted") == 1, "the deletion", PATIENCE_S)
        await until(lambda: len(scene.superseding()) == 1, "the second judgement", PATIENCE_S)
        await until(lambda: scene.known_to("model") == 3, "its fact", PATIENCE_S)
        await scene.until_open(1)
        assert scene.next("bob")["case"] == case_id(scene.topic, "m-1")

    (again,) = scene.superseding()
    assert again.header("safeguard-first-position") == f"{scene.topic}/0/1"
    assert again.topic == f"{scene.topic}.allow"
    assert len(scene.on(".retry")) == 1
    assert scene.audit() == 0
    new_store = f"sqlite:///{tmp_path / 'again.sqlite'}"
    scene.command("rebuild", store=new_store)
    assert scene.snapshot(new_store) == scene.snapshot()


def _write(scene: ReviewScene, *values: bytes) -> None:
    write(scene.broker.bootstrap_servers, scene.topic, list(values), key=b"k", partition=0)


def _versions(scene: ReviewScene) -> int:
    """How many verdicts of the model the store knows."""
    return scene.known_to("model")


def _report(scene: ReviewScene) -> None:
    allowed = next(r for r in scene.on(".allow") if r.header("safeguard-message-id") == "m-1")
    report = {
        "message_id": "m-1",
        "position": allowed.header("safeguard-position"),
        "verdict_id": allowed.header("safeguard-verdict-id"),
        "outcome": allowed.header("safeguard-outcome"),
        "reporter": "u-9",
        "reason": "rude",
    }
    topic = scene.topic + ".reports"
    write(scene.broker.bootstrap_servers, topic, [json.dumps(report).encode()], partition=0)


@pytest.mark.kafka
@pytest.mark.timeout(300)
async def test_erasure_reaches_topics_that_are_compacted(
    real_broker: Broker, tmp_path: Path, store_address: str
) -> None:
    """Under the key of whom it is about; the feed takes the tombstone for no report."""
    scene = ReviewScene(real_broker, tmp_path, store_address)
    reports = f"{scene.topic}.reports"
    _compact(scene, reports)
    _write(scene, posted("m-0", "all is fine"))
    for person in ("u-8", "u-9"):
        fields = {
            "message_id": "m-0",
            "position": f"{scene.topic}/0/0",
            "reporter": person,
            "reason": "rude",
        }
        value = json.dumps(fields).encode()
        write(scene.broker.bootstrap_servers, reports, [value], key=person.encode())
    words = ("erase", "--author", "u-9", "--topics")
    assert scene.command(*words, "--dry-run")[1]["tombstones"] == 1
    assert len(scene.on(".reports")) == 2
    assert scene.command("erase", "--author", "u-9", "--dry-run")[1]["tombstones"] == 0
    assert scene.command(*words)[1]["tombstones"] == 1
    assert [(r.key, r.value is None) for r in scene.on(".reports")] == [
        (b"u-8", False),
        (b"u-9", False),
        (b"u-9", True),
    ]
    assert scene.command(*words)[1]["tombstones"] == 0
    with scene.feed():
        await until(lambda: len(scene.snapshot()[1]) == 1, "the report of the other", PATIENCE_S)
    assert scene.on(".reports.dead-letter") == []


def _compact(scene: ReviewScene, topic: str) -> None:
    entry = ConfigEntry("cleanup.policy", "compact", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
    with AdminClient({"bootstrap.servers": scene.broker.bootstrap_servers}) as admin:
        admin.incremental_alter_configs([resource])[resource].result()
