"""Places a scenario's call through the whole server, each on a store of its own, and brings back what came of it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest

from agent.sonic.events import ContentEnded, ContentStarted, ContentType, Role, StopReason
from agent.sonic.events import ToolUse as ToolUseEvent
from common.times import BUENOS_AIRES
from data.models import CallRecord
from sandbox.brain import Brain, Floor
from sandbox.dialogue import DialogueMind, mind
from sandbox.hang import HANG_S
from sandbox.sonic import script
from sandbox.sonic.ear import EnergyEar
from sandbox.sonic.script import ScriptedMind, ScriptTurn, ToneVoice
from sandbox.sonic.turn import Turn as ModelTurn
from sandbox.twilio.call import PhoneCall
from sandbox.twilio.playout import SILENCE
from sandbox.twilio.script import Turn as CallerTurn
from tests.e2e.running import Running, noise, running
from tests.scenarios.caller import Caller
from tests.scenarios.records import Records, give, read_records
from tests.scenarios.scenario import Scenario, Step
from tests.support.patience import hold_until_words

AT_ONCE = 6  # more calls than that, and one process falls behind real time
BREATH_S, PAUSE_S = 0.24, 0.4
GRACE_S = 0.3  # after a goodbye: who has more to say says it at once here
PATIENCE_S = 5.0  # for the second half of a number: a busy machine takes its time between two breaths
NUMBER = "+5491155550100"


@dataclass(frozen=True, slots=True)
class Result:
    scenario: Scenario
    record: CallRecord
    before: Records
    after: Records
    warnings: list[int]  # of Twilio's
    errors: list[Any]  # of the Sonic stand-in's


class QuickEar(EnergyEar):
    """Knows that its caller never pauses in a breath."""

    def tune(self, rate: int, endpointing: str | None) -> None:
        super().tune(rate, endpointing)
        self._pause_ms = 160


class BriefVoice(ToneVoice):
    """Says everything in the same short time, but not what is going to be cut into."""

    def __init__(self, scenario: Scenario) -> None:
        self._cut_into = [turn.interrupt_ms is not None for turn in scenario.turns]

    def speak(self, text: str, rate: int) -> AsyncIterator[bytes]:
        is_long = bool(self._cut_into and self._cut_into.pop(0))
        return super().speak("Hola. " * 20 if is_long else "Hola", rate)


async def place(scenario: Scenario, home: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
    """Hold the scenario's call from ring to hang-up."""
    scenario = scenario.on(await _steady_day())
    caller = Caller(_caller_turns(scenario), hangs_up=scenario.outcome == "caller_left")
    monkeypatch.setattr(mind, "MORE_S", PATIENCE_S)
    hold_until_words(monkeypatch)
    monkeypatch.setattr("carlos.app.record_routers", lambda *services: [])  # no scenario is an admin
    brain = _brain_of(scenario, caller)
    async with running(home, monkeypatch, brain, emf_seconds=0, goodbye_grace_s=GRACE_S) as here:
        await give(here.services.store, scenario.given)
        before = await read_records(here.services.store)
        call = await _hold(here, caller)
        record = await here.record_of(call)
        after = await read_records(here.services.store)
        return Result(scenario, record, before, after, call.warnings, _errors(here))


async def _steady_day() -> date:
    """Today in Buenos Aires; a call that would last over midnight waits for the new day."""
    now = datetime.now(BUENOS_AIRES)
    if (now + timedelta(minutes=2)).date() != now.date():
        await asyncio.sleep(120)
    return datetime.now(BUENOS_AIRES).date()


def _errors(here: Running) -> list[Any]:
    return [error for session in here.sonic.sessions for error in session.errors]


# The caller.


async def _hold(here: Running, caller: Caller) -> PhoneCall:
    """Place the call, and let the caller know how it goes. A call that does not end is cut off."""
    call = here.twilio.dial(caller, NUMBER)
    with suppress(TimeoutError):
        async with asyncio.timeout(HANG_S), asyncio.TaskGroup() as tasks:
            tasks.create_task(call.run())
            while (log := here.services.active_calls.log_of(call.sid)) is None:
                await asyncio.sleep(0.01)
            async for event in log.events.follow():
                caller.told(event)
    return call


def _caller_turns(scenario: Scenario) -> list[CallerTurn]:
    return [
        CallerTurn(" ".join(turn.breaths), _sound(turn.breaths), turn.keys or "", turn.interrupt_ms)
        for turn in scenario.turns
    ]


def _sound(breaths: Sequence[str]) -> bytes:
    pause = bytes([SILENCE]) * round(PAUSE_S * 8000)
    return pause.join(noise(BREATH_S).audio for _ in breaths)


# The model.


def _brain_of(scenario: Scenario, caller: Caller) -> Callable[[], Brain]:
    def make() -> Brain:
        ear = QuickEar()
        mind = _scripted(scenario, ear) if scenario.is_scripted else _dialogue(scenario, caller)
        return Brain(ear, mind, BriefVoice(scenario))

    return make


def _dialogue(scenario: Scenario, caller: Caller) -> DialogueMind:
    """Hears the words of the turn that the caller is in, on a stream that replays them too."""
    heard: Counter[int] = Counter()

    async def recognise(pcm: bytes, rate: int) -> str:
        heard[caller.turn] += 1
        return scenario.turns[caller.turn].breaths[heard[caller.turn] - 1]

    return DialogueMind(recognise)


def _scripted(scenario: Scenario, ear: EnergyEar) -> ScriptedMind:
    turns = [ScriptTurn(_steps(scenario.greeting))]
    turns += [ScriptTurn(_steps(turn.model or ()), " ".join(turn.breaths) or None) for turn in scenario.turns]
    return ScriptedMind(iter(turns), ear)


def _steps(steps: Iterable[Step]) -> tuple[script.Step, ...]:
    return tuple(script.Say(step.say) if step.say is not None else _ToolStep(step) for step in steps)


@dataclass(frozen=True, slots=True)
class _ToolStep:
    """A toolUse with any text for arguments and any id, which a well-made model would not send."""

    step: Step

    async def __call__(self, floor: Floor) -> None:
        conversation = cast(ModelTurn, floor).conversation
        content_id, tool_use_id = str(uuid4()), self.step.id or str(uuid4())
        arguments = json.dumps(dict(self.step.arguments)) if self.step.raw is None else self.step.raw
        result = conversation.expect_result(tool_use_id)
        conversation.emit(ContentStarted(content_id, ContentType.TOOL, Role.TOOL))
        conversation.emit(ToolUseEvent(content_id, tool_use_id, self.step.tool or "", arguments))
        conversation.emit(ContentEnded(content_id, ContentType.TOOL, StopReason.TOOL_USE))
        await result
