"""Record: the text of a message that nobody flagged, read where it lies."""

from __future__ import annotations

from consumer.domain.messages.decoding import decode
from consumer.domain.messages.message import Position
from consumer.errors import ConsumerError
from consumer.kafka.reader.reader import TopicReader
from consumer.review.cases.case import ReviewCase
from consumer.review.room import ReviewRoom


def text_of(room: ReviewRoom, case: ReviewCase) -> tuple[str | None, str | None]:
    """The text, or why it cannot be had; the brokers are asked for it alone. Blocking."""
    position = case.version
    if position is None:
        return None, "nobody said where its record lies"
    place = Position.parse(position)
    binding = room.catalogue.binding_for(place.topic) if place is not None else None
    if place is None or binding is None:
        return None, "no policy binds its topic any more"
    try:
        record = TopicReader(room.kafka).record(place)
        if record is None:
            return None, "its record is no longer on the topic"
        message = decode(record, binding.reading)
        if message.id != case.message_id:
            return None, f"the record at {position} is another message"
        return message.text, None
    except ConsumerError as error:
        return None, str(error)
