"""The transport over the `openai` package: its errors are the vocabulary, its retries are off."""

from __future__ import annotations

import asyncio

import httpx2
import openai

from consumer.errors import InferenceTimeout, InferenceUnavailable
from consumer.inference.transports.reply import BOM, Reply
from consumer.inference.transports.transport import ANSWER_BYTES_MAX


class SdkTransport:
    """Sends the same bytes as `DirectTransport`, through `AsyncOpenAI`."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        connections_max: int,
        timeout_s: float,
        http_client: httpx2.AsyncClient | None = None,
    ) -> None:
        limits = httpx2.Limits(
            max_connections=connections_max, max_keepalive_connections=connections_max
        )
        self._client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=api_key,
            max_retries=0,
            timeout=timeout_s,
            # With a transport of its own it goes straight there, as the other one does: what the
            # environment says of proxies is not meant for users' texts.
            http_client=http_client
            or httpx2.AsyncClient(
                transport=httpx2.AsyncHTTPTransport(limits=limits), timeout=timeout_s
            ),
        )

    async def post(self, path: str, body: bytes, timeout_s: float) -> Reply:
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._client.post(
                    path,
                    cast_to=httpx2.Response,
                    content=body,
                    options={"timeout": timeout_s, "headers": {"Content-Type": "application/json"}},
                )
        except TimeoutError:
            raise InferenceTimeout(f"no answer within {timeout_s:.1f} s") from None
        except openai.APIError as error:
            return _reply_of(error, timeout_s)
        return _reply(response)

    async def get(self, path: str, timeout_s: float) -> Reply:
        try:
            response = await self._client.get(
                path, cast_to=httpx2.Response, options={"timeout": timeout_s}
            )
        except openai.APIError as error:
            return _reply_of(error, timeout_s)
        return _reply(response)

    async def close(self) -> None:
        await self._client.close()


def _reply(response: httpx2.Response) -> Reply:
    body = response.content.removeprefix(BOM)
    return Reply(
        response.status_code,
        {name.lower(): value for name, value in response.headers.items()},
        body if len(body) <= ANSWER_BYTES_MAX else b"",
    )


def _reply_of(error: openai.APIError, timeout_s: float) -> Reply:
    """An HTTP status is an answer like any other; without one, the request itself failed."""
    if isinstance(error, openai.APIStatusError):
        return _reply(error.response)
    if isinstance(error, openai.APITimeoutError):
        raise InferenceTimeout(f"no answer within {timeout_s:.1f} s") from None
    cause = type(error.__cause__ or error).__name__
    raise InferenceUnavailable(f"the request failed: {cause}") from None
