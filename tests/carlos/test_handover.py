"""Connections that are put through: two servers in this process, each on a port of its own, on both event loops."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvicorn
import uvloop
from websockets.asyncio.client import connect

from carlos.processes.handover import Handover, MovableHttp, PutThrough, Unreachable
from carlos.processes.register import Register
from carlos.websocket import FastWebSocket
from common.settings import Settings
from telephony.carriers import carriers_of
from tests.support.servers import loopback, serving
from tests.support.waiting import bounded, until

pytestmark = pytest.mark.slow

FRAMES = 400
LONG = b"x" * 70_000
BIG = 16 * 1024 * 1024  # bytes: more than the sockets of both sides hold


@dataclass
class Process:
    """A server that tells who answered, and what it saw."""

    handover: Handover
    port: int
    server: uvicorn.Server = field(init=False)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    seen: list[str] = field(default_factory=list)  # paths

    @property
    def number(self) -> int:
        return self.handover.register.number

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await self._echo(receive, send)
            return
        self.seen.append(scope["path"])
        if scope["path"] == "/big":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % BIG)]})
            await send({"type": "http.response.body", "body": bytes(BIG)})
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        told = {
            "process": self.number,
            "client": scope["client"] and list(scope["client"]),
            "path": scope["raw_path"].decode(),
            "query": scope["query_string"].decode(),
            "body": len(body),
            "headers": [[name.decode(), value.decode()] for name, value in scope["headers"]],
        }
        line = json.dumps(told).encode() + b"\n"
        length = [] if scope["path"].endswith("/events") else [(b"content-length", str(len(line)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": length})
        await send({"type": "http.response.body", "body": line, "more_body": True})
        if scope["path"].endswith("/events"):
            await self.go_on.wait()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _echo(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": str(self.number)})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})


@asynccontextmanager
async def two_processes(folder: Path) -> AsyncIterator[list[Process]]:
    fd = Register.create(2, 10).fd
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(process(folder, Register(fd, 2, 10, number))) for number in range(2)]


@asynccontextmanager
async def process(folder: Path, register: Register) -> AsyncIterator[Process]:
    with loopback() as listener:
        made = Process(Handover(folder, register), listener.getsockname()[1])
        app = PutThrough(made.app, made.handover, carriers_of(Settings(_env_file=None)))
        async with serving(app, listener, http=MovableHttp, ws=FastWebSocket) as made.server:
            made.handover.open(made.server)
            register.open()
            try:
                yield made
            finally:
                made.go_on.set()
                await made.handover.close()


type Scenario = Callable[[list[Process]], Awaitable[None]]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Scenario], None]:
    """Runs a scenario on an event loop of each kind."""

    async def played(scenario: Scenario) -> None:
        async with bounded(), two_processes(tmp_path) as both:
            await scenario(both)

    def run(scenario: Scenario) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(played(scenario))

    return run


async def ask(http: aiohttp.ClientSession, method: str, port: int, path: str, **options: Any) -> Any:
    async with http.request(method, f"http://127.0.0.1:{port}{path}", **options) as answer:
        return json.loads(await answer.read())


async def told_on(reader: asyncio.StreamReader) -> Any:
    """The next answer's body."""
    return json.loads(b"{" + (await reader.readuntil(b"}")).partition(b"{")[2])


async def accepted(process: Process) -> Any:
    """The protocol of its only connection."""
    await until(lambda: process.server.server_state.connections)
    return next(iter(process.server.server_state.connections))


def busy(process: Process) -> socket.socket:
    """Let it take nothing from its queue any more. Return the queue's socket."""
    inlet = process.handover._socket
    assert inlet is not None
    asyncio.get_running_loop().remove_reader(inlet)
    return inlet


async def sent_by(process: Process) -> None:
    """Its only connection waits in another process's queue."""
    connection = await accepted(process)
    await until(lambda: not connection.transport.is_reading())


