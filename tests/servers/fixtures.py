"""The inference server that the tests of a session share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from tests.servers.llama import LlamaServer


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    """A llama.cpp server with four slots."""
    need_llama()
    with LlamaServer(tmp_path_factory.mktemp("llama")) as server:
        yield server


def need_llama() -> None:
    """Without the wheels of llama.cpp CI fails and a laptop skips."""
    missing = [module for module in ("xllamacpp", "gguf") if find_spec(module) is None]
    if missing:
        reason = f"no llama.cpp server here, {' and '.join(missing)} is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


_OTHER = os.environ.get("SAFEGUARD_TEST_ENDPOINT"), os.environ.get("SAFEGUARD_TEST_MODEL")
"""A tester's own server, if any."""


def other_endpoint() -> tuple[str, str] | None:
    """A server of the tester's own, from SAFEGUARD_TEST_ENDPOINT and SAFEGUARD_TEST_MODEL."""
    endpoint, model = _OTHER
    return (endpoint, model or "openai/gpt-oss-safeguard-20b") if endpoint else None
