"""Followers of the notes: all workers know the same, and without that no filter settles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from consumer.domain.binding import Catalogue
from consumer.errors import BrokerUnavailable
from consumer.screening.audited import ALARMED, MISSED, SWITCHED_OFF, UNREAD, Filtered
from consumer.screening.audits.note import AuditNote
from consumer.screening.filtering import Filtering
from consumer.screening.filters import Filters
from consumer.telemetry.telemetry import Telemetry
from consumer.worker.following.audits import NO_TOPIC, AuditFollower
from tests.unit.screening.test_filters import named, ready


class FakeTopic:
    """What all have noted; each log reads it from its beginning."""

    def __init__(self) -> None:
        self.values: list[bytes | None] = []
        self.is_there = True
        self.is_readable = True
        self.is_cut = False
        """Whether its first notes were deleted."""
        self.open = 0

    def log(self, take: Callable[[bytes | None], None], missed: Callable[[], None]) -> FakeLog:
        self.open += 1
        if self.is_cut:
            missed()
        return FakeLog(self, take)


class FakeLog:
    def __init__(self, topic: FakeTopic, take: Callable[[bytes | None], None]) -> None:
        self._topic, self._take = topic, take
        self._at = 0

    def read(self) -> bool:
        if not self._topic.is_readable:
            raise BrokerUnavailable("away")
        if not self._topic.is_there:
            self._at = 0
            return False
        for value in self._topic.values[self._at :]:
            self._take(value)
        self._at = len(self._topic.values)
        return True

    def close(self) -> None:
        self._topic.open -= 1


class Stand:
    """One worker's filter and what follows its notes."""

    def __init__(self, folder: Path, topic: FakeTopic) -> None:
        self.binding = named(folder)
        self.filters: Filters = ready(self.binding)
        self.filters.heed_notes(self.filters.in_use(), UNREAD)
        self.telemetry = Telemetry()
        self.follower = AuditFollower(self.filters, topic.log, self.telemetry)

    @property
    def filtering(self) -> Filtering:
        (found,) = self.filters.in_use()
        assert isinstance(found, Filtering)
        return found

    def off(self) -> str | None:
        return self.filters.standing()[self.binding.set_name]

    def gauge(self) -> float | None:
        registry = self.telemetry.metrics.registry
        labels = {"policy_set": self.binding.set_name}
        return registry.get_sample_value("safeguard_filter_on", labels)


def missed(filtering: Filtering, number: int) -> bytes:
    return filtering.positive(Filtered("audit", 0.1, 0.02), f"t/0/{number}", None).encode()


async def test_it_is_on_once_all_notes_were_read(tmp_path: Path) -> None:
    stand = Stand(tmp_path, FakeTopic())
    assert stand.off() == UNREAD
    with capture_logs() as logs:
        await stand.follower.look()
        await stand.follower.look()
    assert (stand.off(), stand.gauge()) == (None, 1)
    assert [line["event"] for line in logs] == ["filter on: it settles messages before the model"]


async def test_workers_go_off_at_the_same_note_whenever_they_read_it(tmp_path: Path) -> None:
    topic = FakeTopic()
    one, other = Stand(tmp_path, topic), Stand(tmp_path, topic)
    await one.follower.look()
    with capture_logs() as logs:
        for number in range(400):
            topic.values += [missed(one.filtering, number), b"no note", None]
            await one.follower.look()
            if one.off() is not None:
                break
    assert one.off() == ALARMED.format(stage="prefilter")
    assert one.gauge() == 0
    assert [(line["event"], line["why"]) for line in logs] == [
        ("filter off: the model is asked for everything", ALARMED.format(stage="prefilter"))
    ]
    last = topic.values[-3:]
    del topic.values[-3:]
    await other.follower.look()
    assert other.off() is None
    topic.values += last
    await other.follower.look()
    assert other.off() == ALARMED.format(stage="prefilter")
    assert one.filtering.watch.state() == other.filtering.watch.state()


