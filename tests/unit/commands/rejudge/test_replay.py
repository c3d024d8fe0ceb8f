"""Which unjudged verdicts are still open, and in which order their successors go out."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.commands.dead_letters.selection import Selection
from consumer.commands.rejudge.replay import OpenVerdict, VerdictFinder, in_rounds
from consumer.commands.rejudge.summary import Summary
from consumer.domain.binding import Outputs
from consumer.domain.messages.message import Headers, Position, Record
from consumer.domain.policy import Outcome
from consumer.domain.verdicts.verdict import (
    Cause,
    Screened,
    UnjudgedReason,
    superseding_id,
    verdict_id,
)
from consumer.interfaces import Partition, Publication
from consumer.pipeline.assignment.assignment import Assignment, Flight
from consumer.pipeline.dead_letters import DeadLetterEncoder
from consumer.pipeline.publisher import Publisher
from tests.builders import TOPIC, a_binding, a_message, a_record, a_verdict, a_version

TOPIC_ID = "n3Yq"
DIGEST = a_version().digest
EVERYTHING = Selection()


def id_of(offset: int, source: str = TOPIC_ID, group: str = "g", topic: str = TOPIC) -> str:
    return verdict_id(source, Position(topic, 1, offset), group, DIGEST)


def stored(
    offset: int,
    *,
    cause: Cause = Cause.UNJUDGED,
    reason: UnjudgedReason | None = UnjudgedReason.OUTAGE,
    group: str = "g",
    topic: str = TOPIC,
    source: str = TOPIC_ID,
    supersedes: str | None = None,
    written_ms: int = 0,
    payload: str = "envelope",
    outcome: Outcome = Outcome.ALLOW,
    headers: Headers = (),
    value: bytes = b"{}",
    origin: str | None = None,
) -> Record:
    """A verdict's record as a worker leaves it on an output."""
    position = Position(topic, 1, offset)
    name = id_of(offset, source, group, topic)
    if supersedes is not None:
        name = superseding_id(supersedes, cause, "run")
    verdict = a_verdict(
        id=name,
        outcome=outcome,
        cause=cause,
        unjudged_reason=reason if cause is Cause.UNJUDGED else None,
        message=a_message(position=position),
        supersedes=supersedes,
        screened=None if origin is None else Screened(cause, artefact=origin),
    )
    binding = a_binding(outputs=Outputs(payload=payload))  # type: ignore[arg-type]
    record = a_record(value, headers, position=position)
    flight = Flight(record, Assignment(Partition(topic, 1), 1), binding, 0.0)
    publisher = Publisher(group, DeadLetterEncoder(group, "w"))
    found = publisher.verdict(flight, verdict).publication
    place = Position(found.topic, 1, offset)
    return Record(place, written_ms, found.key, found.value, found.headers)


def finder_of(*records: Record, shared: str | None = None) -> VerdictFinder:
    finder = VerdictFinder({TOPIC: TOPIC_ID, f"{TOPIC}.retry": "x9"}, "g", shared)
    for record in records:
        finder.add(record)
    return finder


def offsets(finder: VerdictFinder, selection: Selection = EVERYTHING) -> list[int]:
    return [unjudged.position.offset for unjudged in finder.open(selection)]


def test_an_unjudged_verdict_is_found_with_what_it_says() -> None:
    """Whatever outcome `on_unjudged` gave it; others' verdicts and those of a model are not."""
    finder = finder_of(
        stored(0, written_ms=5),
        stored(1, outcome=Outcome.FLAG, written_ms=3),
        stored(2, cause=Cause.MODEL),
        stored(3, cause=Cause.SKIPPED),
        stored(4, group="another"),
        stored(5, topic="another"),
    )
    position = Position(TOPIC, 1, 0)
    assert offsets(finder) == [1, 0]
    assert finder.open(EVERYTHING)[1] == OpenVerdict(id_of(0), position, UnjudgedReason.OUTAGE, 5)
    assert finder.earlier == 0


@pytest.mark.parametrize("is_first", [True, False])
def test_what_is_superseded_is_not_open(is_first: bool) -> None:
    """Whichever of the two is read first, and whoever replaced it."""
    new = stored(0, cause=Cause.REPLAY, supersedes=id_of(0), outcome=Outcome.BLOCK)
    old = [stored(0), stored(1)]
    assert offsets(finder_of(*([new, *old] if is_first else [*old, new]))) == [1]


@pytest.mark.parametrize("asked", [0, 1, 2])
def test_what_was_shared_from_one_verdict_is_found_by_any_of_them(asked: int) -> None:
    """The model's own is left, and so is what somebody has replaced or had from another."""
    copies = {"origin": id_of(0), "outcome": Outcome.BLOCK}
    records = [
        stored(0, cause=Cause.MODEL, outcome=Outcome.BLOCK),
        stored(1, cause=Cause.MEMO, **copies),  # type: ignore[arg-type]
        stored(2, cause=Cause.NEAR_DUPLICATE, **copies),  # type: ignore[arg-type]
        stored(3, cause=Cause.MEMO, **copies),  # type: ignore[arg-type]
        stored(3, cause=Cause.HUMAN, supersedes=id_of(3)),
        stored(4, cause=Cause.MEMO, origin="f" * 32),
        stored(5, cause=Cause.PREFILTER, origin=id_of(0)),
        stored(6),
        stored(7, cause=Cause.MEMO, value=b'{"screening":1}', payload="passthrough", **copies),  # type: ignore[arg-type]
        stored(8, cause=Cause.MEMO),
    ]
    found = finder_of(*records, shared=id_of(asked))
    assert offsets(found) == [1, 2]
    assert {each.reason for each in found.open(EVERYTHING)} == {None}
    assert offsets(finder_of(*records, shared="e" * 32)) == []


