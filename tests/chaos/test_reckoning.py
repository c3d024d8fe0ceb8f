"""What lay on a topic that is gone was published, and came first."""

from __future__ import annotations

from pathlib import Path

from consumer.domain.messages.message import Position
from consumer.domain.verdicts.verdict import verdict_id
from tests.chaos.lives import Life
from tests.chaos.reckoning import reckon
from tests.chaos.scene import filter_of, write_policies
from tests.filtered import fresh_filtering
from tests.records import Stored


def message(offset: int) -> Stored:
    return Stored("in", 0, offset, b"k", b'{"text": "good morning"}', (), 0)


def verdict(
    of: int,
    at: int,
    stored_ms: int,
    topic: str = "in.allow",
    source: str = "id",
    term: int = 1,
) -> Stored:
    name = verdict_id(source, Position("in", 0, of), "g", "d")
    headers = (
        ("safeguard-position", b"in/0/%d" % of),
        ("safeguard-verdict-id", name.encode()),
        ("safeguard-policy-digest", b"d"),
        ("safeguard-group", b"g"),
        ("safeguard-term", b"%d" % term),
        ("safeguard-outcome", topic.removeprefix("in.").encode()),
    )
    return Stored(topic, 0, at, b"k", b"v", headers, stored_ms)


def test_who_is_settled_and_who_audited_follows_from_the_position(tmp_path: Path) -> None:
    """Of many messages with one text some are drawn, and no verdict may say otherwise."""
    filtering = fresh_filtering(filter_of(write_policies(tmp_path)))
    inputs = [message(n) for n in range(100)]
    settled = [screened(verdict(n, n, n), b"prefilter") for n in range(100)]
    audited = [screened(verdict(n, n, n), b"model") for n in range(100)]

    drawn = reckon(inputs, settled, [], "id", "g", filtering).misdrawn
    others = reckon(inputs, audited, [], "id", "g", filtering).misdrawn
    assert 2 <= len(drawn) <= 30
    assert len(drawn) + len(others) == 100
    assert reckon(inputs, [verdict(0, 0, 0)], [], "id", "g", filtering).misdrawn == []


def screened(found: Stored, cause: bytes) -> Stored:
    """A verdict of a message that a filter would have settled."""
    more = (
        ("safeguard-cause", cause),
        ("safeguard-outcome", b"allow"),
        ("safeguard-audit-probability", b"0.1"),
    )
    return found._replace(headers=(*found.headers, *more))


def test_a_verdict_that_went_with_its_topic_is_not_lost() -> None:
    """One on an earlier input of the name is no verdict on this one."""
    inputs = [message(n) for n in range(4)]
    outputs = [verdict(0, 0, 10), verdict(3, 1, 40, source="old")]

    found = reckon(inputs, outputs, [Life([verdict(1, 7, 20)], 30)], "id", "g")

    assert found.lost == ["in/0/2", "in/0/3"]
    assert found.out_of_order == []


def test_the_first_verdict_counts_for_the_order_wherever_it_lay() -> None:
    """Judged again since its verdict is gone, it comes late, and is not out of order."""
    inputs = [message(0), message(1)]
    outputs = [verdict(1, 0, 20, "in.flag"), verdict(0, 0, 90)]

    assert reckon(inputs, outputs, [Life([verdict(0, 5, 10)], 30)], "id", "g").out_of_order == []
    assert reckon(inputs, outputs, [], "id", "g").out_of_order == ["in/0/1"]


def test_two_verdicts_that_lay_there_at_once_contradict_also_when_both_are_gone() -> None:
    """Whoever judged again could have found the first: what was deleted later is no excuse."""
    gone = [
        Life([verdict(0, 0, 10), verdict(1, 1, 12)], deleted_ms=50),
        Life([verdict(0, 0, 20, "in.block")], deleted_ms=60),
    ]

    found = reckon([message(0), message(1)], [verdict(1, 0, 70)], gone, "id", "g")

    assert found.compared.contradicting == ["in/0/0"]
    assert found.compared.verdicts == 4


def test_a_verdict_that_went_before_the_next_one_came_contradicts_nothing() -> None:
    gone = [Life([verdict(0, 0, 10)], deleted_ms=15)]

    found = reckon([message(0)], [verdict(0, 0, 20, "in.block")], gone, "id", "g")

    assert found.compared.contradicting == []
    assert found.compared.verdicts == 2


def test_a_verdict_stays_though_another_output_is_made_again() -> None:
    """The one that was deleted in between is not the one that the first verdict lay on."""
    gone = [Life([verdict(1, 0, 5, "in.block")], deleted_ms=15)]
    outputs = [verdict(0, 0, 10), verdict(0, 0, 20, "in.block")]

    assert reckon([message(0)], outputs, gone, "id", "g").compared.contradicting == ["in/0/0"]


def test_what_was_said_of_an_earlier_input_is_compared_apart() -> None:
    """Its offsets name other records, and its own verdicts must agree all the same."""
    outputs = [
        verdict(0, 0, 10, source="old"),
        verdict(0, 0, 30, "in.flag"),
        verdict(1, 1, 11, source="old"),
        verdict(1, 0, 12, "in.block", source="old"),
    ]

    found = reckon([message(0)], outputs, [], "id", "g", earlier=["old"])

    assert found.compared.contradicting == ["in/0/1"]
    assert found.compared.verdicts == 4


def test_who_stored_a_verdict_again_tells_what_went_wrong() -> None:
    """An owner may miss its own for a while; the next one has waited, and must find it."""
    outputs = [verdict(0, 0, 10), verdict(0, 1, 14), verdict(1, 2, 11), verdict(1, 3, 19, term=2)]
    gone = [Life([verdict(2, 0, 5)], deleted_ms=8)]

    compared = reckon(
        [message(n) for n in range(3)], [*outputs, verdict(2, 4, 30, term=2)], gone, "id", "g"
    ).compared

    assert compared.sent_twice == ["in/0/0"]
    assert compared.judged_twice == ["in/0/1"]
    assert compared.contradicting == []
