"""Phone calls through the whole server, with a scripted model."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path

import numpy as np
import pytest

from agent.call import APOLOGY
from sandbox.sonic.faults import Drop, Fault, Reject
from sandbox.sonic.script import Say, ScriptTurn, UseTool, scripted
from sandbox.twilio.call import PhoneCall
from sandbox.twilio.stream import Act
from tests.e2e.running import noise, running
from tests.support.waiting import no_task_left, until

pytestmark = pytest.mark.slow

GREETING = ScriptTurn((Say("Hola."),))
ORDER = ScriptTurn(
    (UseTool("consultarOrder", {"orderId": "1", "dni": "28456789"}), Say("Pendiente.")), hear="Pedido uno, DNI 28456789"
)
GOODBYE = ScriptTurn((UseTool("finalizarLlamada"), Say("Chau.")), hear="Nada más, chau")
ENDLESS = ScriptTurn((Say("Te cuento una historia muy larga. " * 20),))


def warnings_of(call: PhoneCall) -> list[int]:
    return list(call.warnings)


async def test_a_call_is_answered_served_and_hung_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(tmp_path, monkeypatch, scripted([GREETING, ORDER, GOODBYE])) as here:
        call = await here.call([noise(0.6), noise(0.6)])
        record = await here.record_of(call)
        assert record.outcome == "completed"
        assert [turn.text for turn in record.turns] == [
            "Hola.", "Pedido uno, DNI 28456789", "Pendiente.", "Nada más, chau", "Chau.",
        ]  # fmt: skip
        assert [(tool.name, tool.ok) for tool in record.tools] == [("consultarOrder", True)]
        assert call.ended_by == "api", "hung up over REST, after the goodbye was heard"
        assert warnings_of(call) == []
        assert here.sonic.sessions[0].errors == []


async def test_a_socket_that_drops_in_mid_word_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, monkeypatch, scripted([ENDLESS])) as here:
        async with no_task_left():
            call = here.twilio.dial(_Leaver(), "+5491155550100")
            placed = asyncio.create_task(call.run())
            await until(lambda: call.first_audio_ms is not None)
            placed.cancel()
            await asyncio.gather(placed, return_exceptions=True)
            await until(lambda: not here.services.active_calls.live and not here.sonic.open_streams)
        assert (await here.record_of(call)).outcome in ("dropped", "caller_left")
        assert here.services.active_calls.capacity.taken == 0


async def test_a_caller_who_finds_every_line_taken_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(tmp_path, monkeypatch, scripted([GREETING]), max_calls=1) as here:
        first = here.twilio.dial(_Leaver(), "+5491155550100")
        placed = asyncio.create_task(first.run())
        await until(lambda: here.services.active_calls.live)
        second = await here.call([])
        assert [type(verb).__name__ for verb in second.verbs][0] == "Say"
        assert len(here.services.active_calls.live) == 1
        first.hang_up()
        await placed
        assert (await here.record_of(first)).outcome == "caller_left"
        assert here.services.active_calls.capacity.taken == 0


async def test_without_sonic_the_caller_hears_an_apology_and_the_next_verb_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, monkeypatch, scripted([GREETING]), [Fault(Reject())]) as here:
        call = await here.call([])
        record = await here.record_of(call)
        assert record.outcome == "failed"
        assert [turn.text for turn in record.turns] == [APOLOGY]
        assert call.ended_by == "twiml"


@pytest.mark.parametrize("fault", [Reject(), Drop()], ids=["429 at open", "drop before headers"])
async def test_one_fault_at_open_is_not_noticed_by_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Reject | Drop
) -> None:
    faults = [Fault(fault, streams=(1,))]
    async with running(tmp_path, monkeypatch, scripted([GREETING, GOODBYE]), faults) as here:
        call = await here.call([noise(0.6)])
        assert (await here.record_of(call)).outcome == "completed"
        assert here.sonic.requests == 2


class _Leaver:
    """A caller who says nothing."""

    def listen(self, heard: bytes) -> Act:
        return Act()


async def test_a_recorded_call_is_told_so_first_and_its_recording_has_no_identity(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, monkeypatch, scripted([GREETING, ORDER, GOODBYE]), record_calls=True) as here:
        call = await here.call([noise(0.6), noise(0.6)])
        record = await here.record_of(call)
        assert record.outcome == "completed"
        assert [turn.text for turn in record.turns][:2] == ["Hola.", "Pedido uno, DNI 28456789"]
        assert record.details["recording"] == "on"
        seconds = (record.ended_at - record.started_at).total_seconds() if record.ended_at else 0.0
        recording = here.services.recordings.find(call.sid)
        assert recording is not None
        left, right = _sides(recording)
        assert len(left) / 16000 <= seconds - 4.5, "the notice lasts 4.6 s, and nothing before its end is kept"
        loud_s = (np.abs(left.astype(np.int32)) > 3000).sum() / 16000
        assert loud_s == pytest.approx(0.6, abs=0.3), "of two noises the first told a DNI"
        assert right.any()


def _sides(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with wave.open(str(path)) as wav:
        samples = np.frombuffer(wav.readframes(wav.getnframes()), dtype="<i2").reshape(-1, 2)
    return samples[:, 0], samples[:, 1]
