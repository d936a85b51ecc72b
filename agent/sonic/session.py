"""One conversation with Sonic, over one stream after another.

A stream lives 8 minutes at most and may be refused, dropped or silently stalled at any time. The session hides that:
it keeps the caller's audio until a stream is open, opens another one primed with what was said so far when one is
lost, gives it the speech that no stream had words for, and replaces one before its limit without ever being without.

    what happens                             what is done                                         decided by
    a stream fails, or none can be had       another, for some seconds; then the call is told     RetryBudget
    many calls fail together                 few of them dial at once                             CircuitBreaker
    nothing comes though something is owed   another is dialled beside it: who speaks first stays Watch
    clear speech that neither answers        it was noise                                         VoiceDetector
    a stream grows old                       another is dialled, and must live for a second       `_replace_when_old`
    an error of ours                         is a lost stream like any other                      `_on_crash`

Sources: 8 minutes, AWS's Nova Sonic user guide; that audio may overtake a history under load ("Chat history should be
sent completely before streaming audio."), and that a tool's result after a restart waits for a silence: released
clients (LiveKit 1.8, Strands 1.62).
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from loguru import logger

from agent.answer_times import SpeechEnd
from agent.sonic.breaker import Breaker, CircuitBreaker
from agent.sonic.budget import HEALTHY_S, RetryBudget
from agent.sonic.conversation import Conversation, speaks
from agent.sonic.errors import OrderError, SonicError, SonicLost, SonicRefused, SonicRejected, SonicTimedOut
from agent.sonic.events import (
    AudioInput,
    ClientEvent,
    ContentEnd,
    PromptEnd,
    Role,
    ServiceEvent,
    SessionEnd,
    TextOutput,
    Usage,
    UserSpeechEnd,
    UserSpeechStart,
)
from agent.sonic.opening import (
    PRIME_S,
    PROBE,
    RESUME_ANSWER_CUE,
    SAY_IT_CUE,
    History,
    Names,
    SonicConfig,
    first_audio,
    introduction,
    result_as_text,
    result_block,
    text_block,
)
from agent.sonic.uplink import Reader, Uplink
from agent.sonic.voice import PAUSE_S
from agent.sonic.watch import Owed, Verdict
from common import metrics
from common.log import error_text
from common.tasks import TaskSet

RETRY_ANSWER_TIMEOUT_S = 6.0  # of a stream that has to answer what another one failed to
VERDICT_TIMEOUT_S = 2.0  # for the stream beside a suspected one to speak
PROBE_TIMEOUT_S = 2.0  # for it to answer a text then: a model that hears only noise says nothing, as a dead one does
TICK_INTERVAL_S = 0.25  # how often the watch is looked at while something is owed
RESERVE_S = 20.0  # for a stream that was replaced to be had back, if the new one has not spoken by then
PROVEN_S = 1.0  # a stream that has lived so long without an error is taken for a good one
CONNECT_S = 4.0  # the first try to get a stream back may always take so long
RESUME_ANSWER_S = 2.5  # without words after a sound that cut Carlos off: it was none of the caller's
LATE_RESULT_S = 5.0  # a tool's result waits so long for a silence on a stream that has not asked for it
REPLACE_ANYWAY_S = 15.0  # after `rotate_by_s`: what is said in the meantime is no reason to wait any more
NOISE_PAUSE_S, LONGEST_NOISE_PAUSE_S = 10.0, 120.0  # without a suspicion, after one that was noise; doubled each time
MAX_WAITING = 64  # texts and results; a call has a few at most
MAX_BACKLOG_EVENTS = 256  # events that a stream beside the live one may give before it speaks
MAX_CRASHES = 5  # errors of our own in one call


class Opener(Protocol):
    """Opens Sonic streams: `SonicClient`, or a double of it."""

    async def open(self, model_id: str) -> Stream: ...


class Stream(Protocol):
    """See `SonicStream`."""

    @property
    def ready(self) -> bool: ...
    async def opened(self) -> None: ...
    async def send(self, *events: ClientEvent) -> None: ...
    def send_now(self, event: ClientEvent) -> None: ...
    async def receive(self) -> ServiceEvent | None: ...
    async def close(self) -> None: ...


class Caller(Protocol):
    """The call, as its session sees it. An exception out of one of these is logged, and a fault of the stream's."""

    @property
    def sounding(self) -> bool:
        """Return True while the caller hears something, or will as soon as the line is released."""
        ...

    def history(self) -> History:
        """Return what was said so far; asked for whenever a stream is set up."""
        ...

    def instructions(self) -> str:
        """Return the system prompt of a stream that begins now: it tells the time."""
        ...

    async def fault(self, error: SonicError) -> None:
        """Take note that a stream was lost, or could not be had."""

    async def lost(self, error: SonicError) -> None:
        """Take note that there will be no other stream. Called once."""

    def rotated(self, age_s: float) -> None: ...
    def suspected(self, outcome: str) -> None:
        """Take note of a suspicion: "suspected", and then "replaced", "answered", "noise", "silent" or "failed"."""

    def audio_lost(self, milliseconds: float) -> None: ...