REQUESTS = [
    ("GET", "/calls/b", {}),
    ("GET", "/demo/calls/b/transcript", {}),
    ("POST", "/calls/b/hangup", {}),
    ("POST", "/twilio/status", {"data": {"CallSid": "b", "CallStatus": "completed"}}),
    ("POST", "/twilio/after-stream?resumes=1", {"data": {"CallSid": "b"}}),
    ("POST", "/twilio/voice", {"data": {"CallSid": "b", "From": "+54 11"}}),
    ("GET", "/twilio/stream-status?CallSid=b", {}),
]


@pytest.mark.parametrize(("method", "path", "options"), REQUESTS, ids=[path for _, path, _ in REQUESTS])
def test_what_is_about_a_call_is_answered_where_the_call_is(
    play: Callable[[Scenario], None], method: str, path: str, options: Any
) -> None:
    async def scenario(both: list[Process]) -> None:
        both[1].handover.register.start("b")
        async with aiohttp.ClientSession(headers={"X-Twilio-Signature": "s", "X-Api-Key": "k"}) as http:
            here = await ask(http, method, both[1].port, path, **options)
        async with aiohttp.ClientSession(headers={"X-Twilio-Signature": "s", "X-Api-Key": "k"}) as http:
            there = await ask(http, method, both[0].port, path, **options)
        assert here["process"] == there["process"] == 1
        assert (there["path"], there["query"], there["body"]) == (here["path"], here["query"], here["body"])
        headers, seen = dict(here["headers"]), dict(there["headers"])
        assert headers.pop("host").replace(str(both[1].port), str(both[0].port)) == seen.pop("host")
        assert seen == headers

    play(scenario)


def test_the_process_that_holds_the_call_sees_the_client_itself(play: Callable[[Scenario], None]) -> None:
    async def scenario(both: list[Process]) -> None:
        both[1].handover.register.start("b")
        reader, writer = await asyncio.open_connection("127.0.0.1", both[0].port)
        writer.write(b"GET /calls/b HTTP/1.1\r\nHost: localhost\r\n\r\n")
        told = await told_on(reader)
        assert told["client"] == list(writer.get_extra_info("sockname"))
        writer.close()

    play(scenario)


def test_one_connection_asks_about_calls_of_both(play: Callable[[Scenario], None]) -> None:
    async def scenario(both: list[Process]) -> None:
        for process, call in zip(both, "ab", strict=True):
            process.handover.register.start(call)
        one = aiohttp.TCPConnector(limit=1)
        async with aiohttp.ClientSession(connector=one) as http:
            told = [await ask(http, "GET", both[0].port, f"/calls/{call}") for call in "ababb"]
        assert [each["process"] for each in told] == [0, 1, 0, 1, 1]
        assert len({tuple(each["client"]) for each in told}) == 1, "the client has seen one connection"

    play(scenario)


def test_events_come_as_they_happen_and_not_at_the_end(play: Callable[[Scenario], None]) -> None:
    async def scenario(both: list[Process]) -> None:
        both[1].handover.register.start("b")
        url = f"http://127.0.0.1:{both[0].port}/calls/b/events"
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            assert json.loads(await answer.content.readline())["process"] == 1
            both[1].go_on.set()
            assert await answer.content.read() == b""

    play(scenario)


def test_a_media_socket_is_handed_over_and_loses_no_frame(play: Callable[[Scenario], None]) -> None:
    async def scenario(both: list[Process]) -> None:
        both[1].handover.register.admit("CAb")
        async with connect(f"ws://127.0.0.1:{both[0].port}/twilio/media/CAb", proxy=None) as media:
            assert await media.recv() == "1"
            for number in range(FRAMES):
                await media.send(f"frame {number}")
            assert [await media.recv() for _ in range(FRAMES)] == [f"frame {number}" for number in range(FRAMES)]
            assert [len(process.server.server_state.connections) for process in both] == [0, 1]
            assert [len(process.server.server_state.tasks) for process in both] == [0, 1]

    play(scenario)


