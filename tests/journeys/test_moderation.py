"""Given a worker, a broker and a safeguard; when messages come; then each ends once, in order."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import time
from collections import defaultdict
from pathlib import Path

import pytest
from pydantic import ValidationError

from consumer.dev.safeguard.behaviour import Behaviour
from consumer.dev.safeguard.faults.faults import FaultName
from consumer.dev.safeguard.server import StandInSafeguard
from consumer.domain.verdicts.envelope import Envelope
from consumer.errors import EndpointRefused, TopicsMissing
from consumer.worker import serve
from tests.journeys.worker import (
    POLICY,
    finished,
    make_policies,
    outputs_of,
    settings_for,
    working,
)
from tests.records import committed, read_all, write, write_rows
from tests.stage import Broker
from tests.waiting import until


def said(text: str, **more: object) -> bytes:
    return json.dumps({"text": text, **more}).encode()


async def test_every_message_ends_once_where_it_belongs(broker: Broker, tmp_path: Path) -> None:
    """600 messages over three partitions and nine keys: once each, co-partitioned, in key order."""
    topic = broker.moderated(partitions=3)
    policies = make_policies(tmp_path, f'["{topic}"]')
    draw = random.Random(5)
    texts = ["all is fine", "a doubtful thing", "a banned thing"]
    expected: dict[str, str] = {}
    rows: list[tuple[int, bytes | None, bytes | None]] = []
    for partition in range(3):
        for number in range(200):
            kind = draw.randrange(4)
            value = b"{broken" if kind == 3 else said(texts[kind], id=f"m{number}")
            key = None if number % 10 == 9 else b"k%d" % draw.randrange(3)
            rows.append((partition, key, value))
            name = ("allow", "flag", "block", "dead-letter")[kind]
            expected[f"{topic}/{partition}/{number}"] = f"{topic}.{name}"
    write_rows(broker.bootstrap_servers, topic, rows)
    behaviour = Behaviour(latency_lognormal=(0.01, 0.05), seed=3)
    async with StandInSafeguard(behaviour) as safeguard:
        settings = settings_for(broker, safeguard.base_url, policies)
        async with working(settings, 3) as worker:
            await finished(worker, 600)

    found = outputs_of(broker, topic)
    assert {record.header("safeguard-position"): record.topic for record in found} == expected
    assert len(found) == 600
    for record in found:
        position = record.header("safeguard-position") or ""
        assert record.partition == int(position.split("/")[1])
    by_key: dict[tuple[int, bytes, str], list[int]] = defaultdict(list)
    for record in found:
        if record.key is not None:
            offset = int((record.header("safeguard-position") or "").split("/")[2])
            by_key[record.partition, record.key, record.topic].append(offset)
    assert by_key
    assert all(offsets == sorted(offsets) for offsets in by_key.values())
    for partition in range(3):
        group = settings.kafka.group
        assert committed(broker.bootstrap_servers, group, topic, partition) == 200


async def test_verdict_records_keep_the_wire_contract(broker: Broker, tmp_path: Path) -> None:
    """Envelope, headers, forged headers, and no text or reasoning outside the flag topic."""
    topic = broker.moderated()
    policies = make_policies(
        tmp_path, f'["{topic}"]', more='[message]\ntext = "/text"\nid = "/id"\nlanguage = "/lang"'
    )
    headers = [
        ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("Safeguard-Outcome", b"allow"),
        ("other", b"1"),
    ]
    write(
        broker.bootstrap_servers,
        topic,
        [
            said("all is fine", id="ä/1", lang="de"),
            said("a doubtful thing", id="2"),
            said("a banned thing", id="3"),
            b"\xff\xfe",
        ],
        key=b"k",
        headers=headers,
    )
    async with StandInSafeguard() as safeguard:
        settings = settings_for(broker, safeguard.base_url, policies)
        async with working(settings, 1) as worker:
            await finished(worker, 4)
            version = worker.policies.catalogue.bindings[0].live

    records = {record.topic.rpartition(".")[2]: record for record in outputs_of(broker, topic)}
    allow, flag, block = records["allow"], records["flag"], records["block"]
    for name in ("allow", "flag", "block"):
        record = records[name]
        assert record.header("safeguard-outcome") == name
        assert record.header("safeguard-cause") == "model"
        assert record.header("safeguard-policy-version") == "set@v1"
        assert record.header("safeguard-policy-digest") == version.digest
        assert record.header("safeguard-group") == settings.kafka.group
        assert record.header("safeguard-term") == "1"
        assert record.header("ce_type") == "safeguard.verdict.v1"
        assert record.header("ce_id") == record.header("safeguard-verdict-id")
        assert record.header("traceparent") == headers[0][1].decode()
        assert all(value is not None and value.isascii() for _, value in record.headers)
        envelope = Envelope.model_validate_json(record.value or b"")
        assert envelope.id == record.header("safeguard-verdict-id")
        assert envelope.position.offset == {"allow": 0, "flag": 1, "block": 2}[name]
    assert allow.header("safeguard-message-id") == "%C3%A4/1"
    assert b'"text"' not in (allow.value or b"") + (block.value or b"")
    assert b'reasoning":"' not in (allow.value or b"") + (block.value or b"")
    assert b"rationale" not in (allow.value or b"") + (block.value or b"")
    reviewed = Envelope.model_validate_json(flag.value or b"")
    assert reviewed.message.text == "a doubtful thing"
    assert reviewed.judgements[0].label == "DOUBT"
    assert reviewed.judgements[0].rules == ["R1"]
    assert reviewed.judgements[0].reasoning
    letter = records["dead-letter"]
    assert letter.value == b"\xff\xfe"
    assert letter.key == b"k"
    assert letter.header("safeguard-dead-letter-reason") == "not_json"
    assert letter.header("upstream-Safeguard-Outcome") == "allow"
    assert letter.header("other") == "1"


async def test_passthrough_hands_the_record_on_byte_for_byte(
    broker: Broker, tmp_path: Path
) -> None:
    """Allow and block carry the input itself; flag is an envelope all the same."""
    topic = broker.moderated()
    policies = make_policies(tmp_path, f'["{topic}"]', more='[outputs]\npayload = "passthrough"')
    values = [said("all is fine"), said("a doubtful thing"), b' {"text" : "a banned thing"} ']
    headers = [("x", b"\xff"), ("safeguard-verdict-id", b"forged")]
    write(broker.bootstrap_servers, topic, values, key=b"k", headers=headers)
    async with (
        StandInSafeguard() as safeguard,
        working(settings_for(broker, safeguard.base_url, policies), 1) as worker,
    ):
        await finished(worker, 3)

    records = {record.topic.rpartition(".")[2]: record for record in outputs_of(broker, topic)}
    assert records["allow"].value == values[0]
    assert records["block"].value == values[2]
    assert records["block"].headers[:2] == (
        ("x", b"\xff"),
        ("upstream-safeguard-verdict-id", b"forged"),
    )
    assert records["block"].header("safeguard-verdict-id") != "forged"
    Envelope.model_validate_json(records["flag"].value or b"")
    with pytest.raises(ValidationError):
        Envelope.model_validate_json(records["allow"].value or b"")


async def test_several_inputs_share_outputs_and_a_pattern_never_eats_its_own(
    broker: Broker, tmp_path: Path
) -> None:
    """`room*` binds two inputs; verdicts on `room-out.*` are written once and never judged."""
    name = broker.topic(suffix="-")
    first, second = f"{name}a", f"{name}b"
    broker.creator.create_topics({first: 1, second: 2})
    outs = {end: f"{name}out.{end}" for end in ("allow", "flag", "block", "dead")}
    broker.creator.create_topics(dict.fromkeys(outs.values(), 2))
    outputs = "\n".join(
        f'{key} = "{outs[end]}"'
        for key, end in (
            ("allow", "allow"),
            ("flag", "flag"),
            ("block", "block"),
            ("dead_letter", "dead"),
        )
    )
    policies = make_policies(tmp_path, f'["{name}?*"]', more=f"[outputs]\n{outputs}")
    write(broker.bootstrap_servers, first, [said("all is fine")] * 5)
    write(broker.bootstrap_servers, second, [said("a banned thing")] * 5, partition=1)
    async with (
        StandInSafeguard() as safeguard,
        working(settings_for(broker, safeguard.base_url, policies), 3) as worker,
    ):
        await finished(worker, 10)
        owned = worker.member.source.owned
        assert sorted({partition.topic for partition in owned}) == [first, second]

    found = read_all(broker.bootstrap_servers, outs.values())
    assert len({record.header("safeguard-position") for record in found}) == len(found) == 10


async def test_missing_outputs_stop_the_start_and_name_the_command(
    broker: Broker, tmp_path: Path
) -> None:
    """No output, no start: the error lists what is missing and what mends it."""
    topic = broker.topic()
    policies = make_policies(tmp_path, f'["{topic}"]')
    async with StandInSafeguard() as safeguard:
        with pytest.raises(TopicsMissing, match="safeguard topics apply") as caught:
            async with working(settings_for(broker, safeguard.base_url, policies), 1):
                pass
    for end in ("allow", "flag", "block", "dead-letter"):
        assert f"{topic}.{end}: missing; {topic} has 1 partition" in str(caught.value)


async def test_a_partition_that_the_outputs_lack_waits_and_the_others_go_on(
    broker: Broker, tmp_path: Path
) -> None:
    """An input that has grown past its outputs loses nothing and is named in readiness."""
    topic = broker.moderated(partitions=2, outputs=1)
    policies = make_policies(tmp_path, f'["{topic}"]')
    write(broker.bootstrap_servers, topic, [said("all is fine")] * 3, partition=0)
    write(broker.bootstrap_servers, topic, [said("all is fine")] * 3, partition=1)
    async with StandInSafeguard() as safeguard:
        settings = settings_for(broker, safeguard.base_url, policies)
        async with working(settings, 2) as worker:
            await finished(worker, 3)
            assert worker.vitals.ready().details["stranded"] == [f"{topic}/1"]
            assert worker.member.intake.ledger.consumed == 3

    assert committed(broker.bootstrap_servers, settings.kafka.group, topic, 1) <= 0


async def test_a_new_version_is_picked_up_whole_and_a_broken_one_is_not(
    broker: Broker, tmp_path: Path
) -> None:
    """Verdicts name the version in force; a fault or a changed published text changes nothing."""
    topic = broker.moderated()
    policies = make_policies(tmp_path, f'["{topic}"]')
    async with (
        StandInSafeguard() as safeguard,
        working(settings_for(broker, safeguard.base_url, policies), 1) as worker,
    ):
        write(broker.bootstrap_servers, topic, [said("one")])
        await finished(worker, 1)
        policy = tmp_path / "set" / "v1" / "words.md"
        policy.write_text(POLICY.replace("BANNED: block", "BANNED: forbid"))
        assert not worker.policies.reload()
        policy.write_text(POLICY.replace("banned thing", "other thing"))
        assert not worker.policies.reload()
        write(broker.bootstrap_servers, topic, [said("a banned thing")])
        await finished(worker, 2)
        policy.write_text(POLICY)
        make_policies(tmp_path, f'["{topic}"]', live=2)
        (tmp_path / "set" / "v2" / "words.md").write_text(
            POLICY.replace("banned thing", "other thing")
        )
        assert worker.policies.reload()
        write(broker.bootstrap_servers, topic, [said("a banned thing")])
        await finished(worker, 3)

    by_offset = sorted(
        (
            record.header("safeguard-position"),
            record.header("safeguard-policy-version"),
            record.header("safeguard-outcome"),
        )
        for record in outputs_of(broker, topic)
    )
    assert [found[1:] for found in by_offset] == [
        ("set@v1", "allow"),
        ("set@v1", "block"),
        ("set@v2", "allow"),
    ]


async def test_skipped_edited_and_deleted_messages(broker: Broker, tmp_path: Path) -> None:
    """Staff are spared, an edit is judged anew, a tombstone is passed over where the topic says."""
    topic = broker.moderated()
    more = (
        'tombstones = "pass-over"\n[message]\nid = "/id"\n'
        '[[skip_when]]\nfield = "/role"\nequals = ["staff"]'
    )
    policies = make_policies(tmp_path, f'["{topic}"]', more=more)
    values = [
        said("a banned thing", id="1", role="staff"),
        said("all is fine", id="2"),
        said("a banned thing", id="2"),
        None,
    ]
    write(broker.bootstrap_servers, topic, values, key=b"k")
    async with (
        StandInSafeguard() as safeguard,
        working(settings_for(broker, safeguard.base_url, policies), 1) as worker,
    ):
        await finished(worker, 4)
        assert worker.member.intake.ledger.passed_over == 1

    found = sorted(outputs_of(broker, topic), key=lambda r: r.header("safeguard-position") or "")
    assert [(r.header("safeguard-outcome"), r.header("safeguard-cause")) for r in found] == [
        ("allow", "skipped"),
        ("allow", "model"),
        ("block", "model"),
    ]
    assert found[1].header("safeguard-verdict-id") != found[2].header("safeguard-verdict-id")


async def test_records_as_producers_write_them(broker: Broker, tmp_path: Path) -> None:
    """Joins are skipped, pictures flagged, and what stands beside a text keeps nobody from it."""
    topic = broker.moderated()
    more = (
        'when_empty = "flag"\n[message]\nid = "/id"\nunescape = "html"\n'
        '[[skip_when]]\nfield = "/type"\nequals = ["7"]'
    )
    policies = make_policies(tmp_path, f'["{topic}"]', more=more)
    values = [
        b'{"id": "1", "type": 7}',
        b'{"id": "2", "text": "", "picture": "cat.png"}',
        b'\xef\xbb\xbf{"id": 1.5, "text": "a banned thing", "score": NaN}',
        '\ufeff{"id": "4", "text": "another b&#97;nned thing"}'.encode("utf-16-le"),
        b'{"id": 18446744073709551616, "text": "all is fine", "raw": "\xff"}',
    ]
    write(broker.bootstrap_servers, topic, values, key=b"k")
    async with (
        StandInSafeguard() as safeguard,
        working(settings_for(broker, safeguard.base_url, policies), 1) as worker,
    ):
        await finished(worker, 5)
    found = sorted(outputs_of(broker, topic), key=lambda r: r.header("safeguard-position") or "")
    assert [
        tuple(
            r.header(f"safeguard-{name}") for name in ("outcome", "cause", "message-id", "unread")
        )
        for r in found
    ] == [
        ("allow", "skipped", "1", None),
        ("flag", "skipped", "2", None),
        ("block", "model", f"{topic}/0/2", "id"),
        ("block", "model", "4", None),
        ("allow", "model", f"{topic}/0/4", "id"),
    ]
    assert json.loads(found[2].value or b"")["message"]["unread"] == ["id"]


async def test_an_outage_holds_the_topic_and_loses_nothing(broker: Broker, tmp_path: Path) -> None:
    """`on_outage = "wait"`: nothing is unjudged or dead-lettered; it goes on when the server is."""
    topic = broker.moderated()
    policies = make_policies(tmp_path, f'["{topic}"]', more="deadline_s = 0.5")
    async with StandInSafeguard() as safeguard:
        settings = settings_for(broker, safeguard.base_url, policies)
        async with working(settings, 1) as worker:
            safeguard.behave(Behaviour(faults={FaultName.HTTP_502: 1.0}))
            write(broker.bootstrap_servers, topic, [said("a banned thing")] * 50, key=b"k")
            breaker = worker.model.fleet.endpoints[0].breaker
            await until(lambda: breaker.is_open, "the breaker to open")
            started_s = time.monotonic()
            await until(lambda: time.monotonic() > started_s + 0.8, "more than the deadline")
            assert worker.member.intake.ledger.verdicts == 0
            safeguard.behave(Behaviour())
            await finished(worker, 50)

    # All say the same: one was asked about, or a few at once.
    assert {r.header("safeguard-cause") for r in outputs_of(broker, topic)} <= {"model", "memo"}
    assert {r.header("safeguard-outcome") for r in outputs_of(broker, topic)} == {"block"}


@pytest.mark.parametrize(("setting", "expected"), [("block", "block"), ("allow", "allow")])
async def test_what_cannot_be_judged_says_so_and_goes_where_the_topic_says(
    broker: Broker, tmp_path: Path, setting: str, expected: str
) -> None:
    """An answer that is no verdict ends as unjudged with its reason, never as the model's word."""
    topic = broker.moderated()
    policies = make_policies(tmp_path, f'["{topic}"]', more=f'on_unjudged = "{setting}"')
    async with (
        StandInSafeguard() as safeguard,
        working(settings_for(broker, safeguard.base_url, policies), 1) as worker,
    ):
        safeguard.behave(Behaviour(faults={FaultName.NULL_CONTENT_STOP: 1.0}))
        write(broker.bootstrap_servers, topic, [said("all is fine")])
        await finished(worker, 1)
    (record,) = outputs_of(broker, topic)

    assert record.topic == f"{topic}.{expected}"
    assert record.header("safeguard-cause") == "unjudged"
    assert json.loads(record.value or b"")["unjudged_reason"] == "model_fault"


