"""baresip, a phone that people use, talks to Carlos: speech, keys, hold and resume, and on to a person."""

from __future__ import annotations

import wave
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from agent.audio.resample import Resampler
from agent.audio.ulaw import ulaw_decode
from agent.transcript import CallTranscript
from sandbox.sip.baresip import baresip
from sandbox.sonic.certificates import make_certificates
from sandbox.sonic.script import Say, ScriptTurn, UseTool, scripted
from sandbox.twilio.server import free_port
from tests.e2e.running import noise
from tests.sip.sip_stage import SipLine, sip_line
from tests.support.waiting import until

pytestmark = [pytest.mark.sip, pytest.mark.slow, pytest.mark.usefixtures("no_error_is_logged")]

RATE = 8000
LOUD = 3000  # of 32768; the stand-in's tone has twice that
FIRST_S, SPEECH_S, LAST_S = 4, 1, 400  # silence, the caller's sentence, and silence: the phone hangs up at the end
SCRIPT = (
    ScriptTurn((Say("Hola, soy Carlos."),)),
    ScriptTurn((Say("¿Me decís tu DNI?"),), hear="Hola, quiero saber de mi pedido"),
    ScriptTurn((Say("Gracias, María."),)),
    ScriptTurn((Say("Tu pedido está en camino."),)),
    ScriptTurn((UseTool("finalizarLlamada"), Say("Chau."))),
)
PASSES_ON = (
    ScriptTurn((Say("Hola, soy Carlos."),)),
    ScriptTurn((UseTool("pasarConPersona", {"motivo": "turnos"}), Say("Te paso."))),
)


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """What the caller says."""
    return _written(tmp_path / "words.wav", RATE, ulaw_decode(noise(SPEECH_S).audio))


@pytest.fixture
def wide_words(tmp_path: Path) -> Path:
    """The same at the rate of G.722's sound: baresip takes it from no other file."""
    resampler = Resampler(RATE, 2 * RATE)
    said = resampler.push(ulaw_decode(noise(SPEECH_S).audio)) + resampler.flush()
    return _written(tmp_path / "wide.wav", 2 * RATE, said)


def _written(path: Path, rate: int, said: bytes) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(2 * rate * FIRST_S) + said + bytes(2 * rate * LAST_S))
    return path


async def transcript(line: SipLine) -> CallTranscript:
    """Of the call that is up."""
    (call_id,) = await until(lambda: line.live)
    log = line.here.services.active_calls.log_of(call_id)
    assert log is not None
    return log


def said(log: CallTranscript) -> Callable[[str], bool]:
    """Whether Carlos has said these words, and they were heard."""
    return lambda text: any(turn.role == "carlos" and text in turn.text for turn in log.record().turns)


async def test_a_phone_speaks_presses_keys_is_held_and_is_hung_up_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: Path
) -> None:
    async with sip_line(tmp_path, monkeypatch, scripted(SCRIPT)) as line:
        async with baresip(tmp_path / "phone", "+5491155550100", words) as phone:
            await phone.command("dial", f"sip:carlos@127.0.0.1:{line.port}")
            await phone.told("CALL_ESTABLISHED")
            log = await transcript(line)
            await until(lambda: said(log)("DNI"))
            await phone.command("sndcode", "28456789#")
            await until(lambda: said(log)("María"))
            answers = sum(event["type"] == "CALL_REMOTE_SDP" for event in phone.events)
            await phone.command("hold")
            await phone.told("CALL_REMOTE_SDP", answers + 1)
            await phone.command("resume")
            await phone.told("CALL_REMOTE_SDP", answers + 2)
            await phone.command("sndcode", "1#")
            await until(lambda: said(log)("en camino"))
            await phone.command("sndcode", "2#")
            await phone.told("CALL_CLOSED")
            loudest = [_loudest(path) for path in phone.heard()]
        (record,) = await line.records()
    assert record.outcome == "completed"
    assert [turn.text for turn in record.turns if turn.role == "carlos"] == [
        "Hola, soy Carlos.", "¿Me decís tu DNI?", "Gracias, María.", "Tu pedido está en camino.", "Chau.",
    ]  # fmt: skip
    assert max(loudest) > LOUD, "Carlos's tone came through"


def _loudest(path: Path) -> int:
    with wave.open(str(path)) as file:
        pcm = file.readframes(file.getnframes())
    return max(abs(sample) for sample in memoryview(pcm[: len(pcm) // 2 * 2]).cast("h"))


async def test_a_phone_is_passed_on_to_a_persons_phone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: Path
) -> None:
    async with baresip(tmp_path / "person", "ana", words, answers=True) as person:
        target = f"sip:ana@127.0.0.1:{person.port}|*|24h"
        settings = {"transfer_targets": target, "transfer_mode": "cold"}
        async with sip_line(tmp_path, monkeypatch, scripted(PASSES_ON), **settings) as line:
            async with baresip(tmp_path / "caller", "+5491155550100", words) as caller:
                await caller.command("dial", f"sip:carlos@127.0.0.1:{line.port}")
                await caller.told("CALL_ESTABLISHED", 2)  # with Carlos, and with the person
                await person.told("CALL_ESTABLISHED")
                await line.is_quiet()
                await caller.command("hangup")
                await person.told("CALL_CLOSED")
            (record,) = await line.records()
            assert record.outcome == "transferred"


@pytest.mark.skipif(find_spec("G722") is None, reason="G.722 NOT TESTED: its package is not installed")
async def test_a_wideband_phone_is_understood_and_hears_carlos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wide_words: Path
) -> None:
    settings = {"sip_codecs": ("g722", "pcma")}
    async with sip_line(tmp_path, monkeypatch, scripted(SCRIPT), **settings) as line:
        async with baresip(tmp_path / "phone", "+5491155550100", wide_words, codecs=("pcma", "g722/16000/1")) as phone:
            await phone.command("dial", f"sip:carlos@127.0.0.1:{line.port}")
            await phone.told("CALL_ESTABLISHED")
            log = await transcript(line)
            await until(lambda: said(log)("DNI"))
            await phone.command("hangup")
            await phone.told("CALL_CLOSED")
            loudest = [_loudest(path) for path in phone.heard()]
        (record,) = await line.records()
    assert (record.outcome, record.details["sip"]["codec"]) == ("caller_left", "g722")
    assert max(loudest) > LOUD


async def test_a_phone_may_signal_over_tls_and_encrypt_what_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: Path
) -> None:
    port = free_port()
    folder = tmp_path / "tls"
    make_certificates(folder)
    settings: dict[str, Any] = {
        "sip_listen": (f"tls:127.0.0.1:{port}",),
        "sip_tls_cert_file": folder / "leaf.pem",
        "sip_tls_key_file": folder / "leaf.key",
    }
    async with sip_line(tmp_path, monkeypatch, scripted(SCRIPT), **settings) as line:
        async with baresip(tmp_path / "phone", "+5491155550100", words, encrypts=True) as phone:
            await phone.command("dial", f"sip:carlos@127.0.0.1:{port};transport=tls")
            await phone.told("CALL_ESTABLISHED")
            log = await transcript(line)
            await until(lambda: said(log)("Hola"))
            await phone.command("sndcode", "1#")
            await until(lambda: said(log)("DNI"))
            await phone.command("hangup")
            await phone.told("CALL_CLOSED")
            loudest = [_loudest(path) for path in phone.heard()]
        (record,) = await line.records()
    facts = record.details["sip"]
    assert (record.outcome, facts["transport"], facts["media"]) == ("caller_left", "tls", "srtp")
    assert max(loudest) > LOUD
