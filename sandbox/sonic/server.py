"""The stand-in as a server: TLS and HTTP/2 on loopback, one `SonicStreamRecord` a request."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from sandbox.brain import Brain
from sandbox.sonic.behaviour import Behaviour
from sandbox.sonic.certificates import make_certificates
from sandbox.sonic.failures import THROTTLED
from sandbox.sonic.faults import Fault, Reject
from sandbox.sonic.http2 import Handler, Http2Connection, HttpStream
from sandbox.sonic.signature import Keys, Request, SignatureRefused, verify_request
from sandbox.sonic.stream import SonicStreamRecord, reject

STREAMS = 20  # at once, for an account and Region; not adjustable
KEPT_RECORDS = 200
PATH = re.compile(r"/model/(?P<model>[^/]+)/invoke-with-bidirectional-stream")
MODELS = re.compile(r"amazon\.nova-(sonic-v1:0|2-sonic-v1:0|2-5-sonic)")
STOP_S = 2.0


class SonicServer:
    """Start it, point a client at `endpoint` with `ca_file` and the keys, and look at `sessions` afterwards.

    `faults` and `behaviour` may be changed while it runs; a stream keeps what it began with.
    """

    def __init__(
        self,
        brain_factory: Callable[[], Brain],
        *,
        credentials: Keys,
        ca_dir: Path,
        faults: Iterable[Fault] = (),
        behaviour: Behaviour | None = None,
        time_scale: float = 1.0,
        max_streams: int = STREAMS,
        keep_audio: bool = True,
    ) -> None:
        self.brain_factory = brain_factory
        self.credentials = credentials
        self.faults = list(faults)
        self.behaviour = replace(behaviour or Behaviour(), time_scale=time_scale)
        self.sessions: deque[SonicStreamRecord] = deque(maxlen=KEPT_RECORDS)
        self.requests = 0  # rejected ones included
        self.port = 0
        self.ca_file, self._tls = make_certificates(ca_dir)
        self._max_streams = max_streams
        self._keep_audio = keep_audio  # 15 MB a stream of eight minutes
        self._server: asyncio.Server | None = None
        self._connections: set[Http2Connection] = set()
        self._open: set[SonicStreamRecord] = set()

    @property
    def endpoint(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def open_streams(self) -> int:
        self._open = {record for record in self._open if record.open}
        return len(self._open)

    @property
    def connections(self) -> int:
        """TCP connections with their TLS done, with a stream or without."""
        return len(self._connections)

    async def start(self, port: int = 0) -> int:
        """Listen on 127.0.0.1; returns the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, "127.0.0.1", port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self.port

    async def stop(self) -> None:
        """Drop every connection and end every task of every session."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._connections):
            connection.drop()
        for record in self.sessions:
            record.lost()
        tasks = {task for record in self.sessions for task in record.session.tasks}
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_S)
        if (abort := getattr(self._server, "abort_clients", None)) is not None:
            abort()  # Python 3.13: reaches the handshakes under way, which no connection of ours stands for
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await self._server.wait_closed()
        self._server = None

    def _connection(self) -> Http2Connection:
        return Http2Connection(self._accept, self._connections)

    def _accept(self, http: HttpStream) -> Handler:
        self.requests += 1
        try:
            return self._stream(http)
        except SignatureRefused as refusal:
            reject(http, 403, refusal.error_type, refusal.message)
        except RequestRefused as refusal:
            reject(http, refusal.answer.status, refusal.answer.error_type, refusal.answer.message)
        return _Nobody()

    def _stream(self, http: HttpStream) -> Handler:
        request = _request(http)
        verifier = verify_request(request, self.credentials)
        model_id = _model_id(request)
        for fault in self.faults:
            if isinstance(fault.action, Reject) and fault.strikes(self.requests):
                raise RequestRefused(fault.action)
        if self.open_streams >= self._max_streams:
            raise RequestRefused(THROTTLED)
        record = SonicStreamRecord(
            http,
            self.requests,
            model_id,
            self.faults,
            verifier,
            self.brain_factory,
            self.behaviour,
            keep_audio=self._keep_audio,
        )
        self.sessions.append(record)
        self._open.add(record)
        record.begin()
        return _RecordHandler(record)


class RequestRefused(Exception):
    def __init__(self, answer: Reject) -> None:
        super().__init__(answer.message)
        self.answer = answer


class _RecordHandler:
    def __init__(self, record: SonicStreamRecord) -> None:
        self.data = record.data
        self.end = record.end_of_input
        self.lost = record.lost


class _Nobody:
    """Takes the body of a refused request."""

    def data(self, data: bytes) -> None:
        pass

    def end(self) -> None:
        pass

    def lost(self) -> None:
        pass


def _request(http: HttpStream) -> Request:
    headers = {name: value for name, value in http.headers.items() if not name.startswith(":")}
    headers.setdefault("host", http.headers.get(":authority", ""))
    path = http.headers.get(":path", "/").partition("?")[0]
    return Request(http.headers.get(":method", ""), path, headers)


def _model_id(request: Request) -> str:
    match = PATH.fullmatch(request.path)
    if match is None or request.method != "POST":
        raise RequestRefused(Reject(404, "UnknownOperationException", ""))
    model_id = unquote(match["model"])
    if not MODELS.fullmatch(model_id):
        raise RequestRefused(Reject(400, "ValidationException", "The provided model identifier is invalid."))
    return model_id
