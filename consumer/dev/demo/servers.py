"""Servers: those of this machine that have a gpt-oss model, to offer a demo with a real one."""

from __future__ import annotations

from typing import NamedTuple

import orjson

from consumer.errors import ConsumerError
from consumer.inference.transports.direct import DirectTransport

USUAL_PORTS = {11434: "Ollama", 8000: "vLLM", 8080: "llama.cpp", 1234: "LM Studio"}


class LocalServer(NamedTuple):
    """An inference server on this machine that has a gpt-oss model."""

    server: str
    endpoint: str
    model: str


async def find_servers() -> list[LocalServer]:
    """Inference servers with a gpt-oss model on the usual local ports."""
    return [found for port in USUAL_PORTS if (found := await _find(port)) is not None]


async def _find(port: int) -> LocalServer | None:
    endpoint = f"http://127.0.0.1:{port}/v1"
    transport = DirectTransport(endpoint, "none", 1, 1.0)
    try:
        reply = await transport.get("/models", 0.5)
        names = [str(model["id"]) for model in orjson.loads(reply.body)["data"]]
    except (ConsumerError, ValueError, KeyError, TypeError):
        return None
    finally:
        await transport.close()
    fitting = [name for name in names if "safeguard" in name or "gpt-oss" in name]
    best = max(fitting, key=lambda name: "safeguard" in name, default=None)
    return LocalServer(USUAL_PORTS[port], endpoint, best) if best else None
