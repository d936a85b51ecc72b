"""Opens streams to Nova Sonic with the real SDK, and bounds everything that can hang in them.

An open connects within `open_timeout_s`; the response's head, which the service withholds until it has read the first
events, follows within `open_timeout_s` of the first send; a send that takes `send_timeout_s` ends the stream, because
its chunk is signed already and the next one would not verify; a wire on which not even a PING is answered ends it
after three times `ping_s`; `close` takes `close_timeout_s` for a clean end and a moment to close the connection, and
never raises.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aws_sdk_bedrock_runtime.client import AsyncBedrockRuntimeClient
from aws_sdk_bedrock_runtime.config import Config
from aws_sdk_bedrock_runtime.models import InvokeModelWithBidirectionalStreamOperationInput
from loguru import logger
from smithy_aws_core.identity import AWSCredentialsIdentity, StaticCredentialsResolver
from smithy_http.aio.interfaces import HTTPRequest

from agent.sonic.encoding import encode
from agent.sonic.errors import SonicError, SonicExpired, SonicLost
from agent.sonic.events import ClientEvent, ServiceEvent
from agent.sonic.reading import EventReader, count_unknown
from agent.sonic.rules import Phase, SessionRules
from agent.sonic.wire.aws_errors import connection_error, frame_error, refusal
from agent.sonic.wire.credentials import CredentialChain, Credentials, CredentialSource, StaticCredentials
from agent.sonic.wire.eventstream import ChunkSigner, FrameReader, event_of, headers_of, payload_of
from agent.sonic.wire.http2 import PING_S, Answer, Exchange, retrieve
from agent.sonic.wire.transport import RequestTaker, connect, signature_of, trust
from common.log import error_text

MOST_UNREAD = 8192  # events: ten minutes of speech, all at once
ABORT_TIMEOUT_S = 0.5  # for the service to close its side of a socket


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds for an open, a send and a close."""

    open_s: float
    send_s: float
    close_s: float


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
        ping_s: float | None = PING_S,
        credentials: Credentials | CredentialSource | None = None,
    ) -> None:
        """`endpoint` is an https address other than the Region's own, `ca_file` the only CAs to trust then. `ping_s`
        is after how long a silence of the wire a PING asks whether it lives; None never asks. Without `credentials`
        botocore's chain is asked at each open."""
        self._region = region
        self._endpoint = endpoint or f"https://bedrock-runtime.{region}.amazonaws.com"
        self._ca_file = Path(ca_file) if ca_file is not None else None
        self._bounds = Bounds(open_timeout_s, send_timeout_s, close_timeout_s)
        self._ping_s = ping_s
        source = StaticCredentials(credentials) if isinstance(credentials, Credentials) else credentials
        self._credentials: CredentialSource = source or CredentialChain()

    async def open(self, model_id: str) -> SonicStream:
        """Connect. Raises SonicRefused without credentials, SonicExpired where they ran out, SonicLost when nothing
        answers in time."""
        exchange = Exchange(self._ping_s)
        try:
            async with asyncio.timeout(self._bounds.open_s):
                keys = await self._credentials.resolve()
                request = await self._request(model_id, keys)
                await connect(exchange, request, trust(self._ca_file))
        except BaseException as error:
            await exchange.close(ABORT_TIMEOUT_S)
            if isinstance(error, TimeoutError):
                bound = self._bounds.open_s
                raise SonicLost(f"{self._endpoint} did not connect within {bound} s (network, or CA)") from error
            if isinstance(error, Exception):
                raise self._noted(connection_error(error)) from error
            raise
        signer = ChunkSigner(signature_of(request), keys, self._region)
        return SonicStream(exchange, signer, self._bounds, on_failure=self._noted)

    async def warm_up(self) -> None:
        """Make and sign a request that is not sent: what Python and the SDK do once in a process, 100 ms and
        134 modules (measured), is done before the first call rings. Raises SonicError without credentials."""
        trust(self._ca_file)
        await self._request("rehearsal", await self._credentials.resolve())

    async def _request(self, model_id: str, keys: Credentials) -> HTTPRequest:
        """The request for a stream, made and signed by the SDK.

        It is finished though the caller be cancelled: the SDK's own task would stumble over the cancelled future of
        whoever waits for it, and nobody would ask for its exception.
        """
        making = asyncio.ensure_future(self._make(model_id, keys))
        making.add_done_callback(retrieve)
        return await asyncio.shield(making)

    async def _make(self, model_id: str, keys: Credentials) -> HTTPRequest:
        taker = RequestTaker()
        sdk = AsyncBedrockRuntimeClient(config=self._config(taker, keys))
        await sdk.invoke_model_with_bidirectional_stream(
            InvokeModelWithBidirectionalStreamOperationInput(model_id=model_id)
        )
        return await taker.request

    def _config(self, taker: RequestTaker, keys: Credentials) -> Config:
        identity = AWSCredentialsIdentity(
            access_key_id=keys.access_key_id,
            secret_access_key=keys.secret_access_key,
            session_token=keys.session_token,
        )
        return Config(
            region=self._region,
            endpoint_uri=self._endpoint,
            aws_credentials_identity_resolver=StaticCredentialsResolver(identity),
            transport=taker,
        )

    def _noted(self, failure: SonicError) -> SonicError:
        """Keys that ran out are not used again."""
        if isinstance(failure, SonicExpired):
            self._credentials.forget()
        return failure


