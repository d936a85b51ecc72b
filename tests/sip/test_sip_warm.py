"""A caller and a person behind one PBX, the whole server between them, and sound in real time on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from aiortp import RTPSession
from aiosipua import IncomingCall, build_sdp

from data.models import CallRecord
from sandbox.hang import HANG_S
from sandbox.sonic.script import Say, ScriptTurn, UseTool, scripted
from telephony.sip.carrier import Sip
from tests.e2e.running import Running, running
from tests.sip.phone import FRAME_S, SILENCE, Phone, phone, words
from tests.sip.test_sip_line import address, only_record
from tests.support.waiting import until

PASSES_ON = (
    ScriptTurn((Say("Hola, soy Carlos."),)),
    ScriptTurn((UseTool("pasarConPersona", {"motivo": "turnos"}), Say("Te paso."))),
)
TALK_S = 6.0  # who hangs up within telephony.transfer.TALK_S has helped nobody
LONG = words(1.0) * 30  # a process that stands hands on 200 ms of it, and goes on
HEARD = 4000  # samples: more than was on its way to a phone


class Tone:
    """A `Voice` that is heard and not understood."""

    def __init__(self) -> None:
        self.said: list[str] = []

    async def speak(self, text: str) -> bytes:
        self.said.append(text)
        return words(1.0)


class Person:
    """A phone behind the same PBX."""

    def __init__(self, call: IncomingCall, audio: RTPSession) -> None:
        self.call, self.audio = call, audio
        self.heard = 0  # samples that were not silence
        self.says = b""
        audio.on_audio = self._hear

    def _hear(self, pcm: bytes, timestamp: int) -> None:
        self.heard += sum(abs(sample) > 100 for sample in memoryview(pcm).cast("h")) if pcm else 0

    async def talk(self) -> None:
        while True:
            frame, self.says = self.says[:320], self.says[320:]
            self.audio.send_audio_pcm_auto(frame or SILENCE)
            await asyncio.sleep(FRAME_S)


@asynccontextmanager
async def picks_up(pbx: Phone, rung: list[IncomingCall]) -> AsyncIterator[Person]:
    await until(lambda: rung)
    (call,) = rung
    assert call.sdp_offer is not None
    remote = call.sdp_offer.rtp_address
    assert remote is not None
    audio = await RTPSession.create(("127.0.0.1", 0), remote, 8, jitter_prefetch=0)
    assert audio._rtp_transport is not None
    assert audio._rtp_transport._transport is not None
    port: int = audio._rtp_transport._transport.get_extra_info("sockname")[1]
    person = Person(call, audio)
    call.ringing()
    call.accept(build_sdp("127.0.0.1", port, 8, "PCMA"))
    talking = asyncio.create_task(person.talk())
    try:
        yield person
    finally:
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
        await audio.close()


@dataclass
class Talk:
    """A caller and the person who has taken him."""

    here: Running
    sip: Sip
    voice: Tone
    caller: Phone
    person: Person

    async def record(self) -> CallRecord:
        """Wait until all is over, and return what was kept."""
        await until(lambda: self.caller.was_hung_up_on and not self.sip.calls)
        assert self.here.services.active_calls.capacity.taken == 0
        return await only_record(self.here)


@asynccontextmanager
async def talk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **more: Any) -> AsyncIterator[Talk]:
    """The person was told who is calling, and has pressed 1."""
    voice = Tone()
    monkeypatch.setattr("telephony.sip.carrier.voice_of", lambda settings: voice)
    settings: dict[str, Any] = {
        "sip_listen": "udp:127.0.0.1:0",
        "sip_allow": "127.0.0.1",
        "sip_voice": "Mia",
        "transfer_targets": "+541150310001|*|24h",
    }
    async with running(tmp_path, monkeypatch, scripted(PASSES_ON), **settings, **more) as here:
        (sip,) = (carrier for carrier in here.services.carriers if isinstance(carrier, Sip))
        async with asyncio.timeout(10 * HANG_S), phone(address(sip)) as caller:  # it is in real time
            rung: list[IncomingCall] = []
            caller._agent.on_invite = rung.append
            caller.dial()
            await caller.answered()
            await caller.heard_out()
            caller.say(words(0.6))
            async with picks_up(caller, rung) as person:
                await until(lambda: person.heard)
                person.audio.send_dtmf("1")
                (call,) = sip.calls.values()
                await until(lambda: call.waiting.is_with_person)  # music and briefing are over
                yield Talk(here, sip, voice, caller, person)


@pytest.mark.slow
async def test_a_person_is_told_takes_the_caller_and_they_hear_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with talk(tmp_path, monkeypatch) as both:
        caller, person = both.caller, both.person
        before = caller.heard, person.heard
        caller.say(LONG)
        await until(lambda: person.heard > before[1] + HEARD)
        person.says += LONG
        await until(lambda: caller.heard > before[0] + HEARD)
        await asyncio.sleep(TALK_S)
        person.call.hangup()
        record = await both.record()
    assert record.outcome == "transferred"
    assert record.details["transfer"]["state"] == "over"
    assert both.voice.said[0].startswith("Llamada del asistente telefónico.")


@pytest.mark.slow
async def test_a_pbx_that_connects_the_two_itself_has_them_without_carlos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with talk(tmp_path, monkeypatch, sip_replaces=True) as both:
        caller, person = both.caller, both.person
        await until(lambda: caller.referred_to)
        (target,) = caller.referred_to
        reached_at, _, replaces = target.partition("?Replaces=")
        dialog = person.call.dialog
        assert reached_at == "sip:{}:{}".format(*caller._transport.local_addr), "the person's own address"
        assert unquote(replaces) == f"{dialog.call_id};to-tag={dialog.local_tag};from-tag={dialog.remote_tag}"
        caller.got_through()
        person.call.hangup()  # as the phone does whose call was replaced
        record = await both.record()
    assert record.outcome == "transferred"
    assert (record.details["transfer"]["state"], record.details["sip"]["joined"]) == ("over", "replaced")