async def test_a_refused_key_at_the_start_stops_the_worker(broker: Broker, tmp_path: Path) -> None:
    """401 before anything was judged is a fault of ours: the worker stops and names the setting."""
    topic = broker.moderated()
    policies = make_policies(tmp_path, f'["{topic}"]')
    async with StandInSafeguard(Behaviour(faults={FaultName.HTTP_401: 1.0})) as safeguard:
        write(broker.bootstrap_servers, topic, [said("all is fine")])
        with pytest.raises(EndpointRefused, match=r"inference\.api_key_file"):
            async with working(settings_for(broker, safeguard.base_url, policies), 1):
                pass

    assert outputs_of(broker, topic) == []


async def test_a_key_that_is_refused_later_holds_the_topic(broker: Broker, tmp_path: Path) -> None:
    """Once something was judged it is an outage: the worker lives, and the topic waits for it."""
    topic = broker.moderated()
    policies = make_policies(tmp_path, f'["{topic}"]', more="deadline_s = 0.5")
    async with (
        StandInSafeguard() as safeguard,
        working(settings_for(broker, safeguard.base_url, policies), 1) as worker,
    ):
        safeguard.behave(Behaviour(faults={FaultName.HTTP_401: 1.0}))
        write(broker.bootstrap_servers, topic, [said("a banned thing")] * 5)
        breaker = worker.model.fleet.endpoints[0].breaker
        await until(lambda: breaker.is_open, "the breaker to open")
        assert worker.member.intake.ledger.verdicts == 0
        safeguard.behave(Behaviour())
        await finished(worker, 5)

    assert {r.header("safeguard-outcome") for r in outputs_of(broker, topic)} == {"block"}


async def test_sighup_reloads_the_policies_of_a_running_service(
    broker: Broker, tmp_path: Path
) -> None:
    """The signal handler of `safeguard run` picks up a new version."""
    topic = broker.moderated()
    policies = make_policies(tmp_path, f'["{topic}"]')
    async with StandInSafeguard() as safeguard:
        settings = settings_for(broker, safeguard.base_url, policies)
        serving = asyncio.create_task(serve._serve(settings))
        write(broker.bootstrap_servers, topic, [said("a banned thing")])
        await until(lambda: len(outputs_of(broker, topic)) == 1, "the first verdict")
        make_policies(tmp_path, f'["{topic}"]', live=2)
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0.1)
        write(broker.bootstrap_servers, topic, [said("a banned thing")])
        await until(lambda: len(outputs_of(broker, topic)) == 2, "the second verdict")
        os.kill(os.getpid(), signal.SIGTERM)

        assert await serving == 0

    versions = [r.header("safeguard-policy-version") for r in outputs_of(broker, topic)]
    assert versions == ["set@v1", "set@v2"]
