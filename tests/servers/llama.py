"""
llama.cpp's own server, from the `xllamacpp` wheel, with the tiny model in it.

What it says over HTTP (harmony parsing, grammars, errors, usage) is real; what it decides means
nothing. `python -m tests.servers.llama MODEL PORT` runs it in the foreground.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.servers.child import Child, ChildFailed, free_ports
from tests.servers.tiny_model import NAME, cached_model

ROOT = Path(__file__).parents[2]
READY_TIMEOUT_S = 30.0
STARTS_MAX = 3
"""A free port may be gone by the time the server wants it."""
API_KEY_VARIABLE = "TINY_LLAMA_API_KEY"


class LlamaServer:
    """One server process, running inside the `with` block."""

    model = NAME

    def __init__(
        self,
        folder: Path,
        *,
        slots: int = 4,
        context: int = 8_192,
        api_key: str | None = None,
        http_threads: int = 80,
        decides: bool = False,
    ) -> None:
        """
        `folder` gets the server's log; `context` is the room of each of the `slots`, in tokens.
        `decides` serves the tiny decision model, over `/v1/systemone` too.

        Keep `http_threads` above the number of client connections: those beyond it starve.
        """
        self.folder = folder
        self.api_key = api_key
        self._decides = decides
        self._sizes = {"--slots": slots, "--context": context, "--http-threads": http_threads}
        self._port = 0
        self._child: Child | None = None

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        for attempt in range(1, STARTS_MAX + 1):
            try:
                self._start(cached_model(decides=self._decides))
            except ChildFailed:
                if attempt == STARTS_MAX:
                    raise
            else:
                break
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.child.kill()

    @property
    def base_url(self) -> str:
        """Where an OpenAI client is to be pointed."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def child(self) -> Child:
        """The process; `pause` it for a server that hangs, `kill` it for one that is gone."""
        assert self._child is not None, "the server runs inside its with block"
        return self._child

    @property
    def pid(self) -> int:
        return self.child.pid

    def _start(self, model: Path) -> None:
        (self._port,) = free_ports(1)
        sizes = (word for flag, size in self._sizes.items() for word in (flag, str(size)))
        self._child = Child(
            [sys.executable, "-m", __name__, str(model), str(self._port), *sizes],
            log=self.folder / "llama.log",
            folder=ROOT,
            environment=os.environ | {API_KEY_VARIABLE: self.api_key or ""},
        )
        try:
            self._child.wait_until(self._is_healthy, READY_TIMEOUT_S)
        except BaseException:
            self._child.kill()
            raise

    def _is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self._port}/health", timeout=1.0
            ) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


def serve(
    model: Path, port: int, *, slots: int, context: int, http_threads: int, api_key: str | None
) -> None:
    """Serves a model file in this process until it is told to end (SIGTERM, SIGINT)."""
    import xllamacpp

    parameters: Any = xllamacpp.CommonParams()
    parameters.model.path = str(model)
    parameters.model_alias = {NAME}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = port
    parameters.n_parallel = slots
    parameters.n_ctx = context * slots
    parameters.n_threads_http = http_threads
    if api_key:
        parameters.api_keys = [api_key]
    # One thread is faster than two for a model this small.
    parameters.cpuparams.n_threads = 1
    parameters.cpuparams_batch.n_threads = 1
    parameters.n_gpu_layers = 0
    parameters.fit_params = False
    # A prefix is reused to the token, from the slot that holds it and not from a second cache.
    parameters.swa_full = True
    parameters.cache_ram_mib = 0
    parameters.endpoint_metrics = True
    parameters.endpoint_slots = True
    parameters.ui = False
    parameters.use_jinja = True
    parameters.verbosity = 2
    server = xllamacpp.Server(parameters)
    print("listening on", server.listening_address, flush=True)
    stops = {signal.SIGTERM, signal.SIGINT}
    for stop in stops:
        signal.signal(stop, lambda *_: os._exit(0))
    while True:
        signal.pause()


def main() -> None:
    parser = argparse.ArgumentParser(prog=f"python -m {__spec__.name}", description=__doc__)
    parser.add_argument("model", type=Path, help="a GGUF file")
    parser.add_argument("port", type=int)
    parser.add_argument("--slots", type=int, default=4, help="requests worked on at once")
    parser.add_argument("--context", type=int, default=8_192, help="tokens of each slot")
    parser.add_argument("--http-threads", type=int, default=80, help="connections at once")
    asked = parser.parse_args()
    serve(
        asked.model,
        asked.port,
        slots=asked.slots,
        context=asked.context,
        http_threads=asked.http_threads,
        api_key=os.environ.get(API_KEY_VARIABLE) or None,
    )


if __name__ == "__main__":
    main()
