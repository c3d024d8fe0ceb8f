"""
Members: which topics a group's members have partitions of, seen from outside. Blocking.

For groups of the classic protocol. The brokers only keep what the members tell each other, so it is
read here: Kafka's ConsumerProtocolAssignment. The admin client's newer call, which reads it itself,
goes the way on which librdkafka ends the whole process where the connection to a coordinator breaks
at the wrong moment (its issue 4605); the older one, which is deprecated, asks every broker.
"""

from __future__ import annotations

import struct
from typing import cast

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from consumer.errors import BrokerUnavailable
from consumer.kafka import config as properties
from consumer.kafka.client_errors import ignore
from consumer.kafka.config import KafkaConfig

CALL_S = 10.0
"""For two questions to every broker; whoever gets no answer joins and sees."""


def topics_of_members(config: KafkaConfig, group: str) -> set[str]:
    """
    Topics of which any member has a partition; empty where the group is nobody's at the moment.

    Raises:
        BrokerUnavailable: some broker does not answer, or we may not ask.
    """
    try:
        with AdminClient(properties.common(config, ignore)) as admin:
            groups = admin.list_groups(group, CALL_S)
    except KafkaException as error:
        raise BrokerUnavailable(f"the members of {group} cannot be seen: {error}") from error
    assignments = [cast(bytes, each.assignment) for found in groups for each in found.members]
    return {topic for assignment in assignments for topic in topics_in(assignment)}


def topics_in(assignment: bytes) -> set[str]:
    """The topics of a member's assignment; none where it has none yet, or none of that kind."""
    found: set[str] = set()
    try:
        (count,), at = struct.unpack_from(">xxi", assignment), 6
        for _ in range(count):
            (length,) = struct.unpack_from(">h", assignment, at)
            name = assignment[at + 2 : at + 2 + length]
            at += 2 + length
            (partitions,) = struct.unpack_from(">i", assignment, at)
            at += 4 + 4 * partitions
            if partitions:
                found.add(name.decode())
    except (struct.error, UnicodeDecodeError):
        return set()
    return found
