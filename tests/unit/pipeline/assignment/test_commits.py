"""A commit is sent where it would say anything new, one at a time, and says no more than holds."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.domain.checkpoint import Checkpoint, Floor, decode_checkpoint
from consumer.interfaces import Assigned, CommitPoint, Partition
from consumer.pipeline.assignment.commits import Commits, Owner
from consumer.pipeline.assignment.lease import Moment
from consumer.pipeline.assignment.recovery import Recovered
from tests.unit.pipeline.staging import TERMS, TOPIC

ALLOW = f"{TOPIC}.allow"
NOTHING = Recovered(1, frozenset(), {}, {}, "", starts=0, careful_until=0)


def at(seconds: float) -> Moment:
    return Moment(seconds, int(seconds * 1_000))


def new(**recovered: Any) -> Commits:
    """Of a partition from offset 5 on, before its first commit."""
    commits = Commits(
        Assigned(Partition(TOPIC, 0), 1, 5),
        NOTHING._replace(**recovered),
        Owner("me", TERMS),
        lambda _: Floor(0),
    )
    commits.outputs.use([ALLOW])
    return commits


def established(**recovered: Any) -> Commits:
    """The same once its first commits were accepted, at 100 s, and nothing more is to be said."""
    commits = new(**recovered)
    for _ in range(3):
        accept(commits)
    assert not commits.is_wanted(at(100))
    return commits


def accept(commits: Commits) -> None:
    commits.answered(commits.ask(at(100), is_steady=True).metadata, is_accepted=True)


def said(point: CommitPoint) -> Checkpoint:
    checkpoint = decode_checkpoint(point.metadata, point.offset, TOPIC)
    assert checkpoint is not None
    return checkpoint


def test_the_first_commit_is_wanted_whatever_it_says() -> None:
    """Nothing is judged before it, and until one is accepted the next is wanted."""
    commits = new()
    assert commits.is_wanted(at(100))
    commits.answered(commits.ask(at(100), is_steady=True).metadata, is_accepted=False)
    assert commits.is_wanted(at(100))
    accept(commits)
    assert commits.is_established


def test_what_has_come_to_its_end_is_committed() -> None:
    """Once: what was said need not be said again before the lease runs down."""
    commits = established()
    assert not commits.is_wanted(at(101))
    assert commits.is_wanted(at(120))
    commits.offsets.start(5)
    assert not commits.is_wanted(at(101))
    commits.finish(5)
    assert commits.is_wanted(at(101))
    assert commits.ask(at(101), is_steady=True).offset == 6


def test_what_an_output_has_stored_is_committed() -> None:
    """The next owner need not look for it."""
    commits = established()
    commits.outputs.sent(ALLOW, 5)
    assert not commits.is_wanted(at(101))
    commits.acknowledged(ALLOW, 5)
    assert commits.is_wanted(at(101))
    accept(commits)
    assert not commits.is_wanted(at(101))


def test_a_risk_is_committed_where_it_is_new() -> None:
    commits = established()
    commits.put_at_risk(True)
    assert not commits.is_wanted(at(101))
    commits.put_at_risk(False)
    assert commits.is_wanted(at(101))
    accept(commits)
    assert not commits.is_wanted(at(101))


def test_a_record_that_is_begun_alone_is_noted() -> None:
    commits = established()
    commits.mark(5)
    assert commits.is_wanted(at(101))


@pytest.mark.parametrize(("passed_s", "is_asking"), [(23.9, True), (24.0, False)])
def test_an_answer_is_waited_for_as_long_as_a_lease(passed_s: float, is_asking: bool) -> None:
    """Meanwhile no other commit is sent, so that none can overtake another."""
    commits = established()
    assert not commits.is_asking(at(100))
    commits.mark(5)
    commits.ask(at(100), is_steady=True)
    assert commits.is_asking(at(100 + passed_s)) is is_asking
    assert commits.is_wanted(at(100 + passed_s)) is not is_asking


def test_what_was_refused_is_said_again() -> None:
    """And an answer to another commit is none."""
    commits = established()
    commits.mark(5)
    point = commits.ask(at(100), is_steady=True)
    commits.answered("another", is_accepted=True)
    assert commits.is_asking(at(101))
    commits.answered(point.metadata, is_accepted=False)
    assert not commits.is_asking(at(101))
    assert commits.is_wanted(at(101))


def test_a_death_before_the_first_record_may_be_the_doing_of_a_record() -> None:
    """Where others have died before, its start is noted first."""
    commits = established()
    assert commits.is_suspicious
    assert not commits.is_noting_start
    past_it = established()
    past_it.offsets.start(5)
    past_it.finish(5)
    assert not past_it.is_suspicious
    after_others = new(starts=1)
    after_others.put_at_risk(True)
    assert after_others.is_noting_start
    noted = new(starts=1)
    noted.put_at_risk(True)
    accept(noted)
    assert noted.suspicion.is_start_noted(noted.offsets.committable)
    assert not noted.is_noting_start


def test_the_last_commit_ends_the_lease_where_nothing_is_on_its_way() -> None:
    """Else it says how long the lease still runs, and never that it ended in the past or later."""
    commits = established()
    assert said(commits.last_point(at(101)))[2:4] == (0, True)
    commits.outputs.sent(ALLOW, 5)
    assert said(commits.last_point(at(101)))[2:4] == (124_000, False)
    assert said(commits.last_point(at(200)))[2:4] == (200_000, False)
