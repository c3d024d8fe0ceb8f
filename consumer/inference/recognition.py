"""Which known server answers at an address, by evidence that is cheap and only read."""

from __future__ import annotations

from urllib.parse import urlsplit

import orjson

from consumer.errors import Retryable
from consumer.inference.profiles import (
    GENERIC,
    GROQ,
    LLAMA_CPP,
    LM_STUDIO,
    OLLAMA,
    OPENROUTER,
    PROFILES,
    SGLANG,
    VLLM,
    Profile,
)
from consumer.inference.transports.transport import Transport

_BY_HOST = {"groq.com": GROQ, "openrouter.ai": OPENROUTER}
_BY_OWNER = {
    "vllm": VLLM,
    "sglang": SGLANG,
    "llamacpp": LLAMA_CPP,
    "library": OLLAMA,
    "organization_owner": LM_STUDIO,
}
"""What each writes as the owner of its models in /v1/models; Ollama's may be a user's name."""


async def recognise(
    endpoint: str, models: bytes, transport: Transport, timeout_s: float
) -> Profile:
    """The profile of an endpoint, given its list of models; `generic` where nothing speaks."""
    known = profile_of_host(endpoint) or profile_of_models(models)
    if known is not None:
        return known
    # Ollama's models belong to whoever made them; its own interface gives it away all the same.
    try:
        reply = await transport.get("/../api/version", timeout_s)
    except Retryable:
        return GENERIC
    return OLLAMA if reply.status == 200 and _names_version(reply.body) else GENERIC


def _names_version(body: bytes) -> bool:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(document, dict) and isinstance(document.get("version"), str)


def profile_of_host(endpoint: str) -> Profile | None:
    """The profile of a hosted endpoint, by its name."""
    try:
        host = urlsplit(endpoint).hostname or ""
    except ValueError:
        return None
    return next((_BY_HOST[name] for name in _BY_HOST if f".{host}".endswith(f".{name}")), None)


def profile_of_models(body: bytes) -> Profile | None:
    """The profile of the software that wrote this list of models, where it names itself."""
    owners = [model.get("owned_by") for model in models_in(body)]
    known = {
        _BY_OWNER[owner].name for owner in owners if isinstance(owner, str) and owner in _BY_OWNER
    }
    # A gateway lists models of several servers, and then none of them is the one asked.
    return PROFILES[known.pop()] if len(known) == 1 else None


def models_in(body: bytes) -> list[dict[str, object]]:
    """The entries of a list of models; empty for whatever else a server may answer."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return []
    found = document.get("data") if isinstance(document, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
