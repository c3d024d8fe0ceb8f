"""
`python -m tests.chaos.chaos`: real workers on three real brokers, and everything that can happen.

Workers are killed, frozen for longer than their session, stopped and added, one of them a static
member; so are a supervisor of workers, brokers and the inference server; the model answers
otherwise at some calls, so that a record judged by two workers shows. In the end `safeguard audit`
says whether each message has one verdict, in its key's order. `build/chaos.json` holds what was
found, `build/chaos/` every log.
"""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
from pathlib import Path

from rich.console import Console

from tests.brokers.runtime import RuntimeUnavailable
from tests.chaos.crew import ROOT
from tests.chaos.run import Plan, run
from tests.chaos.schedule import schedule

PROTOCOLS = {
    "classic": ("classic",),
    "consumer": ("consumer",),
    "both": ("classic", "consumer"),
}
QUICK = (3_000, 60.0)
"""Messages, and seconds of faults."""
FULL = (40_000, 8.0)
"""Messages, and minutes of faults."""


def main() -> int:
    """Returns 0 where nothing was lost, contradicted or out of order, else 1."""
    given = _arguments()
    protocols = PROTOCOLS[given.protocol]
    seconds = QUICK[1] if given.quick else given.minutes * 60
    messages = given.messages or (QUICK if given.quick else FULL)[0]
    fault_s = seconds / len(protocols)
    plan = Plan(given.seed, messages, fault_s, protocols, given.without, given.partitions)
    for number, protocol in enumerate(protocols):
        print(f"seed {given.seed}, {protocol}:", file=sys.stderr)
        for fault in schedule(given.seed + number, fault_s):
            print(f"  {fault}", file=sys.stderr)
    # The teardown of what is running must come to its end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    try:
        outcome = run(plan, given.out / "chaos")
    except RuntimeUnavailable as reason:
        sys.exit(str(reason))
    outcome.write(given.out / "chaos.json")
    outcome.show(Console())
    return 0 if outcome.is_clean else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos.chaos",
        description="Chaos on three real Kafka brokers: faults by a schedule, then an audit.",
        epilog="Example: python -m tests.chaos.chaos --seed 7 --minutes 4 --protocol consumer",
    )
    parser.add_argument("--seed", type=int, help="of the schedule; a new one by default")
    parser.add_argument("--messages", type=int, help=f"default: {FULL[0]}, or {QUICK[0]} if quick")
    parser.add_argument("--minutes", type=float, default=FULL[1], help="of faults, in all")
    parser.add_argument("--partitions", type=int, default=3)
    parser.add_argument("--protocol", choices=tuple(PROTOCOLS), default="both")
    parser.add_argument("--quick", action="store_true", help="about 100 s in all")
    parser.add_argument(
        "--without", choices=("lease", "recovery"), help="a control: one rule is switched off"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "build", help="default: build")
    given = parser.parse_args()
    if given.seed is None:
        given.seed = secrets.randbelow(10_000)
    return given


if __name__ == "__main__":
    raise SystemExit(main())
