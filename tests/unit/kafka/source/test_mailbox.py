"""What the loop leaves for the thread comes out in its order, and wakes it."""

from __future__ import annotations

import threading
import time
from typing import cast

from confluent_kafka import Consumer

from consumer.interfaces import CommitPoint, Partition
from consumer.kafka.source.mailbox import Mailbox

NOBODY = cast(Consumer, None)


def test_commands_come_in_their_order_and_once() -> None:
    """One by one, so that what is left behind a command that raises is not lost."""
    mailbox, done = Mailbox(), list[int]()
    for number in range(3):
        mailbox.command(lambda _, number=number: done.append(number))  # type: ignore[misc]
    while (command := mailbox.next_command()) is not None:
        command(NOBODY)

    assert done == [0, 1, 2]
    assert mailbox.next_command() is None


def test_commits_are_taken_as_they_were_when_they_were_left() -> None:
    """Whoever left them may go on with its own dictionary."""
    mailbox, zero = Mailbox(), Partition("in", 0)
    points = {zero: CommitPoint(1, 5, "m")}
    mailbox.commit(points)
    points.clear()

    assert mailbox.commits() == [{zero: CommitPoint(1, 5, "m")}]
    assert mailbox.commits() == []


def test_credits_add_up_and_may_be_overdrawn() -> None:
    """A batch may be larger than what was allowed by the time it comes."""
    mailbox = Mailbox()
    mailbox.give_credits(5)
    mailbox.use_credits(7)
    assert mailbox.credits == -2
    mailbox.void_credits()
    assert mailbox.credits == 0


def test_nobody_waits_where_there_is_something_to_do() -> None:
    """And whoever waits is woken by whatever is left."""
    mailbox = Mailbox()
    threading.Timer(0.05, mailbox.give_credits, [1]).start()
    began_s = time.monotonic()
    mailbox.wait(30.0)
    mailbox.wait(30.0)
    mailbox.void_credits()
    mailbox.commit({})
    mailbox.wait(30.0)
    assert time.monotonic() - began_s < 20.0
