"""Prices: what tokens or an hour of a GPU cost, and what verdicts cost at that. Pure."""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

from consumer.commands.costs.sums import VersionSum
from consumer.domain.verdicts.verdict import Tokens
from consumer.errors import InvalidSettings

MILLION = 1_000_000


class TokenPrice(NamedTuple):
    """What a host asks for a million tokens."""

    prompt: float
    cached: float
    """For those of the prompt that the host had in its cache."""
    completion: float
    """Reasoning is part of it."""

    def of(self, tokens: Tokens) -> float:
        fresh = max(0, tokens.prompt - tokens.cached)
        return (
            fresh * self.prompt + tokens.cached * self.cached + tokens.completion * self.completion
        ) / MILLION


class GpuPrice(NamedTuple):
    """What an hour of the GPU costs that serves so many calls at once."""

    per_hour: float
    calls_at_once: float

    def of(self, version: VersionSum) -> float:
        """The version's part of the GPU's time: its calls' time, shared by those at once."""
        return version.calls_ms / 1_000 / 3_600 / self.calls_at_once * self.per_hour


class PriceRequest(NamedTuple):
    """The prices as given on the command line."""

    price_in: float | None = None
    price_cached: float | None = None
    price_out: float | None = None
    gpu_hour: float | None = None
    calls_at_once: float | None = None

    def check(self) -> None:
        """
        Raises:
            InvalidSettings: prices that are none, or that do not go together.
        """
        for field, value in self._asdict().items():
            flag = f"--{field.replace('_', '-')}"
            if value is not None and not (isfinite(value) and value >= 0):
                raise InvalidSettings(f"{flag} {value}: give a number of 0 or more")
        if self.calls_at_once == 0:
            raise InvalidSettings("--calls-at-once 0: give how many calls the GPU serves at once")
        by_token = (self.price_in, self.price_cached, self.price_out)
        if self.gpu_hour is not None and any(price is not None for price in by_token):
            raise InvalidSettings("give prices of tokens or --gpu-hour, not both")
        if self.gpu_hour is None and self.calls_at_once is not None:
            raise InvalidSettings("--calls-at-once goes with --gpu-hour")
        if any(price is not None for price in by_token) and None in (self.price_in, self.price_out):
            raise InvalidSettings("give --price-in and --price-out, for a million tokens each")

    def price(self, calls_ms: float, span_s: float) -> TokenPrice | GpuPrice | None:
        """
        What to count with, or None where no price was given, or there is nothing to share by.

        Where nobody says how many calls a GPU serves at once it is the mean over the time from the
        first verdict to the last: the GPU is paid for all of it, idle or not.
        """
        if self.price_in is not None and self.price_out is not None:
            cached = self.price_in if self.price_cached is None else self.price_cached
            return TokenPrice(self.price_in, cached, self.price_out)
        if self.gpu_hour is None:
            return None
        at_once = self.calls_at_once
        if at_once is None:
            at_once = calls_ms / 1_000 / span_s if span_s else 0.0
        return GpuPrice(self.gpu_hour, at_once) if at_once else None
