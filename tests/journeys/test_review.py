"""Flags become cases, people decide at the command line, and decisions arrive once."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from consumer.domain.verdicts.envelope import Envelope
from consumer.review.cases.facts import case_id
from consumer.review.records.decision import DecisionRecord
from tests.journeys.reviewing import PATIENCE_S, ReviewScene
from tests.records import write
from tests.stage import Broker
from tests.waiting import until

MALFORMED = (
    b"{",
    b"[]",
    b'{"message_id":"m-6","reporter":"u","reason":"r","reported_at":"soon"}',
    b'{"message_id":"nobody knows","reporter":"u","reason":"r"}',
    None,
)


@pytest.mark.kafka
@pytest.mark.timeout(300)
async def test_from_flag_to_decision_and_back(
    real_broker: Broker, tmp_path: Path, store_address: str
) -> None:
    """A worker flags, two people decide, the feed is killed twice: nothing is lost or doubled."""
    scene = ReviewScene(real_broker, tmp_path, store_address)
    for number in range(6):
        scene.say(number, f"{number}: a doubtful thing")
    scene.say(6, "all is fine")
    await scene.work(7)
    with scene.feed() as feed:
        await scene.until_open(6)
        feed.kill()
    _report(scene)

    with scene.feed() as feed:
        await scene.until_open(7)
        decided = _most_are_decided(scene)
        await until(lambda: len(scene.on(".decisions")) > 1, "the first decisions", PATIENCE_S)
        decided += _one_more(scene)
        feed.kill()
    with scene.feed():
        decided.append(_two_decide_together(scene))
        # What was decided comes back as a verdict, and is taken up like any other.
        await until(lambda: scene.known_to("human") >= len(decided), "verdicts", PATIENCE_S)

    _all_is_told_once(scene, decided)
    letters = scene.on(".reports.dead-letter")
    reasons = Counter(r.header("safeguard-dead-letter-reason") for r in letters)
    assert set(reasons) == {"not_json", "wrong_shape", "unknown_message", "tombstone"}
    assert scene.audit() == 0, "people's verdicts supersede, and contradict nothing"
    assert scene.command("verify-log")[1]["fault"] is None
    cases_file = tmp_path / "decided.jsonl"
    _, exported = scene.command("export-cases", str(cases_file), "--topic", scene.topic)
    assert exported == {"written": 5, "left_out": 1}, "the text of what was allowed is nowhere"
    assert scene.command("stats")[1]["decisions"]["reviewers"] == {"ann": 4, "bob": 3}

    new_store = f"sqlite:///{tmp_path / 'again.sqlite'}"
    _, rebuilt = scene.command("rebuild", store=new_store)
    assert rebuilt["misread"] == len(MALFORMED)
    assert scene.snapshot(new_store) == scene.snapshot()
    assert scene.command("rebuild", store=new_store)[1]["facts"] == 0


def _report(scene: ReviewScene) -> None:
    """Somebody reports the message that was allowed, and a client of theirs is broken."""
    allowed = next(r for r in scene.on(".allow") if r.header("safeguard-message-id") == "m-6")
    report = {
        "message_id": "m-6",
        "position": allowed.header("safeguard-position"),
        "verdict_id": allowed.header("safeguard-verdict-id"),
        "reporter": "u-9",
        "reason": "rude",
        "reach": 120,
    }
    values = [*MALFORMED, json.dumps(report).encode()]
    write(scene.broker.bootstrap_servers, scene.topic + ".reports", values, partition=1)


def _most_are_decided(scene: ReviewScene) -> list[str]:
    """By two people in turn; who has not claimed a case does not decide it."""
    first = scene.next("ann")
    reported = first["case"]
    assert first["text"] == "all is fine", "read where it lies"
    assert reported == case_id(scene.topic, "m-6"), "people go before machines"
    assert "claimed by ann" in scene.decide("bob", reported, "--outcome", "allow")
    assert scene.decide("ann", reported, "--outcome", "allow")["state"] == "decided"
    decided = [reported]
    for who in ("bob", "ann", "bob"):
        decided += _one_more(scene, who)
    return decided


def _one_more(scene: ReviewScene, who: str = "ann") -> list[str]:
    found = scene.next(who)
    assert found["text"].endswith("a doubtful thing")
    words = ("--label", "words.DOUBT", "--outcome", "block", "--rule", "R1")
    assert scene.decide(who, found["case"], *words)["state"] == "decided"
    return [str(found["case"])]


def _two_decide_together(scene: ReviewScene) -> str:
    """The topic asks for a second person for this label; the last case is skipped by the first."""
    found = str(scene.next("ann")["case"])
    label = ("--label", "words.BANNED")
    assert scene.decide("ann", found, *label)["proposal"]["by"] == "ann"
    other = scene.next("ann")["case"]
    assert other != found, "a second person is needed"
    scene.command("skip", other, "--as", "ann")
    assert scene.next("ann") == {"case": None}
    scene.next("bob", "--case", found)
    (decision,) = scene.decide("bob", found, *label)["decisions"]
    assert (decision["by"], decision["approved_by"]) == ("ann", "bob")
    return found


def _all_is_told_once(scene: ReviewScene, decided: list[str]) -> None:
    """Each decision on its topic, and the verdict that it says on allow or block."""
    records = scene.on(".decisions")
    said = [DecisionRecord.model_validate_json(record.value or b"") for record in records]
    assert Counter(record.case for record in said) == Counter(decided)
    assert {record.partition for record in records} == {0, 1}
    later = scene.superseding()
    verdicts = sorted(str(record.verdict) for record in said)
    assert sorted(str(r.header("safeguard-verdict-id")) for r in later) == verdicts
    by_position = {record.position: record for record in said}
    for record in later:
        decision = by_position[record.header("safeguard-position")]
        assert record.header("safeguard-supersedes") == decision.supersedes
        assert record.topic == f"{scene.topic}.{decision.outcome}"
        envelope = Envelope.model_validate_json(record.value or b"")
        assert (envelope.cause, envelope.id) == ("human", decision.verdict)
        assert envelope.message.text is None
        assert f"k{envelope.message.id.removeprefix('m-')}".encode() == record.key
