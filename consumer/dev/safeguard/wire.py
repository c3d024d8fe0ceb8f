"""Answers as aiohttp responses, and the ends that no response object can express."""

from __future__ import annotations

import asyncio
import os
import socket
import struct

import orjson
from aiohttp import web

from consumer.dev.safeguard.completion import MODEL
from consumer.dev.safeguard.faults.served import Ending, Served

HANG_S_MAX = 60.0
"""Longer than any client waits."""
DRIP_EVERY_S = 0.1
"""Often enough that the client hears something all the time."""
_JSON = {"Content-Type": "application/json", "Server": MODEL}


def as_json(document: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(document), headers=_JSON)


async def send(request: web.BaseRequest, served: Served) -> web.StreamResponse:
    """Send an answer, and end the exchange as it says."""
    if served.ending is Ending.WHOLE:
        headers = {**_JSON, "Content-Type": served.content_type, **served.headers}
        return web.Response(status=served.status, body=served.body, headers=headers)
    if served.ending is Ending.HANG:
        await asyncio.sleep(HANG_S_MAX)
    transport = request.transport
    if transport is not None and not transport.is_closing():
        if served.ending is Ending.CUT:
            transport.write(_head(served) + served.body[: len(served.body) // 2])
            transport.close()
        elif served.ending is Ending.DRIP:
            await _drip(transport, served)
        else:
            _reset(transport)
    # The connection is gone; aiohttp wants a response all the same and drops it.
    return web.Response()


def _head(served: Served) -> bytes:
    """Promises the whole body, whatever of it is sent."""
    head = f"HTTP/1.1 {served.status} OK\r\nContent-Type: {served.content_type}\r\n"
    return f"{head}Content-Length: {len(served.body)}\r\n\r\n".encode()


async def _drip(transport: asyncio.Transport, served: Served) -> None:
    """Each byte comes in time, the whole never does."""
    transport.write(_head(served))
    for at in range(min(int(HANG_S_MAX / DRIP_EVERY_S), len(served.body) - 1)):
        if transport.is_closing():
            return
        transport.write(served.body[at : at + 1])
        await asyncio.sleep(DRIP_EVERY_S)
    transport.close()


def _reset(transport: asyncio.Transport) -> None:
    """Lingering for no time at all turns the close into a reset."""
    # uvloop's socket cannot set options, a duplicate of its descriptor can.
    descriptor = os.dup(transport.get_extra_info("socket").fileno())
    with socket.socket(fileno=descriptor) as duplicate:
        duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
