"""What is judged and how everybody is told of it: policy, messages, topics, configuration."""

from __future__ import annotations

import json
import random
import shutil
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from consumer.classifier.prompt import answer_schema, system_message, user_message
from consumer.classifier.request import request_body
from consumer.domain.policy import Policy
from consumer.inference.wires.format import RequestFormat
from consumer.kafka.cluster.audits import AUDITS_TOPIC
from consumer.registry.document import read_policy
from consumer.registry.load import load_catalogue
from consumer.screening.prefilter.artefact import FilterArtefact, write_artefact
from tests.benchmarks.children import ROOT
from tests.benchmarks.settled import learned_filter, settled_values, terms
from tests.salt import SALT

BACKLOG = "bench.in"
"""Filled before anything is measured; every worker reads it from the start in a new group."""
PACED = "bench.paced"
"""Filled at a fixed rate while the worker runs."""
LOOPED = "bench.looped"
"""The same for the bare loop."""
RECOVERED = "bench.recovered"
"""With the verdicts of an earlier owner on its outputs."""
SETTLED = "bench.settled"
"""What its filter settles."""
PARTITIONS = 4
MODEL = "bench"

POLICY_SET = "bench"
POLICY = ROOT / "policies" / "chat.messages" / "v2" / "scams_spam.md"
TOPIC_TOML = """
topics = ["{topic}"]
live = 1
order = "key"
deadline_s = 20
on_unjudged = "flag"
start = "earliest"

[screening.memo]
texts_max = 0

[message]
text = ["/text"]
id = "/id"
author = "/author/id"
conversation = "/room"
language = "/lang"
"""
PHRASES = (
    "anyone up for ranked tonight, need one more for the squad",
    "that last round was so close, we had them on the ropes",
    "can somebody explain how the new shield works after the patch",
    "brb getting food, start without me if the queue pops",
    "lag is terrible again, is it only me or the whole server",
    "gg everyone, see you tomorrow at the usual time",
    "the map rework looks great but the spawn on the left is unfair",
    "who has the notes from the stream, I missed the first half",
)


def topics() -> dict[str, int]:
    """Every topic of the benchmarks, with its partitions."""
    outputs = ("", ".allow", ".flag", ".block", ".dead-letter")
    return {AUDITS_TOPIC: 1} | {
        source + output: PARTITIONS
        for source in (BACKLOG, PACED, LOOPED, RECOVERED, SETTLED)
        for output in outputs
    }


def outputs_of(source: str) -> list[str]:
    """Where verdicts on messages of `source` go."""
    return [f"{source}.{outcome}" for outcome in ("allow", "flag", "block")]


def value(number: int, dice: random.Random) -> bytes:
    """One chat message of about 300 bytes, as an application would write it."""
    return json.dumps(
        {
            "id": f"m-{number:08d}",
            "text": f"{dice.choice(PHRASES)}; {dice.choice(PHRASES)} ({number})",
            "author": {"id": f"u-{dice.randrange(50_000)}", "role": "member"},
            "room": f"room-{dice.randrange(500)}",
            "lang": "en",
            "sent_at": "2026-01-15T12:00:00.000Z",
        }
    ).encode()


