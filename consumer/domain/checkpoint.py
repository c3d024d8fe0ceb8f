"""
Checkpoint: what a commit says beside its offset, so that the next owner knows what was done.

It travels as the commit's metadata: text, at most 4,095 characters (Kafka's default
`offset.metadata.max.bytes` less one), that starts `sg1:`. It names the finished records above the
committed offset, for each output the offset from which anything else of ours may lie, who owns the
partition and until when it may publish. Foreign or unreadable text is no checkpoint.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from typing import NamedTuple

PREFIX = "sg1:"
CHARS_MAX = 4_095
"""What a commit may bring: offset.metadata.max.bytes is 4,096 by default at every broker."""
MAP_CHARS_MAX = 2_500
"""Room for the finished records; four outputs with the longest names need 1,300 of the rest."""

RUN_MAX = 1_000_000
"""More finished records in a row than any intake allows: a number that somebody made up."""


class Floor(NamedTuple):
    """Where an output's tail begins, and the id of the topic that this was said of."""

    offset: int
    topic_id: str = ""


class Checkpoint(NamedTuple):
    """What one commit of one input partition says."""

    owner: str
    """The process that committed; another one for each start of a worker."""
    term: int
    lease_end_ms: int
    """Until then the owner may publish, in ms since 1970."""
    is_released: bool = False
    """The owner will publish nothing more for this partition."""
    topic_id: str = ""
    """The broker's id of the input topic, shortened; empty where it gives none."""
    floors: Mapping[str, Floor] = {}
    """Output topic -> where anything that is not in `done` may lie."""
    done: frozenset[int] = frozenset()
    """Finished records at or above the committed offset."""
    starts: int = 0
    """How many owners in a row, this one included, had the model judge at this offset."""
    careful_until: int = 0
    """Records below are taken one at a time, since one of them may kill its worker."""
    attempted: int = -1
    """The last record that the model was given alone, or -1."""
    attempts: int = 0
    """How many owners had it there, alone, when they were last heard of."""

    def encode(self, offset: int, topic: str) -> str:
        """
        As commit metadata, for a commit of `offset` on the input `topic`.

        Raises:
            ValueError: it does not fit; intake is bounded so that this never happens.
        """
        floors = ",".join(
            f"{_short(output, topic)}@{floor.topic_id}:{floor.offset}"
            for output, floor in sorted(self.floors.items())
        )
        fields = {
            "o": self.owner,
            "t": self.term,
            "l": self.lease_end_ms,
            "r": int(self.is_released),
            "i": self.topic_id,
            "f": floors,
            "d": encode_done(self.done, offset),
            "s": self.starts,
            "c": self.careful_until,
            "a": self.attempted,
            "n": self.attempts,
        }
        text = PREFIX + ";".join(f"{name}={value}" for name, value in fields.items())
        if len(text) > CHARS_MAX:
            raise ValueError(f"commit metadata of {len(text)} characters does not fit")
        return text


def decode_checkpoint(text: str | None, offset: int, topic: str) -> Checkpoint | None:
    """The checkpoint in a commit's metadata, or None where it is none of ours."""
    if not text or not text.startswith(PREFIX):
        return None
    try:
        fields = dict(pair.split("=", 1) for pair in text[len(PREFIX) :].split(";"))
        return Checkpoint(
            owner=fields["o"],
            term=int(fields["t"]),
            lease_end_ms=int(fields["l"]),
            is_released=fields["r"] == "1",
            topic_id=fields["i"],
            floors=dict(_floor(each, topic) for each in fields["f"].split(",") if each),
            done=decode_done(fields["d"], offset),
            starts=int(fields["s"]),
            careful_until=int(fields["c"]),
            attempted=int(fields["a"]),
            attempts=int(fields["n"]),
        )
    except (ValueError, KeyError, IndexError):
        return None


def short_id(topic_id: str) -> str:
    """Enough of a topic's id to tell two topics of the same name apart."""
    return "".join(each for each in topic_id if each.isalnum())[:8]


def is_same_topic(shortened: str, topic_id: str) -> bool:
    """Whether a shortened id and a whole one name the same topic, as far as is known."""
    return not shortened or not topic_id or shortened == short_id(topic_id)


def _short(output: str, topic: str) -> str:
    """Output names mostly hold the input's; topic names cannot hold braces."""
    return output.replace(topic, "{}", 1)


def _floor(text: str, topic: str) -> tuple[str, Floor]:
    name, _, rest = text.partition("@")
    topic_id, _, offset = rest.partition(":")
    return name.replace("{}", topic, 1), Floor(int(offset), topic_id)


# The finished records: runs or a bitmap, whichever is shorter.


def encode_done(done: Iterable[int], offset: int) -> str:
    """The finished records at or above `offset`, as text; empty where there are none."""
    ordered = sorted(done)
    if not ordered:
        return ""
    runs = _runs(ordered, offset)
    if (ordered[-1] - offset) // 8 + 1 < len(runs):
        return "b" + _text(_bitmap(ordered, offset))
    return "r" + _text(runs)


def decode_done(text: str, offset: int) -> frozenset[int]:
    """
    What `encode_done` wrote for the same offset.

    Raises:
        ValueError: it is no such text.
    """
    if not text:
        return frozenset()
    content = urlsafe_b64decode(text[1:] + "=" * (-len(text[1:]) % 4))
    if text[0] == "b":
        number = int.from_bytes(content, "little")
        return frozenset(offset + bit for bit in range(number.bit_length()) if number >> bit & 1)
    if text[0] != "r":
        raise ValueError(f"unknown kind of map: {text[0]}")
    done: list[int] = []
    at, numbers = offset, _numbers(content)
    for skipped, length in zip(numbers[::2], numbers[1::2], strict=True):
        if length > RUN_MAX:
            raise ValueError("a run that no intake allows")
        done += range(at + skipped, at + skipped + length)
        at += skipped + length
    return frozenset(done)


def runs_bytes(done: Iterable[int], offset: int) -> int:
    """How many bytes these finished records take as runs, before they become text."""
    ordered = sorted(done)
    return len(_runs(ordered, offset)) if ordered else 0


def varint_bytes(number: int) -> int:
    """How many bytes a number takes in a run."""
    return max(1, (number.bit_length() + 6) // 7)


def _runs(ordered: list[int], offset: int) -> bytes:
    """Alternately how many offsets are skipped and how many are done, from `offset` on."""
    content = bytearray()
    at = offset
    begin = end = ordered[0]
    for number in [*ordered[1:], None]:
        if number == end + 1:
            end = number
            continue
        _append(content, begin - at)
        _append(content, end - begin + 1)
        at = end + 1
        if number is not None:
            begin = end = number
    return bytes(content)


def _bitmap(ordered: list[int], offset: int) -> bytes:
    bits = bytearray((ordered[-1] - offset) // 8 + 1)
    for number in ordered:
        bits[(number - offset) // 8] |= 1 << (number - offset) % 8
    return bytes(bits)


def _append(content: bytearray, number: int) -> None:
    while number > 0x7F:
        content.append(number & 0x7F | 0x80)
        number >>= 7
    content.append(number)


def _numbers(content: bytes) -> list[int]:
    numbers: list[int] = []
    number = shift = 0
    for byte in content:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(number)
            number = shift = 0
    if shift:
        raise ValueError("a number breaks off")
    return numbers


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
