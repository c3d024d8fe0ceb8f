"""Controls: what is written, and what is made of anything that is read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.domain.control import Control, decode, encode


def test_the_record_is_what_other_tools_read() -> None:
    """Key and JSON are a contract; a reason is written only where one was given."""
    key, value = encode(Control("chat", True, "ann@host", "2026-11-24T17:00:00+00:00", "why"))
    assert key == b"chat"
    assert json.loads(value) == {
        "paused": True,
        "by": "ann@host",
        "at": "2026-11-24T17:00:00+00:00",
        "reason": "why",
    }
    assert "reason" not in json.loads(encode(Control("chat", False))[1])


@given(st.builds(Control, st.text(min_size=1), st.booleans(), st.text(), st.text(), st.text()))
def test_what_is_written_is_read(control: Control) -> None:
    """Every control survives the way through the topic."""
    assert decode(*encode(control)) == control


@pytest.mark.parametrize(
    "value", [b"", b"{", b"[]", b"true", b"{}", b'{"paused": "yes"}', b"\xff", b'{"paused": 1}']
)
def test_what_is_no_control_says_nothing(value: bytes) -> None:
    """A record of somebody else's making neither pauses nor resumes."""
    assert decode(b"chat", value) is None
    assert decode(None, b'{"paused": true}') is None
    assert decode(b"\xff", b'{"paused": true}') is None


def test_a_tombstone_takes_the_word_back_and_newer_fields_are_passed_over() -> None:
    """The topic may be cleaned by hand, and a newer version may say more."""
    assert decode(b"chat", None) == Control("chat", False)
    assert decode(b"chat", b'{"paused": true, "until": 5}') == Control("chat", True)


@given(st.none() | st.binary(), st.none() | st.binary())
def test_decoding_is_total(key: bytes | None, value: bytes | None) -> None:
    """No bytes on the topic stop a worker."""
    decode(key, value)
