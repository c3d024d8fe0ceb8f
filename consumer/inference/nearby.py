"""Inference servers on this machine, found by asking the ports that they usually have."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

import orjson

from consumer.errors import ConsumerError
from consumer.inference.transports.direct import DirectTransport

STAND_IN = "the stand-in"
USUAL_PORTS: Mapping[int, str] = {
    8000: "vLLM",
    8080: "llama.cpp",
    11434: "Ollama",
    1234: "LM Studio",
    8089: STAND_IN,
}
"""In the order in which one of several is preferred."""
ANSWER_S = 0.5
"""On this machine a server that is there answers at once."""


class NearbyServer(NamedTuple):
    """A server that answered, and the models that it names."""

    kind: str
    """By its port alone; what it really is a probe finds out."""
    endpoint: str
    models: tuple[str, ...]

    @property
    def is_stand_in(self) -> bool:
        """Whether its judgements are none of a model's, on whichever port it listens."""
        return self.kind == STAND_IN

    @property
    def fitting(self) -> str | None:
        """The model to judge with: a safeguard model before any other gpt-oss; None without one."""
        known = [name for name in self.models if "safeguard" in name or "gpt-oss" in name]
        return max(known, key=lambda name: "safeguard" in name, default=None)


async def find_nearby(ports: Mapping[int, str] = USUAL_PORTS) -> list[NearbyServer]:
    """Every server that answers on one of the ports, in their order."""
    found = await asyncio.gather(
        *(server_at(f"http://127.0.0.1:{port}/v1", kind) for port, kind in ports.items())
    )
    return [server for server in found if server is not None]


async def server_at(endpoint: str, kind: str) -> NearbyServer | None:
    """The server at this address, where it answers and says which models it has."""
    transport = DirectTransport(endpoint, "none", 1, 1.0)
    try:
        reply = await transport.get("/models", ANSWER_S)
        names = tuple(str(model["id"]) for model in orjson.loads(reply.body)["data"])
    except (ConsumerError, ValueError, KeyError, TypeError):
        return None
    finally:
        await transport.close()
    return NearbyServer(STAND_IN if _is_stand_in(names) else kind, endpoint, names)


def _is_stand_in(models: tuple[str, ...]) -> bool:
    """Whoever started it on another's port is told so all the same."""
    return any(name.startswith("stand-in") for name in models)
