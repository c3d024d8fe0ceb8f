"""The command `watch`: verdicts as they are published, until Ctrl-C."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Generator
from contextlib import closing
from typing import NamedTuple

import orjson
from rich.console import Console

from consumer.commands.watch.line import plain, shown, totals
from consumer.commands.watch.watched import Watched, read_back
from consumer.errors import InvalidSettings, TopicsMissing
from consumer.interfaces import Output
from consumer.kafka.cluster.topics import Topics
from consumer.kafka.config import KafkaConfig
from consumer.kafka.reader.follower import Follower
from consumer.kafka.reader.reader import TopicReader
from consumer.registry.load import binding_of, load_catalogue
from consumer.settings.settings import Settings
from consumer.worker.wiring import kafka_config


class WatchRequest(NamedTuple):
    """What to show; what is empty is not looked at."""

    topic: str | None
    outcomes: frozenset[str] = frozenset()
    causes: frozenset[str] = frozenset()
    since_ms: int | None = None
    limit: int = 0
    """Ends after so many; 0 goes on."""

    def covers(self, watched: Watched) -> bool:
        """Whether it is among what is asked for."""
        return (not self.outcomes or watched.outcome in self.outcomes) and (
            not self.causes or watched.cause in self.causes
        )


def watch(settings: Settings, request: WatchRequest, *, as_json: bool) -> int:
    """
    Print a line for each verdict and dead letter; the count of them on stderr at the end.

    Raises:
        InvalidSettings: no policy binds the topic.
        TopicsMissing: it has no outputs yet.
    """
    kafka = kafka_config(settings.kafka)
    sources = _sources(settings, kafka, request.topic)
    console, counts = Console(highlight=False), Counter[str]()
    _say(f"watching {', '.join(sources)}; Ctrl-C ends it", as_json)
    try:
        with closing(_watched(kafka, sources, request.since_ms)) as all_of_it:
            for watched in all_of_it:
                if not request.covers(watched):
                    continue
                counts[watched.outcome] += 1
                _show(console, watched, as_json=as_json)
                if sum(counts.values()) == request.limit:
                    break
    except KeyboardInterrupt:
        # What a person ends who has seen enough is no failure. A terminal has written ^C.
        if console.is_terminal:
            print(file=sys.stderr)
    _say(totals(counts), as_json)
    return 0


def _sources(settings: Settings, kafka: KafkaConfig, topic: str | None) -> dict[str, list[Output]]:
    """The inputs that are watched, each with the partitions of its outputs."""
    catalogue = load_catalogue(settings.policies.folder)
    if topic is not None:
        binding_of(catalogue, topic)
    partitions = Topics(kafka).partitions()
    inputs = [topic] if topic is not None else catalogue.inputs_among(list(partitions))
    found: dict[str, list[Output]] = {}
    for source in inputs:
        outputs = binding_of(catalogue, source).outputs_of(source)
        places = [Output(name, n) for name in outputs for n in range(partitions.get(name, 0))]
        if places:
            found[source] = places
    if not found:
        what = f"{topic} has no outputs" if topic else "the brokers have no input of the policies"
        raise TopicsMissing(f"{what} yet: `safeguard topics apply --create-inputs` makes them")
    return found


def _watched(
    kafka: KafkaConfig, sources: dict[str, list[Output]], since_ms: int | None
) -> Generator[Watched, None, None]:
    reader = TopicReader(kafka)
    # Inputs may share outputs; a record is one watched of the input that it names.
    places = list(dict.fromkeys(place for outputs in sources.values() for place in outputs))
    starts = reader.ends(places) if since_ms is None else reader.offsets_at(places, since_ms)
    for batch in Follower(kafka, starts).batches():
        seen = (read_back(record, sources) for record in batch)
        found = [watched for watched in seen if watched is not None]
        # Several partitions come as they come; within a batch by the time of the verdict.
        yield from sorted(found, key=lambda watched: watched.at_ms)


def _show(console: Console, watched: Watched, *, as_json: bool) -> None:
    if as_json:
        print(orjson.dumps(watched.fields).decode(), flush=True)
    elif console.is_terminal:
        for line in shown(watched, console.width):
            console.print(line)
    else:
        print(plain(watched), flush=True)


def _say(line: str, as_json: bool) -> None:
    """What is no result goes to stderr."""
    if not as_json:
        print(line, file=sys.stderr, flush=True)


OUTCOMES = ("allow", "flag", "block", "dead-letter")


def chosen(words: list[str] | None, known: tuple[str, ...], flag: str) -> frozenset[str]:
    """
    The words of a filter.

    Raises:
        InvalidSettings: one of them is unknown.
    """
    for word in words or ():
        if word not in known:
            raise InvalidSettings(f"{flag} {word}: there are {', '.join(known)}")
    return frozenset(words or ())
