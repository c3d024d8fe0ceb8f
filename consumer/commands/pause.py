"""The commands that pause and resume input topics for all workers, without a deploy."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime

from consumer.domain.control import Control
from consumer.errors import InvalidSettings, TopicsMissing
from consumer.kafka.cluster.controls import CONTROLS_TOPIC, controls_table, write_control
from consumer.kafka.cluster.topics import Topics
from consumer.kafka.config import KafkaConfig
from consumer.registry.load import load_catalogue
from consumer.settings.settings import Settings
from consumer.worker.wiring import kafka_config

NO_TOPIC = f"there is no topic {CONTROLS_TOPIC}: `safeguard topics apply` makes it"


def pause_topic(settings: Settings, topic: str, reason: str) -> int:
    """
    Tell all workers to take nothing more of a topic.

    Raises:
        InvalidSettings: the policies bind no such topic of this broker.
        TopicsMissing: there is nothing yet to write it to.
    """
    config = kafka_config(settings.kafka)
    partitions = Topics(config).partitions()
    inputs = load_catalogue(settings.policies.folder).inputs_among(list(partitions))
    if topic not in inputs:
        raise InvalidSettings(
            f"{topic} is no input: the policies bind {', '.join(inputs) or 'no topic'} here"
        )
    _check_controls(partitions)
    known = _controls(config).get(topic)
    if known is not None and known.is_paused and not reason:
        # Said once more without a reason: the one that was given still holds.
        reason = known.reason
    write_control(config, _said_now(topic, True, reason))
    why = f" ({reason})" if reason else ""
    print(f"{topic} is paused{why}: {_soon(settings)} nothing more of it is taken")
    return 0


def resume_topic(settings: Settings, topic: str, reason: str) -> int:
    """
    Tell all workers to take of a topic again; also of one that the policies bind no more.

    Raises:
        TopicsMissing: there is nothing that could be paused.
    """
    config = kafka_config(settings.kafka)
    _check_controls(Topics(config).partitions())
    known = _controls(config).get(topic)
    if known is None or not known.is_paused:
        print(f"{topic} was not paused; `safeguard topics paused` lists what is")
        return 0
    write_control(config, _said_now(topic, False, reason))
    print(f"{topic} is resumed: {_soon(settings)} it is taken from where it stopped")
    return 0


def show_paused(settings: Settings) -> int:
    """Print a line for each paused topic."""
    config = kafka_config(settings.kafka)
    if CONTROLS_TOPIC not in Topics(config).partitions():
        print(f"nothing is paused: {NO_TOPIC}")
        return 0
    paused = [control for control in _controls(config).values() if control.is_paused]
    for control in sorted(paused):
        why = f": {control.reason}" if control.reason else ""
        print(f"{control.topic}  paused by {control.by} at {control.at}{why}")
    if not paused:
        print("nothing is paused")
    return 0


def _check_controls(partitions: Mapping[str, int]) -> None:
    if CONTROLS_TOPIC not in partitions:
        raise TopicsMissing(NO_TOPIC)


def _controls(config: KafkaConfig) -> Mapping[str, Control]:
    with closing(controls_table(config)) as table:
        return table.read()


def _said_now(topic: str, is_paused: bool, reason: str) -> Control:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Control(topic, is_paused, _who(), now, reason)


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # A container's user often has a number and no name.
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def _soon(settings: Settings) -> str:
    return f"within {settings.kafka.controls_refresh_s:g} s (kafka.controls_refresh_s)"
