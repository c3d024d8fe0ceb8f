"""Commit metadata: what is written is read, it fits, and nothing else is taken for it."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from consumer.domain import checkpoint as checkpoint_module
from consumer.domain.checkpoint import (
    CHARS_MAX,
    MAP_CHARS_MAX,
    Checkpoint,
    Floor,
    decode_checkpoint,
    decode_done,
    encode_done,
    is_same_topic,
    runs_bytes,
    short_id,
    varint_bytes,
)

names = st.text(alphabet="abcxyz0189._-", min_size=1, max_size=249)
offsets = st.integers(min_value=0, max_value=2**62)


@st.composite
def checkpoints(draw: st.DrawFn) -> tuple[Checkpoint, int, str]:
    offset, topic = draw(offsets), draw(names)
    gaps = draw(st.lists(st.integers(min_value=0, max_value=300), max_size=300))
    done, at = set(), offset
    for gap in gaps:
        at += gap + 1
        done.add(at)
    outputs = draw(st.lists(names | st.just(f"{topic}.allow"), max_size=4, unique=True))
    checkpoint = Checkpoint(
        owner=draw(st.text(alphabet="0123456789abcdef", min_size=8, max_size=8)),
        term=draw(st.integers(min_value=0, max_value=10**9)),
        lease_end_ms=draw(st.integers(min_value=0, max_value=10**13)),
        is_released=draw(st.booleans()),
        topic_id=draw(st.sampled_from(("", "abcd1234"))),
        floors={name: Floor(draw(offsets), "abcd1234") for name in outputs},
        done=frozenset(done),
        starts=draw(st.integers(min_value=0, max_value=1_000)),
        careful_until=draw(offsets),
        attempted=draw(st.integers(min_value=-1, max_value=2**62)),
        attempts=draw(st.integers(min_value=0, max_value=1_000)),
    )
    return checkpoint, offset, topic


@given(checkpoints())
def test_what_is_written_is_read(drawn: tuple[Checkpoint, int, str]) -> None:
    """Whatever the names and numbers, and always within what Kafka takes."""
    checkpoint, offset, topic = drawn
    text = checkpoint.encode(offset, topic)

    assert decode_checkpoint(text, offset, topic) == checkpoint
    assert len(text) <= CHARS_MAX
    assert text.isascii()


@given(st.text() | st.binary().map(lambda content: "sg1:" + content.decode("latin-1")))
def test_foreign_text_is_no_checkpoint(text: str) -> None:
    """Metadata of other tools, or broken, is none of ours and no error."""
    assert decode_checkpoint(text, 7, "in") is None


@pytest.mark.parametrize("text", ["", None, "sg1:", "sg2:o=1", "sg1:o=a;t=x;l=0;r=0;i=;f=;d=;s=0"])
def test_what_is_not_whole_is_no_checkpoint(text: str | None) -> None:
    assert decode_checkpoint(text, 7, "in") is None


def test_a_checkpoint_that_does_not_fit_is_an_error_and_never_cut() -> None:
    """Cut metadata would let the next owner judge again what is published."""
    checkpoint = Checkpoint("me", 1, 0, done=frozenset(range(0, 10**9, 300_000)))

    with pytest.raises(ValueError, match="does not fit"):
        checkpoint.encode(0, "in")


def test_the_fullest_map_fits_beside_the_longest_names_of_four_outputs() -> None:
    """Nothing that intake lets in makes a commit fail, whatever the topics are called."""
    every_second = frozenset(range(0, (MAP_CHARS_MAX - 1) * 3 // 4 * 8, 2))
    assert MAP_CHARS_MAX - 4 <= len(encode_done(every_second, 0)) <= MAP_CHARS_MAX
    far = 2**63 - 1
    checkpoint = Checkpoint(
        owner="f" * 32,
        term=10**9,
        lease_end_ms=10**13,
        is_released=True,
        topic_id="abcd1234",
        floors={letter * 249: Floor(far, "abcd1234") for letter in "abcd"},
        done=every_second,
        starts=1_000,
        careful_until=far,
        attempted=far,
        attempts=1_000,
    )
    text = checkpoint.encode(0, "in")
    # Kafka's offset.metadata.max.bytes, by default.
    assert len(text) < 4_096
    assert decode_checkpoint(text, 0, "in") == checkpoint


@given(st.sets(st.integers(min_value=50, max_value=4_000)))
def test_the_map_of_finished_records_takes_the_shorter_form(done: set[int]) -> None:
    """Runs or a bitmap; both say the same."""
    text = encode_done(done, 50)

    assert decode_done(text, 50) == done
    assert len(text) <= 4 * (4_000 // 8 + 3) // 3 + 2


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        (set(), 0),
        ({50}, 2),
        ({50, 51, 52}, 2),
        ({50, 52}, 4),
        ({50 + 127}, 2),
        ({50 + 128}, 3),
        (set(range(50, 50 + 128)), 3),
        ({50, 50 + 2**14}, 2 + 3),
        ({50, 51 + 2**14}, 2 + 4),
    ],
)
def test_a_run_takes_the_bytes_of_its_two_numbers(done: set[int], expected: int) -> None:
    """How many are skipped and how many are done, seven bits a byte."""
    assert runs_bytes(done, 50) == expected


@given(offsets)
@example(127)
@example(128)
@example(2**14 - 1)
def test_the_bytes_of_a_number_are_reckoned_without_writing_it(number: int) -> None:
    """Intake asks before each record, and must not be told less than the map takes."""
    assert runs_bytes({number}, 0) == varint_bytes(number) + 1


def test_a_run_that_no_intake_allows_is_refused() -> None:
    """A number made up by somebody must not fill the memory."""
    with pytest.raises(ValueError, match="no intake"):
        decode_done(encode_done(range(2_000_000), 0), 0)
    with patch.object(checkpoint_module, "RUN_MAX", 5):
        assert decode_done(encode_done(range(700, 705), 0), 0) == set(range(700, 705))
        with pytest.raises(ValueError, match="no intake"):
            decode_done(encode_done(range(700, 706), 0), 0)


def test_topics_of_one_name_are_told_apart_as_far_as_is_known() -> None:
    """Where one of the two has no id nothing can be said against it."""
    assert short_id("Xy-1_z2345678") == "Xy1z2345"
    assert is_same_topic("Xy1z2345", "Xy-1_z2345678")
    assert not is_same_topic("Xy1z2345", "other-id")
    assert is_same_topic("", "other-id")
    assert is_same_topic("Xy1z2345", "")


def test_a_map_of_an_unknown_kind_is_refused() -> None:
    """Read as another kind it would name what nobody has finished: records would be lost."""
    text = encode_done({7, 5_000}, 5)
    assert text[0] == "r"

    with pytest.raises(ValueError, match="unknown kind"):
        decode_done("x" + text[1:], 5)
    checkpoint = Checkpoint("o", 1, 0, done=frozenset({7, 5_000})).encode(5, "in")
    assert decode_checkpoint(checkpoint.replace("d=r", "d=x"), 5, "in") is None


@pytest.mark.parametrize(
    ("done", "text"),
    [
        ({1_000}, "bAQ"),
        ({1_001}, "bAg"),
        # Two bytes either way, and runs say as much.
        ({1_008}, "rCAE"),
        ({1_000, 1_002, 1_017}, "bBQAC"),
        (set(range(1_000, 1_100)), "rAGQ"),
    ],
)
def test_a_map_is_a_bitmap_where_that_is_shorter(done: set[int], text: str) -> None:
    """From the committed offset on, however high that is."""
    assert encode_done(done, 1_000) == text
    assert decode_done(text, 1_000) == done


def test_the_inputs_name_is_not_said_again_with_each_output() -> None:
    checkpoint = Checkpoint("me", 1, 0, floors={"in.allow": Floor(7), "other": Floor(8)})
    assert ";f={}.allow@:7,other@:8;" in checkpoint.encode(0, "in")


def test_what_just_fits_a_commit_is_written() -> None:
    """Kafka's limit is 4,096 bytes, of which the last is not used."""
    spare = CHARS_MAX - len(Checkpoint("", 1, 0).encode(0, "in"))
    assert len(Checkpoint("o" * spare, 1, 0).encode(0, "in")) == 4_095
    with pytest.raises(ValueError, match="does not fit"):
        Checkpoint("o" * (spare + 1), 1, 0).encode(0, "in")


def test_who_says_no_more_has_released_nothing_and_begun_nothing_alone() -> None:
    said = Checkpoint("me", 1, 0)
    assert (said.is_released, said.attempted) == (False, -1)