def test_a_stopping_server_closes_a_socket_that_was_handed_to_it(play: Callable[[Scenario], None]) -> None:
    async def scenario(both: list[Process]) -> None:
        both[1].handover.register.admit("CAb")
        async with connect(f"ws://127.0.0.1:{both[0].port}/twilio/media/CAb", proxy=None) as media:
            assert await media.recv() == "1"
            both[1].server.should_exit = True
            await media.wait_closed()
            assert media.close_code == 1012

    play(scenario)


@pytest.mark.parametrize("gone", ["closed", "never there"])
def test_for_a_process_that_is_gone_another_answers_and_its_seats_are_free(
    play: Callable[[Scenario], None], gone: str
) -> None:
    async def scenario(both: list[Process]) -> None:
        for call in ("b", "CAb"):
            both[1].handover.register.start(call)
        await both[1].handover.close()
        path = both[1].handover._path
        if gone == "closed":  # as a process leaves it that was killed
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
                dead.bind(str(path))
        assert path.exists() == (gone == "closed")
        async with connect(f"ws://127.0.0.1:{both[0].port}/twilio/media/CAb", proxy=None) as media:
            assert await media.recv() == "0"
        async with aiohttp.ClientSession() as http:
            for method, url, options in REQUESTS:
                assert (await ask(http, method, both[0].port, url, **options))["process"] == 0
        assert both[0].handover.register.taken == 0

    play(scenario)


def test_a_call_that_rings_goes_to_the_process_with_fewer_and_a_stranger_leaves_no_trace(
    play: Callable[[Scenario], None],
) -> None:
    async def scenario(both: list[Process]) -> None:
        for number in range(5):
            both[0].handover.register.start(f"call {number}")
        for process in both:
            answers = {"/twilio/voice": 1, "/twilio/after-stream": 1, "/twilio/status": process.number}
            for path, number in answers.items():
                async with aiohttp.ClientSession() as http:
                    told = await ask(http, "POST", process.port, path, data={"CallSid": "new"})
                    assert told["process"] == number
        assert both[0].handover.register.holder("new") is None, "its signature was not looked at yet"

    play(scenario)


def test_requests_that_come_in_one_go_are_answered_where_they_are_and_in_order(
    play: Callable[[Scenario], None],
) -> None:
    async def scenario(both: list[Process]) -> None:
        both[1].handover.register.start("b")
        reader, writer = await asyncio.open_connection("127.0.0.1", both[0].port)
        first, second, third = (
            b"GET /calls/b%b HTTP/1.1\r\nHost: localhost\r\n\r\n" % rest for rest in (b"", b"1", b"2")
        )
        writer.write(first + second + third[:9])
        told = [await told_on(reader) for _ in range(2)]
        writer.write(third[9:])
        told.append(await told_on(reader))
        assert [each["path"] for each in told] == ["/calls/b", "/calls/b1", "/calls/b2"]
        assert told[0]["process"] == 0
        writer.close()

    play(scenario)