async def test_where_the_first_notes_were_deleted_it_is_off_until_a_person_says_on(
    tmp_path: Path,
) -> None:
    """Whoever started later would settle on while those that read an alarm do not."""
    topic = FakeTopic()
    topic.is_cut = True
    stand = Stand(tmp_path, topic)
    await stand.follower.look()
    assert stand.off() == MISSED.format(stage="prefilter")

    filtering = stand.filtering
    on = AuditNote(kind="switched on", version=filtering.version_digest, artefact=filtering.digest)
    topic.values.append(on.encode())
    await stand.follower.look()
    assert stand.off() is None


async def test_while_notes_cannot_be_read_it_is_off(tmp_path: Path) -> None:
    topic = FakeTopic()
    stand = Stand(tmp_path, topic)
    topic.is_readable = False
    await stand.follower.look()
    assert stand.off() == f"{UNREAD}: away"
    topic.is_readable = True
    await stand.follower.look()
    assert stand.off() is None
    topic.is_readable = False
    await stand.follower.look()
    assert stand.off() is not None


async def test_without_the_topic_it_is_off_and_one_made_anew_counts_anew(tmp_path: Path) -> None:
    topic = FakeTopic()
    stand = Stand(tmp_path, topic)
    counted = AuditNote(
        kind="counts",
        version=stand.binding.live.digest,
        artefact=stand.filtering.digest,
        settled=5,
    )
    topic.values = [counted.encode()]
    await stand.follower.look()
    topic.is_there = False
    for _ in range(2):
        await stand.follower.look()
        assert (stand.off(), topic.open) == (NO_TOPIC, 1)
    topic.is_there = True
    await stand.follower.look()
    assert stand.off() is None
    assert stand.filtering.watch.standing.messages == 5


async def test_another_filter_is_told_all_that_was_noted_before(tmp_path: Path) -> None:
    """Of it alone: until then it is off, and what is read by then is not read twice."""
    topic = FakeTopic()
    stand = Stand(tmp_path, topic)
    await stand.follower.look()
    later = named(tmp_path, bias=-2.0)
    stand.filters.prepare(Catalogue((later,)))
    filtering = stand.filtering
    note = AuditNote(kind="switched off", version=later.live.digest, artefact=filtering.digest)
    topic.values = [missed(filtering, 1), note.encode()]
    assert stand.off() == UNREAD
    await stand.follower.look()
    assert (stand.off(), topic.open) == (SWITCHED_OFF.format(stage="prefilter"), 1)
    assert filtering.watch.standing.positives == 1
    stand.filters.prepare(Catalogue(()))
    await stand.follower.look()
    assert (stand.gauge(), topic.open) == (None, 0)


async def test_what_the_audits_have_shown_is_told_by_gauges(tmp_path: Path) -> None:
    """The recall's bounds and the prevalence with its range, also by language; gone with it."""
    topic = FakeTopic()
    stand = Stand(tmp_path, topic)
    filtering = stand.filtering
    for language in ("en", "en-GB", "de"):
        for _ in range(100):
            filtering.count(language, is_settled=False)
    topic.values += [note.encode() for note in filtering.take_counts()]
    found = Filtered("ask", 0.9, asked_for="score")
    topic.values += [filtering.positive(found, f"t/0/{at}", "de").encode() for at in range(50)]
    registry = stand.telemetry.metrics.registry
    name = stand.binding.set_name

    def prevalence(language: str, bound: str = "share") -> float | None:
        labels = {"policy_set": name, "language": language, "bound": bound}
        return registry.get_sample_value("safeguard_prevalence_ratio", labels)

    await stand.follower.look()
    assert prevalence("all") == pytest.approx(50 / 350)
    assert prevalence("de") == pytest.approx(50 / 150)
    assert (prevalence("en"), prevalence("en-GB")) == (0.0, None)
    low, high = prevalence("de", "low"), prevalence("de", "high")
    assert low is not None
    assert high is not None
    assert low < 50 / 150 < high
    labels = {"policy_set": name}
    assert registry.get_sample_value("safeguard_filter_recall_shown", labels) == 0.0
    bounds = {**labels, "bound": "low"}
    assert registry.get_sample_value("safeguard_filter_recall_ratio", bounds) is not None
    stand.filters.prepare(Catalogue(()))
    await stand.follower.look()
    assert prevalence("all") is None
    assert registry.get_sample_value("safeguard_filter_recall_ratio", bounds) is None
