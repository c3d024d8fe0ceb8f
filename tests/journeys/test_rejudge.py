"""What could not be judged while the model was ill is judged once it is well again."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from consumer.dev.safeguard.server import StandInSafeguard
from consumer.domain.verdicts.envelope import Envelope
from tests.journeys.test_cli import flags, safeguard
from tests.journeys.worker import finished, make_policies, outputs_of, settings_for, working
from tests.records import Stored, write_rows
from tests.stage import Broker, new_name

SAID = {"allow": "all is fine", "flag": "a doubtful thing", "block": "a banned thing"}
KINDS = ["block", "allow", "flag", "allow", "block", "flag", "flag", "allow"]
ILL = "ill"
"""The model gives no verdict on a text with this word until it is well."""


class Scene:
    """A moderated input, and the commands that are about it."""

    def __init__(self, broker: Broker, folder: Path, payload: str) -> None:
        self.broker, self.group = broker, new_name()
        self.topic = broker.moderated(partitions=2)
        more = f'on_unjudged = "allow"\n[outputs]\npayload = "{payload}"'
        self.policies = make_policies(folder, f'["{self.topic}"]', more=more)

    def say(self, texts: list[str]) -> None:
        """Four keys over two partitions, so that a key's outcomes change again and again."""
        rows: list[tuple[int, bytes | None, bytes | None]] = [
            (number % 2, b"k%d" % (number % 4), json.dumps({"text": text}).encode())
            for number, text in enumerate(texts)
        ]
        write_rows(self.broker.bootstrap_servers, self.topic, rows)

    async def work(self, server: StandInSafeguard, count: int) -> None:
        changes = {"kafka.group": self.group, "inference.attempts_max": "1"}
        settings = settings_for(self.broker, server.base_url, self.policies, changes)
        async with working(settings, 2) as worker:
            await finished(worker, count)

    async def command(self, server: StandInSafeguard, *words: str) -> Any:
        where = flags(
            kafka__bootstrap_servers=self.broker.bootstrap_servers,
            kafka__group=self.group,
            policies__folder=str(self.policies),
            inference__endpoint=server.base_url,
            inference__model="stand-in-safeguard",
            inference__attempts_max="1",
        )
        # The stand-in answers in this loop.
        return await asyncio.to_thread(
            safeguard, words[0], "--topic", self.topic, *words[1:], *where
        )

    async def report(self, server: StandInSafeguard, *words: str) -> tuple[int, dict[str, Any]]:
        found: subprocess.CompletedProcess[str] = await self.command(server, *words, "--json")
        assert found.returncode in (0, 1), found.stderr
        assert found.stderr == ""
        return found.returncode, json.loads(found.stdout)

    def outputs(self) -> tuple[dict[str, Stored], dict[str, Stored]]:
        """By position: first verdicts, and those that supersede one."""
        found = outputs_of(self.broker, self.topic)
        first = [r for r in found if r.header("safeguard-supersedes") is None]
        later = [r for r in found if r.header("safeguard-supersedes") is not None]
        by_position = [
            {str(r.header("safeguard-position")): r for r in rs} for rs in (first, later)
        ]
        assert [len(rs) for rs in by_position] == [len(first), len(later)], "one each"
        return by_position[0], by_position[1]


def no_verdict_for_the_ill(asked: dict[str, Any]) -> str:
    text = str(asked["messages"][-1]["content"])
    if ILL in text:
        return "?"
    return '{"label":"FINE"}'


class FailsNowAndThen:
    """A model that answers 500 for a moment, at first and once more after its first verdict."""

    def __init__(self) -> None:
        self._until_s: float | None = None
        self._verdicts = 0

    def __call__(self, asked: dict[str, Any]) -> str | web.Response:
        now_s = time.monotonic()
        if self._until_s is None:
            self._until_s = now_s + AWAY_S
        if now_s < self._until_s:
            return web.Response(status=500, text="internal error")
        if ILL in str(asked["messages"][-1]["content"]):
            self._verdicts += 1
            if self._verdicts == 1:
                self._until_s = now_s + AWAY_S
        return '{"label":"FINE"}'


AWAY_S = 1.5