def messages(count: int) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of so many messages, the same ones every time; no key comes twice."""
    dice = random.Random(7)
    for number in range(count):
        yield b"k-%d" % number, value(number, dice)


def fill(bootstrap_servers: str, count: int) -> None:
    """Put the backlog into its topic, uncompressed: aiokafka reads lz4 only with a package more."""
    write(bootstrap_servers, BACKLOG, messages(count))


def write(bootstrap_servers: str, topic: str, records: Iterable[tuple[bytes, bytes]]) -> None:
    """Keys and values to a topic, until the broker has all of them."""
    producer = Producer({"bootstrap.servers": bootstrap_servers, "linger.ms": 20, "log_level": 2})
    for key, content in records:
        while True:
            try:
                producer.produce(topic, content, key)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    if producer.flush(60):
        raise TimeoutError(f"what {topic} holds could not be written within 60 s")


def end_of(consumer: Consumer, partition: TopicPartition) -> int:
    """The end offset of a partition; one that was just made may need a moment to have a leader."""
    until_s = time.monotonic() + 10.0
    while True:
        try:
            ends = consumer.get_watermark_offsets(partition, timeout=10)
        except KafkaException:
            if time.monotonic() > until_s:
                raise
            time.sleep(0.1)
        else:
            return ends[1] if ends else 0


class Ends:
    """How many records some topics hold, by their end offsets: nobody needs to read them."""

    def __init__(self, bootstrap_servers: str, names: list[str]) -> None:
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap_servers, "group.id": "bench.ends", "log_level": 2}
        )
        self._partitions = [
            TopicPartition(name, number) for name in names for number in range(PARTITIONS)
        ]

    def count(self) -> int:
        """Records in all of them, ever."""
        total = 0
        for partition in self._partitions:
            total += end_of(self._consumer, partition)
        return total

    def close(self) -> None:
        self._consumer.close()


class Workload:
    """The files that a worker or a peer is started with, in a folder of this run."""

    def __init__(self, folder: Path, bootstrap_servers: str) -> None:
        self.folder = folder
        self.bootstrap_servers = bootstrap_servers
        for topic in (BACKLOG, PACED, RECOVERED, SETTLED):
            version = self._policies(topic) / POLICY_SET / "v1"
            version.mkdir(parents=True)
            shutil.copy(POLICY, version / POLICY.name)
            (version.parent / "topic.toml").write_text(TOPIC_TOML.format(topic=topic))
        self.prompt = folder / "prompt.json"
        self.prompt.write_text(json.dumps(self._prompt()))
        self.body = folder / "request.json"
        _, content = next(iter(messages(1)))
        text = user_message(json.loads(content)["text"], "0123456789")
        self.body.write_bytes(request_body(policy(), text, RequestFormat(MODEL)))

    def fill_settled(self, count: int) -> FilterArtefact:
        """Give the settled topic its filter, which is returned, and so many messages."""
        policies = self._policies(SETTLED)
        binding = load_catalogue(policies).binding_for(SETTLED)
        assert binding is not None
        artefact = learned_filter(binding, SETTLED, MODEL)
        filters = policies / POLICY_SET / "filters"
        filters.mkdir()
        write_artefact(filters / "f", artefact)
        salt = self.folder / "salt"
        salt.write_bytes(SALT)
        with (policies / POLICY_SET / "topic.toml").open("a") as file:
            file.write(terms(salt))
        values = settled_values(artefact, count)
        keyed = ((b"k-%d" % number, value) for number, value in enumerate(values))
        write(self.bootstrap_servers, SETTLED, keyed)
        return artefact

    def _prompt(self) -> dict[str, object]:
        """What the peers send: the very system message and schema that we send."""
        catalogue = load_catalogue(self._policies(BACKLOG))
        binding = catalogue.binding_for(BACKLOG)
        assert binding is not None
        (policy,) = binding.live.policies
        return {
            "system": system_message(policy),
            "schema": answer_schema(policy),
            "outcomes": {label: outcome.value for label, outcome in policy.outcomes.items()},
            "policy": policy.name,
            "version": binding.live.id,
            "digest": binding.live.digest,
            "model": MODEL,
            "topic": BACKLOG,
        }

    def _policies(self, topic: str) -> Path:
        """The policies of a worker that reads this topic alone."""
        return self.folder / f"policies-{topic}"

    def config(
        self, name: str, topic: str, endpoint: str, settings: Mapping[str, object] = {}
    ) -> Path:
        """A configuration file for `safeguard run` in the group `name`; `settings` are added."""
        values: dict[str, object] = {
            "kafka.bootstrap_servers": self.bootstrap_servers,
            "kafka.group": name,
            "inference.endpoint": endpoint,
            "inference.model": MODEL,
            "policies.folder": str(self._policies(topic)),
            "telemetry.health_port": free_port(),
            "telemetry.log_level": "warning",
            "telemetry.log_format": "json",
            **settings,
        }
        file = self.folder / f"{name}.toml"
        file.write_text(_toml(values))
        return file


def _toml(values: Mapping[str, object]) -> str:
    sections: dict[str, list[str]] = {}
    for name, content in values.items():
        section, _, field = name.partition(".")
        sections.setdefault(section, []).append(f"{field} = {json.dumps(content)}")
    return "\n".join(f"[{name}]\n" + "\n".join(lines) + "\n" for name, lines in sections.items())


def policy() -> Policy:
    """
    The policy that everything is judged under.

    Raises:
        ValueError: its file cannot be read as a policy.
    """
    found = read_policy(POLICY, POLICY.name, POLICY.read_bytes())
    if not isinstance(found, Policy):
        raise ValueError(f"{POLICY.name} has flaws: {found}")
    return found


def free_port() -> int:
    """A loopback port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def stamp() -> bytes:
    """A key that says when it was made, in nanoseconds of the wall clock."""
    return b"%d" % time.time_ns()
