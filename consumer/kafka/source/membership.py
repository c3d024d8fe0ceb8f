"""Membership: the client that this process has in the group, and the next one after its end."""

from __future__ import annotations

import time
from collections.abc import Sequence

import structlog
from confluent_kafka import Consumer, KafkaException

from consumer.errors import InvalidSettings
from consumer.kafka import config as properties
from consumer.kafka.client_errors import ClientErrors, ClientFault
from consumer.kafka.config import KafkaConfig
from consumer.kafka.source.share.namesakes import Namesakes
from consumer.kafka.source.share.rebalances import Rebalances
from consumer.kafka.source.share.sent_commits import SentCommits
from consumer.kafka.source.troubles import Troubles

log = structlog.get_logger()

REJOIN_S = 1.0
"""How often a static member asks for its name while the group holds it for its last process."""


class NameHeld(Exception):
    """The group does not let this client in under its name, for now."""


class Membership:
    """
    Makes clients that join the group, one at a time; whoever calls has the client.

    A client that is at its end is left, and what it owned is lost; another one takes its place.
    """

    def __init__(
        self,
        config: KafkaConfig,
        topics: Sequence[str],
        rebalances: Rebalances,
        commits: SentCommits,
        namesakes: Namesakes,
        troubles: Troubles,
    ) -> None:
        self._config = config
        self.topics = list(topics)
        self._rebalances = rebalances
        self._commits = commits
        self._namesakes = namesakes
        self._troubles = troubles
        self._join_due_s: float | None = None

    def __repr__(self) -> str:
        return f"<Membership in {self._config.group} for {self.topics}>"

    def new_client(self) -> Consumer:
        """
        A client that has not joined yet.

        Raises:
            InvalidSettings: the client library refuses its properties.
        """
        errors = ClientErrors("consumer", note=self._note_away)
        wanted = properties.consumer(self._config, errors) | {"on_commit": self._commits.answered}
        try:
            return Consumer(wanted)
        except (KafkaException, ValueError) as error:
            raise InvalidSettings(
                f"the Kafka client refuses its settings: {error}; see [kafka.client] and "
                f"kafka.group_protocol = {self._config.group_protocol}"
            ) from None

    def join(self, consumer: Consumer) -> None:
        """Join, or follow other topics from now on."""
        self._join_due_s = None
        consumer.subscribe(
            self.topics,
            on_assign=self._rebalances.assigned,
            on_revoke=self._rebalances.revoked,
            on_lost=self._rebalances.lost,
        )

    def join_if_due(self, consumer: Consumer, now_s: float) -> None:
        if self._join_due_s is not None and now_s >= self._join_due_s:
            self.join(consumer)

    def wait_for_name(self, ended: Consumer) -> Consumer:
        """Another client, which joins after a while: a last process may still have our name."""
        log.warning(
            "the group still holds the name of this static member: waiting",
            static_member=self._config.static_member,
        )
        return self.begin_anew(ended, REJOIN_S)

    def begin_anew(self, ended: Consumer, wait_s: float = 0.0) -> Consumer:
        """Another client in place of one that is at its end; it joins after so many seconds."""
        self._rebalances.lose_all()
        leave(ended)
        self._troubles.begin_anew()
        self._namesakes.begin_anew()
        self._join_due_s = time.monotonic() + wait_s
        return self.new_client()

    def _note_away(self, fault: ClientFault) -> None:
        self._troubles.heard(fault, None, time.monotonic())


def leave(consumer: Consumer) -> None:
    """Leave the group and end the client."""
    try:
        consumer.close()
    except KafkaException as error:
        log.warning("leaving the group failed", error=str(error))
