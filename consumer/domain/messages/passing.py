"""Which records end without a verdict and without a dead letter, because their topic says so."""

from __future__ import annotations

from consumer.domain.binding import Binding
from consumer.domain.messages.decoding import decode
from consumer.domain.messages.message import Record
from consumer.errors import Rejected


def is_passed_over(record: Record, binding: Binding) -> bool:
    """
    Whether nothing becomes of a record: by the record and the topic's settings alone.

    So a restart passes over the same ones, and an audit can tell them from those that are missing.
    """
    if record.value is None:
        return binding.tombstones == "pass-over"
    if binding.reading.when_empty != "pass-over":
        return False
    try:
        return decode(record, binding.reading).when_empty == "pass-over"
    except Rejected:
        return False
