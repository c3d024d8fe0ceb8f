"""What lay on a topic that is gone was published, and came first."""

from __future__ import annotations

from pathlib import Path

from consumer.domain.messages.message import Position
from consumer.domain.verdicts.verdict import verdict_id
from tests.chaos.reckoning import reckon
from tests.chaos.scene import filter_of, write_policies
from tests.filtered import fresh_filtering
from tests.records import Stored


def message(offset: int) -> Stored:
    return Stored("in", 0, offset, b"k", b'{"text": "good morning"}', (), 0)


def verdict(
    of: int, at: int, stored_ms: int, topic: str = "in.allow", source: str = "id"
) -> Stored:
    name = verdict_id(source, Position("in", 0, of), "g", "d")
    headers = (
        ("safeguard-position", b"in/0/%d" % of),
        ("safeguard-verdict-id", name.encode()),
        ("safeguard-policy-digest", b"d"),
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

    found = reckon(inputs, outputs, [[verdict(1, 7, 20)]], "id", "g")

    assert found.lost == ["in/0/2", "in/0/3"]
    assert found.out_of_order == []


def test_the_first_verdict_counts_for_the_order_wherever_it_lay() -> None:
    """Judged again since its verdict is gone, it comes late, and is not out of order."""
    inputs = [message(0), message(1)]
    outputs = [verdict(1, 0, 20, "in.flag"), verdict(0, 0, 90)]

    assert reckon(inputs, outputs, [[verdict(0, 5, 10)]], "id", "g").out_of_order == []
    assert reckon(inputs, outputs, [], "id", "g").out_of_order == ["in/0/1"]
