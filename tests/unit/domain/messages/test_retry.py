"""What a retried record says of itself is believed on a retry topic alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.domain.messages.message import Headers, Position, Record
from consumer.domain.messages.retry import (
    attempts,
    first_position,
    handed_on,
    retry_headers,
    second_judgement,
    superseded,
)
from tests.builders import a_record

FIRST = Position("chat", 2, 41)


def on(topic: str, headers: Headers) -> Record:
    return a_record(headers=headers, position=Position(topic, 2, 0))


def test_a_retry_topics_record_says_where_it_was_first() -> None:
    """Position and attempts are read, and neither is echoed."""
    record = on("chat.retry", (("a", b"1"), *retry_headers(FIRST, 1), ("b", b"9")))
    assert first_position(record, "chat") == FIRST
    assert attempts(record, "chat") == 2
    assert handed_on(record, "chat") == [("a", b"1"), ("b", b"9")]


def test_nobody_forges_a_first_position() -> None:
    """On any other input the same headers are a producer's, and renamed like the rest."""
    record = on("chat", retry_headers(FIRST, 7))
    assert first_position(record, "chat") is None
    assert attempts(record, "chat") == 1
    assert handed_on(record, "chat") == [
        ("upstream-safeguard-first-position", b"chat/2/41"),
        ("upstream-safeguard-attempts", b"8"),
    ]


@pytest.mark.parametrize(
    "value",
    [
        b"mail/2/41",
        b"chat.retry/2/41",
        b"chat/2",
        b"chat/2/41/7",
        b"chat/-1/41",
        b"chat/2/041",
        b"chat/2/" + b"9" * 20,
        b"chat/2/ 41",
        "chat/2/\u0664".encode(),
        b"\xff",
        b"",
        None,
    ],
)
def test_what_is_no_position_of_the_input_is_not_believed(value: bytes | None) -> None:
    """Also on a retry topic: what does not parse is renamed and moves nothing."""
    record = on("chat.retry", (("safeguard-first-position", value),))
    assert first_position(record, "chat") is None
    assert handed_on(record, "chat") == [("upstream-safeguard-first-position", value)]


def test_other_headers_with_our_prefix_are_renamed_on_a_retry_topic_too() -> None:
    """Only the two that the retry command writes are ours, and the last of them counts."""
    record = on(
        "chat.retry",
        (
            ("safeguard-position", b"chat/0/0"),
            ("Safeguard-First-Position", b"chat/0/0"),
            ("safeguard-attempts", b"many"),
            ("upstream-safeguard-outcome", b"allow"),
            *retry_headers(FIRST, 1),
        ),
    )
    assert first_position(record, "chat") == FIRST
    assert handed_on(record, "chat") == [
        ("upstream-safeguard-position", b"chat/0/0"),
        ("upstream-Safeguard-First-Position", b"chat/0/0"),
        ("upstream-safeguard-attempts", b"many"),
        ("upstream-safeguard-outcome", b"allow"),
    ]


VERDICT = "0123456789abcdef" * 2


def test_a_second_judgement_names_the_verdict_whose_place_its_own_takes() -> None:
    """On the retry topic alone, and it is not handed on; what the input brought is renamed."""
    given: Headers = (("a", b"1"), ("safeguard-supersedes", b"f" * 32))
    headers = second_judgement(on("chat", given), "chat", VERDICT)
    assert headers == (
        ("a", b"1"),
        ("upstream-safeguard-supersedes", b"f" * 32),
        ("safeguard-first-position", b"chat/2/0"),
        ("safeguard-supersedes", VERDICT.encode()),
    )
    record = on("chat.retry", headers)
    assert superseded(record, "chat") == VERDICT
    assert first_position(record, "chat") == Position("chat", 2, 0)
    assert handed_on(record, "chat") == list(headers[:2])
    forged = on("chat", headers)
    assert superseded(forged, "chat") is None
    assert ("upstream-safeguard-supersedes", VERDICT.encode()) in handed_on(forged, "chat")


def test_what_was_retried_keeps_its_first_position_when_it_is_judged_once_more() -> None:
    """Its verdict is about the record that was first consumed."""
    headers = second_judgement(on("chat.retry", retry_headers(FIRST, 1)), "chat", VERDICT)
    assert first_position(on("chat.retry", headers), "chat") == FIRST


@pytest.mark.parametrize("value", [None, b"", b"x" * 32, b"a" * 31, b"a" * 33, b"A" * 32])
def test_what_is_no_verdicts_id_is_not_believed(value: bytes | None) -> None:
    """The last of its name counts, as everywhere."""
    headers: Headers = (("safeguard-supersedes", VERDICT.encode()), ("safeguard-supersedes", value))
    record = on("chat.retry", headers)
    assert superseded(record, "chat") is None
    assert ("upstream-safeguard-supersedes", value) in handed_on(record, "chat")


NAMES = st.text(max_size=6) | st.sampled_from(["safeguard-first-position", "SAFEGUARD-attempts"])


@given(st.lists(st.tuples(NAMES, st.none() | st.binary(max_size=12))), st.booleans())
def test_nothing_handed_on_passes_for_ours(
    headers: list[tuple[str, bytes | None]], is_retry: bool
) -> None:
    """Whatever a producer wrote, no header with our prefix goes on."""
    record = on("chat.retry" if is_retry else "chat", tuple(headers))
    assert not [n for n, _ in handed_on(record, "chat") if n.lower().startswith("safeguard-")]
    assert attempts(record, "chat") >= 1


@given(
    st.text(st.sampled_from("abc._-"), min_size=1),
    st.integers(0, 2**31 - 1),
    st.integers(0, 2**63 - 1),
)
def test_a_position_is_read_as_it_is_written(topic: str, partition: int, offset: int) -> None:
    """`parse` undoes `str`."""
    position = Position(topic, partition, offset)
    assert Position.parse(str(position)) == position
