"""The command `console`: serves the reviewers' pages until it is told to stop."""

from __future__ import annotations

import socket

import structlog
import uvicorn

from consumer.commands.console.policies import CurrentPolicies
from consumer.commands.console.wiring import console_of, ways_of
from consumer.commands.review.room import opened
from consumer.errors import InvalidSettings
from consumer.review.console.address import address_of
from consumer.review.console.app import console_app
from consumer.settings.settings import Settings

log = structlog.get_logger()

BACKLOG = 256
"""So many connections may wait to be taken."""
CONNECTIONS_MAX = 1_000
"""More are turned away: each browser holds a few, one of them for word of what changes."""
STOP_S = 5
"""How long requests that are under way are waited for at the stop."""
IDLE_S = 20
"""A connection that asks nothing is closed after so long."""
HEAD_BYTES_MAX = 32_768
"""Of what comes before a request's body; a cookie of ours has a hundred."""


def serve(settings: Settings) -> int:
    """
    Serve the pages until SIGTERM or Ctrl-C.

    Raises:
        InvalidSettings: nobody could sign in, or the address cannot be had.
        InvalidPolicy: the policies have faults.
        StoreUnavailable: the store does not answer.
    """
    own = settings.review.console
    address = address_of(own.host, own.port, own.public_url)
    # Before anything is opened: what is missing is said at once.
    ways_of(own, address).check()
    policies = CurrentPolicies(settings.policies)
    with opened(settings, policies) as room, _listening(own.host, own.port) as listener:
        port = listener.getsockname()[1]
        address = address_of(own.host, port, own.public_url)
        console = console_of(settings, room, address)
        config = uvicorn.Config(
            console_app(console),
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=CONNECTIONS_MAX,
            timeout_keep_alive=IDLE_S,
            timeout_graceful_shutdown=STOP_S,
            h11_max_incomplete_event_size=HEAD_BYTES_MAX,
            lifespan="on",
        )
        log.info("serving", address=address.origin)
        uvicorn.Server(config).run(sockets=[listener])
        log.info("stopped")
    return 0


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise InvalidSettings(
            f"review.console.host and port: {host} port {port} cannot be had: {error.strerror}"
        ) from None
