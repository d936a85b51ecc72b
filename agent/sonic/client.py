"""Opens streams to Nova Sonic with the real SDK, and bounds everything that can hang in it.

An open connects within `open_timeout_s`; the response headers, which the service withholds until it has read
the first events, follow within `open_timeout_s` of the first send; a send that takes `send_timeout_s` ends
the stream, because its chunk is signed already and the next one would not verify; `close` takes
`close_timeout_s` for a clean end and a moment to close the connection, and never raises.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from aws_sdk_bedrock_runtime.client import AsyncBedrockRuntimeClient
from aws_sdk_bedrock_runtime.config import Config
from aws_sdk_bedrock_runtime.models import InvokeModelWithBidirectionalStreamOperationInput
from loguru import logger
from smithy_aws_core.identity import AWSCredentialsIdentity, StaticCredentialsResolver
from smithy_core.aio.types import AsyncBytesReader
from smithy_core.exceptions import SmithyError

from agent.sonic.credentials import Chain, Credentials, CredentialSource, Fixed
from agent.sonic.errors import MalformedEvent, SonicError, SonicLost
from agent.sonic.failures import sonic_error
from agent.sonic.frames import ChunkSigner, FrameReader, event_of
from agent.sonic.order import Phase, SessionOrder
from agent.sonic.protocol import ClientEvent, ServiceEvent, encode, parse_service_event
from agent.sonic.transport import NotConnected, StreamTransport, Unconnected, shared_transport

ABORT_TIMEOUT_S = 0.5  # for the service to close its side of a socket


class SonicClient:
    """Knows where Sonic is and who we are; opens streams. One is enough for a process."""

    def __init__(
        self,
        region: str,
        endpoint: str | None = None,
        ca_file: str | Path | None = None,
        *,
        open_timeout_s: float = 3.0,
        send_timeout_s: float = 0.5,
        close_timeout_s: float = 1.0,
        credentials: Credentials | None = None,
    ) -> None:
        """`endpoint` is an https address other than the Region's own, `ca_file` the only CAs to trust then.
        Without `credentials` botocore's chain is asked at each open."""
        self._region = region
        self._endpoint = endpoint or f"https://bedrock-runtime.{region}.amazonaws.com"
        self._ca_file = Path(ca_file) if ca_file is not None else None
        self._open_timeout_s = open_timeout_s
        self._send_timeout_s = send_timeout_s
        self._close_timeout_s = close_timeout_s
        self._credentials: CredentialSource = Fixed(credentials) if credentials else Chain()

    async def open(self, model_id: str) -> SonicStream:
        """Connect. Raises SonicRefused without credentials, SonicLost when nothing answers in time."""
        transport = shared_transport(self._ca_file).for_stream()
        stream: SonicStream | None = None
        try:
            async with asyncio.timeout(self._open_timeout_s):
                keys = await self._credentials.resolve()
                sdk = AsyncBedrockRuntimeClient(config=self._config(transport, keys))
                request = InvokeModelWithBidirectionalStreamOperationInput(model_id=model_id)
                duplex = await sdk.invoke_model_with_bidirectional_stream(request)
                stream = SonicStream(duplex, transport, self.bounds_s)
                await stream.connected()
                stream.sign_with(ChunkSigner(transport.signature, keys, self._region))
        except TimeoutError as error:
            await self._give_up(stream, transport)
            bound = self._open_timeout_s
            raise SonicLost(f"{self._endpoint} did not connect within {bound} s (network, or CA)") from error
        except BaseException as error:
            await self._give_up(stream, transport)
            if isinstance(error, Exception):
                raise sonic_error(error) from error
            raise
        return stream

    async def rehearse(self) -> None:
        """Make and sign a request that is not sent: what Python and the SDK do once in a process, 100 ms and
        134 modules (measured), is done before the first call rings. Raises SonicError without credentials."""
        shared_transport(self._ca_file)
        keys = await self._credentials.resolve()
        sdk = AsyncBedrockRuntimeClient(config=self._config(Unconnected(), keys))
        request = InvokeModelWithBidirectionalStreamOperationInput(model_id="rehearsal")
        duplex = await sdk.invoke_model_with_bidirectional_stream(request)
        try:
            await duplex.await_output()
        except SmithyError as error:
            if not isinstance(error.__cause__, NotConnected):
                raise sonic_error(error) from error

    def _config(self, transport: StreamTransport, keys: Credentials) -> Config:
        identity = AWSCredentialsIdentity(
            access_key_id=keys.access_key_id,
            secret_access_key=keys.secret_access_key,
            session_token=keys.session_token,
        )
        return Config(
            region=self._region,
            endpoint_uri=self._endpoint,
            aws_credentials_identity_resolver=StaticCredentialsResolver(identity),
            transport=transport,
        )

    async def _give_up(self, stream: SonicStream | None, transport: StreamTransport) -> None:
        if stream is not None:
            await stream.close()
        else:
            await transport.abort(ABORT_TIMEOUT_S)

    @property
    def bounds_s(self) -> tuple[float, float, float]:
        """Seconds for an open, a send and a close."""
        return self._open_timeout_s, self._send_timeout_s, self._close_timeout_s