@dataclass(eq=False, slots=True)
class _Link:
    """A stream, and what it has been given."""

    stream: Stream
    born: float
    names: Names = field(default_factory=Names.new)
    primed_with: tuple[list[tuple[Role, str]], str | None] = ([], None)
    asked: bool = False  # a text that wants an answer went out with the set-up
    reader: Reader | None = None  # its place in the caller's audio, once it is given any
    tasks: list[asyncio.Task[None]] = field(default_factory=list)  # that live no longer than it does
    backlog: deque[ServiceEvent] = field(default_factory=deque)  # of a stream that is not the live one yet
    spoke: bool = False  # it has given an event
    over: bool = False  # it is nobody's any more


class SonicSession:
    """Holds a conversation. `on_event` gets each event of the live stream, in order."""

    def __init__(
        self,
        opener: Opener,
        config: SonicConfig,
        caller: Caller,
        on_event: Callable[[ServiceEvent], Awaitable[None]],
        *,
        breaker: Breaker | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`breaker` is shared by the calls of a process; `jitter` gives numbers from 0 to 1."""
        self.config = config
        self._opener = opener
        self._caller = caller
        self._on_event = on_event
        self._loop = asyncio.get_running_loop()
        self._breaker: Breaker = breaker or CircuitBreaker()
        self._jitter = jitter
        self._budget = RetryBudget(self._loop.time, jitter)
        self._conversation = Conversation(config)

        self._link: _Link | None = None
        self._rival: _Link | None = None  # beside the live one: dialled on a suspicion, or to replace it
        self._reserve: _Link | None = None  # the old one, until the one that replaced it has spoken
        self._links: set[_Link] = set()  # every one whose stream is not closed
        self._tasks = TaskSet(self._on_crash)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._wake = asyncio.Event()
        self._closing = self._given_up = self._recovering = self._suspecting = self._probing = False
        self._noises = 0  # in a row
        self._no_suspicion_until = 0.0
        self._crashes = 0

        # Waiting to be sent.
        self._uplink = Uplink(config.input_rate)
        self._lost_reported = 0  # bytes of the caller's
        self._texts: deque[str] = deque()
        self._cues: deque[str] = deque()
        self._results: deque[tuple[str, str, float]] = deque()  # toolUseId, content, since

    # --- what the call does ------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to connect; audio and text may be given at once."""
        self._spawn(self._send_loop(), "send")
        self._spawn(self._connect(), "connect")

    def send_audio(self, pcm: bytes) -> None:
        """Queue caller audio, 16-bit mono at `input_rate`; kept while there is no stream."""
        if self._closing:
            return
        uplink = self._uplink
        if uplink.push(pcm) is not None:
            self._voice_ended()
        if uplink.lost != self._lost_reported:
            self._count_lost_audio()
        self._send_audio_now()

    def send_text(self, text: str) -> None:
        """Queue interactive text: something typed, a keypad entry or a cue. The model answers it."""
        if len(self._texts) >= MAX_WAITING:
            logger.warning("a text for sonic is dropped: {} wait already", MAX_WAITING)
            return
        self._texts.append(text)
        self._conversation.cut_off = False
        self._wake.set()

    def send_cue(self, text: str) -> None:
        """Send interactive text whose answer is owed to nobody. Without a stream it is dropped: by the time there is
        one, its moment has passed."""
        if self._link is not None and len(self._cues) < MAX_WAITING:
            self._cues.append(text)
            self._wake.set()

    def send_tool_result(self, tool_use_id: str, content: dict[str, Any]) -> None:
        """Queue the answer to a toolUse. `content` is a JSON object: anything else ends the real session."""
        if tool_use_id not in self._conversation.tools or any(waiting[0] == tool_use_id for waiting in self._results):
            logger.warning("a result that no stream waits for: {}", tool_use_id)
            return
        self._results.append((tool_use_id, json.dumps(content, ensure_ascii=False), self._loop.time()))
        self._wake.set()

    def progress(self) -> None:
        """The caller heard an answer to its end: what failed before it is over."""
        self._budget.progress()
        self._conversation.progress()

    def goodbye_said(self) -> None:
        """The model has said goodbye and need not speak again, until the caller does."""
        self._conversation.goodbye_said = True

    def was_cut_off(self) -> None:
        """The service broke off an answer that the caller was hearing. If no words follow, it was a noise."""
        self._conversation.cut_off = True
        self._later("resume answer", RESUME_ANSWER_S, self._resume_answer)

    def nothing_asked(self) -> None:
        """The caller's last words want no answer."""
        self._conversation.nothing_asked()

    def fail(self, why: str) -> None:
        """Give the live stream up: the call has found that it does nothing of use."""
        if self._link is not None:
            self._lose(self._link, SonicLost(why))

    @property
    def connected(self) -> bool:
        return self._link is not None

    @property
    def owes_answer(self) -> bool:
        """Return True when something was asked that has not been answered to its end."""
        return self._conversation.owes_answer

    @property
    def spoken_over(self) -> bool:
        """Return True if somebody has spoken since the answer began, or may have where the service reports none."""
        return self._conversation.spoken_over

    @property
    def voice_until(self) -> float:
        """Return when our own detector last heard a voice on the caller's side; the event loop's time."""
        voice = self._uplink.voice
        return self._loop.time() - self._uplink.seconds(voice.now - voice.voiced_until) if voice.voiced_until else 0.0

    def time_of(self, end: UserSpeechEnd) -> SpeechEnd:
        """Return when, in the event loop's time, the caller said what the live stream's offsets point to. One that the
        service did not give is 0."""
        if self._link is None or self._link.reader is None:
            return SpeechEnd()
        return SpeechEnd(*(self._said_at(self._link.reader, offset) for offset in (end.offset_ms, end.detected_ms)))

    def _said_at(self, reader: Reader, offset_ms: int) -> float | None:
        ago = self._uplink.end - reader.base - self._uplink.size(offset_ms / 1000)
        return self._loop.time() - self._uplink.seconds(ago) if offset_ms and ago >= 0 else None

    @property
    def caller_speaking(self) -> bool:
        """Return True while our own detector hears a voice on the caller's side."""
        return self._uplink.voice.speaking

    async def close(self) -> None:
        """End the session on the wire as far as it goes, and leave no task behind. Never raises."""
        if self._closing:
            return
        self._closing = True
        for timer in self._timers.values():
            timer.cancel()
        live = [link for link in (self._link, self._rival, self._reserve) if link is not None]
        self._link = self._rival = self._reserve = None
        for link in live:
            await self._hang_up(link)
        await self._tasks.cancel()
        for link in list(self._links):  # set up, or dropped, by a task that was cancelled over it
            await self._drop(link)
        self._uplink.clear()  # what ended calls hold waits for the garbage collector

    # --- opening -------------------------------------------------------------------------------------------

    async def _connect(self) -> None:
        began = self._loop.time()
        try:
            self._adopt(await self._dial())
        except SonicError as error:
            await self._recover(error, began)

    async def _dial(self) -> _Link:
        """Return a stream that is open and set up, on which nothing has been said yet. Raise SonicError."""
        deadline = self._budget.deadline
        if self._budget.tries <= 1:
            deadline = max(deadline, self._loop.time() + CONNECT_S)
        try:
            async with asyncio.timeout_at(deadline):
                await self._breaker.admit()
                self._budget.opened()
                return await self._set_up()
        except TimeoutError as late:
            error = SonicLost("no stream could be set up in time")
            self._count_failure(error)
            raise error from late
        except SonicError as error:
            self._count_failure(error)
            raise

    async def _set_up(self) -> _Link:
        link = _Link(await self._opener.open(self.config.model_id), self._loop.time())
        self._links.add(link)
        try:
            link.primed_with = history, last = self._history()
            await link.stream.send(*introduction(self.config, link.names, self._caller.instructions(), history))
            if history or self._budget.tries:
                await link.stream.opened()  # audio must not overtake the history
            await link.stream.send(*first_audio(self.config, link.names))
            if last is not None:
                await self._send_text(link, last)
                link.asked = True
        except OrderError as error:
            await self._drop(link)
            raise SonicRefused(f"our own set-up breaks the protocol: {error}") from error
        except BaseException:
            if not self._closing:
                self._spawn(self._drop(link), "drop")
            raise
        return link

    def _history(self) -> tuple[list[tuple[Role, str]], str | None]:
        return self._conversation.history_for_new_stream(self._caller.history(), " ".join(self._texts))

    def _adopt(self, link: _Link) -> None:
        """Make a set-up stream the live one, with the audio that no stream has understood in front."""
        self._link = link
        self._attach(link)
        self._conversation.new_stream(self._loop.time())
        if not link.tasks:
            link.tasks.append(self._spawn(self._receive(link), "receive"))
        link.tasks += [self._spawn(self._prove(link), "prove"), self._spawn(self._replace_when_old(link), "rotate")]
        if link.asked:
            self._expect_answer()
        self._send_audio_now()
        self._wake.set()

    def _attach(self, link: _Link) -> None:
        """Let the stream hear the caller from now on."""
        if link.reader is None:
            link.reader = self._uplink.open(primed=self._uplink.size(PRIME_S))

    async def _prove(self, link: _Link) -> None:
        """A stream that has lived for a moment says that the service is well."""
        await asyncio.sleep(PROVEN_S)
        if link is self._link:
            self._breaker.proved()

    # --- receiving -----------------------------------------------------------------------------------------

    async def _receive(self, link: _Link) -> None:
        try:
            while (event := await link.stream.receive()) is not None and not link.over:
                if link is self._link:
                    link.backlog.append(event)
                else:
                    await self._handle_beside(link, event)
                while link is self._link and link.backlog:
                    await self._handle(link, link.backlog.popleft())
            error: SonicError = SonicLost("the service ended the stream")
        except SonicError as lost:
            error = lost
        self._lose(link, error)

    async def _handle(self, link: _Link, event: ServiceEvent) -> None:
        """Handle an event of the live stream."""
        link.spoke = True
        if self._reserve is not None and speaks(event):
            self._let_reserve_go()
        match event:
            case UserSpeechStart(offset_ms) if link.reader is not None:
                self._uplink.speech_started(link.reader, offset_ms)
            case UserSpeechEnd(offset_ms, _) if link.reader is not None:
                self._uplink.speech_ended(link.reader, offset_ms)
                if self._conversation.cut_off:
                    self._later("resume answer", RESUME_ANSWER_S, self._resume_answer)
            case TextOutput(_, Role.USER, _) if speaks(event) and link.reader is not None:
                self._uplink.understood(link.reader)
                self._noises, self._no_suspicion_until = 0, 0.0
        if self._suspecting and self._rival is not None and speaks(event):
            self._end_suspicion("answered")
        if not self._conversation.follow(link, event, self._loop.time()):
            metrics.SONIC_UNKNOWN.add(what=f"passed over: {type(event).__name__}")
            return
        if self._conversation.say_it_again:
            self._conversation.say_it_again = False
            self.send_text(SAY_IT_CUE)
        if self._conversation.watch.owed is not Owed.NOTHING:
            self._check_later()
        await self._on_event(event)

    async def _handle_beside(self, link: _Link, event: ServiceEvent) -> None:
        """An event of a stream beside the live one. On a suspicion, the first of the two that speaks lives."""
        if isinstance(event, Usage):
            await self._on_event(event)  # it is paid for, whoever lives
        elif link is self._rival and len(link.backlog) < MAX_BACKLOG_EVENTS:
            link.backlog.append(event)
        if link is not self._rival:
            return
        if self._probing and speaks(event) and not isinstance(event, TextOutput):
            self._was_noise()
        elif self._suspecting and speaks(event):
            self._promote(link)

    # --- losing --------------------------------------------------------------------------------------------

    def _lose(self, link: _Link, error: SonicError, since: float | None = None) -> None:
        """Give a stream up and look for another; once, however many tasks notice. `since` is when the caller began to
        wait for it."""
        if self._closing or link.over:
            return
        link.over = True
        self._count_failure(error)
        self._spawn(self._drop(link), "drop")
        if link is self._reserve:
            self._reserve = None
        elif link is self._rival:
            self._rival = None
            self._end_suspicion("failed")
        elif link is self._link:
            self._link = None
            if self._loop.time() - link.born >= HEALTHY_S:
                self._budget.progress()
            self._spawn(self._recover(error, since or (None if link.spoke else link.born)), "recover")

    async def _recover(self, error: SonicError, since: float | None = None) -> None:
        """Look for another stream, as long as the budget allows. What fails is told, one by one."""
        if self._recovering:
            return
        self._recovering = True
        try:
            while not (self._closing or self._given_up):
                await self._caller.fault(error)
                if (beside := self._rival or self._reserve) is not None:  # there is one already
                    return self._promote(beside)
                wait = self._budget.failed(since) if error.retryable else None
                if wait is None:
                    return await self._give_up(error)
                if error.shorten_history or (isinstance(error, SonicRejected) and self._budget.tries > 1):
                    self._conversation.too_long()
                logger.warning("sonic stream lost ({}), try {} in {:.2f} s", error, self._budget.tries, wait)
                await asyncio.sleep(wait)
                try:
                    return self._adopt(await self._dial())
                except SonicError as again:
                    error = again
        finally:
            self._recovering = False

    async def _give_up(self, error: SonicError) -> None:
        if not self._given_up:
            self._given_up = True
            self._conversation.watch.nothing_owed()
            await self._caller.lost(error)

    def _count_failure(self, error: SonicError) -> None:
        if error.retryable and not isinstance(error, SonicTimedOut):
            self._breaker.failed()

    async def _hang_up(self, link: _Link) -> None:
        """Close a stream politely: the service wants every block closed before the prompt ends."""
        link.over = True
        names = link.names
        try:
            await link.stream.send(ContentEnd(names.prompt, names.audio), PromptEnd(names.prompt), SessionEnd())
        except (SonicError, OrderError) as error:
            logger.debug("sonic stream was gone before its end was sent: {}", error)
        await self._drop(link)

    async def _drop(self, link: _Link) -> None:
        link.over = True
        if link.reader is not None:
            self._uplink.close(link.reader)
        for task in link.tasks:
            if task is not asyncio.current_task():
                task.cancel()
        await link.stream.close()
        self._links.discard(link)

    # --- a stream beside the live one -----------------------------------------------------------------------

    def _promote(self, link: _Link) -> None:
        """Make the stream beside the live one the live one, and hang the old one up."""
        old, self._link = self._link, None
        if link is self._reserve:
            self._reserve = None
        self._rival = None
        if old is not None:
            self._spawn(self._hang_up(old), "hang up")
        self._end_suspicion("replaced")
        self._adopt(link)

    def _relieve(self, fresh: _Link) -> None:
        """The same for one that has grown old: it can be had back, should the new one turn out to be mute."""
        self._let_reserve_go()
        old, self._link = self._link, None
        self._promote(fresh)
        if old is not None and old.reader is not None:
            self._uplink.close(old.reader)
            old.reader = None
            self._reserve = old
            self._later("reserve", RESERVE_S, self._let_reserve_go)

    def _let_reserve_go(self) -> None:
        reserve, self._reserve = self._reserve, None
        if reserve is not None:
            self._spawn(self._hang_up(reserve), "hang up")

    async def _suspect(self, link: _Link) -> None:
        """Nothing comes though something is owed: another stream is to hear what this one does not answer."""
        self._suspecting = True
        self._caller.suspected("suspected")
        rival, self._reserve = self._reserve, None
        if rival is None:
            try:
                rival = await self._dial()
            except SonicError as error:
                logger.warning("no stream beside a suspected one: {}", error)
                return self._end_suspicion("failed")
        if link is not self._link or not self._suspecting:
            self._end_suspicion("failed")
            return await self._leave_or_adopt(rival)
        self._beside(rival)
        self._attach(rival)
        self._feed(rival)
        self._later("verdict", VERDICT_TIMEOUT_S, self._both_silent)

    def _beside(self, rival: _Link) -> None:
        self._rival = rival
        if not rival.tasks:
            rival.tasks.append(self._spawn(self._receive(rival), "receive"))

    async def _leave_or_adopt(self, rival: _Link) -> None:
        """What it was dialled for is over. One may be missing altogether by now."""
        if self._link is None and not (self._closing or self._given_up):
            self._adopt(rival)
        else:
            await self._hang_up(rival)

    def _both_silent(self) -> None:
        """What only our own detector heard was a noise, if the second stream answers at all: it is asked for a word
        that nobody will hear. What was asked in words is still owed, by either of them."""
        if self._suspecting and self._conversation.watch.owed is Owed.PERHAPS:
            self._spawn(self._probe(), "probe")

    async def _probe(self) -> None:
        rival = self._rival
        if rival is None:
            return
        self._probing = True
        try:
            await self._send_text(rival, PROBE)
        except SonicError as error:
            return self._lose(rival, error)
        await asyncio.sleep(PROBE_TIMEOUT_S)
        if rival is self._rival and self._link is not None:
            self._both_are_mute(self._link)

    def _both_are_mute(self, link: _Link) -> None:
        """Two streams say nothing to the caller, nor to a text: it was no noise. A third is tried, and waited for."""
        since = self._conversation.watch.since
        self._end_suspicion("silent")
        self._conversation.asked(self._loop.time())
        self._conversation.watch.answer_timeout_s = min(RETRY_ANSWER_TIMEOUT_S, self.config.answer_timeout_s)
        self._lose(link, SonicLost("two streams are mute"), since)

    def _was_noise(self) -> None:
        pause = min(LONGEST_NOISE_PAUSE_S, NOISE_PAUSE_S * 2**self._noises)
        self._noises += 1
        self._no_suspicion_until = self._loop.time() + pause
        self._uplink.dismiss()
        self._conversation.watch.nothing_owed()
        self._end_suspicion("noise")

    def _end_suspicion(self, outcome: str) -> None:
        """The suspicion is over: so is a stream that was dialled for it and is not the live one."""
        if not self._suspecting:
            return
        self._suspecting = self._probing = False
        self._conversation.watch.suspected = outcome != "failed"  # nothing was learned: it is suspected again
        self._caller.suspected(outcome)
        rival, self._rival = self._rival, None
        if rival is not None:
            self._spawn(self._hang_up(rival), "hang up")

    async def _replace_when_old(self, link: _Link) -> None:
        """Swap to a fresh stream in a quiet moment; the old one lives until the new one has proved itself."""
        await asyncio.sleep(self.config.rotate_after_s + self._jitter() * self.config.rotate_spread_s)
        while link is self._link:
            if self._may_replace(link) and self._rival is None and self._budget.allows_another:
                if await self._replace(link):
                    return
                await asyncio.sleep(1.0 + 3.0 * self._jitter())
            await asyncio.sleep(0.1)

    def _may_replace(self, link: _Link) -> bool:
        pending = self._texts or self._results or self._suspecting or self._conversation.tools
        quiet = self._conversation.quiet and not self._uplink.speaking and not self._caller.sounding
        return not pending and (quiet or self._overdue_s(link) >= 0)

    def _overdue_s(self, link: _Link) -> float:
        return self._loop.time() - link.born - self.config.rotate_by_s

    async def _replace(self, link: _Link) -> bool:
        """Dial, wait for proof, and swap. Return False where the old stream is better kept for now."""
        try:
            fresh = await self._dial()
        except SonicError as error:
            logger.warning("a stream of {:.0f} s could not be replaced: {}", self._loop.time() - link.born, error)
            await self._caller.fault(error)
            return False
        if link is not self._link or self._rival is not None or self._suspecting:
            await self._leave_or_adopt(fresh)
            return False
        self._beside(fresh)
        await asyncio.sleep(PROVEN_S)
        if self._rival is not fresh:
            return False
        up_to_date = fresh.primed_with == self._history() or self._overdue_s(link) >= REPLACE_ANYWAY_S
        if link is not self._link or not self._may_replace(link) or not up_to_date:
            self._rival = None
            await self._leave_or_adopt(fresh)
            return False
        self._caller.rotated(self._loop.time() - link.born)
        self._relieve(fresh)
        return True

    # --- sending -------------------------------------------------------------------------------------------

    async def _send_loop(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            for link in (self._link, self._rival):
                if link is None:
                    continue
                try:
                    await self._flush(link)
                except (SonicError, OrderError) as error:
                    self._on_unsent(link, error)
                    self._wake.set()

    async def _flush(self, link: _Link) -> None:
        """Send what waits: results first, then texts, then the caller's audio; audio alone to a stream beside."""
        while link is self._link or link is self._rival:
            live = link is self._link
            if live and self._results and self._may_answer_tool(link):
                tool_use_id, content, _ = self._results.popleft()
                await self._send_result(link, tool_use_id, content)
            elif live and self._texts:
                await self._send_text(link, self._texts.popleft())
                self._conversation.typed(self._loop.time())
                self._check_later()
                self._end_suspicion("answered")  # by the caller himself: he asked something else
            elif live and self._cues:
                await self._send_text(link, self._cues.popleft())
            elif link.reader is not None and (pcm := self._uplink.take(link.reader)):
                await link.stream.send(AudioInput(link.names.prompt, link.names.audio, pcm))
            else:
                return

    def _send_audio_now(self) -> None:
        """Most audio has nothing to wait for, not even for its turn in the event loop."""
        link, rival = self._link, self._rival
        if link is not None:
            if self._texts or self._results:
                self._wake.set()
            else:
                self._feed(link)
        if rival is not None:
            self._feed(rival)

    def _feed(self, link: _Link) -> None:
        reader, uplink, stream = link.reader, self._uplink, link.stream
        if reader is None:
            return
        try:
            while reader.next < uplink.end and stream.ready and not link.over:
                stream.send_now(AudioInput(link.names.prompt, link.names.audio, uplink.take(reader)))
        except (SonicError, OrderError) as error:
            self._on_unsent(link, error)
        if reader.next < uplink.end:
            self._wake.set()

    def _on_unsent(self, link: _Link, error: SonicError | OrderError) -> None:
        if isinstance(error, SonicError):
            self._lose(link, error)
        else:  # the stream is as it was
            logger.error("an event of ours breaks the protocol: {}", error)

    async def _send_text(self, link: _Link, text: str) -> None:
        await link.stream.send(*text_block(link.names, Role.USER, text, interactive=True))

    def _may_answer_tool(self, link: _Link) -> bool:
        """A result goes at once to the stream that asked; to another as a text, which in mid-speech would be a
        barge-in: it waits for a silence."""
        tool_use_id, _, since = self._results[0]
        asked_on, _ = self._conversation.tools[tool_use_id]
        busy = self.caller_speaking or self._caller.sounding
        if asked_on is link or not busy or self._loop.time() - since >= LATE_RESULT_S:
            return True
        self._later("late result", TICK_INTERVAL_S, self._wake.set)
        return False

    async def _send_result(self, link: _Link, tool_use_id: str, content: str) -> None:
        asked_on, _ = self._conversation.tools[tool_use_id]
        self._conversation.tool_answered(tool_use_id, content, self._loop.time())
        self._check_later()
        if asked_on is link:
            await link.stream.send(*result_block(link.names, tool_use_id, content))
        elif not self._conversation.goodbye_said:
            await self._send_text(link, result_as_text(content))

    def _count_lost_audio(self) -> None:
        lost, self._lost_reported = self._uplink.lost - self._lost_reported, self._uplink.lost
        milliseconds = 1000 * self._uplink.seconds(lost)
        metrics.AUDIO_LOST.add(milliseconds)
        self._caller.audio_lost(milliseconds)

    # --- what is owed --------------------------------------------------------------------------------------

    def _expect_answer(self) -> None:
        self._conversation.asked(self._loop.time())
        self._check_later()

    def _voice_ended(self) -> None:
        """Somebody spoke, says our own detector. Clear speech must be answered, if only by an event."""
        now = self._loop.time()
        if self._uplink.clear_speech and now >= self._no_suspicion_until and not self._conversation.tools:
            self._conversation.watch.perhaps_asked(now - PAUSE_S)
            self._check_later()

    def _check_later(self) -> None:
        if "watch" not in self._timers:
            self._later("watch", TICK_INTERVAL_S, self._check)

    def _check(self) -> None:
        watch = self._conversation.watch
        verdict = watch.verdict(self._loop.time(), speaking=self.caller_speaking, playing=self._caller.sounding)
        if self._link is not None and verdict is Verdict.LOST:
            watch_s = watch.answer_timeout_s
            self._on_silence(self._link, SonicLost(f"no answer within {watch_s:g} s"))
        elif self._link is not None and verdict is Verdict.SUSPECT and not self._suspecting:
            self._on_suspicion(self._link)
        if watch.owed is not Owed.NOTHING:
            self._check_later()

    def _on_suspicion(self, link: _Link) -> None:
        if self._rival is None and self._budget.allows_another and not self._breaker.is_open:
            self._spawn(self._suspect(link), "suspect")
        elif self._conversation.watch.owed is Owed.PERHAPS:
            self._conversation.watch.nothing_owed()

    def _on_silence(self, link: _Link, silent: SonicLost) -> None:
        """What was asked is not answered. A second stream that is silent as well leaves nothing to try."""
        watch = self._conversation.watch
        since = watch.since
        watch.nothing_owed()
        watch.answer_timeout_s = min(RETRY_ANSWER_TIMEOUT_S, self.config.answer_timeout_s)
        if not (self._suspecting and self._rival is not None):
            return self._lose(link, silent, since)
        self._end_suspicion("silent")
        link.over = True
        self._link = None
        self._spawn(self._drop(link), "drop")
        self._spawn(self._give_up_on(silent), "give up")

    async def _give_up_on(self, error: SonicError) -> None:
        await self._caller.fault(error)
        await self._give_up(error)

    def _resume_answer(self) -> None:
        """What cut Carlos off had no words: he goes on with what he was saying."""
        if not self._conversation.cut_off:
            return
        if self._uplink.speaking or self._conversation.watch.owed is not Owed.NOTHING:
            self._later("resume answer", 1.0, self._resume_answer)
        else:
            self.send_text(RESUME_ANSWER_CUE)

    def _later(self, name: str, seconds: float, do: Callable[[], object]) -> None:
        """Start a timer; one of a name replaces the one before."""
        if (timer := self._timers.pop(name, None)) is not None:
            timer.cancel()
        self._timers[name] = self._loop.call_later(seconds, self._due, name, do)

    def _due(self, name: str, do: Callable[[], object]) -> None:
        self._timers.pop(name, None)
        if not self._closing:
            do()

    # --- tasks ---------------------------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        return self._tasks.create(work, f"sonic session: {name}")

    def _on_crash(self, task: asyncio.Task[Any], error: BaseException) -> None:
        """No task dies unseen: an error of ours is a fault that is recovered from like any other, a few times."""
        logger.opt(exception=error).error("{} failed", task.get_name())
        if self._closing or self._given_up:
            return
        self._crashes += 1
        fault = SonicLost(f"{task.get_name()} failed: {error!r}", f"{task.get_name()} failed: {error_text(error)}")
        self._end_suspicion("failed")
        if self._crashes > MAX_CRASHES:
            self._spawn(self._give_up(fault), "give up")
            return
        if task.get_name().endswith(": send"):
            self._spawn(self._send_loop(), "send")
            self._wake.set()
        if self._link is not None:
            self._lose(self._link, fault)
        elif not self._recovering:
            self._spawn(self._recover(fault), "recover")
