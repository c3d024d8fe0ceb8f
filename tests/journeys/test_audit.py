"""`safeguard audit` as a person meets it: verdicts on real topics, read by the real command."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from consumer.dev.safeguard.server import StandInSafeguard
from consumer.domain.checkpoint import Checkpoint, Floor
from tests.forked import run_command
from tests.journeys.worker import finished, make_policies, settings_for, working
from tests.records import commit, write, write_rows
from tests.stage import Broker

GROUP = "night shift"
NOW_MS = int(time.time() * 1_000)
"""Older records than the real broker's retention allows would be gone before they are read."""


class Stage:
    """An input with its outputs, and what stands on them."""

    def __init__(self, broker: Broker, folder: Path, partitions: int = 2, more: str = "") -> None:
        self.broker = broker
        self.topic = broker.moderated(partitions)
        make_policies(folder, f'["{self.topic}"]', more=more)
        self._words = [
            f"kafka.bootstrap_servers={broker.bootstrap_servers}",
            f"kafka.group={GROUP}",
            f"policies.folder={folder}",
            f"kafka.topic_ids={str(broker.kind == 'real').lower()}",
        ]

    def messages(self, *keys: bytes | None, partition: int = 0, value: bytes | None = b"v") -> None:
        rows = [(partition, key, value) for key in keys]
        write_rows(self.broker.bootstrap_servers, self.topic, rows)

    def output(
        self,
        output: str,
        offset: int,
        *more: tuple[str, bytes],
        partition: int = 0,
        group: bytes = b"night%20shift",
        timestamp_ms: int = 0,
        topic: str = "",
    ) -> None:
        """A verdict or dead letter of the record at this offset."""
        name = "dead-letter-reason" if output == "dead-letter" else "outcome"
        headers = [
            (f"safeguard-{name}", output.encode()),
            ("safeguard-position", f"{self.topic}/{partition}/{offset}".encode()),
            ("safeguard-group", group),
            *more,
        ]
        write(
            self.broker.bootstrap_servers,
            topic or f"{self.topic}.{output}",
            [b"v"],
            partition=partition,
            headers=headers,
            timestamp_ms=timestamp_ms,
        )

    def audit(self, *words: str, topic: str = "") -> subprocess.CompletedProcess[str]:
        sets = [word for pair in self._words for word in ("--set", pair)]
        return run_command(["audit", f"--topic={topic or self.topic}", *sets, *words])

    def report(self, *words: str) -> tuple[int, dict[str, Any]]:
        found = self.audit("--json", *words)
        assert found.returncode in (0, 1), found.stderr
        assert found.stderr == ""
        return found.returncode, json.loads(found.stdout)


def test_an_audit_adds_up_and_finds_every_fault(broker: Broker, tmp_path: Path) -> None:
    """First all is well; then one fault of each kind is written, and each is found and named."""
    stage = Stage(broker, tmp_path)
    stage.messages(*[b"k"] * 4)
    stage.messages(None, b"k", partition=1)
    for offset in range(3):
        stage.output("allow", offset)
    stage.output("dead-letter", 3)
    stage.output("flag", 0, partition=1)
    stage.output("block", 1, partition=1)
    code, well = stage.report()

    assert code == 0
    assert well.pop("looked_at").endswith("Z")
    ranges = [
        {"partition": 0, "start": 0, "end": 4, "messages": 4},
        {"partition": 1, "start": 0, "end": 2, "messages": 2},
    ]
    assert well == {
        "topic": stage.topic,
        "group": GROUP,
        "partitions": ranges,
        "messages": 6,
        "verdicts": 5,
        "dead_letters": 1,
        "passed_over": 0,
        "waiting": 0,
        "missing": 0,
        "duplicated_same_verdict": 0,
        "contradicting": 0,
        "superseded": 0,
        "out_of_order": 0,
        "earlier": 0,
        "foreign": 0,
        "unknown": 0,
        "examples": {},
    }

    def at(offset: int, partition: int = 0) -> str:
        return f"{stage.topic}/{partition}/{offset}"

    stage.messages(*[b"k"] * 3)  # 4 is missing, 6 comes out before 5
    stage.output("allow", 6)
    stage.output("allow", 5)
    stage.output("allow", 2)  # again
    stage.output("block", 0)  # against allow
    stage.output("allow", 1, ("safeguard-supersedes", b"x"))
    stage.output("block", 1, group=b"other")
    stage.output("flag", 77)  # of no record
    code, ill = stage.report()

    assert code == 1
    assert ill["messages"] == 9
    assert ill["verdicts"] == 7
    assert (ill["foreign"], ill["superseded"]) == (1, 1)
    assert ill["examples"] == {
        "missing": [at(4)],
        "duplicated_same_verdict": [at(2)],
        "contradicting": [at(0)],
        "out_of_order": [at(6)],
        "unknown": [at(77)],
    }
    assert all(ill[kind] == 1 for kind in ill["examples"])

    plain = stage.audit()
    assert plain.returncode == 1
    assert f"  contradicting: {at(0)}" in plain.stdout.splitlines()
    assert "\x1b" not in plain.stdout
    assert plain.stderr == ""

    code, late = stage.report("--from-offset", "0=5", "--from-offset", "1=2")
    assert code == 1
    assert (late["messages"], late["missing"], late["contradicting"]) == (2, 0, 0)
    assert late["partitions"][0] == {"partition": 0, "start": 5, "end": 7, "messages": 2}

    code, other = stage.report("--group", "other")
    assert (code, other["verdicts"], other["missing"]) == (1, 1, 8)


