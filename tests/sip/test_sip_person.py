"""A caller who is passed on to a person who hears first who is calling, on a clock that jumps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiosipua import SipDigestAuth, SipMessage, SipRequest, SipResponse

from agent.passing_on import NOTE, TRANSFERRED, TRANSFERRING
from common.tasks import TaskSet
from common.transfer_targets import parse_targets
from data.errors import Unavailable
from data.models import CallRecord, Line
from data.store import Store
from telephony.briefing import CHOICE, DECLINED
from telephony.carrier import AfterStream, CallStatus, HangUp, Hold, Resume
from telephony.sip.leg import Leg
from telephony.sip.message import Peer
from telephony.sip.people import SipPeople
from telephony.transfers import Transfers
from telephony.voice import VoiceFailed
from tests.sip.stage import text
from tests.sip.test_sip_call import LOCAL_OFFER, MOMENT, NUMBER, Calls, Rig, rig
from tests.support.virtual_loop import virtually

RING_S = 10.0
TARGET = "sip:+541150310001@10.0.0.5"


class Shelf:
    """As much of a store as a transfer needs."""

    last_facts = SimpleNamespace(holidays=SimpleNamespace(name_of=lambda day: None))

    def __init__(self) -> None:
        self.record: CallRecord | None = None
        self.saved: Mapping[str, Any] | None = None
        self._version = 0

    async def call(self, call_id: str) -> CallRecord | None:
        return self.record

    async def receipts(self, call_id: str) -> list[Any]:
        return []

    async def transfer(self, call_id: str) -> tuple[Mapping[str, Any], int] | None:
        return None if self.saved is None else (self.saved, self._version)

    async def save_transfer(self, call_id: str, memory: Mapping[str, Any], version: int) -> bool:
        if version != self._version:
            return False
        self.saved, self._version = memory, version + 1
        return True

    async def amend_call(self, call_id: str, change: Callable[[CallRecord], CallRecord]) -> None:
        assert self.record is not None
        self.record = change(self.record)


@dataclass
class Passing(Calls):
    """Its first line ends with a caller who is to be passed on."""

    shelf: Shelf = field(default_factory=Shelf)
    real: Transfers | None = None
    returned_to: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def transfers(self) -> Any:
        return self.real

    async def ended(self, call_id: str, resumes: int, *, tries: int | None = None) -> AfterStream:
        if resumes:
            return HangUp()
        asked = {NOTE: {"reason": "turnos", "cause": "asked", "number": 1}}
        record = CallRecord(call_id, Line.PHONE, MOMENT, NUMBER)
        self.shelf.record = replace(record, outcome=TRANSFERRING, details=asked)
        assert self.real is not None
        transfer = await self.real.begun(call_id, resumes)
        assert transfer is not None
        return Hold(transfer)

    async def brought_back(self, call_id: str, *, tries: int | None = None) -> AfterStream:
        assert self.shelf.saved is not None
        self.returned_to.append(self.shelf.saved)
        return Resume()

    async def status(self, call_id: str, status: CallStatus) -> None:
        await super().status(call_id, status)
        assert self.real is not None
        await self.real.caller_left(call_id)


@dataclass
class Told:
    """A `Voice` that takes a second for all that it says."""

    fails: bool = False
    said: list[str] = field(default_factory=list)

    async def speak(self, text: str) -> bytes:
        if self.fails:
            raise VoiceFailed("no")
        self.said.append(text)
        return bytes(16000)


@dataclass
class Person:
    """Who is rung: what came for him, and his answers."""

    here: Rig
    leg: Leg  # the caller's
    calls: Passing
    voice: Told
    invite: SipRequest
    number: int = 0

    def answers(self, status: int, **headers: str) -> list[int | str]:
        return self.here.stage.tell(answer(self.invite, status, **headers))

    def does(self, method: str, **headers: str | None) -> list[int | str]:
        """Something within his call."""
        self.number += 1
        within = {
            "from_": f"{self.invite.get_header('to')};tag=person",
            "to": self.invite.get_header("from"),
            "call_id": self.invite.get_header("call-id"),
            "cseq": f"{self.number} {method}",
            "via": f"SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK-person-{self.number}",
        }
        return self.here.stage.tell(text(method, **(within | headers)))

    def presses(self, key: str) -> None:
        self.does("INFO", body=f"Signal={key}\nDuration=100\n", content_type="application/dtmf-relay")


def answer(request: SipRequest, status: int, **headers: str) -> bytes:
    response = SipResponse(status_code=status, reason_phrase="Said")
    for name in ("Via", "From", "Call-ID", "CSeq"):
        response.headers.set_single(name, request.get_header(name) or "")
    response.headers.set_single("To", f"{request.get_header('to')};tag=person")
    response.headers.set_single("Contact", "<sip:person@10.0.0.5:5070>")
    for name, value in headers.items():
        response.headers.set_single(name.replace("_", "-"), value)
    if 200 <= status < 300 and "INVITE" in (request.get_header("cseq") or ""):
        response.headers.set_single("Content-Type", "application/sdp")
        response.text = LOCAL_OFFER.replace("\n", "\r\n")
    return bytes(response)


def sent(here: Rig, method: str) -> SipRequest:
    return next(each for each, _ in here.stage.sent if isinstance(each, SipRequest) and each.method == method)


@asynccontextmanager
async def ringing(
    voice: Told | None = None, auth: SipDigestAuth | None = None, *, replaces: bool = False
) -> AsyncIterator[Person]:
    """A caller hears music, and a person is rung. At the end both are gone, and so are their ports."""
    loop, voice, calls, tasks = asyncio.get_running_loop(), voice or Told(), Passing(), TaskSet()
    live: dict[str, Any] = {}

    def auth_of(peer: Peer) -> SipDigestAuth | None:
        return auth

    began = loop.time()
    calls.real = Transfers(
        cast(Store, calls.shelf),
        parse_targets("+541150310001|*|24h"),
        SipPeople(live, tasks, voice, auth_of),
        ring_s=RING_S,
        clock=lambda: MOMENT + timedelta(seconds=loop.time() - began),
    )
    async with rig(calls, voice=voice, replaces=replaces) as here:
        leg = here.ring()
        live[leg.id] = here.call
        await here.until(200)
        here.stage.tell(here.stage.within(leg, "ACK", 1))
        await here.until("INVITE")
        yield Person(here, leg, calls, voice, sent(here, "INVITE"))
        assert here.task is not None
        await here.task
        await calls.real.close()
        async with asyncio.timeout(100.0):
            await tasks.wait()


async def picked_up(person: Person) -> None:
    person.answers(180)
    assert person.answers(200) == ["ACK"]
    while not person.voice.said:
        await asyncio.sleep(0.1)


@virtually
async def test_a_person_is_told_who_is_calling_and_takes_the_caller_with_1() -> None:
    async with ringing() as person:
        assert (person.invite.uri, person.invite.get_header("to")) == (TARGET, f"<{TARGET}>")
        await picked_up(person)
        (told,) = person.voice.said
        assert told.startswith("Llamada del asistente telefónico. Pide hablar con una persona. Tema: turnos.")
        assert told.endswith(CHOICE)
        person.presses("1")
        await asyncio.sleep(6.0)
        assert person.calls.shelf.record is not None
        assert person.calls.shelf.record.outcome == TRANSFERRED
        assert person.does("BYE") == [200]
        await person.here.until("BYE")
        assert person.calls.returned_to == [], "they have talked: the call is over"
    assert person.calls.resumes == [0]


@virtually
async def test_a_caller_who_hangs_up_on_a_person_ends_the_persons_call() -> None:
    async with ringing() as person:
        await picked_up(person)
        person.presses("1")
        await asyncio.sleep(1.0)
        here = person.here.stage
        assert here.tell(here.within(person.leg, "BYE")) == [200]
        await person.here.until("BYE")
        here.tell(answer(sent(person.here, "BYE"), 200))


async def is_busy(person: Person) -> None:
    assert person.answers(486) == ["ACK"]


async def has_no_such_number(person: Person) -> None:
    assert person.answers(404) == ["ACK"]


async def does_not_answer(person: Person) -> None:
    person.answers(180)
    await person.here.until("CANCEL")
    cancel = sent(person.here, "CANCEL")
    assert cancel.get_header("via") == person.invite.get_header("via")
    person.here.stage.tell(answer(cancel, 200))
    assert person.answers(487) == ["ACK"]


async def is_never_heard_of(person: Person) -> None:
    """Nothing at all comes back."""


async def presses_2(person: Person) -> None:
    await picked_up(person)
    person.presses("2")
    await person.here.until("BYE")
    assert person.voice.said[-1] == DECLINED
    person.here.stage.tell(answer(sent(person.here, "BYE"), 200))


async def presses_nothing_as_a_voice_mail_does(person: Person) -> None:
    await picked_up(person)
    await person.here.until("BYE")
    person.here.stage.tell(answer(sent(person.here, "BYE"), 200))


async def hangs_up_in_the_briefing(person: Person) -> None:
    await picked_up(person)
    assert person.does("BYE") == [200]


async def takes_it_and_hangs_up_at_once(person: Person) -> None:
    await picked_up(person)
    person.presses("1")
    await asyncio.sleep(2.0)
    assert person.does("BYE") == [200]


async def answers_nothing_that_we_speak(person: Person) -> None:
    response = SipMessage.parse(answer(person.invite, 200))
    response.text = LOCAL_OFFER.replace("8 0 101", "18")
    assert person.here.stage.tell(bytes(response)) == ["ACK"]
    await person.here.until("BYE")


@pytest.mark.parametrize(
    ("act", "came_to"),
    [
        (is_busy, "busy"),
        (has_no_such_number, "failed"),
        (does_not_answer, "no-answer"),
        (is_never_heard_of, "no-answer"),
        (presses_2, "declined"),
        (presses_nothing_as_a_voice_mail_does, "declined"),
        (hangs_up_in_the_briefing, "hung-up"),
        (takes_it_and_hangs_up_at_once, "hung-up"),
        (answers_nothing_that_we_speak, "failed"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_person_who_does_not_take_the_caller_gives_him_back_to_carlos(act: Callable[..., Any], came_to: str) -> None:
    @virtually
    async def run() -> None:
        async with ringing() as person:
            await act(person)
            while not person.calls.returned_to:
                await asyncio.sleep(0.1)
        assert [memory["came_to"] for memory in person.calls.returned_to] == [came_to]
        assert person.calls.resumes == [0, 1]

    run()


@virtually
async def test_a_person_who_cannot_be_told_anything_takes_nobody() -> None:
    async with ringing(Told(fails=True)) as person:
        person.answers(200)
        while not person.calls.returned_to:
            await asyncio.sleep(0.1)
    assert person.calls.resumes == [0, 1]


@virtually
async def test_a_caller_whose_transfer_cannot_be_settled_hears_an_apology(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unavailable(call_id: str, *, tries: int | None = None) -> AfterStream:
        raise Unavailable("no store")

    async with ringing() as person:
        monkeypatch.setattr(person.calls, "brought_back", unavailable)
        began = asyncio.get_running_loop().time()
        assert person.answers(486) == ["ACK"]
        await person.here.until("BYE")
        assert asyncio.get_running_loop().time() - began > 3.0, "it takes its time to be said"
    assert person.calls.resumes == [0]


@virtually
async def test_a_caller_who_leaves_the_music_lets_the_person_go() -> None:
    async with ringing() as person:
        person.answers(180)
        here = person.here.stage
        here.tell(here.within(person.leg, "BYE"))
        await person.here.until("CANCEL")
        here.tell(answer(sent(person.here, "CANCEL"), 200))
        assert person.answers(487) == ["ACK"]


@virtually
async def test_a_caller_who_leaves_during_the_briefing_ends_the_persons_call() -> None:
    async with ringing() as person:
        await picked_up(person)
        here = person.here.stage
        here.tell(here.within(person.leg, "BYE"))
        await person.here.until("BYE")
        here.tell(answer(sent(person.here, "BYE"), 200))
    assert person.calls.resumes == [0]


@virtually
async def test_who_picks_up_just_as_he_is_let_go_is_hung_up_on() -> None:
    async with ringing() as person:
        person.answers(180)
        here = person.here.stage
        here.tell(here.within(person.leg, "BYE"))
        await person.here.until("CANCEL")
        assert person.answers(200) == ["ACK", "BYE"]


@virtually
async def test_a_trunk_that_wants_a_proof_gets_it_and_an_answer_that_comes_again_its_ack() -> None:
    async with ringing(auth=SipDigestAuth("carlos", "secret")) as person:
        challenge = 'Digest realm="trunk", nonce="abc", algorithm=MD5, qop="auth"'
        assert person.answers(407, Proxy_Authenticate=challenge) == ["ACK", "INVITE"]
        first, person.invite = person.invite, sent(person.here, "INVITE")
        assert person.invite.get_header("cseq") == "2 INVITE"
        assert 'username="carlos"' in (person.invite.get_header("proxy-authorization") or "")
        assert person.invite.text == first.text
        await picked_up(person)
        assert person.answers(200) == ["ACK"]
        assert person.here.stage.tell(answer(first, 407)) == ["ACK"]
        person.does("BYE")


@virtually
async def test_a_proof_is_for_who_gave_the_account_and_no_trunk_is_answered_for_ever() -> None:
    challenge = 'Digest realm="trunk", nonce="abc", algorithm=MD5, qop="auth"'
    async with ringing() as person:
        assert person.answers(401, WWW_Authenticate=challenge) == ["ACK"]
    async with ringing(auth=SipDigestAuth("carlos", "secret")) as person:
        for _ in range(2):
            assert person.answers(401, WWW_Authenticate=challenge) == ["ACK", "INVITE"]
            person.invite = sent(person.here, "INVITE")
        assert person.answers(401, WWW_Authenticate=challenge) == ["ACK"]