def test_an_answer_that_was_not_read_yet_is_not_lost_with_the_connection(play: Callable[[Scenario], None]) -> None:
    async def scenario(both: list[Process]) -> None:
        both[1].handover.register.start("b")
        reader, writer = await asyncio.open_connection("127.0.0.1", both[0].port)
        try:
            writer.write(b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
            connection = await accepted(both[0])
            await until(lambda: connection.cycle and connection.cycle.response_complete)
            assert connection.transport.get_write_buffer_size()
            writer.write(b"GET /calls/b HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await until(lambda: any("/calls/b" in process.seen for process in both))
            await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(BIG) == bytes(BIG)
            assert (await told_on(reader))["process"] == 0
        finally:
            writer.transport.abort()

    play(scenario)


def test_what_was_put_through_is_answered_there_and_not_sent_back(play: Callable[[Scenario], None]) -> None:
    async def scenario(both: list[Process]) -> None:
        both[0].handover.register.start("a")
        answer = await both[0].handover.ask(1, b"GET /calls/a HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["process"] == 1

    play(scenario)


def test_a_body_longer_than_any_of_twilios_is_answered_where_it_is(play: Callable[[Scenario], None]) -> None:
    async def scenario(both: list[Process]) -> None:
        both[1].handover.register.start("b")
        async with aiohttp.ClientSession() as http:
            for path in ("/twilio/status?CallSid=b", "/calls/b/hangup"):
                told = await ask(http, "POST", both[0].port, path, data=LONG)
                assert (told["process"], told["body"]) == (0, len(LONG))

    play(scenario)


def test_more_connections_than_a_queue_holds_wait_for_a_busy_process(play: Callable[[Scenario], None]) -> None:
    async def scenario(both: list[Process]) -> None:
        both[1].handover.register.start("b")
        inlet = busy(both[1])
        async with aiohttp.ClientSession() as http:
            asked = [asyncio.create_task(ask(http, "GET", both[0].port, "/calls/b")) for _ in range(30)]
            while all(connection.transport.is_reading() for connection in both[0].server.server_state.connections):
                await asyncio.sleep(0)
            asyncio.get_running_loop().add_reader(inlet, both[1].handover._take)
            assert {told["process"] for told in await asyncio.gather(*asked)} == {1}

    play(scenario)


def test_what_was_sent_before_a_process_stopped_is_answered_by_it(play: Callable[[Scenario], None]) -> None:
    async def scenario(both: list[Process]) -> None:
        both[1].handover.register.start("b")
        busy(both[1])
        async with aiohttp.ClientSession() as http:
            asked = asyncio.create_task(ask(http, "GET", both[0].port, "/calls/b"))
            await sent_by(both[0])
            await both[1].handover.close()
            assert (await asked)["process"] == 1

    play(scenario)


def test_what_a_killed_process_left_in_its_queue_is_answered_by_its_sender(play: Callable[[Scenario], None]) -> None:
    async def scenario(both: list[Process]) -> None:
        both[1].handover.register.start("b")
        inlet = busy(both[1])
        async with aiohttp.ClientSession() as http:
            asked = asyncio.create_task(ask(http, "GET", both[0].port, "/calls/b"))
            await sent_by(both[0])
            both[1].handover._socket = None
            inlet.close()
            assert (await asked)["process"] == 0
        assert both[0].handover.register.holder("b") is None

    play(scenario)


def test_a_process_without_descriptors_takes_no_connection_and_keeps_its_calls(
    play: Callable[[Scenario], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_descriptors(sock: socket.socket, *sizes: int) -> tuple[bytes, list[int], int, None]:
        request, descriptors, flags, _ = received(sock, *sizes)
        for descriptor in descriptors[1:]:
            os.close(descriptor)
        return request, descriptors[:1], flags, None

    async def scenario(both: list[Process]) -> None:
        both[1].handover.register.start("b")
        async with aiohttp.ClientSession() as http:
            assert (await ask(http, "GET", both[0].port, "/calls/b"))["process"] == 0
        assert both[0].handover.register.holder("b") == 1

    received = socket.recv_fds
    monkeypatch.setattr("carlos.processes.handover.SEND_TRIES", 3)
    monkeypatch.setattr(socket, "recv_fds", without_descriptors)
    play(scenario)


def test_a_process_can_be_asked_by_a_sibling_and_says_when_it_cannot(play: Callable[[Scenario], None]) -> None:
    async def scenario(both: list[Process]) -> None:
        request = b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n"
        answer = await both[0].handover.ask(1, request)
        assert answer.startswith(b"HTTP/1.1 200 ")
        told = json.loads(answer.partition(b"\r\n\r\n")[2])
        assert (told["process"], told["path"]) == (1, "/metrics")
        await both[1].handover.close()
        with pytest.raises(Unreachable):
            await both[0].handover.ask(1, request)

    play(scenario)
