"""
Conversations: what was said of late in one partition, for the context of what comes next.

Records must be taken in as they lie in the partition: the context of a message is what lies before
it, whenever it is judged. It begins empty with every assignment, and ends with it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from consumer.domain.binding import Binding
from consumer.domain.messages.context import (
    LINE_TOKENS,
    Context,
    ContextTerms,
    Utterance,
    context_of,
    utterance_of,
)
from consumer.domain.messages.decoding import decode
from consumer.domain.messages.message import Message, Record
from consumer.domain.tokens import tokens_of
from consumer.errors import Rejected


class InContext(NamedTuple):
    """A message and what it is shown with."""

    message: Message
    context: Context


class Conversations:
    """The last messages of the conversations that were used last."""

    def __init__(self) -> None:
        self._lately: OrderedDict[int, tuple[Utterance, ...]] = OrderedDict()
        """By the hash of the conversation, the least recently used first."""

    def __repr__(self) -> str:
        return f"<Conversations {len(self._lately)}>"

    def __len__(self) -> int:
        return len(self._lately)

    def take_in(self, record: Record, binding: Binding) -> InContext | None:
        """
        Read a record, find its context and remember it; None where it is no message.

        Whoever judges it reads it again then, and says what is wrong with it.
        """
        assert binding.context is not None
        try:
            message = decode(record, binding.reading)
        except Rejected:
            return None
        return InContext(message, self.add(message, binding.context))

    def add(self, message: Message, terms: ContextTerms) -> Context:
        """The context of a message, which is remembered as context of the next ones."""
        if not terms.messages or message.conversation is None or not message.text:
            return context_of(message, (), terms)
        key = hash(message.conversation)
        earlier = self._lately.pop(key, ())
        context = context_of(message, earlier, terms)
        utterance = utterance_of(message, terms.tokens_max)
        self._lately[key] = _fitting((*earlier, utterance)[-terms.messages :], terms.tokens_max)
        while len(self._lately) > terms.conversations_max:
            self._lately.popitem(last=False)
        return context

    def clear(self) -> None:
        self._lately.clear()


def _fitting(utterances: tuple[Utterance, ...], tokens_max: int) -> tuple[Utterance, ...]:
    """The newest of them that fit together: what lies before those is never shown again."""
    room = tokens_max
    for kept, utterance in enumerate(reversed(utterances)):
        room -= tokens_of(utterance.text) + LINE_TOKENS
        if room < 0:
            return utterances[len(utterances) - kept :]
    return utterances
