"""
Thread: the one that owns the Kafka consumer; nobody else touches it.

It goes round: commands, commits, what is due by the clock, and a batch of records where there are
credits. The first record of a batch is waited for, the rest is taken as it lies: `consume(n, t)`
would wait for n records and add t to every message.
"""

from __future__ import annotations

import threading
import time

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import Message as KafkaMessage

from consumer.domain.messages.message import Record
from consumer.interfaces import Partition
from consumer.kafka.client_errors import ClientFault, Meaning, as_fatal, read
from consumer.kafka.record import record_of
from consumer.kafka.source.announcer import Announcer
from consumer.kafka.source.lookout import Lookout
from consumer.kafka.source.mailbox import Mailbox
from consumer.kafka.source.membership import Membership, NameHeld, leave
from consumer.kafka.source.pace import Pace
from consumer.kafka.source.share.namesakes import MadeAgain, may_be_made_again
from consumer.kafka.source.share.rebalances import Rebalances
from consumer.kafka.source.share.share import Share
from consumer.kafka.source.troubles import Troubles

log = structlog.get_logger()

POLL_S = 0.05
"""How late a command comes that is left while nothing does; a record wakes the client at once."""
BATCH_MAX = 1_000
"""So that the event loop is not kept for long by one batch; credits (`pipeline.pending_max`) bound
what is taken in all, and beyond some hundred records a larger batch saves nothing more."""


class SourceThread:
    """Runs the consumer until it is told to close, or cannot go on."""

    def __init__(
        self,
        mailbox: Mailbox,
        membership: Membership,
        share: Share,
        rebalances: Rebalances,
        lookout: Lookout,
        announcer: Announcer,
        troubles: Troubles,
    ) -> None:
        self._mailbox = mailbox
        self._membership = membership
        self._share = share
        self._rebalances = rebalances
        self._lookout = lookout
        self._announcer = announcer
        self._troubles = troubles
        self._adrift: set[Partition] = set()
        """Without a position: what we would have taken next is not there."""
        self._pace = Pace()
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="kafka-source", daemon=True)

    def __repr__(self) -> str:
        state = "runs" if self.is_alive else "does not run"
        return f"<SourceThread {state}, {self._mailbox!r}>"

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def close(self, _consumer: Consumer) -> None:
        """As a command: leave the group after this round, and end."""
        self._is_closing = True

    def _run(self) -> None:
        consumer: Consumer | None = None
        try:
            consumer = self._membership.new_client()
            self._membership.join(consumer)
            while not self._is_closing:
                try:
                    self._go_round(consumer)
                except NameHeld:
                    consumer = self._membership.wait_for_name(consumer)
                except MadeAgain:
                    consumer = self._membership.begin_anew(consumer)
        except KafkaException as error:
            # Out of a call that has no answer for it; a fatal error comes so, too.
            self._announcer.failed(as_fatal(read(error.args[0])))
        except BaseException as error:
            self._announcer.failed(error)
        finally:
            if consumer is not None:
                leave(consumer)

    def _go_round(self, consumer: Consumer) -> None:
        self._announcer.went_round()
        mailbox, pauses = self._mailbox, self._share.pauses
        while (command := mailbox.next_command()) is not None:
            command(consumer)
        for points in mailbox.commits():
            self._share.commits.send(consumer, points)
        self._look_round(consumer)
        credits = mailbox.credits
        if (
            credits <= 0
            and self._share.holdings
            and not pauses.is_starved
            and not self._troubles.has_end
        ):
            if not pauses.starve(consumer, time.monotonic()):
                mailbox.wait(POLL_S)
            return
        if credits > 0:
            pauses.feed(consumer)
        if (rest_s := self._pace.rest_s(time.monotonic())) > 0:
            time.sleep(rest_s)
        messages = consumer.consume(1, POLL_S)
        if messages and credits > 1:
            messages += consumer.consume(min(credits, BATCH_MAX) - 1, 0)
        if messages:
            self._pace.went(time.monotonic())
            self._hand_over(messages)
        if self._adrift:
            self._begin_adrift_anew(consumer)

    def _look_round(self, consumer: Consumer) -> None:
        """What the clock brings."""
        now_s = time.monotonic()
        self._membership.join_if_due(consumer, now_s)
        self._lookout.look_if_due(consumer, self._membership.topics, now_s)
        if (end := self._troubles.end(time.monotonic())) is not None:
            self._heed(end)

    def _hand_over(self, messages: list[KafkaMessage]) -> None:
        records: list[Record] = []
        for message in messages:
            error = message.error()
            if error is None:
                records.append(record_of(message))
            else:
                self._heed(read(error), message.topic(), message.partition())
        if records:
            if self._troubles.has_any:
                places = {(r.position.topic, r.position.partition) for r in records}
                self._troubles.came(Partition(*place) for place in places)
            self._mailbox.use_credits(len(records))
            self._announcer.taken(records)

    def _heed(
        self, fault: ClientFault, topic: str | None = None, number: int | None = None
    ) -> None:
        """
        Act on an error.

        Raises:
            Fatal: nothing will come any more.
            NameHeld: nothing will come to this client.
        """
        if may_be_made_again(fault):
            self._announcer.doubt()
        if fault.meaning is Meaning.FATAL:
            raise as_fatal(fault, topic or "")
        partition = None if topic is None or number is None else Partition(topic, number)
        if fault.code == KafkaError._AUTO_OFFSET_RESET and partition is not None:
            # Nothing more would come of it, ever.
            self._adrift.add(partition)
        self._troubles.heard(fault, partition, time.monotonic())
        if fault.meaning is Meaning.NAME_HELD:
            raise NameHeld
        log.warning("the consumer reports", error=fault.words, topic=topic)

    def _begin_adrift_anew(self, consumer: Consumer) -> None:
        adrift = self._share.holdings.among(self._adrift)
        if adrift:
            self._rebalances.assign_anew(consumer, adrift)
        self._adrift.clear()
