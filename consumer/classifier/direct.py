"""The transport of the hot path: aiohttp, nothing in between."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import lru_cache
from math import ceil

import aiohttp
from yarl import URL

from consumer.classifier.reply import Reply
from consumer.classifier.transport import ANSWER_BYTES_MAX
from consumer.errors import InferenceTimeout, InferenceUnavailable

TIMEOUTS_PER_S = 20
"""A call may outlive its time limit by a twentieth of a second: then few limits are ever made."""
NONE: Mapping[str, str] = {}
"""Nobody reads the headers of an answer that is one."""


class DirectTransport:
    """Posts the body as it is. `base_url` ends in the version, as in `http://127.0.0.1:8000/v1`."""

    def __init__(self, base_url: str, api_key: str, connections_max: int, timeout_s: float) -> None:
        self._base_url = base_url.rstrip("/")
        self._urls: dict[str, URL] = {}
        """Parsed once: a call's URL is one of two."""
        self._usual_s = timeout_s
        self._usual = _timeout(timeout_s)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections_max, keepalive_timeout=30.0),
            headers={
                "Authorization": f"Bearer {api_key}",
                "Content-Type": "application/json",
                "Accept": "application/json",
            },
            timeout=self._usual,
            skip_auto_headers=("User-Agent",),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def post(self, path: str, body: bytes, timeout_s: float) -> Reply:
        return await self._send("POST", path, body, timeout_s)

    async def get(self, path: str, timeout_s: float) -> Reply:
        return await self._send("GET", path, None, timeout_s)

    async def _send(self, method: str, path: str, body: bytes | None, timeout_s: float) -> Reply:
        timeout = self._usual
        if timeout_s < self._usual_s:
            timeout = _timeout(ceil(timeout_s * TIMEOUTS_PER_S) / TIMEOUTS_PER_S)
        url = self._urls.get(path)
        if url is None:
            url = self._urls[path] = URL(self._base_url + path)
        try:
            async with self._session.request(
                method, url, data=body, timeout=timeout, allow_redirects=False
            ) as response:
                length = response.content_length
                if length is None:
                    answer = await _read(response)
                else:
                    answer = await response.read() if length <= ANSWER_BYTES_MAX else b""
                headers = NONE if response.status == 200 else _lowered(response)
                return Reply(response.status, headers, answer)
        except TimeoutError:
            raise InferenceTimeout(f"no answer within {timeout_s:.1f} s") from None
        except (aiohttp.ClientError, OSError) as error:
            # The class is enough: some messages quote the URL, and that may hold credentials.
            raise InferenceUnavailable(f"the request failed: {type(error).__name__}") from None

    async def close(self) -> None:
        await self._session.close()
        await asyncio.sleep(0)


@lru_cache(maxsize=1_024)
def _timeout(timeout_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(10.0, timeout_s))


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """A body of unknown length, or nothing where it goes on beyond the bound."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > ANSWER_BYTES_MAX:
            response.close()
            return b""
        parts.append(part)
    return b"".join(parts)


def _lowered(response: aiohttp.ClientResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}
