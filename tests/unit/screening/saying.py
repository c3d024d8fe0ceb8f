"""What a screener says of one message."""

from __future__ import annotations

from consumer.domain.binding import Binding
from consumer.domain.messages.message import Message
from consumer.domain.policy import PolicyVersion
from consumer.interfaces import Inquiry, Judged, ToScreen
from consumer.screening.screener import Screener


def said_of(
    screener: Screener, message: Message, binding: Binding, version: PolicyVersion | None = None
) -> Judged | Inquiry | None:
    """Under a binding, and its live version where no other is named."""
    (said,) = screener.screen([ToScreen(message, version or binding.live, binding, "id")])
    return said