def test_the_order_across_outputs_is_that_of_the_times(broker: Broker, tmp_path: Path) -> None:
    """A later message of a key that was written to another output before an earlier one."""
    stage = Stage(broker, tmp_path, partitions=1)
    stage.messages(b"k", b"k")
    stage.output("allow", 0, timestamp_ms=NOW_MS)
    stage.output("block", 1, timestamp_ms=NOW_MS - 1)

    code, found = stage.report()
    assert (code, found["out_of_order"], found["missing"]) == (1, 1, 0)


@pytest.mark.parametrize("rule", ["pass-over", "dead-letter"])
@pytest.mark.parametrize(
    ("setting", "value"), [("tombstones", None), ("when_empty", b'{"text": "\\u200b"}')]
)
def test_what_may_be_passed_over_is_judged_by_the_binding(
    embedded_broker: Broker, tmp_path: Path, setting: str, value: bytes | None, rule: str
) -> None:
    """Where they are passed over, tombstones and records without text are not missing."""
    stage = Stage(embedded_broker, tmp_path, partitions=1, more=f'{setting} = "{rule}"')
    stage.messages(b"k", value=value)

    code, found = stage.report()
    is_passed = rule == "pass-over"
    assert (code, found["passed_over"], found["missing"]) == (
        not is_passed,
        is_passed,
        not is_passed,
    )


def test_a_topic_without_order_has_none(embedded_broker: Broker, tmp_path: Path) -> None:
    """`order = "none"` promises nothing, so nothing is broken."""
    stage = Stage(embedded_broker, tmp_path, partitions=1, more='order = "none"')
    stage.messages(b"k", b"k")
    stage.output("allow", 1)
    stage.output("allow", 0)

    assert stage.report()[0] == 0


@pytest.mark.kafka
def test_an_audit_since_a_time_leaves_out_what_is_older(
    real_broker: Broker, tmp_path: Path
) -> None:
    """By the records' own times; the older ones' verdicts are unknown to it."""
    stage = Stage(real_broker, tmp_path, partitions=1)
    for moment in (NOW_MS - 3_600_000, NOW_MS):
        write(real_broker.bootstrap_servers, stage.topic, [b"v"], timestamp_ms=moment)
    stage.output("allow", 0)
    stage.output("allow", 1)

    since = datetime.fromtimestamp(NOW_MS / 1_000 - 60, UTC).isoformat()
    code, found = stage.report("--since", since)
    assert (code, found["messages"], found["verdicts"], found["unknown"]) == (0, 1, 1, 1)


@pytest.mark.kafka
def test_what_retention_took_is_told_apart(real_broker: Broker, tmp_path: Path) -> None:
    """A record that the input no longer has is not missing; an output cut short is named."""
    stage = Stage(real_broker, tmp_path, partitions=1)
    stage.messages(b"k", b"k", b"k")
    for offset in range(3):
        stage.output("allow", offset)
    admin = AdminClient({"bootstrap.servers": real_broker.bootstrap_servers, "log_level": 0})

    def cut(topic: str, before: int) -> None:
        for done in admin.delete_records([TopicPartition(topic, 0, before)]).values():
            done.result(10)

    cut(stage.topic, 1)
    code, found = stage.report()
    assert (code, found["messages"], found["missing"], found["unknown"]) == (0, 2, 0, 1)

    cut(f"{stage.topic}.allow", 2)
    short = stage.audit()
    assert short.returncode == 1
    assert f"  missing: {stage.topic}/0/1" in short.stdout.splitlines()
    assert f"{stage.topic}.allow/0 begins at offset 2" in short.stderr


