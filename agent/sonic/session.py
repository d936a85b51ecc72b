"""One conversation with Sonic, over one stream after another.

A stream lives 8 minutes at most and may be refused, dropped or silently stalled at any time. The session hides
that: it keeps the caller's audio until a stream is open, opens another one primed with what was said so far when
one is lost, replays the speech that the lost stream never transcribed, and rotates before the limit in a quiet
moment. It gives up after `RECONNECTS` tries in a row without a single event in between.

Sources: 8 minutes and the order of events, AWS's Nova Sonic user guide; that the model stays silent after a
reconnect unless the history ends with the user or an interactive text follows, that 68 ms of audio must precede
an interactive text, and that headers come only after the first events: recorded live by third parties.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

from loguru import logger

from agent.sonic.errors import OrderError, SonicError, SonicLost, SonicRefused
from agent.sonic.protocol import (
    AudioInput,
    AudioStart,
    ClientEvent,
    ContentEnd,
    ContentEnded,
    ContentStarted,
    ContentType,
    Endpointing,
    PromptEnd,
    PromptStart,
    Role,
    ServiceEvent,
    SessionEnd,
    SessionStart,
    Stage,
    StopReason,
    TextInput,
    TextOutput,
    TextStart,
    ToolResult,
    ToolResultStart,
    ToolSpec,
    ToolUse,
    UserSpeechEnd,
    UserSpeechStart,
)
from agent.sonic.uplink import Uplink
from carlos import metrics

RECONNECTS = 2  # tries in a row; with a 3 s open bound, a caller waits about 7 s at most before the apology
BACKOFF_S = 0.25
ANSWER_TIMEOUT_S = 12.0  # the slowest answers recorded live took 9.9 s
ROTATE_AFTER_S = 360.0  # AWS's own continuation sample starts here
ROTATE_BY_S = 450.0  # 30 s before the limit, in mid-sentence if need be
PRIME_S = 0.1

GREETING_CUE = "[llamada] Comenzó la llamada: saludá, decí quién sos y preguntá en qué podés ayudar."
RESUME_CUE = "[seguir] La conexión se cortó un instante: pedí disculpas en pocas palabras y seguí donde estabas."

History = Sequence[tuple[Role, str]]


class Opener(Protocol):
    """Opens Sonic streams: `SonicClient`, or a double of it."""

    async def open(self, model_id: str) -> Stream: ...


class Stream(Protocol):
    @property
    def ready(self) -> bool: ...
    async def send(self, *events: ClientEvent) -> None: ...
    def send_now(self, event: ClientEvent) -> None: ...
    async def receive(self) -> ServiceEvent | None: ...
    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class SonicConfig:
    """What every stream of a conversation is set up with. Rates in Hz, times in seconds."""

    model_id: str
    voice: str
    system: str
    tools: tuple[ToolSpec, ...]
    greeting: str | None = GREETING_CUE
    endpointing: Endpointing | None = None
    temperature: float = 0.7
    top_p: float = 0.9
    max_tokens: int = 1024
    input_rate: int = 16000
    output_rate: int = 24000
    rotate_after_s: float = ROTATE_AFTER_S
    rotate_by_s: float = ROTATE_BY_S
    answer_timeout_s: float = ANSWER_TIMEOUT_S


@dataclass(eq=False, slots=True)
class _Link:
    """One live stream and the audio it has been given."""

    stream: Stream
    born: float
    prompt: str = field(default_factory=lambda: str(uuid4()))
    audio: str = field(default_factory=lambda: str(uuid4()))
    asked: bool = False  # a text that wants an answer went out with the set-up
    receiver: asyncio.Task[None] | None = None


class SonicSession:
    """Holds a conversation. `on_event` gets each event of the live stream, in order; `history` is asked for what
    was said so far whenever a new stream is set up; `on_lost` is called once, when no stream can be had."""

    def __init__(
        self,
        opener: Opener,
        config: SonicConfig,
        *,
        on_event: Callable[[ServiceEvent], Awaitable[None]],
        on_lost: Callable[[SonicError], Awaitable[None]],
        history: Callable[[], History],
        on_fault: Callable[[SonicError], Awaitable[None]],
        on_rotation: Callable[[float], None] = lambda age_s: None,
    ) -> None:
        self.config = config
        self._opener = opener
        self._on_event = on_event
        self._on_lost = on_lost
        self._on_fault = on_fault
        self._on_rotation = on_rotation
        self._history = history
        self._loop = asyncio.get_running_loop()

        self._link: _Link | None = None
        self._links: set[_Link] = set()  # every one whose stream is not closed
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._closing = False
        self._failures = 0

        # Waiting to be sent.
        self._uplink = Uplink(config.input_rate)
        self._texts: deque[str] = deque()
        self._results: deque[tuple[str, str, str]] = deque()  # toolUseId, name, content

        # What a new stream must be told or given again.
        self._answering = False
        self._caller_waits = False
        self._tools: dict[str, tuple[_Link, str]] = {}  # toolUseId -> where it was asked
        self._watchdog: asyncio.TimerHandle | None = None

    # --- what the call does ------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to connect; audio and text may be given at once."""
        self._spawn(self._send_loop())
        self._spawn(self._connect_or_recover())

    def send_audio(self, pcm: bytes) -> None:
        """Queue caller audio, 16-bit mono at `input_rate`; kept while there is no stream."""
        if dropped := self._uplink.push(pcm):
            metrics.AUDIO_LOST.add(1000 * dropped / self._uplink.size(1))
        self._send_audio_now()

    def send_text(self, text: str) -> None:
        """Queue interactive text: something typed, a keypad entry or a cue. The model answers it."""
        self._texts.append(text)
        self._wake.set()

    def send_tool_result(self, tool_use_id: str, content: dict[str, Any]) -> None:
        """Queue the answer to a toolUse. `content` is a JSON object: anything else ends the real session."""
        name = self._tools[tool_use_id][1]
        self._results.append((tool_use_id, name, json.dumps(content, ensure_ascii=False)))
        self._wake.set()

    @property
    def connected(self) -> bool:
        return self._link is not None

    async def close(self) -> None:
        """End the session on the wire as far as it goes, and leave no task behind."""
        if self._closing:
            return
        self._closing = True
        self._disarm()
        link, self._link = self._link, None
        if link is not None:
            await self._hang_up(link)
        me = asyncio.current_task()
        doomed = [task for task in self._tasks if task is not me]
        for task in doomed:
            task.cancel()
        await asyncio.gather(*doomed, return_exceptions=True)
        for link in list(self._links):  # set up, or dropped, by a task that was cancelled over it
            await self._drop(link)

    # --- opening, losing, rotating -----------------------------------------------------------------------

    async def _connect_or_recover(self) -> None:
        try:
            self._adopt(await self._dial())
        except SonicError as error:
            await self._recover(error)

    async def _dial(self) -> _Link:
        """Open a stream and set it up: nothing has been said on it yet."""
        link = _Link(await self._opener.open(self.config.model_id), self._loop.time())
        self._links.add(link)
        try:
            history, last = self._retold()
            await link.stream.send(*self._setup(link, history))
            if last is not None:
                await self._send_text(link, last)
                link.asked = True
        except OrderError as error:
            await self._drop(link)
            raise SonicRefused(f"our own set-up breaks the protocol: {error}") from error
        except SonicError:
            await self._drop(link)
            raise
        return link

    def _adopt(self, link: _Link) -> None:
        """Make a set-up stream the live one, with the audio that no stream has understood in front."""
        self._uplink.begin_stream(primed=self._uplink.size(PRIME_S))
        self._link = link
        self._answering = False
        link.receiver = self._spawn(self._receive(link))
        self._spawn(self._rotate_when_due(link))
        if link.asked:
            self._expect_answer()
        self._send_audio_now()
        self._wake.set()

    async def _receive(self, link: _Link) -> None:
        try:
            while (event := await link.stream.receive()) is not None:
                if link is not self._link:
                    return
                self._failures = 0
                self._follow(link, event)
                await self._on_event(event)
            self._lose(link, SonicLost("the service ended the stream"))
        except SonicError as error:
            self._lose(link, error)

    def _lose(self, link: _Link, error: SonicError) -> None:
        """Give a stream up and look for another; once, however many tasks notice."""
        if link is not self._link or self._closing:
            return
        self._link = None
        self._disarm()
        self._spawn(self._drop(link))
        self._spawn(self._recover(error))

    async def _recover(self, error: SonicError) -> None:
        while not self._closing:
            await self._on_fault(error)
            self._failures += 1
            if not error.retryable or self._failures > RECONNECTS:
                await self._on_lost(error)
                return
            logger.warning("sonic stream lost ({}), reconnect {} of {}", error, self._failures, RECONNECTS)
            await asyncio.sleep(BACKOFF_S * (self._failures - 1))
            try:
                self._adopt(await self._dial())
            except SonicError as again:
                error = again
            else:
                return

    async def _rotate_when_due(self, link: _Link) -> None:
        """Swap to a fresh stream in the first quiet moment after `rotate_after_s`."""
        await asyncio.sleep(self.config.rotate_after_s)
        while link is self._link:
            age = self._loop.time() - link.born
            if self._quiet or age >= self.config.rotate_by_s:
                try:
                    fresh = await self._dial()
                except SonicError as error:
                    await self._on_fault(error)
                    await asyncio.sleep(1.0)
                    continue
                if link is not self._link or not (self._quiet or age >= self.config.rotate_by_s):
                    await self._hang_up(fresh)
                    continue
                self._on_rotation(age)
                self._adopt(fresh)
                await self._hang_up(link)
                return
            await asyncio.sleep(0.1)

    @property
    def _quiet(self) -> bool:
        pending = self._texts or self._results or self._tools
        return not (self._answering or self._caller_waits or pending or self._uplink.speaking)

    async def _hang_up(self, link: _Link) -> None:
        """Close a stream politely: the service wants every block closed before the prompt ends."""
        try:
            await link.stream.send(ContentEnd(link.prompt, link.audio), PromptEnd(link.prompt), SessionEnd())
        except SonicError as error:
            logger.debug("sonic stream was gone before its end was sent: {}", error)
        await self._drop(link)

    async def _drop(self, link: _Link) -> None:
        if link.receiver is not None:
            link.receiver.cancel()
        await link.stream.close()
        self._links.discard(link)

    # --- telling a new stream what happened ----------------------------------------------------------------

    def _retold(self) -> tuple[History, str | None]:
        """The history for a new stream, and the text that makes the model speak, if it is its turn."""
        history = self._said_before_what_waits()
        while history and history[0][0] is not Role.USER:
            # The service wants the first message to be the user's.
            history.insert(0, (Role.USER, self.config.greeting or RESUME_CUE))
        if not history:
            return history, self.config.greeting
        if self._tools or self._results:
            return history, None  # the result, when it comes, makes the model go on
        if self._caller_waits and history[-1][0] is Role.USER:
            return history[:-1], history[-1][1]
        return history, RESUME_CUE if self._answering or self._caller_waits else None

    def _said_before_what_waits(self) -> list[tuple[Role, str]]:
        """The conversation without the typed text that is still to be sent: it would be told twice."""
        history = list(self._history())
        waiting = " ".join(self._texts)
        if waiting and history and history[-1][0] is Role.USER and history[-1][1].endswith(waiting):
            before = history.pop()[1].removesuffix(waiting).rstrip()
            if before:
                history.append((Role.USER, before))
        return history

    def _setup(self, link: _Link, history: History) -> list[ClientEvent]:
        config = self.config
        events: list[ClientEvent] = [
            SessionStart(config.max_tokens, config.top_p, config.temperature, config.endpointing),
            PromptStart(link.prompt, config.voice, config.output_rate, config.tools),
            *_text_block(link.prompt, Role.SYSTEM, config.system, interactive=False),
        ]
        for role, text in history:
            events += _text_block(link.prompt, role, text, interactive=False)
        events.append(AudioStart(link.prompt, link.audio, config.input_rate))
        events.append(AudioInput(link.prompt, link.audio, bytes(self._uplink.size(PRIME_S))))
        return events

    # --- sending -------------------------------------------------------------------------------------------

    async def _send_loop(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            link = self._link
            if link is None:
                continue
            try:
                await self._flush(link)
            except (SonicError, OrderError) as error:
                self._on_unsent(link, error)
                self._wake.set()

    async def _flush(self, link: _Link) -> None:
        while link is self._link and (self._uplink.waiting or self._texts or self._results):
            if self._results:
                await self._send_result(link, *self._results.popleft())
            elif self._texts:
                await self._send_text(link, self._texts.popleft())
                self._caller_waits = True
                self._expect_answer()
            else:
                await link.stream.send(AudioInput(link.prompt, link.audio, self._uplink.take()))

    def _send_audio_now(self) -> None:
        """Most audio has nothing to wait for, not even for its turn in the event loop."""
        link = self._link
        if link is None:
            return
        try:
            while link is self._link and self._audio_is_next and link.stream.ready:
                link.stream.send_now(AudioInput(link.prompt, link.audio, self._uplink.take()))
        except (SonicError, OrderError) as error:
            self._on_unsent(link, error)
        if self._uplink.waiting:
            self._wake.set()

    @property
    def _audio_is_next(self) -> bool:
        return bool(self._uplink.waiting) and not self._texts and not self._results

    def _on_unsent(self, link: _Link, error: SonicError | OrderError) -> None:
        if isinstance(error, SonicError):
            self._lose(link, error)
        else:  # the stream is as it was
            logger.error("an event of ours breaks the protocol: {}", error)

    async def _send_text(self, link: _Link, text: str) -> None:
        await link.stream.send(*_text_block(link.prompt, Role.USER, text, interactive=True))

    async def _send_result(self, link: _Link, tool_use_id: str, name: str, content: str) -> None:
        asked_on, _ = self._tools.pop(tool_use_id)
        self._expect_answer()
        if asked_on is not link:
            # Another stream does not know the toolUseId and would end the session over it.
            await self._send_text(link, f"[herramienta] {name} ya respondió: {content}")
            return
        block = str(uuid4())
        await link.stream.send(
            ToolResultStart(link.prompt, block, tool_use_id),
            ToolResult(link.prompt, block, content),
            ContentEnd(link.prompt, block),
        )

    # --- following -----------------------------------------------------------------------------------------

    def _follow(self, link: _Link, event: ServiceEvent) -> None:
        """Track whose turn it is: what a new stream would have to be told."""
        match event:
            case UserSpeechStart(offset_ms):
                self._uplink.speech_started(offset_ms)
            case UserSpeechEnd(offset_ms, _):
                self._uplink.speech_ended(offset_ms)
                self._expect_answer()
            case ContentStarted(_, ContentType.TEXT, Role.USER, _):
                self._uplink.understood()
                self._caller_waits = True
            case ContentStarted(_, ContentType.TEXT, Role.ASSISTANT, Stage.SPECULATIVE):
                self._disarm()
                self._answering = True
            case ToolUse(_, tool_use_id, name, _):
                self._disarm()
                self._tools[tool_use_id] = (link, name)
            case ContentEnded(_, ContentType.AUDIO, StopReason.END_TURN | StopReason.INTERRUPTED):
                self._answering = False
                self._caller_waits = False
            case ContentEnded(_, _, StopReason.INTERRUPTED):
                self._answering = False
            case TextOutput(_, Role.ASSISTANT, content) if is_interruption(content):
                self._answering = False

    def _expect_answer(self) -> None:
        self._disarm()
        self._watchdog = self._loop.call_later(self.config.answer_timeout_s, self._on_silence)

    def _disarm(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None

    def _on_silence(self) -> None:
        if self._link is not None:
            stalled = SonicLost(f"no answer within {self.config.answer_timeout_s:g} s")
            self._lose(self._link, stalled)

    # --- small things --------------------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._reap)
        return task

    def _reap(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.opt(exception=error).error("a task of the sonic session failed")


def is_interruption(content: str) -> bool:
    """True for the text block that Sonic sends at a barge-in: `{ "interrupted" : true }`, as recorded live."""
    if not content.startswith("{"):
        return False
    try:
        return bool(json.loads(content) == {"interrupted": True})
    except json.JSONDecodeError:
        return False


def _text_block(prompt: str, role: Role, text: str, *, interactive: bool) -> list[ClientEvent]:
    block = str(uuid4())
    return [
        TextStart(prompt, block, role, interactive),
        TextInput(prompt, block, text),
        ContentEnd(prompt, block),
    ]
