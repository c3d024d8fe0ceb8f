"""The transport of the hot path: aiohttp, nothing in between."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Mapping
from typing import Any

import aiohttp
from aiohttp.connector import Connection
from yarl import URL

from consumer.errors import InferenceTimeout, InferenceUnavailable
from consumer.inference.transports.reply import BOM, Reply
from consumer.inference.transports.time_limits import TimeLimits
from consumer.inference.transports.transport import ANSWER_BYTES_MAX

CONNECT_S = 10.0
"""
A server that takes longer to answer a new connection is not there. Physics: TCP asks again after 1,
3 and 7 s, so that three lost packets are borne.
"""
KEEPALIVE_S = 30.0
"""Protocol: shorter than what servers and proxies keep an idle connection for (nginx: 75 s)."""
NONE: Mapping[str, str] = {}
"""Nobody reads the headers of an answer that is one."""


Sending = Coroutine[Any, Any, Reply]


class UnaskedAnswer(aiohttp.ClientConnectionError):
    """Something came over a connection after its last answer, before anything else was asked."""


class _Request(aiohttp.ClientRequest):
    """
    A request that is not sent where an answer is there already: it would be taken for this one's.

    Proxies that have given up and then hear from the server say both over one connection, and the
    library reads whatever is next. Then one text had the label of another.
    """

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        if conn.protocol is not None and conn.protocol.should_close:
            raise UnaskedAnswer
        return await super().send(conn)


class DirectTransport:
    """Posts the body as it is. `base_url` ends in the version, as in `http://127.0.0.1:8000/v1`."""

    def __init__(self, base_url: str, api_key: str, connections_max: int, timeout_s: float) -> None:
        self._base_url = base_url.rstrip("/")
        self._urls: dict[str, URL] = {}
        """Parsed once: a call's URL is one of two."""
        self._limits = TimeLimits()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections_max, keepalive_timeout=KEEPALIVE_S),
            headers={
                "Authorization": f"Bearer {api_key}",
                "Content-Type": "application/json",
                "Accept": "application/json",
            },
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=min(CONNECT_S, timeout_s)),
            # Answers are a few kilobytes, and packed ones might be of any size when unpacked.
            skip_auto_headers=("User-Agent", "Accept-Encoding"),
            cookie_jar=aiohttp.DummyCookieJar(),
            request_class=_Request,
        )

    def post(self, path: str, body: bytes, timeout_s: float) -> Sending:
        return self._send("POST", path, body, timeout_s)

    def get(self, path: str, timeout_s: float) -> Sending:
        return self._send("GET", path, None, timeout_s)

    async def _send(self, method: str, path: str, body: bytes | None, timeout_s: float) -> Reply:
        url = self._urls.get(path)
        if url is None:
            url = self._urls[path] = URL(self._base_url + path)
        task = self._limits.begin(timeout_s)
        try:
            response = await self._session.request(method, url, data=body, allow_redirects=False)
            return await _reply(response)
        except asyncio.CancelledError:
            if self._limits.was_over(task):
                raise InferenceTimeout(f"no answer within {timeout_s:.1f} s") from None
            raise
        except TimeoutError:
            raise InferenceTimeout(f"no connection within {CONNECT_S:.0f} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise InferenceUnavailable(f"the request failed: {_why(error)}") from None
        finally:
            self._limits.end(task)

    async def close(self) -> None:
        self._limits.close()
        await self._session.close()
        await asyncio.sleep(0)


def _why(error: Exception) -> str:
    """In words, and with the address where that says more than the class of the error."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"nobody knows the host {error.host}"
    if isinstance(error, aiohttp.ClientConnectorError):
        why = os.strerror(error.os_error.errno or 0).lower()
        return f"no connection to {error.host}:{error.port} ({why})"
    if isinstance(error, UnaskedAnswer):
        return "an answer came that nobody had asked for; what stands in between mixes them up"
    # The class is enough: some messages quote the URL, and that may hold credentials.
    return type(error).__name__


async def _reply(response: aiohttp.ClientResponse) -> Reply:
    status, length = response.status, response.content_length
    if length is None or "Content-Encoding" in response.headers:
        # What is packed all the same has another length than it says.
        answer = await _read_bounded(response)
    elif length <= ANSWER_BYTES_MAX:
        answer = await response.read()
    else:
        response.close()
        answer = b""
    answer = answer.removeprefix(BOM)
    if status == 200:
        return Reply(200, NONE, answer)
    return Reply(status, {name.lower(): text for name, text in response.headers.items()}, answer)


async def _read_bounded(response: aiohttp.ClientResponse) -> bytes:
    """A body of unknown length, or nothing where it goes on beyond the bound."""
    parts: list[bytes] = []
    size = 0
    try:
        async for part in response.content.iter_any():
            size += len(part)
            if size > ANSWER_BYTES_MAX:
                return b""
            parts.append(part)
        return b"".join(parts)
    finally:
        # Whoever reads to the end gives the connection back; where there is more it is closed.
        response.release()
