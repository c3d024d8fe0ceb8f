"""
`python -m tests.review.review`: people's review under load and kills; writes build/review.json.

On a real Kafka, a real PostgreSQL and real browsers: see `loop.py` and `contention.py` beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from tests.brokers.kafka import RealKafka
from tests.databases import RealPostgres
from tests.review.contention import ClaimTimes, Contended, claim_times, contended
from tests.review.loop import Looped, ReviewLoop
from tests.stage import Broker

ROOT = Path(__file__).parent.parent.parent
P95_MS_MAX = 50.0
"""A claim among a hundred thousand on PostgreSQL takes no longer; what SQLite takes is told."""


def main() -> int:
    """0 where nothing was lost, doubled or held twice, nothing shuts out, and claims are fast."""
    wanted = _arguments()
    console = Console()
    with ExitStack() as stage:
        folder = Path(stage.enter_context(tempfile.TemporaryDirectory(prefix="review-")))
        console.print("starting PostgreSQL …")
        postgres = stage.enter_context(RealPostgres())
        console.print(f"{wanted.items:,} cases for 50 reviewers …")
        held = contended(postgres.database(), wanted.items, 50)
        console.print(held)
        console.print(f"claims among {wanted.open:,} open cases …")
        times = claim_times(postgres.database(), wanted.open, 400, 50)
        on_sqlite = claim_times(f"sqlite:///{folder / 'open.sqlite'}", wanted.open, 400, 50)
        console.print(times, on_sqlite)
        console.print("starting Apache Kafka …")
        kafka = stage.enter_context(RealKafka(folder / "kafka"))
        broker = Broker("real", kafka.bootstrap_servers, kafka)
        console.print(f"{wanted.messages:,} messages, two reviewers, three kills …")
        loop = ReviewLoop(broker, postgres, folder)
        flagged = wanted.messages * 12 // 100
        looped = asyncio.run(loop.run(wanted.messages, flagged, flagged // 3))
    report = _report(looped, held, times, on_sqlite)
    wanted.out.parent.mkdir(parents=True, exist_ok=True)
    wanted.out.write_text(json.dumps(report, indent=2) + "\n")
    console.print_json(data=report)
    return 0 if report["ok"] else 1


def _report(
    looped: Looped, held: Contended, times: ClaimTimes, on_sqlite: ClaimTimes
) -> dict[str, object]:
    is_ok = (
        looped.lost == looped.doubled == looped.axe_serious == held.double_claims == 0
        and held.decided == held.items
        and times.p95_ms <= P95_MS_MAX
    )
    return {
        "ok": is_ok,
        "decisions": looped.decisions,
        "lost": looped.lost,
        "doubled": looped.doubled,
        "double_claims": held.double_claims,
        "claim_p95_ms": round(times.p95_ms, 2),
        "axe_serious": looped.axe_serious,
        "loop": looped._asdict(),
        "contention": held._asdict(),
        "claims": {"postgresql": times._asdict(), "sqlite": on_sqlite._asdict()},
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.review.review",
        description="Review under load and kills, on real parts.",
        epilog="Example: make review",
    )
    parser.add_argument("--messages", type=int, default=500)
    parser.add_argument("--items", type=int, default=5_000, help="for 50 reviewers at once")
    parser.add_argument("--open", type=int, default=100_000, help="open cases around a claim")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "review.json")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
