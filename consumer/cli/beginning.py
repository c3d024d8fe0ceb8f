"""The commands for the first hour: init · stand-in."""

from __future__ import annotations

from typing import Annotated

import cyclopts
from cyclopts import Parameter

from consumer.cli.options import examples

app = cyclopts.App()


@app.command(
    help_epilogue=examples(
        "safeguard init",
        "safeguard init --bootstrap-servers broker-1:9092 --endpoint http://vllm:8000/v1",
    )
)
def init(
    *,
    bootstrap_servers: Annotated[
        str | None, Parameter(help="Some brokers, host:port; 127.0.0.1:9092 is asked by default.")
    ] = None,
    endpoint: Annotated[
        str | None,
        Parameter(help="An inference server; the usual ports of this machine by default."),
    ] = None,
    model: Annotated[str | None, Parameter(help="The model's name there.")] = None,
    force: Annotated[bool, Parameter(negative=(), help="Write over a file that is there.")] = False,
) -> None:
    """Write a commented safeguard.toml for the broker and inference server that are found here."""
    from consumer.commands.beginning.settings_file import InitRequest
    from consumer.commands.beginning.settings_file import init as begin

    raise SystemExit(begin(InitRequest(bootstrap_servers, endpoint, model, force)))


@app.command(
    name="stand-in",
    help_epilogue=examples(
        "safeguard stand-in",
        "safeguard stand-in --port 8000 --latency 0.3 --slots 16",
    ),
)
def stand_in(
    *,
    host: Annotated[str, Parameter(help="Where it listens.")] = "127.0.0.1",
    port: Annotated[int, Parameter(help="0 takes a free one.")] = 8089,
    latency: Annotated[float, Parameter(help="Seconds that each answer takes.")] = 0.2,
    slots: Annotated[int, Parameter(help="Answers at one time; more wait.")] = 16,
) -> None:
    """Serve a stand-in for the model, to try everything else; it proves nothing about quality."""
    from consumer.dev.safeguard.alone import stand_alone

    raise SystemExit(stand_alone(host, port, latency, slots))
