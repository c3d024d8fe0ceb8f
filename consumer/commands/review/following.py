"""The command `review feed`: runs the feed and the outbox until it is told to stop."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from threading import Event

import structlog

from consumer.commands.review.room import opened
from consumer.domain.binding import Catalogue
from consumer.errors import InvalidPolicy, TopicsMissing
from consumer.kafka.cluster.outputs import describe_outputs
from consumer.kafka.cluster.topics import Topics
from consumer.kafka.config import KafkaConfig
from consumer.kafka.reader.subscriber import Subscriber
from consumer.kafka.sink.writer import TopicWriter
from consumer.pipeline.dead_letters import DeadLetterEncoder
from consumer.pipeline.publisher import Publisher
from consumer.registry.load import load_catalogue
from consumer.review.feed.announcement import Announcements
from consumer.review.feed.dispatcher import Dispatcher
from consumer.review.feed.feed import GROUP, ReviewFeed
from consumer.review.feed.intake import ReviewIntake
from consumer.review.records.reading import FactReader, Role, Roles, roles_of
from consumer.review.room import ReviewRoom
from consumer.review.store.erasure import Eraser
from consumer.settings.settings import Settings
from consumer.telemetry.clock import SystemClock
from consumer.worker.wiring import worker_name

log = structlog.get_logger()

FOLLOWED = (Role.VERDICTS, Role.REPORTS, Role.APPEALS)


def follow(settings: Settings) -> int:
    """
    Take up verdicts, reports and appeals, and publish decisions, until SIGTERM or Ctrl-C.

    Raises:
        TopicsMissing: nobody reviews anything, or topics of the reviewers are missing.
        DeadLetterFailed: what cannot be read cannot be set aside.
        Retryable: brokers or store are away at the start; later they are waited for.
    """
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    with opened(settings) as room:
        _follow(settings, room, stop)
    return 0


def _follow(settings: Settings, room: ReviewRoom, stop: Event) -> None:
    config, group = room.kafka, settings.kafka.group
    topics = Topics(config)
    partitions = topics.partitions()
    roles = reviewed(room.catalogue, list(partitions))
    encoder = DeadLetterEncoder(group, worker_name())
    intake = ReviewIntake(
        room.book, FactReader(room.catalogue, roles, group), encoder, TopicWriter(config)
    )
    intake.outbox = room.outbox
    limits = _limits(settings, config, roles)
    publisher = Publisher(group, encoder, settings.kafka.message_bytes_max, limits)
    announcements = intake.announcements = Announcements(room.catalogue, publisher, partitions)
    owner = worker_name()
    dispatcher = Dispatcher(config, owner, room.outbox, room.book, announcements)
    subscriber = Subscriber(config, group + GROUP, roles.of(*FOLLOWED))

    def subscribe(found: Roles) -> None:
        """To what there is now; a topic that was made again is another one."""
        wanted = found.of(*FOLLOWED)
        subscriber.use(wanted, topics.ids(wanted) if settings.kafka.topic_ids else {})

    subscribe(roles)
    feed = ReviewFeed(subscriber, intake, dispatcher, SystemClock(), stop)

    def look_around() -> None:
        """What is too old, new topics that match a pattern, and policies that have changed."""
        expire(settings, room)
        try:
            catalogue = load_catalogue(settings.policies.folder)
            seen = topics.partitions()
            found = reviewed(catalogue, list(seen))
        except (InvalidPolicy, TopicsMissing) as error:
            log.warning("policies as they were", reason=str(error))
            return
        intake.reader = FactReader(catalogue, found, group)
        dispatcher.announcements = Announcements(catalogue, publisher, seen)
        intake.announcements = dispatcher.announcements
        subscribe(found)

    log.info("following", group=group + GROUP, topics=roles.of(*FOLLOWED))
    try:
        feed.run(look_around, settings.kafka.topics_refresh_s)
    finally:
        subscriber.close()
        dispatcher.close()
        log.info("stopped", facts=feed.taken.new, dead_letters=feed.taken.misread, sent=feed.sent)


def expire(settings: Settings, room: ReviewRoom) -> None:
    """Delete some of what is older than it is to be kept."""
    keep_ms = settings.review.keep_days * 86_400_000
    if keep_ms:
        number = Eraser(room.database, room.book).expire(SystemClock().wall_ms(), keep_ms)
        if number:
            log.info("deleted what was too old", cases=number)


def reviewed(catalogue: Catalogue, topics: Sequence[str]) -> Roles:
    """
    The topics that reviewers depend on.

    Raises:
        TopicsMissing: no input has any, or one lacks some of them.
    """
    roles = roles_of(catalogue, topics)
    if not roles.roles:
        raise TopicsMissing(
            "nobody reviews anything: give a topic.toml a table [review], and see that its input "
            "is on the brokers"
        )
    present = set(topics)
    lacking = [
        name
        for source in sorted(set(roles.inputs.values()))
        if (binding := catalogue.binding_for(source)) is not None and binding.review is not None
        for name in binding.review.all_topics(source)
        if name not in present
    ]
    if lacking:
        raise TopicsMissing(f"{', '.join(lacking)}: missing; `safeguard topics apply` makes them")
    return roles


def _limits(settings: Settings, config: KafkaConfig, roles: Roles) -> dict[str, int]:
    """The largest record of each topic of verdicts, where the brokers show it."""
    if not settings.kafka.topic_ids:
        return {}
    facts = describe_outputs(config, roles.of(Role.VERDICTS))
    return {topic: fact.bytes_max for topic, fact in facts.items() if fact.bytes_max}
