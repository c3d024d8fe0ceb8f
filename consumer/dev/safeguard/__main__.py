"""The stand-in as a process of its own, with all that it can do wrong: see `--help`."""

from __future__ import annotations

from contextlib import suppress

import uvloop

from consumer.dev.safeguard.alone import until_interrupted
from consumer.dev.safeguard.arguments import read_arguments
from consumer.dev.safeguard.behaviour import Behaviour
from consumer.dev.safeguard.completion import MODEL
from consumer.dev.safeguard.server import StandInSafeguard


def main(words: list[str] | None = None) -> None:
    """Run as a process of its own until interrupted."""
    host, port, behaviour = read_arguments(words)
    with suppress(KeyboardInterrupt):
        uvloop.run(_run_until_interrupted(host, port, behaviour))


async def _run_until_interrupted(host: str, port: int, behaviour: Behaviour) -> None:
    async with StandInSafeguard(behaviour, host=host, port=port) as server:
        print(f"{MODEL}: a stand-in, not a model, at {server.base_url}", flush=True)
        await until_interrupted()


if __name__ == "__main__":
    main()
