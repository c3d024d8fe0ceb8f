"""The report of what judging cost: as lines for a person, as fields of JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from consumer.commands.costs.prices import GpuPrice, PriceRequest, TokenPrice
from consumer.commands.costs.sums import CostSums, VersionSum
from consumer.domain.counted import counted
from consumer.domain.verdicts.headers import rfc3339
from consumer.domain.verdicts.verdict import Tokens


class CostRow(NamedTuple):
    """One policy of a version, or the whole version where `policy` is None."""

    version: str
    policy: str | None
    judgements: int
    tokens: Tokens
    model_s: float
    best_share: float | None
    """The share of the prompt that the policy takes: no cache can save more; None if unknown."""

    @property
    def cached_share(self) -> float | None:
        """The share of the prompt that the server had in its cache; None without a prompt."""
        return self.tokens.cached / self.tokens.prompt if self.tokens.prompt else None


@dataclass(frozen=True, slots=True)
class CostReport:
    """What the verdicts of one input say."""

    topic: str
    group: str
    sums: CostSums
    prices: PriceRequest
    policy_tokens: Mapping[tuple[str, str], int]
    """About how many tokens the system message of a version's policy has, where it is known."""

    @property
    def price(self) -> TokenPrice | GpuPrice | None:
        calls_ms = sum(version.calls_ms for version in self.sums.versions.values())
        return self.prices.price(calls_ms, self.sums.span_s)

    def per_thousand(self, version: VersionSum) -> float | None:
        """What a thousand messages cost under a version, however many of them were judged."""
        price = self.price
        if price is None or not version.messages:
            return None
        cost = price.of(version) if isinstance(price, GpuPrice) else price.of(version.tokens)
        return cost / version.messages * 1_000

    def rows(self) -> Iterator[CostRow]:
        """A row for each policy, and before those of a version one for the whole of it."""
        for name, version in sorted(self.sums.versions.items()):
            rows = [
                CostRow(name, policy, part.judgements, part.tokens, part.model_ms / 1_000, best)
                for policy, part in sorted(version.policies.items())
                for best in [self._best(name, policy, part.judgements, part.tokens.prompt)]
            ]
            known = [row.best_share * row.tokens.prompt for row in rows if row.best_share]
            tokens = version.tokens
            best = sum(known) / tokens.prompt if rows and len(known) == len(rows) else None
            yield CostRow(name, None, version.judgements, tokens, version.model_ms / 1_000, best)
            yield from rows

    def _best(self, version: str, policy: str, judgements: int, prompt: int) -> float | None:
        each = self.policy_tokens.get((version, policy))
        return None if each is None or not prompt else min(1.0, each * judgements / prompt)

    @property
    def fields(self) -> dict[str, Any]:
        """The report as one JSON object."""
        sums, price = self.sums, self.price
        at_once = round(price.calls_at_once, 3) if isinstance(price, GpuPrice) else None
        versions: dict[str, dict[str, Any]] = {}
        for row in self.rows():
            fields = _fields(row)
            if row.policy is not None:
                versions[row.version]["policies"][row.policy] = fields
                continue
            version = sums.versions[row.version]
            versions[row.version] = {
                "messages": version.messages,
                "unjudged": version.unjudged,
                **fields,
                "per_thousand_messages": self.per_thousand(version),
                "policies": {},
            }
        first_ms = sums.first_ms
        return {
            "topic": self.topic,
            "group": self.group,
            "first": None if first_ms is None else rfc3339(first_ms),
            "last": None if first_ms is None else rfc3339(sums.last_ms),
            "versions": versions,
            "passed_through": sums.passed_through,
            "foreign": sums.foreign,
            "unreadable": sums.unreadable,
            "prices": {name: given for name, given in self.prices._asdict().items() if given},
            "calls_at_once": at_once,
        }

    def lines(self) -> Iterator[str]:
        """The report as plain lines."""
        yield self.title
        for row in self.rows():
            version = self.sums.versions[row.version]
            if row.policy is None:
                yield f"{row.version}  messages {version.messages}, unjudged {version.unjudged}"
            words = ", ".join(f"{kind} {count}" for kind, count in row.tokens._asdict().items())
            yield (
                f"  {row.policy or 'all policies':<24} judgements {row.judgements}, {words}, "
                f"cached {shown_share(row)}, model {row.model_s:.1f} s"
            )
            if row.policy is None and (cost := self.per_thousand(version)) is not None:
                yield f"  {'a thousand messages':<24} {cost:.4f}"
        yield from self.notes()

    @property
    def title(self) -> str:
        first_ms = self.sums.first_ms
        if not self.sums.versions:
            return f"{self.topic}, group {self.group}: no verdict that says what it cost"
        if first_ms is None:
            return f"{self.topic}, group {self.group}, at times that the broker did not keep"
        span = f"{rfc3339(first_ms)} to {rfc3339(self.sums.last_ms)}"
        return f"{self.topic}, group {self.group}, {span}"

    def notes(self) -> Iterator[str]:
        """What was left out, and how an estimate came about."""
        sums, price = self.sums, self.price
        if sums.passed_through:
            yield (
                f"passed over: {counted(sums.passed_through, 'verdict')}, published without an "
                "envelope, so that they carry no tokens"
            )
        if sums.foreign:
            yield f"passed over: {counted(sums.foreign, 'record')} of other groups or inputs"
        if sums.unreadable:
            yield f"passed over: {counted(sums.unreadable, 'envelope')} that could not be read"
        if isinstance(price, GpuPrice) and self.prices.calls_at_once is None:
            yield (
                "the GPU is paid from the first verdict to the last, with "
                f"{price.calls_at_once:.2f} calls at once in the mean: --calls-at-once says how "
                "many it could serve"
            )
        elif price is None and self.prices.gpu_hour is not None:
            yield "no estimate: a single moment is no time to pay a GPU for; give --calls-at-once"


def shown_share(row: CostRow) -> str:
    """`80 %, at best about 85 %`: what the cache saved, and what it could."""
    if row.cached_share is None:
        return "unknown"
    best = "" if row.best_share is None else f", at best about {row.best_share:.0%}"
    return f"{row.cached_share:.0%}{best}"


def _fields(row: CostRow) -> dict[str, Any]:
    return {
        "judgements": row.judgements,
        "tokens": row.tokens._asdict(),
        "cached_share": row.cached_share,
        "cached_share_at_best": row.best_share,
        "model_s": round(row.model_s, 3),
    }
