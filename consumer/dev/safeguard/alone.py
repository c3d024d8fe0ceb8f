"""`safeguard stand-in`: the stand-in as a server of its own, which says what it is."""

from __future__ import annotations

import asyncio
import errno
import signal
from contextlib import suppress

import uvloop

from consumer.dev.safeguard.behaviour import Behaviour
from consumer.dev.safeguard.completion import MODEL
from consumer.dev.safeguard.server import StandInSafeguard
from consumer.errors import InvalidSettings, PortTaken

BANNER = """\
STAND-IN, no model: it looks for the phrases and examples that a policy quotes. Its verdicts prove
that messages flow; they prove nothing about how well a policy or a model judges.
"""


def stand_alone(host: str, port: int, latency_s: float, slots: int) -> int:
    """
    Serve until interrupted.

    Raises:
        PortTaken: another process has the port.
        InvalidSettings: the place or a number cannot be.
    """
    if not 0 <= port <= 65_535:
        # uvloop would take the number's last 16 bits.
        raise InvalidSettings(f"--port {port}: give 0 to 65,535")
    try:
        behaviour = Behaviour(latency_s=latency_s, slots=slots)
    except ValueError as error:
        raise InvalidSettings(f"--latency {latency_s:g} --slots {slots}: {error}") from None
    with suppress(KeyboardInterrupt):
        uvloop.run(_serve(behaviour, host, port))
    return 0


async def _serve(behaviour: Behaviour, host: str, port: int) -> None:
    server = StandInSafeguard(behaviour, host=host, port=port)
    try:
        await server.start()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(
                f"--port {port} is in use by another process: end that one, or choose another port"
            ) from None
        raise InvalidSettings(f"--host {host} --port {port} cannot be listened on") from None
    print(BANNER)
    print(f"endpoint  {server.base_url}\nmodel     {MODEL}\nCtrl-C ends it", flush=True)
    try:
        await until_interrupted()
    finally:
        await server.stop()
        print(f"answered {server.requests_total:,} requests")


async def until_interrupted() -> None:
    """Wait for Ctrl-C or SIGTERM, which end a stand-in alike."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
