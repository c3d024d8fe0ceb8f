"""Both transports put the same bytes on the wire and give the same replies."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import pytest
from aiohttp import web

from consumer.classifier.prompt import user_message
from consumer.classifier.request import request_body
from consumer.dev.safeguard.behaviour import Behaviour
from consumer.dev.safeguard.faults.faults import FaultName
from consumer.dev.safeguard.server import StandInSafeguard
from consumer.errors import InferenceTimeout, InferenceUnavailable
from consumer.inference.transports.direct import DirectTransport
from consumer.inference.transports.reply import Reply
from consumer.inference.transports.sdk import SdkTransport
from consumer.inference.transports.transport import ANSWER_BYTES_MAX, Transport
from consumer.inference.wires.apis import WIRES
from consumer.inference.wires.format import RequestFormat
from tests.builders import a_policy

Make = Callable[[str], Transport]
TIMEOUT_S = 5.0


def direct(url: str) -> Transport:
    return DirectTransport(url, "key", 4, TIMEOUT_S)


def sdk(url: str) -> Transport:
    return SdkTransport(url, "key", 4, TIMEOUT_S)


COMPLETIONS = WIRES["chat"].path
BODY = request_body(
    a_policy(), user_message('you are "worthless" \u4e16\x00', "m"), RequestFormat("m")
)
both = pytest.mark.parametrize("make", [direct, sdk])


@pytest.fixture
async def server() -> AsyncIterator[StandInSafeguard]:
    async with StandInSafeguard(record=True) as started:
        yield started


async def post(make: Make, server: StandInSafeguard, timeout_s: float = TIMEOUT_S) -> Reply:
    transport = make(server.base_url)
    try:
        return await transport.post(COMPLETIONS, BODY, timeout_s)
    finally:
        await transport.close()


async def test_the_same_bytes_on_the_wire(server: StandInSafeguard) -> None:
    """What the server receives is the body as it was built, through either transport."""
    for make in (direct, sdk):
        assert (await post(make, server)).status == 200
    assert [request.body for request in server.requests] == [BODY, BODY]
    assert {request.path for request in server.requests} == {"/v1/chat/completions"}
    for request in server.requests:
        assert {"authorization", "content-type", "content-length"} <= set(request.header_names)
        assert "transfer-encoding" not in request.header_names


async def test_the_same_good_answer(server: StandInSafeguard) -> None:
    """A good answer comes back whole, byte for byte, through either transport."""
    server.reply_with(lambda _: web.Response(body=b'{"choices": [] }\n \xff'))
    replies = [await post(make, server) for make in (direct, sdk)]
    assert [(reply.status, reply.body) for reply in replies] == [
        (200, b'{"choices": [] }\n \xff')
    ] * 2


async def test_a_byte_order_mark_before_an_answer(server: StandInSafeguard) -> None:
    """Some gateways write one; with it no JSON could be read, and everything would be an outage."""
    replies: list[Reply] = []
    server.reply_with(
        lambda _: web.Response(status=200 if len(replies) < 2 else 400, body=b"\xef\xbb\xbf{}")
    )
    for make in (direct, sdk) * 2:
        replies.append(await post(make, server))
    assert [reply.status for reply in replies] == [200, 200, 400, 400]
    assert {reply.body for reply in replies} == {b"{}"}


HTTP_FAULTS = [name for name in FaultName if name.startswith("http_")]


@pytest.mark.parametrize("fault", HTTP_FAULTS)
async def test_the_same_refusal(fault: FaultName, server: StandInSafeguard) -> None:
    """A status that is no 200 is a reply like any other, the same through either transport."""
    server.behave(Behaviour(faults={fault: 1.0}, retry_after_s=3))
    one, other = [await post(make, server) for make in (direct, sdk)]
    assert (one.status, one.body) == (other.status, other.body)
    assert one.status == int(fault.split("_")[1])
    for name in ("content-type", "retry-after"):
        assert one.headers.get(name) == other.headers.get(name)
    if fault in (FaultName.HTTP_429, FaultName.HTTP_503):
        assert one.headers["retry-after"] == "3"


@both
async def test_the_environment_names_no_proxy(
    make: Make, server: StandInSafeguard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Texts go to the endpoint of the settings, whatever the shell was told for other programs."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert (await post(make, server)).status == 200


@both
@pytest.mark.parametrize("fault", [FaultName.CONNECTION_RESET, FaultName.TRUNCATED_BODY])
async def test_a_broken_connection(make: Make, fault: FaultName, server: StandInSafeguard) -> None:
    """A connection that breaks before the answer is whole means that the server is unavailable."""
    server.behave(Behaviour(faults={fault: 1.0}))
    with pytest.raises(InferenceUnavailable):
        await post(make, server)


@both
async def test_an_answer_that_nobody_asked_for_is_nobodys(make: Make) -> None:
    """What comes late over an idle connection is not the answer to the next request."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(len(BODY))
                writer.write(_answer("first" if len(writers) == 1 else "next"))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        transport = make(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
        said = [(await transport.post(COMPLETIONS, BODY, TIMEOUT_S)).body]
        writers[0].write(_answer("late"))
        for _ in range(9):  # The loop has to hear of it.
            await asyncio.sleep(0)
        for _ in range(2):
            with suppress(InferenceUnavailable):
                said.append((await transport.post(COMPLETIONS, BODY, TIMEOUT_S)).body)
        await transport.close()
        for writer in writers:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    assert b"late" not in said
    assert said[-1] == b"next"


def _answer(body: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


@both
async def test_nobody_listens(make: Make, server: StandInSafeguard) -> None:
    """A server that is not there is unavailable; the error holds no more than its host and port."""
    await server.stop()
    with pytest.raises(InferenceUnavailable) as caught:
        await post(make, server)
    assert "/v1" not in str(caught.value)
    assert "onnect" in str(caught.value)


@both
async def test_a_server_that_hangs(make: Make, server: StandInSafeguard) -> None:
    """No answer within the time given is a time-out, whatever the transport's usual time is."""
    server.behave(Behaviour(faults={FaultName.HANG: 1.0}))
    with pytest.raises(InferenceTimeout):
        await post(make, server, timeout_s=0.1)


@both
async def test_a_server_that_drips(make: Make) -> None:
    """The time given is for the whole answer: single bytes in time do not extend it."""

    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(40):
            await response.write(b" ")
            await asyncio.sleep(0.05)
        await response.write(b"{}")
        return response

    app = web.Application()
    app.router.add_post("/v1/chat/completions", drip)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    transport = make(f"http://127.0.0.1:{runner.addresses[0][1]}/v1")
    try:
        with pytest.raises(InferenceTimeout):
            await transport.post(COMPLETIONS, BODY, 0.2)
    finally:
        await transport.close()
        await runner.cleanup()


@both
@pytest.mark.parametrize("is_chunked", [False, True])
async def test_an_answer_without_end_is_cut_off(
    make: Make, is_chunked: bool, server: StandInSafeguard
) -> None:
    """An answer longer than the bound is not kept, whether or not it announced its length."""

    def huge(_: object) -> web.Response:
        response = web.Response(body=b" " * (ANSWER_BYTES_MAX + 1))
        if is_chunked:
            response.enable_chunked_encoding()
        return response

    server.reply_with(huge)
    reply = await post(make, server)
    assert reply.status == 200
    assert len(reply.body) <= ANSWER_BYTES_MAX


@both
async def test_what_is_unpacked_is_bounded_too(make: Make, server: StandInSafeguard) -> None:
    """It was not asked for packed; a proxy may pack it all the same, and then any size is short."""
    packed = gzip.compress(b" " * (8 * ANSWER_BYTES_MAX), 1)
    assert len(packed) < ANSWER_BYTES_MAX
    headers = {"Content-Encoding": "gzip"}
    server.reply_with(lambda _: web.Response(body=packed, headers=headers))
    reply = await post(make, server)
    assert reply.status == 200
    assert len(reply.body) <= ANSWER_BYTES_MAX


@both
async def test_a_packed_answer_is_read(make: Make, server: StandInSafeguard) -> None:
    packed = gzip.compress(b'{"choices": []}')
    headers = {"Content-Encoding": "gzip"}
    server.reply_with(lambda _: web.Response(body=packed, headers=headers))
    assert (await post(make, server)).body == b'{"choices": []}'


@both
async def test_a_redirect_is_not_followed(make: Make, server: StandInSafeguard) -> None:
    """Messages go nowhere but to the endpoint that the settings name."""
    elsewhere = web.Response(status=307, headers={"Location": "/v1/elsewhere"})
    server.reply_with(lambda _: elsewhere)
    assert (await post(make, server)).status == 307
    assert len(server.requests) == 1


@both
async def test_get(make: Make, server: StandInSafeguard) -> None:
    """The list of models is read the same way."""
    transport = make(server.base_url + "/")
    reply = await transport.get("/models", TIMEOUT_S)
    await transport.close()
    assert reply.status == 200
    assert b"stand-in-safeguard" in reply.body


@both
async def test_a_path_beside_the_api(make: Make, server: StandInSafeguard) -> None:
    """What a server tells about itself outside of /v1 can be read too."""
    transport = make(server.base_url)
    reply = await transport.get("/../health", TIMEOUT_S)
    await transport.close()
    assert (reply.status, reply.body) == (200, b"")


@both
async def test_one_connection_serves_many_calls(make: Make, server: StandInSafeguard) -> None:
    """Calls at the same time all come back, each with its own answer."""
    server.reply_with(lambda asked: web.Response(body=asked["messages"][1]["content"].encode()))
    transport = make(server.base_url)
    bodies = [
        request_body(a_policy(), f"text {number}", RequestFormat("m")) for number in range(20)
    ]
    replies = await asyncio.gather(
        *(transport.post(COMPLETIONS, body, TIMEOUT_S) for body in bodies)
    )
    await transport.close()
    assert [reply.body for reply in replies] == [b"text %d" % number for number in range(20)]
