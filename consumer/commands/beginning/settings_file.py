"""The command `init`: a `safeguard.toml` for the broker and the endpoint that are found here."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from consumer.errors import InvalidSettings
from consumer.inference.nearby import NearbyServer, find_nearby, server_at
from consumer.kafka.cluster.nearby import brokers_at
from consumer.settings.load import load_settings
from consumer.settings.settings import Settings

FILE = Path("safeguard.toml")


class Surroundings(NamedTuple):
    """What was found to be there."""

    bootstrap_servers: str
    brokers: int | None
    """How many the cluster has; None where none answered."""
    servers: Sequence[NearbyServer]

    @property
    def server(self) -> NearbyServer | None:
        """The one to judge with: one that has a model for it before one that has another."""
        return max(self.servers, key=lambda each: each.fitting is not None, default=None)


class InitRequest(NamedTuple):
    """What the command was told; None is found out, or has its default."""

    bootstrap_servers: str | None = None
    endpoint: str | None = None
    model: str | None = None
    is_forced: bool = False


def init(request: InitRequest, file: Path = FILE) -> int:
    """
    Look around, write the file, and say what was found and what comes next.

    Raises:
        InvalidSettings: there is a file already, or what was told is no setting.
    """
    if os.path.lexists(file) and not request.is_forced:
        raise InvalidSettings(f"{file} is there already: it is kept, unless --force is given")
    _check(request)
    address = request.bootstrap_servers or Settings().kafka.bootstrap_servers
    servers = asyncio.run(_asked(request))
    around = Surroundings(address, brokers_at(address.split(",")[0].strip()), servers)
    endpoint, model = chosen(request, around)
    text = settings_text(around, endpoint, model)
    for line in findings(around, request):
        print(line)
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidSettings(f"{file} cannot be written: {error.strerror}") from None
    settings = load_settings(file, environment={})
    print(f"written: {file}, with what these settings mean")
    print()
    print("next:")
    for line in _next(around, request, settings):
        print(f"  {line}")
    return 0


def _check(request: InitRequest) -> None:
    """
    What was told is checked before anything is written: with --force a file of somebody's is there.

    Raises:
        InvalidSettings: it is no setting.
    """
    told = {
        "kafka.bootstrap_servers": request.bootstrap_servers,
        "inference.endpoint": request.endpoint,
        "inference.model": request.model,
    }
    load_settings(None, {name: value for name, value in told.items() if value}, environment={})


async def _asked(request: InitRequest) -> list[NearbyServer]:
    """The servers that answer: where one was told nobody else is asked."""
    if request.endpoint is None:
        return await find_nearby()
    server = await server_at(request.endpoint, "as told")
    return [] if server is None else [server]


def chosen(request: InitRequest, around: Surroundings) -> tuple[str, str]:
    """Endpoint and model: what was told, else what was found, else the defaults."""
    usual, server = Settings().inference, around.server
    endpoint = request.endpoint or (server.endpoint if server else usual.endpoint)
    found = (server.fitting or next(iter(server.models), None)) if server else None
    return endpoint, request.model or found or usual.model


def findings(around: Surroundings, request: InitRequest) -> list[str]:
    """What was asked and what answered, a line each."""
    if around.brokers is None:
        lines = [f"kafka     nothing answers at {around.bootstrap_servers}: mend it in the file"]
    else:
        noun = "broker" if around.brokers == 1 else "brokers"
        lines = [f"kafka     {around.bootstrap_servers}, {around.brokers} {noun}"]
    if request.endpoint:
        models = ", ".join(around.server.models[:3]) if around.server else ""
        has = f" has {models}" if models else " does not say which models it has"
        return [*lines, f"endpoint  {request.endpoint}, as told,{has}"]
    if not around.servers:
        return [*lines, "endpoint  none on ports 8000, 8080, 11434 and 1234: mend it in the file"]
    for server in around.servers:
        models = ", ".join(server.models[:3]) or "no model"
        taken = ", taken" if server is around.server and len(around.servers) > 1 else ""
        lines.append(f"endpoint  {server.endpoint} ({server.kind}) has {models}{taken}")
        if server is around.server and server.fitting is None:
            lines.append("          none of them is a safeguard model: verdicts may be poor")
    return lines


def _next(around: Surroundings, request: InitRequest, settings: Settings) -> list[str]:
    lines = []
    if not request.endpoint and not around.servers:
        lines.append(
            "safeguard stand-in --port 8000            # until a model is there; it judges"
        )
        lines.append("                                          # nothing, it looks for words")
    if not settings.policies.folder.is_dir():
        lines.append("safeguard policy new spam --topic chat.messages")
    lines.append("safeguard policy check")
    lines.append("safeguard topics apply --create-inputs    # in the broker, what is missing")
    lines.append("safeguard doctor")
    return lines


def settings_text(around: Surroundings, endpoint: str, model: str) -> str:
    """The file: what is set, and what people set next, with what it means."""
    replication = min(around.brokers or 1, 3)
    return f"""\
# Settings of safeguard. Whatever is left out has its default; `safeguard settings` lists all of
# them. --set kafka.group=mine and SAFEGUARD_KAFKA__GROUP=mine win over this file.

[kafka]
bootstrap_servers = {_quoted(around.bootstrap_servers)}
# The consumer group. Verdict ids are made from it: two groups judge independently.
group = "safeguard"
# Copies of each topic that `safeguard topics apply` makes; no more than there are brokers.
replication = {replication}

# Any librdkafka property. Secrets come from files.
# [kafka.client]
# security.protocol = "SASL_SSL"
# sasl.mechanism = "SCRAM-SHA-512"
# sasl.username = "moderation"
# [kafka.client_files]
# sasl.password = "/run/secrets/kafka"

[inference]
# Base address of an OpenAI-compatible server; it ends in the version.
endpoint = {_quoted(endpoint)}
# The model's name as the server knows it.
model = {_quoted(model)}
# api_key_file = "/run/secrets/inference"
# Calls to the server at once, at most; match its slots.
# calls_max = 64

[policies]
# One folder for each policy set; `safeguard policy new` begins one.
folder = "policies"

[telemetry]
# Where /livez, /readyz and /metrics listen; 0 picks a free port.
health_port = 9464
"""


def _quoted(text: str) -> str:
    """As TOML: its basic strings are JSON's, but for characters that no address has."""
    return json.dumps(text)
