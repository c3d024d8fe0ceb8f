"""What those who carry a question to a server know of it: how to send it, and that it is read."""

from __future__ import annotations

from typing import Protocol, TypeVar

from consumer.domain.lane import Lane
from consumer.inference.transports.reply import Reply
from consumer.inference.wires.format import RequestFormat

Finding_co = TypeVar("Finding_co", covariant=True)


class Question(Protocol[Finding_co]):
    """One text, what is asked about it, and how urgent that is."""

    @property
    def lane(self) -> Lane: ...

    @property
    def affinity(self) -> str:
        """Questions that share it share the beginning of their prompts, so that it is warm."""

    def body(self, format: RequestFormat, priority: int | None = None) -> bytes:
        """The request, as an endpoint takes it; see `Frame.around`."""

    def read(self, reply: Reply, format: RequestFormat) -> Finding_co:
        """
        What a reply to this question says, which was asked in this format.

        Raises:
            Retryable: nothing usable; `is_systemic` says whom it hints at.
        """
