"""Who is audited: known to those with the salt, the same after a crash, as often as promised."""

from __future__ import annotations

import base64
import os
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.errors import InvalidSettings
from consumer.screening.audits.draw import AuditDraw
from consumer.screening.audits.salt import SALT_BYTES_MAX, SALT_BYTES_MIN, read_salt
from consumer.screening.audits.terms import AuditTerms
from tests.salt import SALT

DRAW = AuditDraw.of(b"k" * 32, AuditTerms(floor=0.02, near=0.3), near_from=0.4)


def test_what_lies_near_the_threshold_is_audited_more_often() -> None:
    """From the very score on."""
    assert DRAW.probability(0.4) == 0.3
    assert DRAW.probability(0.399) == 0.02


def test_the_share_drawn_is_the_probability() -> None:
    """Of 20,000 positions, within four standard deviations."""
    drawn = sum(DRAW.is_drawn("t", offset % 7, offset, 0.3) for offset in range(20_000))

    assert abs(drawn - 6_000) < 4 * (20_000 * 0.3 * 0.7) ** 0.5


def test_a_draw_depends_on_position_topic_and_salt_alone() -> None:
    """Asked again it is the same; of another topic, partition or salt it is another one."""
    others = (
        ("t", 0, DRAW),
        ("u", 0, DRAW),
        ("t", 1, DRAW),
        ("t", 0, DRAW._replace(salt=b"l" * 32)),
    )
    rows = [
        tuple(draw.is_drawn(topic, partition, offset, 0.5) for offset in range(64))
        for topic, partition, draw in others
    ]

    assert len(set(rows)) == 4
    assert rows[0] == tuple(DRAW.is_drawn("t", 0, offset, 0.5) for offset in range(64))


def test_whoever_is_drawn_at_a_lower_probability_is_drawn_at_a_higher_one() -> None:
    """And nobody is drawn at none, everybody at 1."""
    for offset in range(200):
        if DRAW.is_drawn("t", 0, offset, 0.1):
            assert DRAW.is_drawn("t", 0, offset, 0.4)
        assert DRAW.is_drawn("t", 0, offset, 1.0)
        assert not DRAW.is_drawn("t", 0, offset, 0.0)


def test_a_salt_is_read_and_made_a_key(tmp_path: Path) -> None:
    """White space at its ends, as an editor leaves it, does not count."""
    file = tmp_path / "salt"
    file.write_bytes(SALT)
    key = read_salt(file)
    file.write_bytes(SALT + b"\n")

    assert len(key) == 32
    assert read_salt(file) == key


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "has 0 bytes; it must have 16 to 4096"),
        (SALT_BYTES_MIN - 1, "has 15 bytes; it must have 16 to 4096"),
        (SALT_BYTES_MAX + 1, "is larger than 4,096 bytes"),
    ],
)
def test_a_salt_that_is_too_short_or_too_long_is_refused_by_name(
    tmp_path: Path, size: int, said: str
) -> None:
    file = tmp_path / "salt"
    file.write_bytes(b"s" * size)

    with pytest.raises(InvalidSettings, match=f"salt {said}"):
        read_salt(file)


@pytest.mark.parametrize(
    ("salt", "why"),
    [
        (b"s" * 32, "over and over"),
        (b"\x00" * 64, "over and over"),
        (b"chaos" * 8, "over and over"),
        (b"changemechangeme", "over and over"),
        (b"chaos" * 4 + b"cha", "over and over"),
        (b"ssssssssssssssst", "fewer than 6 different bytes"),
        (b"0101101001110100101", "fewer than 6 different bytes"),
        (bytes(range(32)), "they follow one another"),
        (b"abcdefghijklmnopqrstuvwxyz", "they follow one another"),
        (b"0123456789abcdef", "they follow one another"),
        (b"please-CHANGE-me-in-production", "a placeholder or a password"),
        (b"<put your secret here>", "a placeholder or a password"),
        (b"correct.password.1", "a placeholder or a password"),
    ],
)
def test_a_salt_that_is_plainly_no_secret_is_refused(tmp_path: Path, salt: bytes, why: str) -> None:
    """Whoever guesses it foresees which of his messages nobody looks at."""
    file = tmp_path / "salt"
    file.write_bytes(salt)

    with pytest.raises(InvalidSettings, match=rf"is no secret: .*{why}.*/dev/urandom > salt"):
        read_salt(file)


@given(st.binary(min_size=32, max_size=32))
def test_a_random_salt_is_taken_as_bytes_and_in_every_common_writing(content: bytes) -> None:
    """As `head -c`, `openssl rand -hex` and `-base64` write them."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "salt"
        random = blake2b(content, digest_size=32).digest()
        for salt in (
            random,
            random.hex().encode(),
            base64.b64encode(random),
            random[:16].hex().encode(),
        ):
            file.write_bytes(salt)
            assert len(read_salt(file)) == 32


def test_a_salt_that_cannot_be_read_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"missing cannot be read: No such.*who runs.*head"):
        read_salt(tmp_path / "missing")


def test_a_salt_that_is_a_pipe_holds_nobody_up(tmp_path: Path) -> None:
    """Nobody writes to the pipe: whoever opened it like other files would wait for ever."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidSettings, match="no ordinary file"):
        read_salt(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("recall", 0.49),
        ("recall", 0.9991),
        ("alpha", 0.0),
        ("alpha", 0.51),
        ("floor", 0.0009),
        ("floor", 1.01),
        ("near", 0.01),
        ("near", 1.01),
        ("near_share", -0.1),
        ("near_share", 1.1),
        ("run_length", 99.0),
    ],
)
def test_terms_out_of_range_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(InvalidSettings, match=rf"{name} = {value}: it must lie between"):
        AuditTerms(**{name: value})


def test_terms_at_their_bounds_are_taken() -> None:
    AuditTerms(recall=0.5, alpha=0.5, floor=0.001, near=0.001, near_share=0.0, run_length=100.0)
    AuditTerms(recall=0.999, alpha=0.0001, floor=1.0, near=1.0, near_share=1.0, run_length=1e9)
