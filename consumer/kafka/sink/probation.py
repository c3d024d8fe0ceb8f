"""
Probation: outputs that refused a batch, given one publication at a time for a while. Pure.

A broker refuses a batch as a whole, and every record in it gets the same error: nothing is known of
any of them. So what was in it goes again, each alone, and only what is refused alone is to blame.
"""

from __future__ import annotations

from collections.abc import Container

from confluent_kafka import KafkaError

from consumer.interfaces import Output

TOO_LARGE = (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE)
"""Of a batch, and so of each record in it: larger than max.message.bytes, or than a segment."""

INVALID = (KafkaError.INVALID_RECORD, KafkaError._INVALID_DIFFERENT_RECORD)
"""One record of a batch is refused (a broker may say which), and the others with it."""

OF_A_BATCH = (*TOO_LARGE, *INVALID)
"""Errors by which a broker refuses a whole batch."""

SMALLER_BY = 4
"""Batches become so much smaller after a refusal, where the brokers do not say what they take. Each
refusal costs a repair: from a megabyte to a few kB is four of them."""


class Probation:
    """Which outputs are given one at a time, for how many publications more."""

    def __init__(self) -> None:
        self._refused: set[Output] = set()
        """Those that refused a batch; what was in it is not known to be unstored yet."""
        self._left: dict[Output, int] = {}
        self._busy: set[Output] = set()
        """Those on probation with one on its way."""

    def __repr__(self) -> str:
        return f"<Probation {self._left}, refused {sorted(self._refused)}>"

    @property
    def refused(self) -> Container[Output]:
        """Outputs that refused a batch since it was last mended."""
        return self._refused

    @property
    def refused_topics(self) -> list[str]:
        return sorted({output.topic for output in self._refused})

    def takes(self, output: Output) -> bool:
        """Whether one more may be sent there now."""
        return output not in self._busy

    def sent(self, output: Output) -> bool:
        """One is sent. Returns whether it goes alone, so that its report says what it is."""
        if output not in self._left:
            return False
        self._busy.add(output)
        return True

    def is_to_blame(self, output: Output, *, is_alone: bool) -> bool:
        """
        What a refusal says: that this very publication is at fault, or only its batch.

        A batch begins the probation once it is mended; see `begin`.
        """
        if not is_alone:
            self._refused.add(output)
        return is_alone

    def settled(self, output: Output) -> None:
        """One that was looked at alone is stored, or is known to be at fault."""
        self._busy.discard(output)
        left = self._left.pop(output, 0) - 1
        if left > 0:
            self._left[output] = left

    def interrupted(self) -> None:
        """Everything on its way failed, and nobody knows by whose fault."""
        self._busy.clear()

    def begin(self, output: Output, count: int) -> None:
        """So many were on their way when the output refused a batch; none of them is stored."""
        if output in self._refused:
            self._refused.discard(output)
            if count:
                self._left[output] = count


def smaller_batch(bytes_max: int, said: int | None) -> int:
    """The size of batches after one was refused; `said` is what the brokers say that they take."""
    if said is not None and said < bytes_max:
        return said
    return max(1, bytes_max // SMALLER_BY)