class SonicStream:
    """One live stream. `send` may be called from several tasks; `receive` from one, and may be cancelled."""

    _signer: ChunkSigner

    def __init__(self, duplex: object, transport: StreamTransport, bounds_s: tuple[float, float, float]) -> None:
        self.order = SessionOrder()
        self._output = asyncio.ensure_future(duplex.await_output())  # type: ignore[attr-defined]
        self._transport = transport
        self._open_timeout_s, self._send_timeout_s, self._close_timeout_s = bounds_s
        self._writing = asyncio.Lock()  # signing order must be writing order
        self._exchange = transport.exchange
        self._exchange.on_data = self._on_data
        self._frames = FrameReader()
        self._events: asyncio.Queue[ServiceEvent | None] = asyncio.Queue()
        self._exceptions: asyncio.Queue[bytes | None] = asyncio.Queue()  # frames that are no events; None at the end
        self._failure: SonicError | None = None
        self._following: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    async def connected(self) -> None:
        """Wait until TCP and TLS stand; raises what the SDK raised if they never will."""
        await asyncio.wait({self._output, self._transport.connected}, return_when=asyncio.FIRST_COMPLETED)
        if self._output.done():
            self._output.result()

    def sign_with(self, signer: ChunkSigner) -> None:
        """The request is signed, and the chunks' signatures go on from its own."""
        self._signer = signer

    async def send(self, *events: ClientEvent) -> None:
        """Write events in one go, so that the blocks of two tasks never mix.

        Raises OrderError for an event against the rules, which is not sent and leaves the stream as it was;
        SonicError when the stream is over, at once if it was over before.
        """
        async with self._writing:
            for event in events:
                if not self._write(event):
                    await self._room()

    @property
    def ready(self) -> bool:
        """Nobody is sending, and the wire takes more: `send_now` may be called."""
        return not self._writing.locked() and not self._exchange.full

    def send_now(self, event: ClientEvent) -> None:
        """Write an event without waiting for anything, where the stream is `ready`. Raises as `send` does."""
        self._write(event)

    async def receive(self) -> ServiceEvent | None:
        """The next event; None after the end that we asked for (SessionEnd or close).

        Raises SonicError when the stream ended in any other way, after the events that came before.
        """
        event = await self._events.get()
        if event is not None:
            return event
        self._events.put_nowait(None)
        if self._failure is not None:
            raise type(self._failure)(self._failure.detail) from self._failure
        return None

    async def close(self) -> None:
        """End the stream as cleanly as the time allows. Idempotent; goes on if the caller is cancelled."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="sonic stream close")
        await asyncio.shield(self._closing)

    def _raise_if_over(self) -> None:
        if self._failure is not None:
            raise type(self._failure)(self._failure.detail) from self._failure
        if self._closing is not None:
            raise SonicLost("the stream is closed")

    def _write(self, event: ClientEvent) -> bool:
        """False when too much waits on the wire by now."""
        self._raise_if_over()
        self.order.check(event)
        if self._following is None:
            self._following = asyncio.create_task(self._follow(), name="sonic stream")
        try:
            self._exchange.write(self._signer.chunk(encode(event)))
        except Exception as error:
            raise self._fail(sonic_error(error)) from error
        return not self._exchange.full

    async def _room(self) -> None:
        try:
            async with asyncio.timeout(self._send_timeout_s):
                await self._exchange.room()
        except TimeoutError as error:
            raise self._fail(SonicLost(f"no event could be written for {self._send_timeout_s} s")) from error

    def _fail(self, failure: SonicError) -> SonicError:
        """Remember the first failure and wake the reader of events."""
        if self._failure is None and self._closing is None:
            self._failure = failure
            self._events.put_nowait(None)
        return self._failure or failure

    def _on_data(self, data: bytes) -> None:
        """Move what comes into the queue."""
        try:
            for frame in self._frames.feed(data):
                if (event := event_of(frame)) is None:
                    self._exceptions.put_nowait(frame)
                else:
                    self._on_event(event)
        except SonicError as error:
            self._fail(error)

    def _on_event(self, data: bytes) -> None:
        try:
            event = parse_service_event(data)
        except MalformedEvent as error:
            raise SonicLost(f"malformed event: {error}") from error
        self.order.received(event)
        self._events.put_nowait(event)

    async def _follow(self) -> None:
        """What the answer's head, an exception in it and its end say of the stream."""
        try:
            output = await self._headers()
            self._exchange.ended.add_done_callback(lambda _: self._exceptions.put_nowait(None))
            while (frame := await self._exceptions.get()) is not None:
                output._source = AsyncBytesReader(frame)
                await output.receive()  # the SDK knows all exceptions, and raises the one it is
            self._judge_end()
        except Exception as error:
            self._fail(sonic_error(error))
        self._events.put_nowait(None)

    async def _headers(self) -> Any:
        done, _ = await asyncio.wait({self._output}, timeout=self._open_timeout_s)
        if not done:
            raise SonicLost(f"no response headers within {self._open_timeout_s} s of the first event")
        _, output = self._output.result()
        return output

    def _judge_end(self) -> None:
        if self.order.phase is Phase.ENDED or self._closing is not None:
            return
        self._exchange.ended.result()
        self._frames.finish()
        raise SonicLost("the service ended the stream")

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(self._close_timeout_s):
                await self._end_input()
        except Exception as error:
            logger.debug("Sonic stream closed without a clean end: {!r}", error)
        await self._transport.abort(ABORT_TIMEOUT_S)
        self._output.cancel()
        leftovers = {task for task in (self._output, self._following) if task is not None}
        await asyncio.wait(leftovers, timeout=ABORT_TIMEOUT_S)
        if not self._output.cancelled():
            self._output.exception()
        self._events.put_nowait(None)

    async def _end_input(self) -> None:
        """Send the closing chunk, and let the service finish what it has to say."""
        if self._failure is not None or self._following is None or self._exchange.ended.done():
            return
        async with self._writing:
            self._exchange.write(self._signer.last())
            self._exchange.finish()
        await asyncio.shield(self._exchange.ended)
