"""A scene for reviewers: an input with its topics, a store, the feed and the command line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import select

from consumer.dev.safeguard.server import StandInSafeguard
from consumer.review.store.database import Database
from consumer.review.store.tables import cases, facts
from tests.brokers.kafka import RealKafka
from tests.forked import ROOT
from tests.journeys.test_cli import flags, safeguard
from tests.journeys.worker import finished, make_policies, settings_for, working
from tests.records import Stored, read_all, write
from tests.stage import Broker, new_name
from tests.waiting import until

REVIEW = '[message]\nid = "/id"\n[review]\nsla_s = 3600\napprove_labels = ["words.BANNED"]\n'
PATIENCE_S = 60.0


class ReviewScene:
    """An input that people review, with a store of its own."""

    def __init__(self, broker: Broker, folder: Path, store: str, more: str = "") -> None:
        self.broker, self.group, self.store = broker, new_name(), store
        self.topic = broker.moderated(partitions=2)
        self.policies = make_policies(folder, f'["{self.topic}"]', more=REVIEW + more)
        assert isinstance(broker.creator, RealKafka)
        broker.creator.create_topics(
            {
                self.topic + end: 2
                for end in (
                    ".reports",
                    ".reports.dead-letter",
                    ".appeals",
                    ".appeals.dead-letter",
                    ".decisions",
                )
            }
        )

    def flags(self, store: str | None = None) -> list[str]:
        return flags(
            kafka__bootstrap_servers=self.broker.bootstrap_servers,
            kafka__group=self.group,
            kafka__message_timeout_s="1.5",
            kafka__request_timeout_s="1.5",
            kafka__session_timeout_s="6",
            policies__folder=str(self.policies),
            review__store=store or self.store,
            review__undo_s="0",
        )

    def say(self, number: int, text: str) -> None:
        value = json.dumps({"id": f"m-{number}", "text": text}).encode()
        write(
            self.broker.bootstrap_servers,
            self.topic,
            [value],
            key=b"k%d" % number,
            partition=number % 2,
        )

    async def work(self, count: int, partitions: int = 2) -> None:
        """Have a worker finish so many records; of a retry topic it has the partitions too."""
        async with StandInSafeguard() as server:
            changes = {"kafka.group": self.group}
            settings = settings_for(self.broker, server.base_url, self.policies, changes)
            async with working(settings, partitions) as worker:
                await finished(worker, count)

    @contextmanager
    def feed(self) -> Iterator[subprocess.Popen[str]]:
        """The feed in a process of its own; whoever uses it may kill it."""
        words = [sys.executable, "-m", "consumer", "review", "feed", *self.flags()]
        process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=60)
        assert process.returncode in (0, -signal.SIGKILL), said

    def command(self, *words: str, store: str | None = None) -> tuple[int, Any]:
        done = safeguard("review", *words, "--json", *self.flags(store))
        assert done.returncode in (0, 1), done.stderr
        return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr

    def audit(self) -> int:
        """The exit code of an audit of all that became of the input's records."""
        return safeguard("audit", "--topic", self.topic, *self.flags()).returncode

    async def until_open(self, number: int) -> None:
        """Wait until so many cases are open."""
        await until(
            lambda: sum(bool(row[4]) for row in self.snapshot()[0]) == number,
            f"{number} open cases",
            PATIENCE_S,
        )

    def next(self, who: str, *words: str) -> Any:
        """The case that somebody is given, or None."""
        return self.command("next", "--as", who, *words)[1]

    def decide(self, who: str, case: str, *words: str) -> Any:
        return self.command("decide", case, "--as", who, "--reason", "so it is", *words)[1]

    def on(self, *ends: str) -> list[Stored]:
        return read_all(self.broker.bootstrap_servers, [self.topic + end for end in ends])

    def superseding(self) -> list[Stored]:
        found = self.on(".allow", ".block")
        return [record for record in found if record.header("safeguard-supersedes")]

    def known_to(self, cause: str) -> int:
        """How many verdicts of a cause the store knows."""
        return sum(row[2] == "verdict" and row[4]["cause"] == cause for row in self.snapshot()[1])

    def snapshot(self, store: str | None = None) -> tuple[list[Any], list[Any]]:
        """What the store knows, without what people were just about to do."""
        database = Database(store or self.store)
        known = ("id", "topic", "message_id", "status", "is_open", "queue", "asked_ms", "due_ms")
        with database.reading() as connection:
            columns = [cases.c[name] for name in known]
            rows = connection.execute(select(*columns).order_by(cases.c.id)).all()
            bodies = connection.execute(
                select(facts.c.id, facts.c.case_id, facts.c.kind, facts.c.at_ms, facts.c.body)
            ).all()
        database.close()
        said = [(*row[:4], orjson.loads(row.body)) for row in bodies]
        return list(map(tuple, rows)), sorted(said, key=lambda row: str(row[0]))
