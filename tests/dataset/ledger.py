"""Reads the outputs back and says what is missing, twice there, or out of its key's order. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from tests.records import Stored


class Ledger(NamedTuple):
    """What became of the messages; `build/dataset.json` holds it."""

    messages: int
    verdicts: int
    dead_letters: int
    missing: int
    duplicated: int
    out_of_order: int
    outcomes: dict[str, int]

    @property
    def adds_up(self) -> bool:
        faults = self.missing + self.duplicated + self.out_of_order
        return faults == 0 and self.messages == self.verdicts + self.dead_letters > 0


def count(positions: Iterable[str], found: Iterable[Stored]) -> Ledger:
    """Compare what went in, by position, with what lies on the outputs."""
    wanted = set(positions)
    records = list(found)
    times = Counter(record.header("safeguard-position") or "?" for record in records)
    kinds = Counter(_kind(record) for record in records)
    return Ledger(
        messages=len(wanted),
        verdicts=sum(kinds[kind] for kind in ("allow", "flag", "block")),
        dead_letters=kinds["dead-letter"],
        missing=len(wanted - times.keys()),
        duplicated=sum(n - 1 for n in times.values()) + len(times.keys() - wanted),
        out_of_order=_out_of_order(records),
        outcomes=dict(sorted(kinds.items())),
    )


def _kind(record: Stored) -> str:
    return record.header("safeguard-outcome") or "dead-letter"


def _out_of_order(records: list[Stored]) -> int:
    """
    Verdicts of a key that stand before an earlier message's verdict.

    Within an output by offset; across outputs by timestamp, where equal milliseconds prove nothing.
    """
    by_key: dict[tuple[int, bytes], list[tuple[int, Stored]]] = defaultdict(list)
    for record in records:
        if record.key is not None:
            position = record.header("safeguard-position") or "?/0/0"
            by_key[record.partition, record.key].append((int(position.split("/")[2]), record))
    wrong = 0
    for pairs in by_key.values():
        pairs.sort(key=lambda pair: pair[0])
        last_in: dict[str, int] = {}
        latest_ms = 0
        for _, record in pairs:
            if record.offset < last_in.get(record.topic, -1) or record.timestamp_ms < latest_ms:
                wrong += 1
            last_in[record.topic] = max(record.offset, last_in.get(record.topic, -1))
            latest_ms = max(latest_ms, record.timestamp_ms)
    return wrong