class SonicStream:
    """One live stream. `send` may be called from several tasks; `receive` from one, and may be cancelled.

    It has no task of its own until it is closed: what comes is read where it arrives.
    """

    def __init__(
        self,
        exchange: Exchange,
        signer: ChunkSigner,
        bounds: Bounds,
        *,
        on_failure: Callable[[SonicError], object] = lambda failure: None,
    ) -> None:
        """`exchange` is connected and has sent the head of the request that `signer` goes on from."""
        self.order = SessionRules()
        self._exchange = exchange
        self._signer = signer
        self._bounds = bounds
        self._on_failure = on_failure
        self._writing = asyncio.Lock()  # signing order must be writing order
        self._frames = FrameReader()
        self._reader = EventReader()
        self._events: asyncio.Queue[ServiceEvent | None] = asyncio.Queue()
        self._failure: SonicError | None = None
        self._closing: asyncio.Task[None] | None = None
        self._accepted = False  # the response's head said 200
        self._judged = asyncio.Event()  # it is here, or never will be
        self._head_due: asyncio.TimerHandle | None = None
        exchange.on_data = self._on_data
        exchange.answer.add_done_callback(self._on_answer)
        exchange.ended.add_done_callback(self._on_end)

    async def opened(self) -> None:
        """Return when the service has accepted the stream, which it does once it has read the first events.

        Raises SonicError if it never will. Any number of tasks may wait, and be cancelled.
        """
        await self._judged.wait()
        if not self._accepted:
            self._raise_if_over()

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
            raise self._failure.again() from self._failure
        return None

    async def close(self) -> None:
        """End the stream as cleanly as the time allows. Idempotent; goes on if the caller is cancelled."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="sonic stream close")
        await asyncio.shield(self._closing)

    # What we send.

    def _raise_if_over(self) -> None:
        if self._failure is not None:
            raise self._failure.again() from self._failure
        if self._closing is not None:
            raise SonicLost("the stream is closed")

    def _write(self, event: ClientEvent) -> bool:
        """False when too much waits on the wire by now."""
        self._raise_if_over()
        self.order.check(event)
        if self._head_due is None:
            self._head_due = asyncio.get_running_loop().call_later(self._bounds.open_s, self._on_no_head)
        try:
            self._exchange.write(self._signer.chunk(encode(event)))
        except Exception as error:
            raise self._fail(connection_error(error)) from error
        return not self._exchange.full

    async def _room(self) -> None:
        try:
            async with asyncio.timeout(self._bounds.send_s):
                await self._exchange.room()
        except TimeoutError as error:
            raise self._fail(SonicLost(f"no event could be written for {self._bounds.send_s} s")) from error

    # What we get.

    def _on_no_head(self) -> None:
        if not self._exchange.answer.done():
            self._fail(SonicLost(f"no response headers within {self._bounds.open_s} s of the first event"))

    def _on_answer(self, told: asyncio.Future[Answer]) -> None:
        if (error := told.exception()) is not None:
            self._fail(connection_error(error))
        elif (answer := told.result()).status == 200:
            self._accepted = True
            self._judge()
        else:
            name = dict(answer.headers).get("x-amzn-errortype", "")
            self._fail(refusal(answer.status, name, answer.body))

    def _on_data(self, data: bytes) -> None:
        """Move what comes into the queue."""
        try:
            for frame in self._frames.feed(data):
                if (event := event_of(frame)) is None:
                    self._on_notice(frame)
                else:
                    self._on_event(self._reader.read(event))
        except SonicError as error:
            self._fail(error)

    def _on_event(self, event: ServiceEvent) -> None:
        if self._events.qsize() >= MOST_UNREAD:
            raise SonicLost(f"{MOST_UNREAD} events that nobody has read")
        self.order.received(event)
        self._events.put_nowait(event)

    def _on_notice(self, frame: bytes) -> None:
        headers = headers_of(frame)
        if headers.get(":message-type") in ("exception", "error"):
            raise frame_error(headers, payload_of(frame))
        count_unknown("frame", headers.get(":event-type"))

    def _on_end(self, ended: asyncio.Future[None]) -> None:
        """The response is over: as we asked, or too soon."""
        try:
            if self.order.phase is not Phase.ENDED:
                ended.result()
                self._frames.finish()
                raise SonicLost("the service ended the stream")
        except Exception as error:
            self._fail(connection_error(error))
        self._judge()
        self._events.put_nowait(None)

    def _fail(self, failure: SonicError) -> SonicError:
        """Remember the first failure, wake who waits, and read no further."""
        if self._failure is None and self._closing is None:
            self._failure = failure
            self._exchange.on_data = _pass_over
            self._judge()
            self._events.put_nowait(None)
            self._on_failure(failure)
        return self._failure or failure

    def _judge(self) -> None:
        if self._head_due is not None:
            self._head_due.cancel()
        self._judged.set()

    # The end.

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(self._bounds.close_s):
                await self._end_input()
        except Exception as error:
            logger.debug("Sonic stream closed without a clean end: {}", error_text(error))
        finally:
            self._judge()
            self._events.put_nowait(None)
            try:
                await self._exchange.close(ABORT_TIMEOUT_S)
            except Exception:
                logger.exception("the connection of a Sonic stream could not be closed")

    async def _end_input(self) -> None:
        """Send the closing chunk, and let the service finish what it has to say."""
        if self._failure is not None or self._head_due is None or self._exchange.ended.done():
            return
        async with self._writing:
            self._exchange.write(self._signer.last())
            self._exchange.finish()
        await asyncio.shield(self._exchange.ended)


def _pass_over(data: bytes) -> None:
    """What comes after the failure is nobody's."""