async def test_what_a_real_worker_leaves_is_accounted_for(
    embedded_broker: Broker, tmp_path: Path
) -> None:
    """Verdicts, dead letters and a tombstone of a worker add up, under its group's name."""
    stage = Stage(embedded_broker, tmp_path, more='tombstones = "pass-over"')
    texts = ["fine", "a doubtful thing", "a banned thing"]
    for partition in (0, 1):
        for number in range(30):
            value = json.dumps({"text": f"{number} {texts[number % 3]}"}).encode()
            stage.messages(b"k%d" % (number % 4), partition=partition, value=value)
    stage.messages(b"k", value=None)
    stage.messages(b"k", value=b"no JSON")
    with StandInSafeguard.in_thread() as server:
        settings = settings_for(embedded_broker, server.base_url, tmp_path, {"kafka.group": GROUP})
        async with working(settings, 2) as worker:
            await finished(worker, 62)
    code, found = await asyncio.to_thread(stage.report)

    assert code == 0
    assert found["examples"] == {}
    assert (found["messages"], found["verdicts"]) == (62, 60)
    assert (found["dead_letters"], found["passed_over"]) == (1, 1)


def test_what_the_group_has_not_come_to_waits(embedded_broker: Broker, tmp_path: Path) -> None:
    """Above its last commit nothing is missing, and below it what has no verdict is."""
    stage = Stage(embedded_broker, tmp_path, partitions=1)
    stage.messages(*[b"k"] * 4)
    stage.output("allow", 0)
    commit(embedded_broker.bootstrap_servers, GROUP, stage.topic, 0, 1)
    code, found = stage.report()
    assert (code, found["missing"], found["waiting"]) == (0, 0, 3)

    commit(embedded_broker.bootstrap_servers, GROUP, stage.topic, 0, 2)
    code, found = stage.report()
    assert (code, found["missing"], found["waiting"]) == (1, 1, 2)


def test_verdicts_on_earlier_outputs_are_looked_for(
    embedded_broker: Broker, tmp_path: Path
) -> None:
    """On the outputs of default names, on those that a commit names, and on those asked for."""
    names = ("allow", "flag", "block", "dead_letter")
    moved = {name: embedded_broker.topic(suffix=f".{name}") for name in names}
    asked_for, committed_for = embedded_broker.topic(), embedded_broker.topic()
    outputs = "\n".join(f'{name} = "{topic}"' for name, topic in moved.items())
    stage = Stage(embedded_broker, tmp_path, partitions=1, more=f"[outputs]\n{outputs}")
    stage.messages(*[b"k"] * 3)
    stage.output("allow", 0)
    stage.output("allow", 1, topic=committed_for)
    stage.output("allow", 2, topic=asked_for)
    left = Checkpoint("o", 1, 0, floors={committed_for: Floor(0)}).encode(3, stage.topic)
    commit(embedded_broker.bootstrap_servers, GROUP, stage.topic, 0, 3, left)

    assert stage.report()[1]["examples"] == {"missing": [f"{stage.topic}/0/2"]}
    code, found = stage.report("--output", asked_for)
    assert (code, found["verdicts"], found["missing"]) == (0, 3, 0)
    assert "nowhere does not exist" in stage.audit("--output", "nowhere").stderr


def test_a_verdict_stored_twice_is_a_fault(embedded_broker: Broker, tmp_path: Path) -> None:
    """As documented: exit 0 says that none is."""
    stage = Stage(embedded_broker, tmp_path, partitions=1)
    stage.messages(b"k")
    stage.output("allow", 0)
    assert stage.report()[0] == 0
    stage.output("allow", 0)
    assert stage.report()[0] == 1


def test_what_cannot_be_audited_is_said_in_one_line(
    embedded_broker: Broker, tmp_path: Path
) -> None:
    """Exit 2: something to mend."""
    stage = Stage(embedded_broker, tmp_path, partitions=1)
    (tmp_path / "set" / "topic.toml").write_text(
        f'topics = ["{stage.topic}", "not-there", "{stage.topic}.allow"]\nlive = 1\n'
    )
    for words, said, topic in (
        ((), "no policy binds the topic nobody", "nobody"),
        ((), "the topic not-there does not exist", "not-there"),
        ((), f"{stage.topic}.allow.flag", f"{stage.topic}.allow"),
        (("--since", "yesterday"), "--since yesterday: write a time such as", ""),
        (("--since", "2026-01-01"), "--since 2026-01-01: write a time such as", ""),
        (("--from-offset", "x"), "--from-offset x: write OFFSET or PARTITION=OFFSET", ""),
        (("--from-offset", "7=1"), "--from-offset 7=1: the topic has 1 partition", ""),
    ):
        found = stage.audit(*words, topic=topic)
        assert found.returncode == 2, found.stderr
        assert said in found.stderr
        assert "Traceback" not in found.stderr
        assert found.stdout == ""
