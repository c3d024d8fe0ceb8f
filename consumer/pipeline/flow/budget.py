"""
Budget: how many calls and tokens one input may cost in any hour, in one worker process.

Pure; time is passed in. What a message will cost is known only afterwards, so room is set aside for
it when it begins: its calls, and as many tokens for each as the last hour's calls took.
"""

from __future__ import annotations

from collections import deque
from math import floor
from typing import NamedTuple

from consumer.domain.binding import BudgetTerms
from consumer.domain.verdicts.usage import Usage

MINUTE_S = 60.0
"""Sums are kept by the minute: an hour of them is little, and fine enough for an hour's bound."""
MINUTES = 61
"""The minute that has begun and 60 whole ones, so that no hour holds more than it may."""
TOKENS_FIRST = 1_000
"""A call's tokens before any is known: a policy of the usual length, a message, an answer."""
FREE_SHARE = 0.05
"""A spent budget is taken up again once so much of it is free, so that it does not flap."""


class Spent(NamedTuple):
    """Calls and tokens; tokens are those of the prompt and of the completion together."""

    calls: int = 0
    tokens: int = 0


class LastHour:
    """A sum over the last hour, by the minute. Time never goes back."""

    def __init__(self) -> None:
        self._minutes: deque[tuple[int, Spent]] = deque()
        """Minutes in which something was spent, oldest first; never more than MINUTES."""
        self.calls = 0
        self.tokens = 0

    def __repr__(self) -> str:
        return f"<LastHour calls {self.calls}, tokens {self.tokens}, minutes {len(self._minutes)}>"

    def add(self, now_s: float, spent: Spent) -> None:
        self.forget(now_s)
        minute = floor(now_s / MINUTE_S)
        if self._minutes and self._minutes[-1][0] == minute:
            minute, before = self._minutes.pop()
            spent = Spent(before.calls + spent.calls, before.tokens + spent.tokens)
            self.calls -= before.calls
            self.tokens -= before.tokens
        self._minutes.append((minute, spent))
        self.calls += spent.calls
        self.tokens += spent.tokens

    def forget(self, now_s: float) -> None:
        """Leave out what was spent more than an hour ago."""
        oldest = floor(now_s / MINUTE_S) - MINUTES
        while self._minutes and self._minutes[0][0] <= oldest:
            _, spent = self._minutes.popleft()
            self.calls -= spent.calls
            self.tokens -= spent.tokens

    def frees(self) -> list[tuple[float, Spent]]:
        """When each minute is forgotten, on the clock, and what becomes free by it."""
        return [((minute + MINUTES) * MINUTE_S, spent) for minute, spent in self._minutes]


class Budget:
    """What one input has spent and may spend; `share` is this process's part of the whole."""

    def __init__(self, topic: str, terms: BudgetTerms, calls_each: int) -> None:
        self.topic = topic
        self.terms = terms
        self.calls_each = calls_each
        """Calls that a message begins with: one for each policy."""
        self.share = 1.0
        self.is_spent = False
        """Whether a message found no room, and there has not been enough since."""
        self._hour = LastHour()
        self._set_aside = 0
        """Calls of messages that are being judged."""

    def __repr__(self) -> str:
        used = self.used
        return (
            f"<Budget {self.topic} calls {used.calls}/{_shown(self.calls_max)}, tokens "
            f"{used.tokens}/{_shown(self.tokens_max)}, share {self.share:.3g}"
            f"{', spent' if self.is_spent else ''}>"
        )

    @property
    def waits(self) -> bool:
        """Whether records wait for room, rather than end unjudged."""
        return self.terms.on_budget == "wait"

    @property
    def calls_max(self) -> float | None:
        """Calls an hour of this process."""
        return _part(self.terms.calls_per_hour, self.share)

    @property
    def tokens_max(self) -> float | None:
        """Tokens an hour of this process."""
        return _part(self.terms.tokens_per_hour, self.share)

    def used_at(self, now_s: float) -> Spent:
        """What the last hour took, with what is set aside."""
        self._hour.forget(now_s)
        return self.used

    @property
    def used(self) -> Spent:
        """The same, as it was when somebody last looked."""
        tokens = self._hour.tokens + round(self._set_aside * self._tokens_each)
        return Spent(self._hour.calls + self._set_aside, tokens)

    @property
    def _tokens_each(self) -> float:
        return self._hour.tokens / self._hour.calls if self._hour.calls else TOKENS_FIRST

    def has_room(self, now_s: float) -> bool:
        """
        Whether one more message may begin; a budget without room is spent until there is enough.

        Where nothing was spent in the hour one may always begin: a budget that is smaller than a
        message lets one through now and then and does not stand still for ever.
        """
        used = self.used_at(now_s)
        self.is_spent = used != Spent() and not self._fits(used, with_reserve=self.is_spent)
        return not self.is_spent

    def _fits(self, used: Spent, *, with_reserve: bool) -> bool:
        share = FREE_SHARE if with_reserve else 0.0
        tokens = self.calls_each * self._tokens_each
        return _leaves(self.calls_max, used.calls, self.calls_each, share) and _leaves(
            self.tokens_max, used.tokens, tokens, share
        )

    def begin(self) -> int:
        """A message begins: set its calls aside, and return how many for `end`."""
        self._set_aside += self.calls_each
        return self.calls_each

    def end(self, now_s: float, set_aside: int, usage: Usage | None) -> None:
        """It has ended; None where it was cut short, and cost what had been set aside at most."""
        tokens_each = self._tokens_each
        self._set_aside -= set_aside
        if usage is None:
            self._hour.add(now_s, Spent(set_aside, round(set_aside * tokens_each)))
        elif usage.calls:
            self._hour.add(now_s, Spent(usage.calls, usage.billed_tokens))

    def room_in_s(self, now_s: float) -> float:
        """
        Seconds until there is room again, if nothing more is spent; 0 where there is.

        What is being judged is taken to be spent in this minute.
        """
        used = calls, tokens = self.used_at(now_s)
        if used == Spent() or self._fits(used, with_reserve=self.is_spent):
            return 0.0
        for at_s, freed in self._hour.frees():
            calls -= freed.calls
            tokens -= freed.tokens
            left = Spent(calls, tokens)
            if left == Spent() or self._fits(left, with_reserve=True):
                return at_s - now_s
        return (floor(now_s / MINUTE_S) + MINUTES) * MINUTE_S - now_s


def _leaves(most: float | None, used: int, wanted: float, share: float) -> bool:
    """Whether a bound leaves what is wanted, and at least that share of itself."""
    return most is None or used + max(wanted, most * share) <= most


def _part(whole: int | None, share: float) -> float | None:
    return None if whole is None else whole * share


def _shown(bound: float | None) -> str:
    return "any" if bound is None else f"{bound:g}"
