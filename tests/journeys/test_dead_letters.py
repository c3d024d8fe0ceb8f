"""Dead letters can be worked with: seen, sent again once what was wrong is mended, or discarded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource  # type: ignore[attr-defined]

from consumer.commands.dead_letters.actions import (
    discard_letters,
    list_letters,
    retry_letters,
    show_letter,
)
from consumer.commands.dead_letters.selection import Selection
from consumer.dev.safeguard.server import StandInSafeguard
from consumer.domain.messages.message import Headers, Position, Record
from consumer.errors import InvalidSettings, PublishFailed, TopicsMissing, UndecodableMessage
from consumer.kafka.sink.writer import TopicWriter
from consumer.pipeline.dead_letters import DeadLetterEncoder, without_value
from consumer.settings.settings import Settings
from consumer.worker.wiring import kafka_config
from tests.journeys.test_cli import flags, safeguard
from tests.journeys.worker import finished, make_policies, settings_for, working
from tests.records import read_all, write
from tests.stage import Broker, new_name

STATES = "safeguard.dead-letters"
EVERYTHING = Selection()
REFUSED = 29
"""TOPIC_AUTHORIZATION_FAILED"""


@pytest.mark.kafka
async def test_a_poison_message_is_judged_after_all(real_broker: Broker, tmp_path: Path) -> None:
    """Dead letter, list, mend, retry: its verdict has its key, partition and first position."""
    broker, group = real_broker, new_name()
    topic = broker.moderated(partitions=2)
    policies = make_policies(tmp_path, f'["{topic}"]')
    where = flags(
        kafka__bootstrap_servers=broker.bootstrap_servers,
        kafka__group=group,
        kafka__replication="1",
        policies__folder=str(policies),
    )
    forged: Headers = (("a", b"1"), ("safeguard-first-position", f"{topic}/1/99".encode()))
    value, key = b"a banned thing, and no JSON", b"\xffroom"
    good = json.dumps({"text": "a doubtful thing"}).encode()
    write(
        broker.bootstrap_servers, topic, [good, value], key=key, partition=1, headers=list(forged)
    )
    async with StandInSafeguard() as server:
        settings = settings_for(broker, server.base_url, policies, {"kafka.group": group})
        async with working(settings, 2) as worker:
            await finished(worker, 2)

        (flagged,) = read_all(broker.bootstrap_servers, [f"{topic}.flag"])
        assert flagged.header("safeguard-first-position") is None, "a producer's is not believed"
        plan = safeguard("topics", "plan", *where)
        assert f"create   {topic}.retry: missing; {topic} has 2 partitions" in plan.stdout
        early = safeguard("dead-letters", "retry", "--topic", topic, "--all", *where)
        assert early.returncode == 2
        assert f"{topic}.retry does not exist: `safeguard topics apply`" in early.stderr
        assert safeguard("topics", "apply", *where).returncode == 0
        assert cleanup_policy(broker) == "compact"

        listed = safeguard("dead-letters", "list", "--topic", topic, *where)
        assert listed.returncode == 0, listed.stderr
        assert f"{topic}/1/1" in listed.stdout
        assert "not_json" in listed.stdout
        assert f"1 dead letters of {topic}: 1 open" in listed.stdout
        shown = safeguard("dead-letters", "show", f"{topic}/1/1", *where).stdout
        assert "upstream-safeguard-first-position" in shown
        assert "banned" not in shown
        make_policies(tmp_path, f'["{topic}"]', more='[message]\nformat = "text"')
        chosen = ["--topic", topic, "--reason", "not_json"]
        done = safeguard("dead-letters", "retry", *chosen, *where)
        assert done.returncode == 0, done.stderr
        assert f"1 retried through {topic}.retry" in done.stdout
        async with working(settings, 4) as worker:
            await finished(worker, 1)

    (retried,) = read_all(broker.bootstrap_servers, [f"{topic}.retry"])
    assert (retried.partition, retried.key, retried.value) == (1, key, value)
    (verdict,) = read_all(broker.bootstrap_servers, [f"{topic}.block"])
    assert (verdict.partition, verdict.key) == (1, key)
    assert verdict.header("safeguard-position") == f"{topic}.retry/1/0"
    assert verdict.header("safeguard-first-position") == f"{topic}/1/1"
    assert not [name for name, _ in verdict.headers if name.startswith("upstream-")]
    again = safeguard("dead-letters", "list", "--topic", topic, "--json", *where)
    (letter,) = [json.loads(line) for line in again.stdout.splitlines()]
    assert (letter["position"], letter["state"]) == (f"{topic}/1/1", "retried")
    skipped = safeguard("dead-letters", "retry", *chosen, *where)
    assert "1 skipped: retried or discarded before" in skipped.stdout


def cleanup_policy(broker: Broker) -> str:
    resource = ConfigResource(ConfigResource.Type.TOPIC, STATES)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    (future,) = admin.describe_configs([resource]).values()
    return str(future.result(15)["cleanup.policy"].value)


class Stage:
    """Letters on a broker, without a worker: two that can be retried and one left empty."""

    def __init__(self, broker: Broker, folder: Path) -> None:
        self.broker = broker
        self.topic = broker.moderated()
        self.retry = f"{self.topic}.retry"
        policies = make_policies(folder, f'["{self.topic}"]')
        self.settings: Settings = settings_for(broker, "http://127.0.0.1:9/v1", policies)
        encoder = DeadLetterEncoder(self.settings.kafka.group, "w")
        error = UndecodableMessage("not_json", "not JSON at line 1, column 1")
        letters = [
            encoder.letter(
                Record(self.at(offset), 0, None, b"{%d" % offset, (("a", b"1"),)),
                error,
                f"{self.topic}.dead-letter",
                1,
            )
            for offset in range(3)
        ]
        letters[1] = without_value(letters[1])
        assert TopicWriter(kafka_config(self.settings.kafka)).write(letters) == [None] * 3

    def at(self, offset: int) -> Position:
        return Position(self.topic, 0, offset)

    def only(self, *offsets: int) -> Selection:
        return Selection(positions=frozenset(self.at(offset) for offset in offsets))

    def do_retry(self, selection: Selection = EVERYTHING, *, again: bool = False) -> int:
        return retry_letters(self.settings, [self.topic], selection, dry_run=False, again=again)

    def retried(self) -> list[bytes | None]:
        return [r.value for r in read_all(self.broker.bootstrap_servers, [self.retry])]


@pytest.fixture
def stage(embedded_broker: Broker, tmp_path: Path) -> Stage:
    stage = Stage(embedded_broker, tmp_path)
    embedded_broker.embedded.create_topic(stage.retry, 1)
    embedded_broker.embedded.create_topic(STATES, 1)
    return stage


def test_a_retry_says_what_it_did(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """Counts of what was sent, what cannot be, what is beyond the limit, what was done before."""
    retry_letters(stage.settings, [stage.topic], EVERYTHING, dry_run=True, again=False)
    assert "2 would be retried" in capsys.readouterr().out
    assert stage.retried() == []
    assert stage.do_retry(Selection(limit=1)) == 0
    first = capsys.readouterr().out
    assert "1 retried through" in first
    assert show_letter(stage.settings, stage.at(0), with_value=True) == 0
    assert "{0\n" in capsys.readouterr().out
    assert "1 left for the next time" in first
    assert "1 cannot be retried: the value was too large" in first
    assert stage.do_retry() == 0
    assert "1 skipped" in capsys.readouterr().out
    assert stage.retried() == [b"{0", b"{2"]
    assert stage.do_retry(stage.only(0), again=True) == 0
    assert stage.retried() == [b"{0", b"{2", b"{0"]
    (record, *_) = read_all(stage.broker.bootstrap_servers, [stage.retry])
    assert record.key is None
    assert record.headers == (
        ("a", b"1"),
        ("safeguard-first-position", str(stage.at(0)).encode()),
        ("safeguard-attempts", b"2"),
    )


def test_what_is_named_and_cannot_be_done_is_a_failure(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """A letter without its value fails; a position without a letter stops before anything."""
    assert stage.do_retry(stage.only(1)) == 1
    with pytest.raises(InvalidSettings, match=f"{stage.topic}/0/7; nothing was done"):
        stage.do_retry(stage.only(0, 7))
    assert stage.retried() == []
    assert show_letter(stage.settings, stage.at(1), with_value=True) == 0
    assert "too large, left out: 2 bytes" in capsys.readouterr().out
    assert show_letter(stage.settings, stage.at(7), with_value=False) == 1


def test_discarded_letters_are_passed_over(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """Discarding sends nothing; `retry` then skips them, and `list` says so."""
    topics = [stage.topic]
    assert discard_letters(stage.settings, topics, Selection(), dry_run=True, again=False) == 0
    assert "nothing was done" in capsys.readouterr().out
    assert (
        discard_letters(stage.settings, topics, stage.only(0, 1), dry_run=False, again=False) == 0
    )
    assert stage.do_retry() == 0
    assert stage.retried() == [b"{2"]
    capsys.readouterr()
    list_letters(stage.settings, stage.topic, Selection(limit=2), as_json=False)
    found = capsys.readouterr().out
    assert "1 retried, 2 discarded; the newest 2 are shown" in found
    assert f"{stage.topic}/0/0" not in found


def test_what_cannot_be_stored_is_named(stage: Stage) -> None:
    """A refused retry names its topic and stays open; nothing is skipped in silence."""
    stage.broker.embedded.fail_next(0, [REFUSED])
    with pytest.raises(PublishFailed, match=f"could not be stored on {stage.retry}: .*authoriz"):
        stage.do_retry(stage.only(0))
    assert stage.retried() == []
    stage.do_retry(stage.only(0))
    assert stage.retried() == [b"{0"]


def test_what_was_sent_and_could_not_be_noted_is_named(stage: Stage) -> None:
    """The letter shows as open, and the error says that its record was sent all the same."""
    stage.broker.embedded.fail_next(0, [0, REFUSED])
    with pytest.raises(PublishFailed, match=f"{STATES}.*sent again all the same"):
        stage.do_retry(stage.only(0))
    assert stage.retried() == [b"{0"]


def test_topics_that_are_missing_are_named(embedded_broker: Broker, tmp_path: Path) -> None:
    """Before anything is sent, with the command that makes them; the list needs neither."""
    stage = Stage(embedded_broker, tmp_path)
    with pytest.raises(TopicsMissing, match=f"{stage.retry} does not exist.*topics apply"):
        stage.do_retry()
    embedded_broker.embedded.create_topic(stage.retry, 1)
    with pytest.raises(TopicsMissing, match=f"{STATES} does not exist.*topics apply"):
        stage.do_retry()
    assert list_letters(stage.settings, stage.topic, Selection(), as_json=False) == 0
    with pytest.raises(InvalidSettings, match="no policy binds the topic nobody"):
        list_letters(stage.settings, "nobody", Selection(), as_json=False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["retry"], "say which letters"),
        (["retry", "--topic", "t"], "Give a filter, or --all"),
        (["retry", "--topic", "t", "--all", "--reason", "not_json"], "not both"),
        (["discard", "t/0/1", "--topic", "t"], "not both"),
        (["discard", "t/0"], "is no position"),
        (["list", "--topic", "t", "--reason", "bad"], "--reason bad: there are"),
        (["list", "--topic", "t", "--since", "noon"], "--since noon"),
    ],
)
def test_what_is_not_meant_is_refused(words: list[str], said: str) -> None:
    """Exit 2 before anything is asked of a broker."""
    found = safeguard("dead-letters", *words)
    assert found.returncode == 2, found.stderr
    assert said in found.stderr


def test_every_command_has_help_with_examples() -> None:
    """What to copy."""
    for name in ("list", "show", "retry", "discard"):
        found = safeguard("dead-letters", name, "--help")
        assert found.returncode == 0
        assert f"safeguard dead-letters {name} " in found.stdout.split("Examples:")[1]
