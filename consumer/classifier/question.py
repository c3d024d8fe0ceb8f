"""The question that a policy puts about a text: what is sent, and how its answer is read. Pure."""

from __future__ import annotations

from functools import lru_cache

from consumer.classifier.answer import reading_of
from consumer.classifier.parser import Reading
from consumer.classifier.request import frame_of
from consumer.domain.lane import Lane
from consumer.domain.policy import Policy
from consumer.domain.value import Value
from consumer.inference.transports.reply import Reply
from consumer.inference.wires.format import RequestFormat


class PolicyQuestion(Value, frozen=True):
    """What is asked under which policy, and how urgent it is; an `inference.question.Question`."""

    policy: Policy
    user: str
    """The wrapped text."""
    lane: Lane = Lane.REAL_TIME

    @property
    def affinity(self) -> str:
        return _affinity(self.policy)

    def body(self, format: RequestFormat, priority: int | None = None) -> bytes:
        return frame_of(self.policy, format).around(self.user, format, priority)

    def read(self, reply: Reply, format: RequestFormat) -> Reading:
        return reading_of(reply, self.policy, format, self.user)


@lru_cache(maxsize=1_024)
def _affinity(policy: Policy) -> str:
    return f"{policy.name}\n{policy.text}"
