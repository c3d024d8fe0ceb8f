"""What the headers of an output record say, and whose they are."""

from __future__ import annotations

import pytest

from consumer.commands.audit.published import Other, OutputReader, Published, RecordFate
from consumer.domain.messages.message import Headers, Position
from consumer.domain.verdicts.headers import percent
from consumer.domain.verdicts.verdict import verdict_id

READER = OutputReader("in", "night shift")
OWN: Headers = (
    ("safeguard-position", b"in/2/41"),
    ("safeguard-group", percent("night shift")),
)
ALLOW: Headers = (("safeguard-outcome", b"allow"),)


@pytest.mark.parametrize("fate", [RecordFate.ALLOW, RecordFate.FLAG, RecordFate.BLOCK])
def test_a_verdict_names_its_position_and_outcome(fate: RecordFate) -> None:
    """The group is percent-encoded, as the workers write it."""
    outcome = ("safeguard-outcome", fate.name.lower().encode())

    assert READER.read((*OWN, outcome)) == Published(2, 41, fate)


def test_a_dead_letter_is_one_whatever_outcome_it_carries() -> None:
    """The reason makes it a dead letter."""
    headers = (*OWN, ("safeguard-dead-letter-reason", b"too_large"), *ALLOW)

    assert READER.read(headers) == Published(2, 41, RecordFate.DEAD_LETTER)


def test_the_last_header_of_a_name_counts() -> None:
    """A worker appends its own; what stands before them came from somewhere else."""
    forged: Headers = (
        ("safeguard-outcome", b"block"),
        ("safeguard-position", b"in/0/0"),
        ("safeguard-group", b"other"),
    )
    assert READER.read((*forged, *OWN, *ALLOW)) == Published(2, 41, RecordFate.ALLOW)
    assert READER.read((*OWN, *ALLOW, *forged)) is Other.FOREIGN


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (*OWN[:1], *ALLOW),
        (*OWN[:1], ("safeguard-group", b"night shift"), *ALLOW),
        (*OWN[:1], ("safeguard-group", None), *ALLOW),
        (("safeguard-position", b"other/2/41"), OWN[1], *ALLOW),
    ],
)
def test_other_groups_and_other_inputs_are_foreign(headers: Headers) -> None:
    """On a shared output lie records that are none of this audit's business."""
    assert READER.read(headers) is Other.FOREIGN


def test_a_superseding_verdict_is_no_second_one() -> None:
    """It names the position of the verdict that it replaces."""
    assert READER.read((*OWN, *ALLOW, ("safeguard-supersedes", b"x"))) is Other.SUPERSEDED


@pytest.mark.parametrize(
    ("reader", "other"), [(READER, "old"), (OutputReader("in", "night shift", "new"), "old")]
)
def test_a_verdict_of_an_earlier_topic_is_told_apart_by_its_id(
    reader: OutputReader, other: str
) -> None:
    """The name stands in for an id that the broker does not give."""

    def of_topic(source: str) -> Published | Other:
        name = verdict_id(source, Position("in", 2, 41), "night shift", "d").encode()
        digest = ("safeguard-policy-digest", b"d")
        return reader.read((*OWN, ("safeguard-verdict-id", name), digest, *ALLOW))

    verdict = Published(2, 41, RecordFate.ALLOW)
    assert of_topic(other) is Other.EARLIER
    assert of_topic("in") == verdict
    assert of_topic("new") == (verdict if reader is not READER else Other.EARLIER)


def test_the_last_offset_that_there_can_be_is_one() -> None:
    position = b"in/2/%d" % (2**63 - 1)
    headers: Headers = (("safeguard-position", position), *OWN[1:], *ALLOW)
    assert READER.read(headers) == Published(2, 2**63 - 1, RecordFate.ALLOW)


@pytest.mark.parametrize(
    "position",
    [None, b"", b"in", b"in/1", b"in/-1/4", b"in/1/ 4", b"in/1/1_0", b"in/1/%d" % 2**63],
)
def test_a_position_that_is_none_proves_nothing(position: bytes | None) -> None:
    """The group's own record, but nobody can say of what."""
    headers = (("safeguard-position", position), OWN[1], *ALLOW)

    assert READER.read(headers) is Other.UNREADABLE


@pytest.mark.parametrize("outcome", [None, b"", b"Allow", b"perhaps"])
def test_an_outcome_that_is_none_proves_nothing(outcome: bytes | None) -> None:
    """A record without an outcome is no verdict, so it covers no position."""
    assert READER.read((*OWN, ("safeguard-outcome", outcome))) is Other.UNREADABLE
    assert READER.read(OWN) is Other.UNREADABLE


def test_a_second_judgement_is_the_first_verdict_on_its_own_record() -> None:
    """It supersedes the verdict on another record, and its id is made of its own position."""
    by: Headers = (("safeguard-supersedes", b"x"), ("safeguard-policy-digest", b"d"))
    own = verdict_id("in", Position("in", 2, 41), "night shift", "d").encode()
    of_its_own = (*OWN, *ALLOW, *by, ("safeguard-verdict-id", own))
    assert READER.read(of_its_own) == Published(2, 41, RecordFate.ALLOW)
    assert READER.read((*of_its_own[:-1], ("safeguard-verdict-id", b"y"))) is Other.SUPERSEDED