@pytest.mark.kafka
@pytest.mark.parametrize("payload", ["envelope", "passthrough"])
async def test_unjudged_messages_get_a_verdict_after_all(
    real_broker: Broker, tmp_path: Path, payload: str
) -> None:
    """Each gets one that names the one it replaces; the audit stays clean; nothing is left."""
    scene = Scene(real_broker, tmp_path, payload)
    texts = [f"{number}: {ILL}, {SAID[kind]}" for number, kind in enumerate(KINDS)]
    scene.say([*texts, "fine", "fine"])
    async with StandInSafeguard() as server:
        server.reply_with(no_verdict_for_the_ill)
        await scene.work(server, len(KINDS) + 2)
        server.reply_with(None)

        dry = await scene.command(server, "rejudge", "--dry-run")
        assert dry.returncode == 0, dry.stderr
        assert f"{len(KINDS)} of {scene.topic} would be judged again" in dry.stdout
        assert scene.outputs()[1] == {}
        code, some = await scene.report(server, "rejudge", "--limit", "3")
        assert (code, some["superseded"], some["left"]) == (0, 3, len(KINDS) - 3)
        code, rest = await scene.report(server, "rejudge")
        assert (code, rest["superseded"], rest["left"]) == (0, len(KINDS) - 3, 0)
        code, audit = await scene.report(server, "audit")
        assert code == 0
        counts = {
            name: audit[name] for name in ("missing", "contradicting", "duplicated_same_verdict")
        }
        assert counts == {"missing": 0, "contradicting": 0, "duplicated_same_verdict": 0}
        assert audit["superseded"] == len(KINDS)
        code, again = await scene.report(server, "rejudge")
        assert (code, again["found"], again["superseded"]) == (0, 0, 0)

    first, later = scene.outputs()
    ids = {record.header("safeguard-verdict-id") for record in [*first.values(), *later.values()]}
    assert len(first) == len(KINDS) + 2
    assert len(ids) == len(first) + len(later)
    for number, kind in enumerate(KINDS):
        position = f"{scene.topic}/{number % 2}/{number // 2}"
        old, new = first[position], later[position]
        assert old.header("safeguard-cause") == "unjudged"
        assert new.header("safeguard-supersedes") == old.header("safeguard-verdict-id")
        assert (new.topic, new.partition, new.key) == (
            f"{scene.topic}.{kind}",
            old.partition,
            old.key,
        )
        assert (new.header("safeguard-cause"), new.header("safeguard-term")) == ("replay", "0")
        if payload == "envelope" or kind == "flag":
            envelope = Envelope.model_validate_json(new.value or b"")
            assert envelope.id == new.header("safeguard-verdict-id")
            assert envelope.supersedes == old.header("safeguard-verdict-id")
        else:
            assert json.loads(new.value or b"") == {"text": texts[number]}


@pytest.mark.kafka
async def test_what_stays_unjudged_or_is_gone_is_said(real_broker: Broker, tmp_path: Path) -> None:
    """Neither gets a verdict, and the exit code says that not all was done."""
    scene = Scene(real_broker, tmp_path, "envelope")
    scene.say([f"{ILL} {SAID['block']}"] * 6)
    async with StandInSafeguard() as server:
        server.reply_with(no_verdict_for_the_ill)
        await scene.work(server, 6)
        admin = AdminClient({"bootstrap.servers": real_broker.bootstrap_servers})
        (deleted,) = admin.delete_records([TopicPartition(scene.topic, 0, 2)]).values()
        deleted.result(15)

        code, report = await scene.report(server, "rejudge")
        assert (code, report["superseded"], report["gone"]) == (1, 0, 2)
        assert report["unjudged_reasons"] == {"model_fault": 4}
        server.reply_with(None)
        other = await scene.report(server, "rejudge", "--reason", "outage")
        assert (other[0], other[1]["found"]) == (0, 0)
        done = await scene.command(server, "rejudge", "--reason", "model_fault", "--since", "1h")
        assert done.returncode == 1
        assert "4 superseded (block 4), run " in done.stdout
        assert "2 gone" in done.stdout
    assert len(scene.outputs()[1]) == 4


@pytest.mark.kafka
async def test_runs_at_once_supersede_each_verdict_once(
    real_broker: Broker, tmp_path: Path
) -> None:
    """One works and the others wait for it: nothing is left for them, and all end well."""
    scene = Scene(real_broker, tmp_path, "envelope")
    texts = [f"{number}: {ILL}, {SAID[kind]}" for number, kind in enumerate(KINDS * 2)]
    scene.say(texts)
    async with StandInSafeguard() as server:
        server.reply_with(no_verdict_for_the_ill)
        await scene.work(server, len(texts))
        server.reply_with(None)
        runs = await asyncio.gather(*(scene.command(server, "rejudge", "--json") for _ in range(3)))
        assert [run.returncode for run in runs] == [0, 0, 0], [run.stderr for run in runs]
        reports = [json.loads(run.stdout) for run in runs]
        assert sum(report["superseded"] for report in reports) == len(texts)
    first, later = scene.outputs()
    assert set(first) == set(later)


@pytest.mark.kafka
async def test_a_model_that_fails_for_a_moment_is_waited_for(
    real_broker: Broker, tmp_path: Path
) -> None:
    """Neither its first answers, to the probe, nor later ones end the run or leave a verdict."""
    scene = Scene(real_broker, tmp_path, "envelope")
    texts = [f"{number}: {ILL}, {SAID[kind]}" for number, kind in enumerate(KINDS)]
    scene.say(texts)
    async with StandInSafeguard() as server:
        server.reply_with(no_verdict_for_the_ill)
        await scene.work(server, len(texts))
        server.reply_with(FailsNowAndThen())
        code, report = await scene.report(server, "rejudge")
        assert (code, report["superseded"], report["unjudged"]) == (0, len(texts), 0)
    assert len(scene.outputs()[1]) == len(texts)


async def test_wrong_words_are_refused(embedded_broker: Broker, tmp_path: Path) -> None:
    """Before anything is read, with what there is to choose from."""
    scene = Scene(embedded_broker, tmp_path, "envelope")
    async with StandInSafeguard() as server:
        found = await scene.command(server, "rejudge", "--reason", "not_json")
        assert found.returncode == 2
        assert "--reason not_json: there are too_long, deadline" in found.stderr
        scene.topic = "another"
        found = await scene.command(server, "rejudge")
        assert found.returncode == 2
        assert "no policy binds the topic another" in found.stderr