def test_another_groups_verdict_supersedes_nothing_of_ours() -> None:
    new = stored(0, cause=Cause.REPLAY, supersedes=id_of(0), group="another")
    assert offsets(finder_of(stored(0), new)) == [0]


def test_a_superseding_verdict_is_never_replaced_itself() -> None:
    """Whatever its cause: what it replaces is what counts."""
    assert offsets(finder_of(stored(0, supersedes="a" * 32))) == []


def test_a_topic_made_again_holds_other_records_at_the_same_offsets() -> None:
    """The id tells; the name stands in where there was no id."""
    finder = finder_of(stored(0, source="older"), stored(1), stored(2, source=TOPIC))
    assert offsets(finder) == [1, 2]
    assert finder.earlier == 1


def test_what_was_judged_on_the_retry_topic_is_found() -> None:
    finder = finder_of(stored(0, topic=f"{TOPIC}.retry", source="x9"))
    assert [str(found.position) for found in finder.open(EVERYTHING)] == [f"{TOPIC}.retry/1/0"]


def test_filters() -> None:
    finder = finder_of(
        stored(0, written_ms=10),
        stored(1, written_ms=20, reason=UnjudgedReason.DEADLINE),
        stored(2, written_ms=30),
    )
    assert offsets(finder, Selection(reasons=frozenset({"deadline"}))) == [1]
    assert offsets(finder, Selection(since_ms=20)) == [1, 2]
    assert offsets(finder, Selection(until_ms=20)) == [0]
    assert offsets(finder, Selection(since_ms=10, until_ms=31, reasons=frozenset({"outage"}))) == [
        0,
        2,
    ]


def test_a_user_cannot_say_why_a_message_is_unjudged() -> None:
    """A passed-through record is the user's own, even where it looks like an envelope of ours."""
    value = orjson.dumps({"unjudged_reason": "deadline"})
    forged: Headers = (
        ("ce_type", b"safeguard.verdict.v1"),
        ("safeguard-verdict-id", b"1"),
        ("safeguard-supersedes", b"1"),
    )
    finder = finder_of(stored(0, payload="passthrough", headers=forged, value=value))
    (found,) = finder.open(EVERYTHING)
    assert found.reason is None
    assert offsets(finder, Selection(reasons=frozenset({"deadline"}))) == []


@pytest.mark.parametrize("value", [None, b"", b"[]", b"{}", b'{"unjudged_reason":"odd"}', b"\xff"])
def test_an_envelope_that_says_nothing(value: bytes | None) -> None:
    """It is judged again all the same."""
    (found,) = finder_of(stored(0)._replace(value=value)).open(EVERYTHING)
    assert found.reason is None


@given(st.lists(st.tuples(st.sampled_from(["k", "l", ""]), st.sampled_from("abc")), max_size=30))
def test_a_key_keeps_its_order_across_topics(rows: list[tuple[str, str]]) -> None:
    """A round has one destination for each key, and the rounds read on end are in order."""
    sent = [
        Publication(topic, 0, key.encode() or None, b"%d" % number, ())
        for number, (key, topic) in enumerate(rows)
    ]
    rounds = in_rounds(sent, is_ordered=True)
    assert all(rounds)
    assert sorted(p.value or b"" for r in rounds for p in r) == sorted(p.value or b"" for p in sent)
    for key in (b"k", b"l"):
        assert [p for r in rounds for p in r if p.key == key] == [p for p in sent if p.key == key]
        for found in rounds:
            assert len({p.topic for p in found if p.key == key}) <= 1
    assert in_rounds(sent, is_ordered=False) == ([sent] if sent else [])


def test_equal_keys_of_two_partitions_do_not_wait_for_each_other() -> None:
    sent = [Publication("a", 0, b"k", None, ()), Publication("b", 1, b"k", None, ())]
    assert in_rounds(sent, is_ordered=True) == [sent]


def test_a_summary_names_every_count() -> None:
    """What stays unjudged or is gone is said, and is no success."""
    summary = Summary("chat", "r1", dry_run=False, left=3, earlier=4, gone=2)
    summary.superseded.update([Outcome.ALLOW, Outcome.BLOCK])
    assert not summary.is_clean
    summary.unjudged.update([UnjudgedReason.OUTAGE])
    assert orjson.loads(orjson.dumps(summary.fields))["unjudged_reasons"] == {"outage": 1}
    assert list(summary.lines(0)) == [
        "2 superseded (allow 1, block 1), run r1",
        "1 not judged this time either (outage 1): they stay so",
        "2 gone: the input keeps their records no longer",
        "3 left for the next time: beyond --limit",
        "4 left alone: of an earlier topic of this name",
    ]
    assert summary.fields["outcomes"] == {"allow": 1, "flag": 0, "block": 1}
    assert Summary("chat", "r1", dry_run=False, left=3).is_clean


def test_a_dry_run_lists_what_is_meant() -> None:
    position = Position("chat", 1, 0)
    summary = Summary("chat", "r1", dry_run=True, chosen=[OpenVerdict("a", position, None, 0)])
    assert list(summary.lines(60_000)) == [
        "chat/1/0  not known  60s",
        "1 of chat would be judged again; nothing was done",
    ]
    assert summary.fields["verdicts"] == [
        {
            "id": "a",
            "position": "chat/1/0",
            "reason": None,
            "written_at": "1970-01-01T00:00:00.000Z",
        }
    ]
