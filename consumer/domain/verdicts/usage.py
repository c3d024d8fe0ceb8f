"""Usage: what the calls for one message cost, judged or not. A server counts it, and we add up."""

from __future__ import annotations

from typing import NamedTuple

from consumer.domain.verdicts.verdict import NO_TOKENS, Tokens


class Usage(NamedTuple):
    """Calls to the model and their tokens; those that gave no judgement are paid for as well."""

    calls: int = 0
    """Requests sent, each attempt and each piece of a long text for itself."""
    unread: int = 0
    """How many of them gave no judgement."""
    tokens: Tokens = NO_TOKENS
    """Of all calls, as far as the server said."""
    unread_tokens: Tokens = NO_TOKENS
    """How many of them were for calls that gave no judgement."""

    def __add__(self, other: object) -> Usage:
        if not isinstance(other, Usage):
            return NotImplemented
        return Usage(
            self.calls + other.calls,
            self.unread + other.unread,
            self.tokens + other.tokens,
            self.unread_tokens + other.unread_tokens,
        )

    @property
    def billed_tokens(self) -> int:
        """What a host counts: cached ones are part of the prompt, reasoning of the completion."""
        return self.tokens.prompt + self.tokens.completion


NO_USAGE = Usage()


class Tally:
    """Adds up the calls for one message while they are made."""

    calls = 0
    unread = 0
    tokens = NO_TOKENS
    unread_tokens = NO_TOKENS

    def __repr__(self) -> str:
        return f"<Tally calls {self.calls}, unread {self.unread}, {self.tokens!r}>"

    def judged(self, tokens: Tokens) -> None:
        """A call gave a judgement."""
        self.calls += 1
        self.tokens += tokens

    def failed(self, tokens: Tokens) -> None:
        """A call gave none; where nothing readable came back its tokens are not known."""
        self.unread += 1
        self.unread_tokens += tokens
        self.judged(tokens)

    @property
    def usage(self) -> Usage:
        return Usage(self.calls, self.unread, self.tokens, self.unread_tokens)
