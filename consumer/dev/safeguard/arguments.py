"""The words on the command line of the stand-in -> how it is to behave."""

from __future__ import annotations

import argparse

from consumer.dev.safeguard.behaviour import Behaviour
from consumer.dev.safeguard.distributions import PROFILES
from consumer.dev.safeguard.faults.faults import FaultName
from consumer.dev.safeguard.faults.mixture import GROUPS, spread


def read_arguments(words: list[str] | None) -> tuple[str, int, Behaviour]:
    """Host, port and behaviour; None reads the process's own words, and a wrong one ends it."""
    parser = argparse.ArgumentParser(
        prog="python -m consumer.dev.safeguard",
        description="A stand-in for an inference server with gpt-oss-safeguard. It has no model: "
        "it looks for the phrases that a policy quotes. For demonstrations and tests. "
        "While it runs POST /behaviour changes all of this and more.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8089, help="0 takes a free one")
    parser.add_argument("--latency", type=float, default=0.0, metavar="S", help="of each answer")
    parser.add_argument(
        "--latency-p95", type=float, metavar="S", help="makes --latency a lognormal's median"
    )
    parser.add_argument(
        "--profile", choices=list(PROFILES), help="measured latency and length of reasoning"
    )
    parser.add_argument("--pace", type=float, default=1.0, help="multiplies a profile's latency")
    parser.add_argument("--slots", type=int, help="generations at one time")
    parser.add_argument("--flip-rate", type=float, default=0.0, help="share of changed labels")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME=RATE",
        help=f"may be repeated; NAME may be {', '.join(GROUPS)} too",
    )
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(words)
    try:
        behaviour = Behaviour(
            latency_s=given.latency,
            latency_lognormal=(given.latency, given.latency_p95) if given.latency_p95 else None,
            profile=given.profile,
            pace=given.pace,
            slots=given.slots,
            flip_rate=given.flip_rate,
            faults=spread(
                {
                    name: float(rate)
                    for name, _, rate in (fault.partition("=") for fault in given.fault)
                }
            ),
            seed=given.seed,
        )
    except ValueError as error:
        parser.error(f"{error}; faults are {', '.join(FaultName)}")
    return given.host, given.port, behaviour
