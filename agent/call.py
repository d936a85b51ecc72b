"""One call, from ring to hang-up.

ring      the Sonic stream and the pipeline start at once, while the line is already being read
talk      caller audio -> Sonic; answers -> the line; tools -> the toolbox; marks -> what was heard
fault     the session reconnects by itself; an answer that is late is excused for; when no stream can be had, the
          caller hears an apology and the line ends
barge-in  at the first sign of speech the line holds its breath: words end what it was saying, a cough does not
cut       the line or the process dies under the call: another `Call` goes on with its log and its tools' memory
goodbye   the model says goodbye and asks to hang up, in either order; the line ends when the goodbye has been heard
hang-up   nothing of the call is left behind: no task, no stream, no pipeline; the record is complete
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from loguru import logger
from pipecat.frames.frames import TTSAudioRawFrame, TTSStoppedFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.utils.text.base_text_aggregator import TextType
from pipecat.workers.runner import WorkerRunner

from agent import passing_on
from agent.call_events import known_tool
from agent.call_state import TRANSITIONS, CallMove, CallState
from agent.ending import APOLOGY_ANSWER, Ending
from agent.filler import Filler, clip
from agent.keypad import Keypad
from agent.line import INPUT_RATE, OUTPUT_RATE, CallerAudio, CallerDigit, CallerText, Line, LineDropped, MarkBack
from agent.metering import MeasuredOpener, MeasuredSink, Meter
from agent.misunderstandings import Misunderstandings
from agent.passing_on import NOTHING_IN_PARTICULAR, TRANSFERRING, Cause, PassOn, Reasons
from agent.persona.line_tools import HANG_UP, TO_PERSON, hang_up_result, to_person_tool
from agent.persona.prompt import Persona, system_prompt, tool_schema
from agent.pipeline import LineInput, LineOutput
from agent.pipeline_frames import SpokenBlock
from agent.playout import Played
from agent.recorder import Recorder
from agent.sonic.breaker import CircuitBreaker
from agent.sonic.errors import SonicError, SonicThrottled
from agent.sonic.events import ToolSpec, Usage
from agent.sonic.opening import RESUME_CUE, History, SonicConfig
from agent.sonic.service import SonicService
from agent.sonic.session import Opener
from agent.transcript import CallTranscript
from common import metrics
from common.tasks import TaskSet
from common.times import Clock, utcnow
from tools.tool import Tool as BusinessTool
from tools.toolbox import ToolOutcome

MAX_KEPT_ARGUMENTS = 8000  # characters of a tool's arguments that a record keeps; an order of 20 items has 4,000
MAX_CALL_S = 3600.0
TEAR_DOWN_S = 2.0
LINE_END_S = 5.0  # for a peer that has stalled to take our goodbye
HOLD_S = 1.5  # without words after a sound that Sonic took for speech
HOLD_AFTER_VOICE_S = 0.9  # after our own detector's pause: 1.5 s after the voice itself
LONGEST_HOLD_S = 8.0
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
    clock: Clock = utcnow
    on_change: Callable[[CallTranscript], None] = field(default=lambda log: None)  # the record has grown
    observer: CallObserver = NullObserver()  # noqa: RUF009 - it has no state
    earlier: History = ()
    recording: Path | None = None  # where the call is recorded, if it is
    breaker: CircuitBreaker | None = None  # the process's, for its streams to Sonic
    persona: Persona = "original"
    facts: Callable[[], str] = str  # what the model has to know of the business, a short line each
    reasons: Reasons = lambda: None  # for which a person could take the caller now
    callbacks: bool = False  # whether one who is not taken can ask to be called


class Call:
    """A live call. `run` returns its outcome: completed, caller_left, failed, dropped, drained, too_long, closed, or
    a word of the line's own. With a log that has turns already, it goes on where they end."""

    def __init__(self, log: CallTranscript, line: Line, setup: CallSetup) -> None:
        self.log = log
        self._line = line
        self._setup = setup
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[str] = self._loop.create_future()
        self._tasks = TaskSet(self._on_crash)
        self.state = CallState.RESUMING if log.turn else CallState.GREETING
        self._keypad = Keypad()
        self._ending = Ending()
        self._timers: dict[Callable[[], None], asyncio.TimerHandle] = {}
        self._tools_in_a_row = self._tools_pending = 0
        self._hold_timer: asyncio.TimerHandle | None = None
        self._held_at = self._voice_at = 0.0
        self._speech_ended_at: float | None = None
        # A tool answered, or the line was cut, and nothing of Carlos was heard since.
        self._untold = self.state is CallState.RESUMING
        self._pass_on: PassOn | None = None  # to a person, once that has been said
        self._misunderstood = Misunderstandings()
        self._answered = False  # Carlos has begun to answer the caller's last words
        self._planned = ""  # his latest sentence
        self._began = self._loop.time()
        self._runner = WorkerRunner(handle_sigint=False)

        config = self._configured()
        self._meter = Meter()
        self._recorder = Recorder(setup.recording, line.sink.rate) if setup.recording else None
        opener = MeasuredOpener(setup.opener, self._meter)
        self._service = SonicService(opener, config, self, self._run_tool, setup.breaker)
        self._input = LineInput(config.input_rate, self._service.session.send_audio)
        self._output = LineOutput(
            MeasuredSink(line.sink, self._meter, self._recorder), config.output_rate, self._on_played
        )
        self._filler = Filler(self._fill, self._silence_s)

    # --- the story ------------------------------------------------------------------------------------------

    async def run(self) -> str:
        """Hold the call to its end; always leaves a finished record."""
        outcome = "failed"
        pipeline: asyncio.Task[None] | None = None
        self._setup.on_change(self.log)  # a crash leaves a record that says so
        try:
            self._tasks.create(self._listen())  # first: the caller's first frame is there already
            self._service.session.start()
            self._filler.owed()  # the greeting
            if self.state is CallState.RESUMING:
                self._service.session.send_text(self._resume_cue())
            pipeline = self._tasks.create(self._run_pipeline())
            outcome = await asyncio.wait_for(asyncio.shield(self._over), self._setup.max_call_s - self.log.age_s)
        except TimeoutError:
            outcome = "too_long"
        except asyncio.CancelledError:
            outcome = "drained"
            raise
        finally:
            await self._tear_down(outcome, pipeline)
        return outcome

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
        await self._runner.run()
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
        except LineDropped as dropped:
            if self.state is not CallState.OVER:  # our own close of the line ends it, too
                self.log.note(dropped=str(dropped))
            self._finish(dropped.outcome)
        else:
            self._finish("caller_left" if self._outcome == TRANSFERRING else self._ending.outcome)

    async def _take_audio(self, pcm: bytes) -> None:
        self._meter.delivered()
        if self._recorder is not None:
            self._recorder.caller(pcm)
        await self._input.deliver(pcm)

    async def _tear_down(self, outcome: str, pipeline: asyncio.Task[None] | None) -> None:
        self._filler.answered()
        for timer in (*self._timers.values(), self._hold_timer):
            if timer is not None:
                timer.cancel()
        self._timers.clear()
        if self._recorder is not None:
            await asyncio.to_thread(self._recorder.finish)
            self.log.note(recording=self._recorder.path.name)
        self._output.settle()
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
        self._enter(self._keypad.press(digit, self._loop.time()))

    def _on_keypad_pause(self) -> None:
        self._enter(self._keypad.pause(self._loop.time()))

    def _enter(self, entry: str | None) -> None:
        self._wake_at(self._keypad.due, self._on_keypad_pause)
        if entry is not None:
            self._type(f"[DTMF] {entry}")

    def _type(self, text: str) -> None:
        """Text answers like speech does: what Carlos was saying is cut off."""
        if self.state is CallState.APOLOGISING:
            return
        self._take_turn(text)
        if self._output.playing:
            self._tasks.create(self._service.interrupt())
        self._service.session.send_text(text)

    # --- what Sonic tells (agent.sonic.service.Listener) ----------------------------------------------------

    @property
    def talking(self) -> bool:
        return self._output.playing

    @property
    def sounding(self) -> bool:
        return self._hold_timer is not None or self._output.audible_until > self._loop.time()

    def history(self) -> History:
        return [*self._setup.earlier, *self.log.history()]

    def instructions(self) -> str:
        """A stream that is opened in mid-call is told the time, and the facts of the business, of now."""
        return self._configured().system

    def _configured(self) -> SonicConfig:
        own_tools: tuple[ToolSpec, ...] = (HANG_UP,) if self._line.kind == "phone" else ()
        if (reasons := self._reasons()) is not None:
            own_tools += (to_person_tool(reasons),)
        tools, persona = self._setup.toolbox.specs, self._setup.persona
        specs = tuple(ToolSpec(spec.name, spec.description, tool_schema(spec.input_schema, persona)) for spec in tools)
        system = system_prompt(self._line.kind, self._setup.clock(), persona, self._setup.facts())
        return self._setup.sonic(system, specs + own_tools)

    def user_speech_started(self) -> None:
        self._speech_ended_at = None
        if self._output.playing:
            self._hold()

    def user_speech_ended(self) -> None:
        self._speech_ended_at = self._loop.time()

    def _hold(self) -> None:
        """Somebody speaks while Carlos does: he waits for what it was. Words come as a transcript, and clear it."""
        if self._hold_timer is None:
            self._output.hold()
            self._meter.block_ended()
            self._held_at = self._voice_at = self._loop.time()
            self._hold_timer = self._loop.call_later(HOLD_S, self._release)

    def _release(self) -> None:
        """No words came: Carlos goes on where he was, unless somebody is still speaking."""
        now = self._loop.time()
        if self._service.session.caller_speaking:
            self._voice_at = now
        patient = now - self._held_at < LONGEST_HOLD_S
        if patient and self._voice_at > self._held_at and now - self._voice_at < HOLD_AFTER_VOICE_S:
            self._hold_timer = self._loop.call_later(0.1, self._release)
        else:
            self._hold_timer = None
            self._output.release()

    def user_transcript(self, text: str) -> None:
        if self.state is CallState.ENDING and (self._pass_on is None or passing_on.takes_it_back(text)):
            self._ending.caller_spoke(self._loop.time())
            self._on_ending_moved()
            self._move(CallMove.CALLER_SPOKE)
        elif self.state is not CallState.ENDING:
            self._move(CallMove.CALLER_SPOKE)
        self._take_turn(text)

    def _take_turn(self, text: str) -> None:
        """The caller's word. It is no answer to a tool's proposal until something of Carlos was heard after it:
        one utterance transcribed in two pieces must not be a request and its confirmation."""
        if not self._untold:
            self._setup.toolbox.caller_spoke(text)
        self._tools_in_a_row = 0
        self._answered = False
        self._filler.owed()
        self.log.user_transcript(text)
        self._setup.on_change(self.log)
        self._setup.observer.user_transcript(text)

    def planned(self, answer: int, block: int, text: str) -> None:
        """Text that Carlos is about to say; it counts when it has been heard."""
        self._planned = text
        self._setup.observer.planned(text)

    def first_audio(self, answer: int) -> None:
        self._meter.answer_began()
        self._filler.answered()
        self._answered = True
        if answer == 1 and self.state is CallState.GREETING:
            greeting_s = self._loop.time() - self._began
            metrics.GREETING_LATENCY.observe(greeting_s)
            self.log.note(greeting_ms=round(greeting_s * 1000))
        if self._speech_ended_at is not None:
            self.log.answered_after(round((self._loop.time() - self._speech_ended_at) * 1000))
            self._speech_ended_at = None
        if self.state is CallState.ENDING:
            self._ending.audio(self._loop.time())
            self._on_ending_moved()
        self._move(CallMove.ANSWER_BEGAN)

    def interrupted(self, answer: int) -> None:
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
        if self._service.session.owes_answer:
            self._filler.owed()
        await self._service.stream_lost()

    def suspected(self, outcome: str) -> None:
        logger.info("sonic stream suspected: {}", outcome)
        metrics.SONIC_SUSPICIONS.add(outcome=outcome)
        if self._service.session.owes_answer:
            self._filler.owed()
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
        if self._passes_on(Cause.MODEL_DOWN):
            self._begin_passing_on(NOTHING_IN_PARTICULAR, Cause.MODEL_DOWN)
            self._finish(TRANSFERRING)  # the line says so itself
        else:
            self._tasks.create(self._apologise())

    async def _apologise(self) -> None:
        """Say so to the last word, behind what is still to be played; nothing that the caller does cuts it off."""
        pcm, rate = apology_audio()
        self._move(CallMove.SONIC_LOST)
        self._ending.lost(self._loop.time(), len(pcm) / 2 / rate)
        self._on_ending_moved()
        self._filler.answered()
        self._output.release()
        self._setup.observer.planned(APOLOGY)
        await self._output.queue_frame(SpokenBlock(APOLOGY, TextType.SENTENCE, answer=APOLOGY_ANSWER, block=1))
        await self._output.queue_frame(TTSAudioRawFrame(pcm, rate, 1))
        await self._output.queue_frame(TTSStoppedFrame())

    # --- the caller is not left in silence --------------------------------------------------------------------

    def _silence_s(self) -> float:
        """For how long neither side has been heard."""
        silent_since = max(self._began, self._output.audible_until, self._service.session.voice_until)
        return self._loop.time() - silent_since

    def _fill(self, pcm: bytes) -> None:
        metrics.FILLERS.add()
        self.log.note(fillers=self.log.notes.get("fillers", 0) + 1)
        self._output.fill(pcm)

    # --- tools ----------------------------------------------------------------------------------------------

    async def _run_tool(self, name: str, arguments: str, tool_use_id: str) -> dict[str, Any]:
        if name == HANG_UP.name and self._line.kind == "phone":
            return await self._begin_goodbye()
        if name == TO_PERSON and self._line.kind == "phone":
            return await self._pass_on_as(str(_readable(arguments).get("reason", "")), Cause.ASKED)
        self._tools_in_a_row += 1
        if self._tools_in_a_row > MOST_TOOLS:
            return self._enough(name)
        self._filler.owed()
        self._setup.observer.tool_used(tool_use_id, name, arguments)
        self._tools_pending += 1
        self._move(CallMove.TOOL_CALLED)
        outcome = await self._setup.toolbox.run(name, arguments, tool_use_id=tool_use_id)
        self._untold = True
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
        self._ending.hang_up(self._loop.time(), self._service.answer, goodbye_said=said)
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

    def _ask_for_person(self, cause: str) -> None:
        """The same without the model's asking: the caller pressed 0, or was not understood again and again."""
        if self.state in (CallState.APOLOGISING, CallState.OVER) or self._pass_on is not None:
            return
        if cause == Cause.KEYPAD:
            self._take_turn("[DTMF] 0")
        if self._output.playing:
            self._tasks.create(self._service.interrupt())
        if self._reasons() is None:
            self._service.session.send_text(passing_on.nobody_cue(callbacks=self._setup.callbacks))
            return
        self._begin_passing_on(NOTHING_IN_PARTICULAR, Cause(cause))
        self._tasks.create(self._begin_ending(said=False))
        self._service.session.send_text(passing_on.TO_PERSON_CUE)

    def _resume_cue(self) -> str:
        cue = passing_on.returned_cue(self.log.notes, callbacks=self._setup.callbacks)
        if cue is None:
            return RESUME_CUE
        self.log.note(transfer={**self.log.notes[passing_on.NOTE], "told": True})
        return cue

    def _on_ending_late(self) -> None:
        self._ending.late(self._loop.time(), self._service.answer, playing=self._output.playing)
        self._on_ending_moved()

    def _on_ending_moved(self) -> None:
        self._wake_at(self._ending.due, self._on_ending_late)
        if self._ending.over:
            self._finish(self._outcome)

    def _on_played(self, part: Played) -> None:
        self._untold = False
        self.log.played(part)
        if self._misunderstood.said(part.answer, part.text) >= passing_on.MISUNDERSTOOD:
            self._misunderstood = Misunderstandings()
            if self._passes_on(Cause.MISUNDERSTOOD):
                self._ask_for_person(Cause.MISUNDERSTOOD)
        if part.last or part.fraction < 1.0:
            self._setup.on_change(self.log)
        self._setup.observer.played(part)
        if part.last and part.fraction == 1.0 and part.answer > 0 and self._service.is_whole(part.answer):
            self._service.session.progress()
        if part.last and part.answer == self._service.answer:
            self._move(CallMove.ANSWER_PLAYED)
        self._ending.played(part, self._loop.time(), self._service.answer)
        if self._ending.over:
            self._finish(self._outcome)

    # --- small things ---------------------------------------------------------------------------------------

    def _wake_at(self, due: float | None, do: Callable[[], None]) -> None:
        """Set the one timer of `do`, or stop it."""
        if (timer := self._timers.pop(do, None)) is not None:
            timer.cancel()
        if due is not None:
            self._timers[do] = self._loop.call_at(due, do)

    def _on_crash(self, task: asyncio.Task[Any], error: BaseException) -> None:
        logger.opt(exception=error).error("a task of the call failed")
        self._finish("failed")


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
