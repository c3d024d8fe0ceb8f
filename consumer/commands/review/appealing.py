"""The command `review appeal-link`: a link by which an author appeals against one verdict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rich.console import Console

from consumer.commands.console.appeals import PATH, appeal_origin, appeal_secret
from consumer.commands.review.room import opened
from consumer.commands.terminal import bars, read, tell
from consumer.domain.messages.message import Record
from consumer.domain.policy import Outcome
from consumer.domain.verdicts.headers import rfc3339
from consumer.errors import InvalidSettings
from consumer.kafka.cluster.topics import Topics
from consumer.kafka.reader.reader import TopicReader
from consumer.review.cases.case import ReviewCase
from consumer.review.cases.facts import About
from consumer.review.records.appeal_link import granted, sign
from consumer.review.records.reading import FactReader, Role, roles_of
from consumer.review.room import ReviewRoom
from consumer.review.store.search import case_of_verdict
from consumer.settings.settings import Settings
from consumer.telemetry.clock import SystemClock

DAY_MS = 86_400_000
"""A link's time is set in days."""


class WantedLink(NamedTuple):
    """Which verdict, and whose appeal."""

    verdict_id: str
    by: str | None
    """None for the author whom the verdict names."""
    since_ms: int


class Found(NamedTuple):
    """A verdict, and what people made of its message."""

    case: ReviewCase
    about: About


def make_appeal_link(settings: Settings, wanted: WantedLink, *, as_json: bool) -> int:
    """
    Print the link; 1 where there is no such verdict.

    It is looked for in the store, and then on the topics that workers block to.

    Raises:
        InvalidSettings: no secret is set, the verdict restricts nothing, or nobody knows whose.
        BrokerUnavailable: a topic cannot be read.
    """
    own = settings.review.console
    secret, origin = appeal_secret(own), appeal_origin(own)
    with opened(settings) as room:
        found = _in_store(room, wanted.verdict_id) or _on_topics(settings, room, wanted)
    if found is None:
        tell({"link": None}, [f"there is no verdict {wanted.verdict_id}"], as_json=as_json)
        return 1
    until_ms = SystemClock().wall_ms() + own.appeals.days * DAY_MS
    grant = granted(found.case, found.about, _author(found, wanted.by), until_ms)
    if grant.outcome == Outcome.ALLOW:
        raise InvalidSettings(f"{wanted.verdict_id} allows its message: there is nothing to appeal")
    url = f"{origin}{PATH}{sign(grant, secret)}"
    until = rfc3339(until_ms)
    lines = [url, f"lets {grant.by} appeal once, until {until}"]
    tell({"link": url, "by": grant.by, "until": until}, lines, as_json=as_json)
    return 0


def _author(found: Found, by: str | None) -> str:
    named = (each.envelope.get("message", {}).get("author") for each in found.case.verdicts)
    who = by or next((str(name) for name in named if name is not None), None)
    if who is None:
        raise InvalidSettings("--by: the verdict names no author, so say who may appeal")
    return who


def _in_store(room: ReviewRoom, verdict_id: str) -> Found | None:
    name = case_of_verdict(room.database, room.book.topics(), verdict_id)
    docket = room.book.look(name) if name is not None else None
    if docket is None:
        return None
    case = docket.case
    verdict = next(verdict for verdict in case.verdicts if verdict.id == verdict_id)
    return Found(case, About(case.topic, case.message_id, verdict))


def _on_topics(settings: Settings, room: ReviewRoom, wanted: WantedLink) -> Found | None:
    roles = roles_of(room.catalogue, list(Topics(room.kafka).partitions()))
    reader = FactReader(room.catalogue, roles, settings.kafka.group)
    for record in _blocked(room, roles.of(Role.VERDICTS), wanted):
        about = reader.blocked(record)
        if about is not None and about.fact.id == wanted.verdict_id:
            return Found(ReviewCase.of(about), about)
    return None


def _blocked(room: ReviewRoom, topics: list[str], wanted: WantedLink) -> Iterator[Record]:
    """Records of these topics since a time that have the verdict's id."""
    partitions = Topics(room.kafka).partitions()
    scan = TopicReader(room.kafka)
    spans = [
        span
        for name in topics
        for span in scan.spans(
            name, partitions[name], scan.starts_at(name, partitions[name], wanted.since_ms)
        )
    ]
    name = wanted.verdict_id.encode()
    with bars(Console(stderr=True)) as progress:
        for batch in read(scan, spans, progress, "verdicts"):
            for record in batch:
                if dict(record.headers).get("safeguard-verdict-id") == name:
                    yield record
