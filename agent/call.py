"""One call, from ring to hang-up.

ring      the Sonic stream and the pipeline start at once, while the line is already being read
talk      caller audio -> Sonic; answers -> the line; tools -> the toolbox; marks -> what was heard
fault     the session reconnects by itself; an answer that is late is excused for; when no stream can be had, the
          caller hears an apology and the line ends
barge-in  at the first sign of speech the line holds its breath: words end what it was saying, a cough or an "ajá" does
          not, even where the model itself has stopped; a key ends it at once
silence   who says nothing is asked whether he is there, twice, and then said goodbye to
limit     the last minute is told; then Carlos says goodbye
hold      a caller who is on hold at the far end is not asked whether he is there; what he did not hear is kept for him
cut       the line or the process dies under the call: another `Call` goes on with its log and its tools' memory
goodbye   the model says goodbye and asks to hang up, in either order; the line ends when the goodbye has been heard
hang-up   nothing of the call is left behind: no task, no stream, no pipeline; the record is complete
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from loguru import logger
from pipecat.frames.frames import TTSAudioRawFrame, TTSStoppedFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.utils.text.base_text_aggregator import TextType
from pipecat.workers.runner import WorkerRunner

from agent import passing_on
from agent.answer_times import AnswerTimes, SpeechEnd
from agent.barge_in import HOLD_S, BargeIn
from agent.barge_in import State as BargeInState
from agent.call_events import known_tool
from agent.call_recording import NOTICE_ANSWER, CallRecording, RecordingSetup
from agent.call_state import TRANSITIONS, CallMove, CallState
from agent.end_reason import end_of
from agent.ending import FIRST_ANSWER, Ending
from agent.ending import State as EndingState
from agent.filler import (
    ARE_YOU_THERE,
    NO_ANSWER_GOODBYE,
    ONE_MINUTE_LEFT,
    ONE_MOMENT,
    STILL_HERE,
    TIME_IS_UP,
    Clip,
    clip,
)
from agent.floor import Due, Floor, FloorTimes, Sound
from agent.keypad import PERSON, Keypad
from agent.line import (
    INPUT_RATE,
    OUTPUT_RATE,
    CallerAudio,
    CallerAway,
    CallerBack,
    CallerDigit,
    CallerText,
    Line,
    LineDropped,
    MarkBack,
)
from agent.metering import MeasuredOpener, MeasuredSink, Meter
from agent.misunderstandings import Misunderstandings
from agent.passing_on import NOTHING_IN_PARTICULAR, TRANSFERRING, Cause, PassOn, Reasons
from agent.persona.line_cues import MINUTE_LEFT_CUE, STILL_THERE_CUE
from agent.persona.line_tools import HANG_UP, TO_PERSON, hang_up_result, to_person_tool
from agent.persona.prompt import Persona, system_prompt, tool_schema
from agent.pipeline import LineInput, LineOutput
from agent.pipeline_frames import SpokenBlock
from agent.playout import Played
from agent.sonic.breaker import Breaker
from agent.sonic.errors import SonicError, SonicThrottled
from agent.sonic.events import ToolSpec, Usage
from agent.sonic.opening import RESUME_CUE, History, SonicConfig
from agent.sonic.service import SonicService
from agent.sonic.session import Opener
from agent.transcript import CallTranscript, cut_words
from common import metrics
from common.spanish.backchannel import is_backchannel
from common.spanish.consent import Consent, consent
from common.tasks import TaskSet
from common.times import Clock, utcnow
from data.call_flags import DEAD_AIR, MOST_MOMENTS
from tools.tool import Tool as BusinessTool
from tools.toolbox import ToolOutcome

MAX_KEPT_ARGUMENTS = 8000  # characters of a tool's arguments that a record keeps; an order of 20 items has 4,000
MAX_CALL_S = 900.0
LIMIT_GOODBYE_S = 60.0  # for the goodbye at the limit; then the line ends in mid-word
SILENCE_FRAME_S = 0.02
SILENCE_FRAME = bytes(int(INPUT_RATE * SILENCE_FRAME_S) * 2)
LAST_WORDS_S = 2.0  # for the transcript of what a caller said just before he hung up
JUST_SPOKE_S = 4.0  # before the end: his words may not have come yet
TEAR_DOWN_S = 2.0
LINE_END_S = 5.0  # for a peer that has stalled to take our goodbye
WORDS_S = 2.0  # after a voice: its words may still come
SAYING = frozenset({CallState.ANSWERING, CallState.TOOL_PENDING})  # "ajá" accompanies what Carlos says
LEAVING = frozenset({CallState.CLOSING, CallState.APOLOGISING, CallState.OVER})  # nothing is asked any more
MOST_TOOLS = 8  # between two of the caller's words
TOOL_LOOP = 12  # a model that goes on after being told so often that it is enough is not listening
TOO_MANY_TOOLS = {
    "success": False,
    "code": "too_many_tools",
    "message": "Fueron muchas consultas seguidas.",
    "next": "Contale al cliente lo que sabés hasta acá y preguntale cómo quiere seguir.",
}
APOLOGY = "Perdón, tengo un problema técnico y no puedo seguir con la llamada. Probá de nuevo en unos minutos."


class CallObserver(Protocol):
    """What a line shows of a conversation beside its audio. Never waits and never fails."""

    def user_transcript(self, text: str) -> None: ...  # the caller's words, spoken or typed
    def planned(self, text: str) -> None: ...  # what Carlos is about to say
    def played(self, part: Played) -> None: ...  # what was heard of it
    def tool_used(self, tool_use_id: str, name: str, arguments: str) -> None: ...
    def used(self, usage: Usage) -> None: ...


class NullObserver:
    """The audience of a phone."""

    def user_transcript(self, text: str) -> None: ...
    def planned(self, text: str) -> None: ...
    def played(self, part: Played) -> None: ...
    def tool_used(self, tool_use_id: str, name: str, arguments: str) -> None: ...
    def used(self, usage: Usage) -> None: ...


class Toolbox(Protocol):
    """The business's tools for one call: `tools.toolbox.Toolbox`, or a double of it."""

    @property
    def specs(self) -> Sequence[BusinessTool]: ...
    async def run(self, name: str, arguments: str, *, tool_use_id: str) -> ToolOutcome: ...
    def caller_spoke(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class CallSetup:
    """What a call is made with. `sonic` makes the stream's configuration from a prompt and tools; `earlier` is
    what the model is told of a conversation before this one, and no part of the record."""

    opener: Opener
    toolbox: Toolbox
    sonic: Callable[[str, tuple[ToolSpec, ...]], SonicConfig]
    max_call_s: float = MAX_CALL_S
    times: FloorTimes = FloorTimes()
    clock: Clock = utcnow
    on_change: Callable[[CallTranscript], None] = field(default=lambda log: None)  # the record has grown
    observer: CallObserver = NullObserver()  # noqa: RUF009 - it has no state
    earlier: History = ()
    recording: RecordingSetup | None = None  # if the call is recorded
    breaker: Breaker | None = None  # the Region's, for its streams to Sonic
    persona: Persona = "original"
    facts: Callable[[], str] = str  # what the model has to know of the business, a short line each
    reasons: Reasons = lambda: None  # for which a person could take the caller now
    callbacks: bool = False  # whether one who is not taken can ask to be called
    hangs_up: bool = False  # whether Carlos ends a browser's call after the goodbye, as he does a phone's


class Call:
    """A live call. `run` returns its outcome: completed, caller_left, inactivity, too_long, failed, dropped, drained,
    closed, or a word of the line's own. With a log that has turns already, it goes on where they end."""

    def __init__(self, log: CallTranscript, line: Line, setup: CallSetup) -> None:
        self.log = log
        self._line = line
        self._setup = setup
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[str] = self._loop.create_future()
        self._tasks = TaskSet(self._on_crash)
        self.state = CallState.RESUMING if log.turn else CallState.GREETING
        self._keypad = Keypad(setup.times.keypad_pause_s)
        self._ending = Ending(setup.times.goodbye_grace_s)
        self._timers: dict[Callable[[], None], asyncio.TimerHandle] = {}
        self._tools_in_a_row = self._tools_pending = 0
        self._barge_in = BargeIn()
        self._speech: SpeechEnd | None = None  # the caller's last, if nothing of Carlos answers it yet
        # A tool answered, or the line was cut, and nothing of Carlos was heard since.
        self._untold = self.state is CallState.RESUMING
        self._pass_on: PassOn | None = None  # to a person, once that has been said
        self._misunderstood = Misunderstandings()
        self._answered = False  # Carlos has begun to answer the caller's last words
        self._planned = ""  # his latest sentence
        self._asked = False  # the caller has heard a question since his last words
        self._proposed = False  # what a tool said last waits for his answer
        self._own_answer = FIRST_ANSWER  # what was said last without the model; counted down
        self._asked_whether_there = False
        self._away_since: float | None = None  # the caller is on hold
        self._left = ""  # what the call had come to when the caller hung up
        self._words_at = 0.0
        self._words_came = asyncio.Event()
        self._began, self._age_s = self._loop.time(), log.age_s
        self._floor = self._floor_of(line)
        self._hangs_up = line.kind == "phone" or setup.hangs_up
        self._runner = WorkerRunner(handle_sigint=False)

        config = self._configured()
        self._meter = Meter()
        opener = MeasuredOpener(setup.opener, self._meter)
        self._service = SonicService(opener, config, self, self._run_tool, setup.breaker)
        self._input = LineInput(config.input_rate, self._service.session.send_audio)
        sink = MeasuredSink(line.sink, self._meter)
        self._answer_times = AnswerTimes(config.input_rate, sink.rate)
        sink.ears.append(self._on_sound)
        self._output = LineOutput(sink, config.output_rate, self._on_played)
        self._recording = CallRecording(setup.recording, sink.rate, log, self._output.say, self._output.fill)
        if setup.recording is not None:
            sink.ears.append(self._recording.carlos)

    def _floor_of(self, line: Line) -> Floor:
        """A browser's page shows that nobody speaks, and its line has limits of its own."""
        times, limit_at = self._setup.times, self._began + self._setup.max_call_s - self.log.age_s
        if line.kind == "phone":
            return Floor(times, self._began, limit_at)
        return Floor(replace(times, silence_prompt_s=None), self._began, None)

    # --- the story ------------------------------------------------------------------------------------------

    async def run(self) -> str:
        """Hold the call to its end; always leaves a finished record."""
        outcome = "failed"
        pipeline: asyncio.Task[None] | None = None
        self._setup.on_change(self.log)  # a crash leaves a record that says so
        try:
            self._tasks.create(self._listen())  # first: the caller's first frame is there already
            self._service.session.start()
            self._recording.begin()
            self._look()
            if self.state is CallState.RESUMING:
                self._service.session.send_text(self._resume_cue())
            pipeline = self._tasks.create(self._run_pipeline())
            outcome = await asyncio.wait_for(asyncio.shield(self._over), self._longest_s())
        except TimeoutError:
            outcome = "too_long"
        except asyncio.CancelledError:
            outcome = "drained"
            raise
        finally:
            await self._tear_down(outcome, pipeline)
        return outcome

    def _longest_s(self) -> float:
        goodbye_s = LIMIT_GOODBYE_S if self._line.kind == "phone" else 0.0
        return self._setup.max_call_s + goodbye_s - self.log.age_s

    async def _run_pipeline(self) -> None:
        pipeline = Pipeline([self._input, self._service, self._output])
        worker = PipelineWorker(
            pipeline,
            params=PipelineParams(audio_in_sample_rate=INPUT_RATE, audio_out_sample_rate=OUTPUT_RATE),
            enable_rtvi=False,
            enable_turn_tracking=False,
            idle_timeout_secs=None,
        )
        await self._runner.add_workers(worker)
        try:
            await self._runner.run()
        finally:  # cut off in the middle of its end, it leaves tasks of its bus waiting for ever
            for subscriber in (self._runner, worker):
                await self._runner.bus.unsubscribe(subscriber)
        self._finish("failed")

    async def _listen(self) -> None:
        try:
            async for event in self._line.events():
                match event:
                    case CallerAudio(pcm):
                        await self._take_audio(pcm)
                    case MarkBack(mark):
                        self.mark_returned(mark)
                    case CallerDigit(digit):
                        self._press(digit)
                    case CallerText(text):
                        self._type(text)
                    case CallerAway():
                        await self._caller_away()
                    case CallerBack():
                        self._caller_back()
        except LineDropped as dropped:
            if self.state is not CallState.OVER:  # our own close of the line ends it, too
                self.log.note(dropped=str(dropped))
            self._finish(dropped.outcome)
        else:
            await self._caller_hung_up()

    async def _caller_hung_up(self) -> None:
        """What was played up to now was heard, and no more; his last words are waited for, if he has just spoken: they
        are why people call back. Silence is what makes the model end his turn."""
        self._left = "caller_left" if self._outcome == TRANSFERRING else self._ending.outcome
        self._output.settle()
        self._output.hold()
        voice_at, now = self._service.session.voice_until, self._loop.time()
        if self.state is not CallState.OVER and max(self._words_at, now - JUST_SPOKE_S) < voice_at:
            self._words_came.clear()
            for _ in range(round(LAST_WORDS_S / SILENCE_FRAME_S)):
                self._service.session.send_audio(SILENCE_FRAME)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._words_came.wait(), LAST_WORDS_S)
        self._finish(self._left)

    async def _caller_away(self) -> None:
        """He hears nothing: what was being said counts as unheard from here on, and no time runs but the call's own."""
        if self._away_since is not None or self.state is CallState.OVER:
            return
        self._away_since = self._loop.time()
        self._speech = None  # his last words are answered when he is back, and that is no answer time
        self._answer_times.forget()
        self._floor.caller_away()
        self._on_ending_moved()
        self.log.away()
        await self._output.caller_away()
        self._look()

    def _caller_back(self) -> None:
        if self._away_since is None or self.state is CallState.OVER:
            return
        self._note_hold()
        self.log.back()
        now = self._loop.time()
        self._floor.caller_back(now)
        if self._ending.stoppable:
            self._ending.wait_anew(now)
        self._on_ending_moved()
        self._output.caller_back()
        self._look()

    def _note_hold(self) -> None:
        if self._away_since is not None:
            seconds, self._away_since = self._loop.time() - self._away_since, None
            self.log.on_hold(seconds)

    async def _take_audio(self, pcm: bytes) -> None:
        self._meter.delivered()
        self._answer_times.caller(pcm, self._loop.time())
        self._recording.caller(pcm)
        await self._input.deliver(pcm)

    async def _tear_down(self, outcome: str, pipeline: asyncio.Task[None] | None) -> None:
        self._move(CallMove.ENDED)
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        await self._recording.end()
        self._note_hold()
        self._output.settle()
        self.log.note(**end_of(outcome, caller_hung_up=bool(self._left)))
        self.log.end(outcome)
        goodbye = self._tasks.create(self._line.end(outcome))
        await asyncio.sleep(0)  # what the line notes of itself belongs into the record
        self._setup.on_change(self.log)
        await self._service.close()
        if pipeline is not None:
            await self._runner.cancel()
            await asyncio.wait({pipeline}, timeout=TEAR_DOWN_S)
        await asyncio.wait({goodbye}, timeout=LINE_END_S)
        await self._tasks.cancel()

    def _finish(self, outcome: str) -> None:
        if self.state is not CallState.OVER:
            self._move(CallMove.ENDED)
            outcome = self._left or outcome
            if outcome == TRANSFERRING and self._pass_on is not None:
                self.log.note(transfer=self._pass_on.note)
            self._over.set_result(outcome)

    def _move(self, move: CallMove) -> None:
        """Go where the table says. A move that it does not have is told to the log, and never to the caller."""
        if self.state is CallState.OVER:
            return
        state = TRANSITIONS[self.state].get(move)
        if state is None:
            logger.warning("a call that is {} has no move for {}", self.state.name, move.name)
        elif state is not self.state:
            logger.debug("the call is {}", state.name)
            self.state = state

    def mark_returned(self, mark: str) -> None:
        """The line played what came before this mark."""
        self._output.mark_returned(mark)

    async def hang_up(self, outcome: str = "closed") -> None:
        """End the call from outside: an operator ("closed"), or a server that must go ("drained")."""
        self._finish(outcome)

    # --- what the caller does -------------------------------------------------------------------------------

    def _press(self, digit: str) -> None:
        """The first key interrupts, as a word does; a '*' that clears nothing does nothing."""
        if self._recording.key():
            return
        if digit != "*" or self._keypad.gathering:
            self._stop_ending()
            self._tasks.create(self._be_silent())
        self._enter(self._keypad.press(digit, self._loop.time()))

    def _on_keypad_pause(self) -> None:
        self._enter(self._keypad.pause(self._loop.time()))

    def _enter(self, entry: str | None) -> None:
        self._wake_at(self._keypad.due, self._on_keypad_pause)
        if entry in PERSON:
            self._ask_for_person(Cause.KEYPAD)
        elif entry is not None:
            self._type(f"[DTMF] {entry}")

    def _type(self, text: str) -> None:
        """Text answers like speech does: what Carlos was saying is cut off."""
        if self.state in LEAVING:
            return
        self._stop_ending()
        self._take_turn(text, spoken=False)
        self._tasks.create(self._be_silent())
        self._service.session.send_text(text)

    async def _be_silent(self) -> None:
        """Cut off what Carlos was saying; in the middle of an entry the model, which knows nothing of it yet, may add
        to that, and is not heard."""
        if self.state in LEAVING:
            return
        if self._output.playing:
            await self._service.interrupt()
        if self._keypad.gathering:
            self._output.hold()
        elif not self._barge_in.waiting:
            self._output.release()

    def _stop_ending(self) -> None:
        """The caller has more to say."""
        if self.state is not CallState.ENDING:
            return
        self._pass_on = None
        if self._ending.state is EndingState.NO_ANSWER and self._output.playing:
            self._tasks.create(self._output.clear())
        self._ending.caller_spoke(self._loop.time())
        self._on_ending_moved()
        self._move(CallMove.CALLER_SPOKE)

    # --- what Sonic tells (agent.sonic.service.Listener) ----------------------------------------------------

    @property
    def talking(self) -> bool:
        return self._output.playing

    @property
    def sounding(self) -> bool:
        return self._barge_in.waiting or self._output.audible_until > self._loop.time()

    def history(self) -> History:
        return [*self._setup.earlier, *self.log.history()]

    def instructions(self) -> str:
        """A stream that is opened in mid-call is told the time, and the facts of the business, of now."""
        return self._configured().system

    def _configured(self) -> SonicConfig:
        own_tools: tuple[ToolSpec, ...] = (HANG_UP,) if self._hangs_up else ()
        if (reasons := self._reasons()) is not None:
            own_tools += (to_person_tool(reasons),)
        tools, persona = self._setup.toolbox.specs, self._setup.persona
        specs = tuple(ToolSpec(spec.name, spec.description, tool_schema(spec.input_schema, persona)) for spec in tools)
        kind, facts = self._line.kind, self._setup.facts()
        system = system_prompt(kind, self._setup.clock(), persona, facts, hangs_up=self._hangs_up)
        return self._setup.sonic(system, specs + own_tools)

    def user_speech_started(self) -> None:
        self._speech = None
        self._answer_times.forget()
        self._recording.speech_began()
        if self._output.playing:
            self._hold()

    def user_speech_ended(self, speech: SpeechEnd) -> None:
        self._speech = speech
        self._barge_in.speech_ended(self._loop.time())

    def _hold(self) -> None:
        """Somebody speaks while Carlos does: he waits for what it was. Words come as a transcript."""
        if not self._barge_in.waiting:
            self._output.hold()
            self._meter.block_ended()
        self._barge_in.speech_began(self._loop.time())
        self._wake_at(self._barge_in.due, self._on_words_late)

    def _on_words_late(self) -> None:
        if self._barge_in.late(self._loop.time(), speaking=self._service.session.caller_speaking):
            self._release_line()
        self._wake_at(self._barge_in.due, self._on_words_late)

    def _end_hold(self) -> None:
        self._barge_in.words(self._loop.time())
        self._wake_at(None, self._on_words_late)

    def _release_line(self) -> None:
        if not self._keypad.gathering:
            self._output.release()

    def goes_on(self, text: str) -> bool:
        """Return True for words that only accompany what Carlos is saying; nothing is one that may be an answer, to a
        question that was heard or begun, or to a tool's proposal."""
        asked = self._asked or self._proposed or _asks(self._output.heard_so_far)
        return not asked and self.state in SAYING and is_backchannel(text)

    @property
    def tells_result(self) -> bool:
        return self._untold or self._tools_pending > 0

    def keeps(self) -> bool:
        """The model broke off what it was saying, for words or for a noise. Return True if what was not heard is to be
        kept until that is known. A browser's protocol promises that nothing of the old answer follows."""
        if self._line.kind != "phone":
            return False
        self._barge_in.broken_off(self._loop.time())
        self._wake_at(self._barge_in.due, self._on_words_late)
        return True

    @property
    def undecided(self) -> bool:
        return self._barge_in.state is BargeInState.BROKEN_OFF

    def finishes(self) -> bool:
        """The model broke off what it was saying. Return True if what has come of it is to be heard all the same,
        unless words follow: a cough in a goodbye is no reason to leave the caller in silence."""
        if self.state is not CallState.ENDING or not self._ending.stoppable:
            return False
        self._ending.cut(self._loop.time())
        self._on_ending_moved()
        if self._output.playing:
            self._hold()
        return True

    def user_transcript(self, text: str) -> None:
        self._words_at = self._loop.time()
        self._words_came.set()
        is_passed_on = self._pass_on is not None and self.state is CallState.ENDING
        stays = is_passed_on and not passing_on.takes_it_back(text)
        if not stays:
            self._stop_ending()
        if self._barge_in.waiting and self._output.playing:  # the words took no floor
            self._release_line()
        self._end_hold()
        if not stays:
            self._move(CallMove.CALLER_SPOKE)
        self._take_turn(text)

    def _take_turn(self, text: str, *, spoken: bool = True) -> None:
        """The caller's word. It is no answer to a tool's proposal until something of Carlos was heard after it:
        one utterance transcribed in two pieces must not be a request and its confirmation. Nor is a "sí" to the
        question whether he is there."""
        says_he_is_there = self._asked_whether_there and consent(text) is Consent.YES
        if not (self._untold or says_he_is_there):
            self._setup.toolbox.caller_spoke(text)
        self._asked_whether_there = False
        self._tools_in_a_row = 0
        self._answered = self._asked = False
        self._proposed &= is_backchannel(text)  # a "sí" may have been its answer, and may not
        self._recording.spoke(text)
        self._speech = (self._speech or SpeechEnd()) if spoken else None
        self._floor.understood(self._loop.time(), spoken=spoken)
        if spoken:
            self._keypad.answered()
        self.log.user_transcript(text)
        self._setup.on_change(self.log)
        self._setup.observer.user_transcript(text)

    def planned(self, answer: int, block: int, text: str) -> None:
        """Text that Carlos is about to say; it counts when it has been heard."""
        self._planned = text
        self._recording.plans(text)
        self._setup.observer.planned(text)

    def first_audio(self, answer: int) -> None:
        self._meter.answer_began()
        self._recording.answered()
        self._floor.answer_began()
        self._keypad.answered()
        self._answered = True
        if answer == 1 and self.state is CallState.GREETING:
            greeting_s = self._loop.time() - self._began
            metrics.GREETING_LATENCY.observe(greeting_s)
            self.log.note(greeting_ms=round(greeting_s * 1000))
        self._begin_to_answer()
        if self.state is CallState.ENDING:
            self._ending.audio(self._loop.time())
            self._on_ending_moved()
        self._move(CallMove.ANSWER_BEGAN)

    def _begin_to_answer(self) -> None:
        """The next sound answers what the caller said last."""
        if self._speech is not None:
            self._answer_times.expect(self._speech)
            self._speech = None

    def _on_sound(self, pcm: bytes) -> None:
        """This is played to the caller."""
        if (time := self._answer_times.carlos(pcm, self._loop.time())) is not None:
            self.log.answered(time)

    def interrupted(self, answer: int) -> None:
        self._end_hold()
        self._move(CallMove.INTERRUPTED)
        self.log.interrupted()

    def used(self, usage: Usage) -> None:
        self.log.used(usage)
        self._setup.observer.used(usage)

    async def fault(self, error: SonicError) -> None:
        logger.warning("sonic fault: {} {}", type(error).__name__, error)
        metrics.SONIC_FAULTS.add(kind=type(error).__name__)
        metrics.SONIC_THROTTLES.add(int(isinstance(error, SonicThrottled)))
        self.log.fault(f"{type(error).__name__}: {error.detail}", f"{type(error).__name__}: {error}")
        await self._service.stream_lost()

    def suspected(self, outcome: str) -> None:
        logger.info("sonic stream suspected: {}", outcome)
        metrics.SONIC_SUSPICIONS.add(outcome=outcome)
        self.log.note(suspicions={**self.log.notes.get("suspicions", {}), outcome: self._suspicions(outcome) + 1})

    def _suspicions(self, outcome: str) -> int:
        return int(self.log.notes.get("suspicions", {}).get(outcome, 0))

    def audio_lost(self, milliseconds: float) -> None:
        self.log.note(audio_lost_ms=self.log.notes.get("audio_lost_ms", 0) + round(milliseconds))

    def rotated(self, age_s: float) -> None:
        logger.info("sonic stream rotated after {:.0f} s", age_s)
        metrics.ROTATIONS.add()
        self.log.note(rotations=self.log.notes.get("rotations", 0) + 1)

    async def lost(self, error: SonicError) -> None:
        """No stream can be had: the caller hears why, and the line goes on to whatever comes after us."""
        logger.error("sonic is lost: {} {}", type(error).__name__, error)
        metrics.UNSERVED_CALLS.add()
        if self.state not in LEAVING and self._passes_on(Cause.MODEL_DOWN):
            self._begin_passing_on(NOTHING_IN_PARTICULAR, Cause.MODEL_DOWN)
            self._finish(TRANSFERRING)  # the line says so itself
        else:
            self._tasks.create(self._apologise())

    async def _apologise(self) -> None:
        """Say so to the last word, behind what is still to be played; nothing that the caller does cuts it off."""
        pcm, rate = apology_audio()
        self._move(CallMove.SONIC_LOST)
        if self.state is not CallState.APOLOGISING:
            return  # it says goodbye already
        self._ending.lost(self._loop.time(), len(pcm) / 2 / rate)
        self._on_ending_moved()
        self._output.release()
        await self._say(APOLOGY, pcm)

    # --- the clock of the floor -------------------------------------------------------------------------------

    def _sound(self) -> Sound:
        session, now = self._service.session, self._loop.time()
        return Sound(
            carlos_until=now + HOLD_S if self._barge_in.waiting else self._output.audible_until,
            caller_until=session.voice_until,
            owed=session.owes_answer or self.state in (CallState.GREETING, CallState.RESUMING),
            tool=self._tools_pending > 0,
            keying=self._keypad.gathering,
        )

    def _look(self) -> None:
        """Do what is due when nobody takes the floor."""
        if self.state is CallState.OVER:
            return
        while (due := self._floor.look(self._loop.time(), self.state, self._sound())) is not None:
            self._do(due)
        self._note_dead_air()
        self._wake_at(self._floor.due, self._look)

    def _note_dead_air(self) -> None:
        for began in self._floor.take_dead_air():
            known, at_s = self.log.notes.get(DEAD_AIR, []), self._age_s + began - self._began
            self.log.note(**{DEAD_AIR: [*known, round(at_s * 1000)][:MOST_MOMENTS]})

    def _do(self, due: Due) -> None:
        match due:
            case Due.FILLER:
                self._fill(ONE_MOMENT.pcm if self._floor.fillers == 1 else STILL_HERE.pcm)
            case Due.STILL_THERE:
                self._asked_whether_there = True
                self._service.session.send_cue(STILL_THERE_CUE)
            case Due.WARNING:
                self._service.session.send_cue(MINUTE_LEFT_CUE)
            case Due.STILL_THERE_CLIP:
                self._tasks.create(self._say_clip(ARE_YOU_THERE))
            case Due.WARNING_CLIP:
                self._tasks.create(self._say_clip(ONE_MINUTE_LEFT))
            case Due.NO_ANSWER:
                self._move(CallMove.HANG_UP_ASKED)
                self._ending.silent(self._loop.time(), NO_ANSWER_GOODBYE.seconds)
                self._on_ending_moved()
                self._tasks.create(self._say_clip(NO_ANSWER_GOODBYE))
            case Due.TIME_UP:
                self._move(CallMove.TIME_UP)
                self._ending.time_up(self._loop.time(), TIME_IS_UP.seconds)
                self._on_ending_moved()
                self._tasks.create(self._close_at_the_limit())

    async def _close_at_the_limit(self) -> None:
        """Whoever is speaking has had time to finish: the model is hung up on first, so that it says nothing more."""
        await self._service.session.close()
        await self._output.clear()
        await self._say_clip(TIME_IS_UP)

    async def _say_clip(self, clip: Clip) -> None:
        metrics.FILLERS.add()
        await self._say(clip.text, clip.pcm)

    async def _say(self, text: str, pcm: bytes) -> None:
        """Say something without the model: a turn of the record like any other. 16-bit mono at OUTPUT_RATE."""
        self._own_answer -= 1
        self._begin_to_answer()
        self._setup.observer.planned(text)
        block = SpokenBlock(text, TextType.SENTENCE, answer=self._own_answer, block=1)
        await self._output.queue_frame(block)
        await self._output.queue_frame(TTSAudioRawFrame(pcm, OUTPUT_RATE, 1))
        await self._output.queue_frame(TTSStoppedFrame())

    def _fill(self, pcm: bytes) -> None:
        metrics.FILLERS.add()
        self.log.note(fillers=self.log.notes.get("fillers", 0) + 1)
        self._begin_to_answer()
        self._output.fill(pcm)

    # --- tools ----------------------------------------------------------------------------------------------

    async def _run_tool(self, name: str, arguments: str, tool_use_id: str) -> dict[str, Any]:
        if name == HANG_UP.name and self._hangs_up:
            return await self._begin_goodbye()
        if name == TO_PERSON and self._line.kind == "phone":
            return await self._pass_on_as(str(_readable(arguments).get("reason", "")), Cause.ASKED)
        self._tools_in_a_row += 1
        if self._tools_in_a_row > MOST_TOOLS:
            return self._enough(name)
        self._setup.observer.tool_used(tool_use_id, name, arguments)
        self._tools_pending += 1
        self._move(CallMove.TOOL_CALLED)
        self._floor.tool_called(self._loop.time())
        self._look()
        outcome = await self._setup.toolbox.run(name, arguments, tool_use_id=tool_use_id)
        self._recording.tool_answered(outcome.result)
        self._untold = True
        self._proposed = bool(outcome.result.get("confirmation_required") or outcome.result.get("question"))
        self._tools_pending -= 1
        if not self._tools_pending:
            self._move(CallMove.TOOLS_ANSWERED)
        self.log.tool(
            name,
            tool_use_id,
            _readable(arguments),
            outcome.result,
            ok=outcome.ok,
            elapsed_ms=outcome.elapsed_ms,
        )
        self._setup.on_change(self.log)
        if outcome.result.get("code") == "call_locked" and self._passes_on(Cause.LOCKED):
            return await self._pass_on_as(NOTHING_IN_PARTICULAR, Cause.LOCKED)
        return outcome.result

    def _enough(self, name: str) -> dict[str, Any]:
        """A model that asks and asks is told to speak; one that does not listen is given up."""
        logger.warning("tool {} is the {}. in a row", known_tool(name), self._tools_in_a_row)
        if self._tools_in_a_row > TOOL_LOOP:
            self._service.session.fail(f"{self._tools_in_a_row} tools in a row")
        return TOO_MANY_TOOLS

    # --- goodbye --------------------------------------------------------------------------------------------

    async def _begin_goodbye(self) -> dict[str, Any]:
        """What Carlos has said since the caller's last words was his goodbye, unless it was a question; if he has said
        nothing, it comes now."""
        self._pass_on = None
        said = self._has_said_it
        await self._begin_ending(said=said)
        return hang_up_result(goodbye_said=said)

    @property
    def _has_said_it(self) -> bool:
        return self._answered and not self._planned.rstrip().endswith("?")

    async def _begin_ending(self, *, said: bool) -> None:
        self._move(CallMove.HANG_UP_ASKED)
        stays = self._pass_on is None
        self._ending.hang_up(self._loop.time(), self._service.answer, goodbye_said=said, stays=stays)
        self._on_ending_moved()
        if said:
            self._service.session.goodbye_said()
            await self._service.end_answer()  # no later block will

    # --- a person -------------------------------------------------------------------------------------------

    @property
    def _outcome(self) -> str:
        """What the call has come to if it is ended here and now."""
        outcome = self._ending.outcome
        return TRANSFERRING if self._pass_on is not None and outcome == "completed" else outcome

    def _reasons(self) -> Sequence[str] | None:
        """For which a person could take this caller now; None where that cannot be done."""
        often = passing_on.count_of(self.log.notes) >= passing_on.MOST_TRANSFERS
        return None if self._line.kind != "phone" or often else self._setup.reasons()

    def _passes_on(self, cause: Cause) -> bool:
        """Whether this alone is enough to pass the caller on: once, where nobody takes them."""
        return self._reasons() is not None and self.log.notes.get(passing_on.NOTE, {}).get("cause") != cause

    def _begin_passing_on(self, reason: str, cause: Cause) -> None:
        self._pass_on = PassOn(reason[:40], cause, passing_on.count_of(self.log.notes) + 1)

    async def _pass_on_as(self, reason: str, cause: Cause) -> dict[str, Any]:
        """The model passes the caller on, or is told that it must: the line ends when the caller has heard of it."""
        if self._reasons() is None:
            return passing_on.nobody_result(callbacks=self._setup.callbacks)
        self._begin_passing_on(reason, cause)
        said = cause is Cause.ASKED and self._has_said_it
        await self._begin_ending(said=said)
        return passing_on.passed_on_result(cause, said=said)

    def _ask_for_person(self, cause: Cause) -> None:
        """The same without the model's asking: the caller pressed 0, or was not understood again and again."""
        if self.state in LEAVING or self._pass_on is not None:
            return
        if cause is Cause.KEYPAD:
            self._take_turn("[DTMF] 0", spoken=False)
        self._tasks.create(self._be_silent())
        if self._reasons() is None:
            self._service.session.send_text(passing_on.nobody_cue(callbacks=self._setup.callbacks))
            return
        self._begin_passing_on(NOTHING_IN_PARTICULAR, cause)
        self._tasks.create(self._begin_ending(said=False))
        self._service.session.send_text(passing_on.TO_PERSON_CUE)

    def _resume_cue(self) -> str:
        cue = passing_on.returned_cue(self.log.notes, callbacks=self._setup.callbacks)
        if cue is None:
            return RESUME_CUE
        self.log.note(transfer={**self.log.notes[passing_on.NOTE], "told": True})
        return cue

    def _on_ending_late(self) -> None:
        now, session = self._loop.time(), self._service.session
        speaking = session.caller_speaking or now - session.voice_until < WORDS_S or self._keypad.gathering
        self._ending.late(now, self._service.answer, playing=self._output.playing, speaking=speaking)
        self._on_ending_moved()

    def _on_ending_moved(self) -> None:
        stands_still = self._away_since is not None and self._ending.stoppable
        self._wake_at(None if stands_still else self._ending.due, self._on_ending_late)
        if self._ending.over:
            self._finish(self._outcome)

    def _on_played(self, part: Played) -> None:
        if part.answer == NOTICE_ANSWER:  # no word of the model's
            self._recording.notice_played(part)
            self._setup.on_change(self.log)
            return
        if part.answer >= FIRST_ANSWER:
            self._untold = False
        self.log.played(part)
        self._asked |= _asks(cut_words(part.text, part.fraction))
        if self._misunderstood.said(part.answer, part.text) >= passing_on.MISUNDERSTOOD:
            self._misunderstood = Misunderstandings()
            if self._passes_on(Cause.MISUNDERSTOOD):
                self._ask_for_person(Cause.MISUNDERSTOOD)
        if part.last or part.fraction < 1.0:
            self._setup.on_change(self.log)
        self._setup.observer.played(part)
        if part.last and part.fraction == 1.0 and part.answer >= FIRST_ANSWER and self._service.is_whole(part.answer):
            self._service.session.progress()
        if part.last and part.answer == self._service.answer:
            self._move(CallMove.ANSWER_PLAYED)
        self._ending.played(part, self._loop.time(), self._service.answer)
        self._on_ending_moved()

    # --- small things ---------------------------------------------------------------------------------------

    def _wake_at(self, due: float | None, do: Callable[[], None]) -> None:
        """Set the one timer of `do`, or stop it."""
        if (timer := self._timers.pop(do, None)) is not None:
            timer.cancel()
        if due is not None and self.state is not CallState.OVER:
            self._timers[do] = self._loop.call_at(due, do)

    def _on_crash(self, task: asyncio.Task[Any], error: BaseException) -> None:
        logger.opt(exception=error).error("a task of the call failed")
        self._finish("failed")


def _asks(text: str) -> bool:
    """Return True for a question, also for the beginning of one."""
    return "?" in text or "¿" in text


def _readable(arguments: str) -> dict[str, Any]:
    """The model's arguments for the record: an object, or the beginning of whatever they were under one key."""
    try:
        parsed = json.loads(arguments) if len(arguments) <= MAX_KEPT_ARGUMENTS else None
    except (ValueError, RecursionError):
        parsed = None
    return parsed if isinstance(parsed, dict) else {"unreadable": arguments[:200]}


def apology_audio() -> tuple[bytes, int]:
    """The pre-rendered apology: PCM 16-bit mono and its rate in Hz."""
    return clip("apology.wav"), OUTPUT_RATE
