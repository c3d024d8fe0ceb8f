"""
Source: takes records as a member of the group, on a thread of its own (`thread.py`).

Calls from other threads leave a command (`mailbox.py`) and return at once; commands run between two
polls, and commits also while a revocation is drained. What the thread learns goes to the listener
on the event loop in the order it happened: an assignment before its records, records before the
revocation. What is assigned is paused until the listener has found out what was done before and
resumes it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

import structlog
from confluent_kafka import Consumer

from consumer.interfaces import CommitPoint, Partition, SourceListener
from consumer.kafka.config import KafkaConfig
from consumer.kafka.source.announcer import Announcer
from consumer.kafka.source.lookout import Lookout
from consumer.kafka.source.mailbox import Mailbox
from consumer.kafka.source.membership import Membership
from consumer.kafka.source.share.holdings import Holdings
from consumer.kafka.source.share.namesakes import Namesakes
from consumer.kafka.source.share.pauses import Pauses
from consumer.kafka.source.share.rebalances import Rebalances
from consumer.kafka.source.share.sent_commits import SentCommits
from consumer.kafka.source.share.share import Share
from consumer.kafka.source.share.start import StartRule
from consumer.kafka.source.share.start_finder import StartFinder
from consumer.kafka.source.thread import SourceThread
from consumer.kafka.source.troubles import Troubles
from consumer.telemetry.telemetry import Telemetry

log = structlog.get_logger()

CLOSE_S = 60.0
"""For whoever names no time; the worker does, by its drain budget."""
NAME_SLACK_S = 5.0
"""How much longer than it must a name may be held before it is an error: a few heartbeats."""


class KafkaSource:
    """Takes records of the subscribed topics as a member of the group."""

    def __init__(
        self,
        config: KafkaConfig,
        topics: Sequence[str],
        start_rules: Callable[[str], StartRule],
        co_partitions: Callable[[str], int],
        identify: Callable[[Sequence[str]], Mapping[str, str]],
        telemetry: Telemetry,
        drain_s: float,
    ) -> None:
        """`co_partitions`: how many all outputs of an input have; `identify`: see `StartFinder`."""
        # A last process of this name may drain, or its session has to end.
        patience_s = config.session_timeout_s + drain_s + NAME_SLACK_S
        self.troubles = Troubles(config.static_member, patience_s)
        self._announcer = announcer = Announcer()
        self._mailbox = Mailbox()
        self._namesakes = Namesakes(telemetry)
        holdings = Holdings()
        commits = SentCommits(holdings, announcer, self.troubles)
        pauses = Pauses(holdings, co_partitions)
        self._share = Share(holdings, pauses, commits, self.troubles)
        self._starts = StartFinder(
            start_rules,
            identify,
            self._namesakes,
            config.max_poll_interval_s,
            announcer.went_round,
        )
        rebalances = Rebalances(
            self._share, self._starts, self._mailbox, announcer, self.troubles, drain_s
        )
        self._membership = Membership(
            config, topics, rebalances, commits, self._namesakes, self.troubles
        )
        self._lookout = Lookout(holdings, announcer, self.troubles)
        self._thread = SourceThread(
            self._mailbox,
            self._membership,
            self._share,
            rebalances,
            self._lookout,
            announcer,
            self.troubles,
        )

    def __repr__(self) -> str:
        owned = len(self._share.holdings)
        return f"<KafkaSource owns {owned} partitions, credits {self._mailbox.credits}>"

    # Seen from any thread.

    @property
    def owned(self) -> tuple[Partition, ...]:
        return self._share.holdings.partitions

    @property
    def stranded(self) -> set[Partition]:
        """Owned, but some output lacks the partition: paused until the outputs have grown."""
        return self._share.pauses.stranded

    @property
    def ends(self) -> dict[Partition, int]:
        """End offsets as the last fetch saw them, for the lag."""
        return self._lookout.ends

    @property
    def polled_s(self) -> float:
        """When the thread last went round; health looks at it."""
        return self._announcer.polled_s

    @property
    def doubts(self) -> asyncio.Event:
        """Set where the consumer meets what a topic made again would explain; the owner clears."""
        return self._announcer.doubts

    # Called on the event loop.

    def start(self, listener: SourceListener) -> None:
        """Join the group and begin."""
        self._announcer.begin(listener)
        self._thread.start()

    def give_credits(self, count: int) -> None:
        self._mailbox.give_credits(count)

    def commit(self, points: Mapping[Partition, CommitPoint]) -> None:
        self._mailbox.commit(points)

    def pause(self, assignments: Mapping[Partition, int]) -> None:
        self._mailbox.command(lambda consumer: self._share.pauses.hold(consumer, assignments))

    def resume(self, assignments: Mapping[Partition, int]) -> None:
        self._mailbox.command(lambda consumer: self._share.pauses.release(consumer, assignments))

    def look_again(self) -> None:
        """The outputs may have grown: resume what has somewhere to go now."""
        self._mailbox.command(self._share.pauses.look_again)

    def subscribe(self, topics: Sequence[str]) -> None:
        """Follow another set of topics from now on."""
        self._membership.topics = list(topics)
        self._mailbox.command(self._membership.join)

    def begin_again(self, ids: Mapping[str, str]) -> None:
        """
        Begin anew on topics that are others by now, as `ids`, the broker's, tell.

        The old assignment is lost, for there is nothing to commit on; a new one follows.
        """
        found = dict(ids)
        self._mailbox.command(lambda _: self._namesakes.end_old_ones(found, self.owned))

    async def quiesce(self, timeout_s: float) -> None:
        """
        Take nothing more; returns once all that was taken has been handed over.

        The thread may wait for a broker inside of an assignment: it gives that up.
        """
        self._starts.is_stopping = True
        loop = asyncio.get_running_loop()
        done = loop.create_future()

        def stopping(_consumer: Consumer) -> None:
            self._mailbox.void_credits()
            loop.call_soon_threadsafe(done.set_result, None)

        self._mailbox.command(stopping)
        until_s = time.monotonic() + timeout_s
        while not done.done() and self._thread.is_alive and time.monotonic() < until_s:
            await asyncio.wait([done], timeout=0.1)

    async def close(self, timeout_s: float = CLOSE_S) -> None:
        """
        Carry out what was asked, leave the group, end the thread.

        After `timeout_s` it is left behind: without a broker the client may ask for long, and then
        the group gives this member up when its session ends.
        """
        self._mailbox.command(self._thread.close)
        until_s = time.monotonic() + timeout_s
        while self._thread.is_alive:
            if time.monotonic() > until_s:
                log.warning("the group could not be left in time: it waits for the session's end")
                return
            await asyncio.sleep(0.01)
