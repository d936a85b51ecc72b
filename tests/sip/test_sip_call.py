"""One call above its signalling: places, ports and what the caller is told, on a clock that jumps.

The sockets for audio are real and nobody is at their other end.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agent.capacity import Admission
from agent.line import CallerAway, CallerBack, LineDropped, LineEvent
from data.errors import Unavailable
from telephony.carrier import (
    AfterStream,
    Apologise,
    Caller,
    CallStatus,
    CarrierHandler,
    Dial,
    HangUp,
    MakeLine,
    Resume,
)
from telephony.closed_line import ClosedLine, Offer
from telephony.sip import sdp
from telephony.sip.call import SipCall
from telephony.sip.caller import caller_of
from telephony.sip.leg import Leg
from telephony.sip.line import SipLine
from telephony.sip.ports import Ports
from telephony.sip.sentences import prepare
from telephony.sip.surroundings import Surroundings
from telephony.transfer import State, Transfer
from telephony.voice import Voice, VoiceFailed
from tests.sip.stage import OFFER, Stage, text
from tests.sip.test_endpoint import via
from tests.support.virtual_loop import virtually

NUMBER = "+5491155550100"
LOCAL_OFFER = OFFER.replace("IN IP4 10.0.0.5\nt=", "IN IP4 127.0.0.1\nt=")  # its audio stays on this machine
MAX_HOLD_S = 3.0
MOMENT = datetime(2026, 11, 30, 12, tzinfo=UTC)
TRANSFER = Transfer("x", 1, "+541150310001", "turnos", "asked", 0, 25.0, MOMENT, MOMENT)


@dataclass
class Calls:
    """`CarrierHandler` with answers that a test chooses. `talk` is what happens on a line."""

    admission: Admission = Admission.ACCEPTED
    has_place: bool = True
    offer: Offer = "message"
    after: list[AfterStream] = field(default_factory=list)
    back: AfterStream = field(default_factory=HangUp)
    talk: Callable[[SipLine], Coroutine[Any, Any, None]] | None = None
    slow_s: float = 0.0  # to admit
    held: set[str] = field(default_factory=set)
    live: set[str] = field(default_factory=set)
    resumes: list[int] = field(default_factory=list)
    statuses: list[CallStatus] = field(default_factory=list)
    released: Counter[str] = field(default_factory=Counter)
    dialled: list[tuple[str, bool]] = field(default_factory=list)
    callbacks: list[str] = field(default_factory=list)
    returned: State = State.RETURNED

    @property
    def transfers(self) -> Any:
        return SimpleNamespace(dialled=self._dialled)

    async def _dialled(self, call_id: str, status: str, *, talked: bool) -> Any:
        self.dialled.append((status, talked))
        return SimpleNamespace(state=State.OVER if talked else self.returned)

    async def admit(self, call_id: str, number: str | None = None, *, tries: int | None = None) -> Admission:
        await asyncio.sleep(self.slow_s)
        if self.admission is Admission.ACCEPTED:
            self.held.add(call_id)
        return self.admission

    async def started(self, call_id: str) -> bool:
        if self.has_place:
            self.held.discard(call_id)
            self.live.add(call_id)
        return self.has_place

    async def answer(self, make_line: MakeLine, caller: Caller) -> None:
        self.resumes.append(caller.resumes)
        line = make_line(_no_end)
        assert isinstance(line, SipLine)
        if self.talk is not None:
            await self.talk(line)

    async def release(self, call_id: str, *, failed: bool = False) -> None:
        self.live.discard(call_id)
        self.held.discard(call_id)
        self.released["failed" if failed else "well"] += 1

    async def ended(self, call_id: str, resumes: int, *, tries: int | None = None) -> AfterStream:
        return self.after.pop(0) if self.after else HangUp()

    async def brought_back(self, call_id: str, *, tries: int | None = None) -> AfterStream:
        return self.back

    async def status(self, call_id: str, status: CallStatus) -> None:
        self.held.discard(call_id)
        self.statuses.append(status)

    async def closed_line(self) -> ClosedLine:
        return ClosedLine("Está cerrado.", self.offer)

    async def note_callback(self, call_id: str, number: str) -> None:
        self.callbacks.append(number)


async def _no_end(outcome: str) -> None:
    """Nothing is above it."""


class Rig:
    """A stage whose calls are held by `calls`."""

    def __init__(
        self,
        calls: Calls,
        ports: range = range(20000, 20400, 2),
        codecs: tuple[str, ...] = ("pcma",),
        voice: Voice | None = None,
        *,
        replaces: bool = False,
    ) -> None:
        self.stage = Stage()
        self.calls = calls
        self.ports = Ports(ports)
        self.around = Surroundings(
            self.stage.endpoint,
            cast(CarrierHandler, calls),
            self.ports,
            codecs,
            local=lambda leg: "10.0.0.1",
            bind="127.0.0.1",
            max_hold_s=MAX_HOLD_S,
            voice=voice,
            replaces=replaces,
        )
        self.call: SipCall | None = None
        self.task: asyncio.Task[None] | None = None

    def ring(self, **headers: str | None) -> Leg:
        leg = self.stage.ring(**({"body": LOCAL_OFFER} | headers))
        self.call = SipCall(leg, NUMBER, self.around, leg.peer.host)
        self.task = asyncio.create_task(self.call.run())
        return leg

    async def until(self, status: int | str) -> None:
        for _ in range(1000):
            if status in self.stage.said:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"{status} was not sent: {self.stage.said}")

    async def up(self, **headers: str | None) -> Leg:
        leg = self.ring(**headers)
        await self.until(200)
        self.stage.tell(self.stage.within(leg, "ACK", 1))
        return leg

    async def done(self) -> None:
        """The call is over, and nothing of it is left."""
        assert self.task is not None
        await self.task
        assert (self.stage.endpoint.legs, self.ports.taken) == (0, 0)
        assert (self.calls.held, self.calls.live) == (set(), set())


@asynccontextmanager
async def rig(calls: Calls | None = None, **named: Any) -> AsyncIterator[Rig]:
    """At its end the call is over, with place and ports free."""
    here = Rig(calls or Calls(), **named)
    try:
        yield here
        await here.done()
    finally:
        here.stage.endpoint.close()
        if here.task is not None:
            here.task.cancel()
            with suppress(asyncio.CancelledError):
                await here.task


def last_status(here: Rig) -> tuple[str, Mapping[str, str]]:
    (status,) = here.calls.statuses
    return status.word, status.facts


REFUSED = [
    (Admission.FULL, 503, "30"),
    (Admission.DRAINING, 503, "120"),
    (Admission.EXHAUSTED, 503, "30"),
    (Admission.SEATED, 486, None),
    (Admission.TOO_OFTEN, 486, None),
    (Admission.BLOCKED, 603, None),
    (Admission.FOREIGN, 603, None),
    (Admission.WITHHELD, 603, None),
]


@pytest.fixture(autouse=True, scope="module")
def sentences() -> None:
    prepare()  # as a server does before it takes calls


@pytest.mark.parametrize(("admission", "status", "retry"), REFUSED)
def test_whom_the_door_refuses_is_told_why(admission: Admission, status: int, retry: str | None) -> None:
    @virtually
    async def run() -> None:
        async with rig(Calls(admission)) as here:
            here.ring()
            await here.until(status)
            assert here.stage.header("retry-after") == retry
            assert 180 not in here.stage.said
        assert here.calls.statuses == [], "of a call that had no place nothing is kept"

    run()


@virtually
async def test_a_call_is_taken_held_and_hung_up_and_its_record_gets_facts() -> None:
    async def talk(line: SipLine) -> None:
        await line.sink.send_audio(bytes(320))
        await asyncio.sleep(3.0)

    async with rig(Calls(talk=talk)) as here:
        await here.up()
        await here.until("BYE")
        here.stage.tell(here.stage.answered(200))
    word, facts = last_status(here)
    assert word == "completed"
    assert (facts["codec"], facts["source"], facts["transport"]) == ("pcma", "10.0.0.5", "udp")
    assert int(facts["rtp_sent"]) > 100
    assert here.calls.released == {"well": 1}


@virtually
async def test_a_caller_who_hangs_up_ends_the_line() -> None:
    async def talk(line: SipLine) -> None:
        async for _ in line.events():
            pass

    async with rig(Calls(talk=talk)) as here:
        leg = await here.up()
        await asyncio.sleep(1.0)
        assert here.stage.tell(here.stage.within(leg, "BYE")) == [200]
    assert last_status(here)[0] == "bye"


@pytest.mark.parametrize("moment", ["at once", "while it is admitted", "while it rings", "before its ACK"])
def test_a_call_that_is_cancelled_at_any_moment_gives_its_place_back(moment: str) -> None:
    @virtually
    async def run() -> None:
        async with rig(Calls(slow_s=0.5)) as here:
            here.ring()
            if moment != "at once":
                await asyncio.sleep(0.2)
            if moment == "while it rings":
                await here.until(180)
            if moment == "before its ACK":
                await here.until(200)
            here.stage.tell(text("CANCEL"))
            if 487 not in here.stage.said:  # it was answered already: the caller hangs up, as RFC 3261 has it
                leg = here.stage.legs[0]
                here.stage.tell(here.stage.within(leg, "ACK", 1))
                here.stage.tell(here.stage.within(leg, "BYE"))
        assert here.calls.resumes in ([], [0])

    run()


@virtually
async def test_a_call_that_nobody_acknowledges_gives_its_place_back() -> None:
    async with rig() as here:
        here.ring()
        await here.until(200)
    assert last_status(here)[0] == "no-ack"


@virtually
async def test_without_a_port_or_a_place_the_trunk_is_told_to_try_elsewhere() -> None:
    for calls, ports in ((Calls(), range(0)), (Calls(has_place=False), range(20000, 20400, 2))):
        async with rig(calls, ports=ports) as here:
            here.ring()
            await here.until(503)
        assert here.calls.resumes == []


@virtually
async def test_an_offer_without_a_codec_of_ours_takes_no_place() -> None:
    async with rig() as here:
        here.ring(body=LOCAL_OFFER.replace("8 0 101", "18"))
        await here.until(488)
    assert here.calls.statuses == []


@virtually
async def test_an_invite_without_an_offer_gets_ours_and_its_ack_the_answer() -> None:
    async def talk(line: SipLine) -> None:
        await asyncio.sleep(1.0)

    async with rig(Calls(talk=talk), codecs=("pcma", "pcmu")) as here:
        leg = here.ring(body=None)
        await here.until(200)
        offered, _ = sdp.agree(here.stage.last.text, ("pcmu",))
        assert offered.codec == "pcmu"
        answer = LOCAL_OFFER.replace("8 0 101", "0 101")
        here.stage.tell(here.stage.within(leg, "ACK", 1, body=answer))
        await here.until("BYE")
        assert here.call is not None
    assert last_status(here)[1]["codec"] == "pcmu"


@virtually
async def test_a_call_that_fails_hears_an_apology_before_it_ends() -> None:
    async def fail(line: SipLine) -> None:
        raise RuntimeError("a bug")

    async with rig(Calls(talk=fail, after=[Apologise()])) as here:
        await here.up()
        began = asyncio.get_running_loop().time()
        await here.until("BYE")
        assert asyncio.get_running_loop().time() - began > 3.0, "it takes its time to be said"
    assert here.calls.released == {"failed": 1}


@virtually
async def test_a_line_that_failed_is_resumed_on_the_same_call() -> None:
    async with rig(Calls(after=[Resume(), HangUp()])) as here:
        await here.up()
        await here.until("BYE")
    assert here.calls.resumes == [0, 1]


@virtually
async def test_a_caller_who_sends_nothing_is_hung_up_on() -> None:
    async def talk(line: SipLine) -> None:
        with suppress(Exception):
            async for _ in line.events():
                pass

    async with rig(Calls(talk=talk, after=[Resume()] * 9)) as here:
        await here.up()
        await here.until("BYE")
    assert here.calls.resumes == [0]
    assert last_status(here)[0].startswith("no RTP")


# --- on hold --------------------------------------------------------------------------------------------------

HOLDS = {
    "sendonly": LOCAL_OFFER + "a=sendonly\n",
    "inactive": LOCAL_OFFER + "a=inactive\n",
    "the old way": LOCAL_OFFER.replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0"),
}


def kept(presences: list[LineEvent]) -> Callable[[SipLine], Coroutine[Any, Any, None]]:
    """What happens on a line that notes whether its caller is there."""

    async def talk(line: SipLine) -> None:
        with suppress(LineDropped):
            async for event in line.events():
                if isinstance(event, CallerAway | CallerBack):
                    presences.append(event)

    return talk


@pytest.mark.parametrize("way", HOLDS)
@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_a_caller_on_hold_is_away_until_he_is_back(way: str, method: str) -> None:
    @virtually
    async def run() -> None:
        presences: list[LineEvent] = []
        async with rig(Calls(talk=kept(presences))) as here:
            leg = await here.up()
            for number, offer in enumerate((HOLDS[way], HOLDS[way], LOCAL_OFFER, LOCAL_OFFER), 2):
                assert here.stage.tell(here.stage.within(leg, method, number, body=offer)) == [200]
                if method == "INVITE":
                    here.stage.tell(here.stage.within(leg, "ACK", number))
                await asyncio.sleep(MAX_HOLD_S / 3)
            here.stage.tell(here.stage.within(leg, "BYE", 9))
        assert presences == [CallerAway(), CallerBack()], "a refresh of the same terms is no news"

    run()


@virtually
async def test_a_caller_whose_call_begins_on_hold_is_away() -> None:
    presences: list[LineEvent] = []
    async with rig(Calls(talk=kept(presences))) as here:
        leg = await here.up(body=HOLDS["sendonly"])
        await asyncio.sleep(1.0)
        here.stage.tell(here.stage.within(leg, "BYE"))
    assert presences == [CallerAway()]


@virtually
async def test_a_caller_who_is_on_hold_for_too_long_is_hung_up_on() -> None:
    async with rig(Calls(talk=kept([]), after=[Resume()] * 9)) as here:
        leg = await here.up()
        here.stage.tell(here.stage.within(leg, "UPDATE", body=HOLDS["inactive"]))
        began = asyncio.get_running_loop().time()
        await here.until("BYE")
        assert asyncio.get_running_loop().time() - began == pytest.approx(MAX_HOLD_S, abs=1.0)
    assert here.calls.resumes == [0], "he is not taken back"
    assert last_status(here)[0] == "on hold for 3 s"


# --- closed ---------------------------------------------------------------------------------------------------


@virtually
async def test_a_closed_line_is_told_by_voice_and_takes_no_place() -> None:
    async with rig(Calls(Admission.CLOSED)) as here:
        await here.up()
        began = asyncio.get_running_loop().time()
        await here.until("BYE")
        assert asyncio.get_running_loop().time() - began > 3.0
    assert (here.calls.resumes, here.calls.statuses) == ([], [])


@dataclass
class Speaker:
    """A `Voice` whose text is a long hiss, or which does not speak."""

    fails: Exception | None = None
    slow_s: float = 0.0
    asked: list[str] = field(default_factory=list)

    async def speak(self, text: str) -> bytes:
        self.asked.append(text)
        await asyncio.sleep(self.slow_s)
        if self.fails is not None:
            raise self.fails
        return bytes(2 * 8000 * 9)


@virtually
async def test_a_voice_reads_when_a_closed_line_opens() -> None:
    speaker = Speaker(slow_s=1.0)
    async with rig(Calls(Admission.CLOSED), voice=speaker) as here:
        await here.up()
        began = asyncio.get_running_loop().time()
        await here.until("BYE")
        assert asyncio.get_running_loop().time() - began == pytest.approx(9.0, abs=0.5)
    assert speaker.asked == ["Está cerrado."]


@pytest.mark.parametrize("speaker", [Speaker(VoiceFailed("no")), Speaker(slow_s=60.0)], ids=["fails", "is slow"])
def test_a_closed_line_whose_voice_does_not_speak_is_told_by_the_recording(speaker: Speaker) -> None:
    @virtually
    async def run() -> None:
        async with rig(Calls(Admission.CLOSED), voice=speaker) as here:
            await here.up()
            began = asyncio.get_running_loop().time()
            await here.until("BYE")
            assert 3.0 < asyncio.get_running_loop().time() - began < 8.5

    run()


@pytest.mark.parametrize(("pressed", "noted"), [("1", [NUMBER]), ("2", []), ("", [])])
def test_a_call_back_is_noted_for_who_presses_1(pressed: str, noted: list[str]) -> None:
    @virtually
    async def run() -> None:
        async with rig(Calls(Admission.CLOSED, offer="callback")) as here:
            leg = await here.up()
            await asyncio.sleep(7.0)  # he need not hear the offer out
            if pressed:
                body = f"Signal={pressed}\nDuration=100\n"
                here.stage.tell(here.stage.within(leg, "INFO", body=body, content_type="application/dtmf-relay"))
            await here.until("BYE")
        assert here.calls.callbacks == noted

    run()


@virtually
async def test_a_closed_line_without_facts_is_not_answered() -> None:
    class Forgetful(Calls):
        async def closed_line(self) -> ClosedLine:
            raise Unavailable("nothing is known")

    async with rig(Forgetful(Admission.CLOSED)) as here:
        here.ring()
        await here.until(480)


# --- to a person ----------------------------------------------------------------------------------------------


async def referred(here: Rig, accepted: int = 202) -> Leg:
    leg = await here.up()
    await here.until("REFER")
    assert here.stage.header("refer-to") == "<sip:+541150310001@10.0.0.5>"
    here.stage.tell(here.stage.answered(accepted))
    return leg


def progress(here: Rig, leg: Leg, number: int, line: str) -> bytes:
    return here.stage.within(leg, "NOTIFY", number, body=line, event="refer", content_type="message/sipfrag")


@virtually
async def test_a_person_who_answers_gets_the_caller() -> None:
    async with rig(Calls(after=[Dial(TRANSFER)])) as here:
        leg = await referred(here)
        here.stage.tell(progress(here, leg, 2, "SIP/2.0 180 Ringing"))
        await asyncio.sleep(1.0)
        assert here.calls.dialled == []
        here.stage.tell(progress(here, leg, 3, "SIP/2.0 200 OK"))
        await here.until("BYE")
    assert here.calls.dialled == [("completed", True)]


@virtually
async def test_a_pbx_that_hangs_up_after_it_took_the_transfer_has_passed_the_caller_on() -> None:
    async with rig(Calls(after=[Dial(TRANSFER)])) as here:
        leg = await referred(here)
        here.stage.tell(here.stage.within(leg, "BYE"))
    assert here.calls.dialled == [("completed", True)]


@pytest.mark.parametrize(
    ("accepted", "line", "word"),
    [
        (202, "SIP/2.0 486 Busy Here", "busy"),
        (202, "SIP/2.0 480 Temporarily Unavailable", "no-answer"),
        (202, "SIP/2.0 500 Server Error", "failed"),
        (603, "", "failed"),
        (202, "", "no-answer"),
    ],
)
def test_whom_nobody_takes_is_with_carlos_again(accepted: int, line: str, word: str) -> None:
    @virtually
    async def run() -> None:
        async with rig(Calls(after=[Dial(TRANSFER), HangUp()], back=Resume())) as here:
            leg = await referred(here, accepted)
            if line:
                here.stage.tell(progress(here, leg, 2, line))
            await asyncio.sleep(100.0)
        assert here.calls.dialled == [(word, False)]
        assert here.calls.resumes == [0, 1]

    run()


# --- who calls ------------------------------------------------------------------------------------------------

FROM = [
    ({"from_": "<sip:+5491155550100@10.0.0.5;user=phone>;tag=1"}, NUMBER),
    ({"from_": "<sip:5491155550100@10.0.0.5>;tag=1"}, NUMBER),
    ({"from_": "<tel:+5491155550100>;tag=1"}, NUMBER),
    ({"from_": r'"Ana \"la <jefa>\" Paz" <sip:+5491155550100@10.0.0.5>;tag=1'}, NUMBER),
    ({"from_": '"Interno" <sip:201@pbx.clinica.example>;tag=1'}, "sip:201@pbx.clinica.example"),
    ({"from_": "<sip:anonymous@anonymous.invalid>;tag=1"}, "anonymous"),
    ({"from_": "<sip:10.0.0.5>;tag=1"}, "anonymous"),
    ({"p_asserted_identity": "<sip:+5491155550111@trunk.example>"}, "+5491155550111"),
    ({"p_asserted_identity": "<sip:+5491155550111@trunk.example>", "privacy": "id"}, "anonymous"),
]


@pytest.mark.parametrize(("headers", "number"), FROM)
def test_who_calls_is_what_the_trunk_says_and_then_what_from_says(headers: dict[str, str], number: str) -> None:
    @virtually
    async def run() -> None:
        leg = Stage().ring(**headers)
        assert caller_of(leg.invite, is_trusted=True) == number

    run()


@virtually
async def test_who_proves_a_password_asserts_nothing() -> None:
    leg = Stage().ring(p_asserted_identity="<sip:+5491155550111@trunk.example>", via=via(5))
    assert caller_of(leg.invite, is_trusted=False) == NUMBER
