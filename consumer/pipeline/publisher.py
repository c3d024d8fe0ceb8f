"""
Publisher: a verdict or a rejection -> the record for the right topic. Pure.

Co-partitioned: what becomes of input partition p goes to partition p of each output.
"""

from __future__ import annotations

from collections.abc import Mapping

from consumer.domain.messages.retry import FIRST_POSITION, first_position, handed_on
from consumer.domain.verdicts.encoding import encode_envelope
from consumer.domain.verdicts.headers import (
    is_passthrough,
    traceparent,
    verdict_headers,
)
from consumer.domain.verdicts.verdict import Verdict
from consumer.errors import DeadLetterFailed, MessageTooLarge, Rejected
from consumer.interfaces import Publication
from consumer.pipeline.assignment.assignment import Conclusion, Flight
from consumer.pipeline.dead_letters import DeadLetterEncoder, is_without_value, without_value


class Publisher:
    """Encodes what this worker publishes."""

    def __init__(
        self,
        group: str,
        encoder: DeadLetterEncoder,
        bytes_max: int = 1_000_000,
        bytes_max_of: Mapping[str, int] = {},
    ) -> None:
        self._group = group
        self._encoder = encoder
        self._bytes_max = bytes_max
        self._bytes_max_of = bytes_max_of
        """Of topics that take less; filled as they are looked at."""

    def verdict(
        self, flight: Flight, verdict: Verdict, text_chars_max: int | None = None
    ) -> Conclusion:
        """The verdict's record, as an envelope or as the record it came from."""
        record, outputs = flight.record, flight.binding.outputs
        position = record.position
        origin = flight.binding.origin_of(position.topic)
        as_it_came = is_passthrough(verdict, flight.binding)
        term = flight.assignment.term
        headers = verdict_headers(verdict, record, self._group, term, as_event=not as_it_came)
        first = first_position(record, origin)
        if first is not None:
            headers.append((FIRST_POSITION, str(first).encode()))
        if as_it_came:
            value = record.value
            headers = handed_on(record, origin) + headers
        else:
            value = encode_envelope(verdict, text_chars_max=text_chars_max)
            if record.headers:
                headers += traceparent(record.headers)
        publication = Publication(
            outputs.destination(verdict.outcome, origin),
            position.partition,
            record.key,
            value,
            tuple(headers),
        )
        return Conclusion(publication, verdict)

    def dead_letter(self, flight: Flight, rejection: Rejected) -> Conclusion:
        """The record untouched, and why it has no verdict."""
        record, assignment = flight.record, flight.assignment
        origin = flight.binding.origin_of(record.position.topic)
        topic = flight.binding.outputs.dead_letters_of(origin)
        letter = self._encoder.letter(
            record, rejection, topic, assignment.term, origin, assignment.topic_id
        )
        return Conclusion(letter, rejection=rejection)

    def fitting(self, flight: Flight, found: Conclusion) -> Conclusion:
        """
        What is small enough for its topic: as it is, or made smaller until it is.

        Raises:
            DeadLetterFailed: even the dead letter without its value does not fit.
        """
        while not self._fits(flight, found.publication):
            found = self.smaller(flight, found)
        return found

    def _fits(self, flight: Flight, found: Publication) -> bool:
        limit = min(self._bytes_max, self._bytes_max_of.get(found.topic, self._bytes_max))
        content = len(found.key or b"") + len(found.value or b"")
        # Nearly all end here: what we add ourselves is short, and the input brought nothing.
        if not flight.record.headers and content + OWN_HEADERS_BYTES <= limit:
            return True
        return content + _headers_bytes(found) <= limit

    def smaller(self, flight: Flight, found: Conclusion) -> Conclusion:
        """
        The next smaller form of what does not fit its topic; it always ends.

        A review envelope loses the end of its text, anything else becomes a dead letter, and a
        dead letter loses its value.

        Raises:
            DeadLetterFailed: even the dead letter without its value does not fit.
        """
        publication, verdict = found.publication, found.verdict
        if verdict is not None and not is_passthrough(verdict, flight.binding):
            size = len(publication.value or b"")
            if size > SMALLEST_ENVELOPE_BYTES and verdict.outcome.severity == 1:
                chars = min(len(verdict.message.text), size) // 4
                cut = self.verdict(flight, verdict, text_chars_max=chars)
                # What else is in it may be long as well, and would be made anew without an end.
                if len(cut.publication.value or b"") < size:
                    return cut
        if found.rejection is None:
            return self.dead_letter(flight, MessageTooLarge("the verdict does not fit its topic"))
        if not is_without_value(publication):
            return found._replace(publication=without_value(publication))
        raise DeadLetterFailed(
            f"the dead letter of {flight.record.position} does not fit its topic even without its "
            "value: raise max.message.bytes of the dead-letter topic"
        )


BATCH_OVERHEAD = 200
"""Bytes of a batch and a record beside key, value and headers, generously."""
HEADER_OVERHEAD = 10
"""Of each header, by the record format: two lengths, at most five bytes each."""
OWN_HEADERS_BYTES = 8_000
"""More than our own headers and the batch around them ever take."""
SMALLEST_ENVELOPE_BYTES = 8_000
"""An envelope this small is not too large because of its text."""


def _headers_bytes(publication: Publication) -> int:
    """What the headers and the batch around them take."""
    return BATCH_OVERHEAD + sum(
        HEADER_OVERHEAD + len(name) + len(value or b"") for name, value in publication.headers
    )
