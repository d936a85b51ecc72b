"""sipp against the door of the SIP line: who is let in, what the others are told, and that no call leaves anything."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from sandbox.sip import sipp
from sandbox.sip.message import Call
from sandbox.sip.phone import rtp_phone
from sandbox.sip.rtp import PCMA, PCMU
from sandbox.sip.sipp import (
    RINGS,
    Called,
    Ran,
    ack,
    bye,
    call_until_hung_up,
    cancel,
    expect,
    goto,
    invite,
    label,
    maybe,
    reply,
    request,
    sdp,
)
from sandbox.sip.small_phone import small_phone
from sandbox.sonic.script import Say, ScriptTurn, UseTool, scripted
from sandbox.twilio.caller import RecordedCaller
from sandbox.twilio.server import free_port
from tests.sip.sip_stage import SipLine, sip_line
from tests.support.waiting import until

pytestmark = [pytest.mark.sip, pytest.mark.slow, pytest.mark.usefixtures("no_error_is_logged")]

NUMBER, BLOCKED = "+5491155550100", "+5491155550199"
IS_OF_INVITE = (
    '<action><ereg regexp="INVITE" search_in="hdr" header="CSeq:" assign_to="invited"/></action>'  # and not of CANCEL
)
HANGS_UP = bye(), expect(200)
REFUSAL_SEEN, ANSWER_SEEN, OVER = 1, 2, 3
# Either the CANCEL came in time, and the INVITE is answered 487; or it crossed the answer, and the call is hung up.
AFTER_CANCEL = (
    RINGS,
    maybe(487, next=str(REFUSAL_SEEN)),
    expect(200, IS_OF_INVITE, next=str(ANSWER_SEEN), test="invited"),
    RINGS,
    expect(487),
    ack(branch="1"),
    goto(OVER),
    label(REFUSAL_SEEN),
    ack(branch="1"),
    expect(200),
    goto(OVER),
    label(ANSWER_SEEN),
    ack(),
    maybe(481, next=str(ANSWER_SEEN + 10)),
    expect(200),
    label(ANSWER_SEEN + 10),
    *HANGS_UP,
    label(OVER),
)
CANCELS: dict[str, tuple[str, ...]] = {
    "while it rings": (invite(), maybe(100), expect(180), cancel(), *AFTER_CANCEL),
    "after it was answered": (
        invite(), RINGS, expect(200), cancel(), maybe(481, next="4"), expect(200), label(4), ack(), *HANGS_UP,
    ),
}  # fmt: skip

type Ring = Callable[..., Awaitable[Ran]]


@asynccontextmanager
async def ringing(home: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> AsyncIterator[tuple[SipLine, Ring]]:
    """A line, and what places calls on it that must go as their steps have it."""
    async with sip_line(home, monkeypatch, **settings) as line:

        async def ring(*steps: str, calls: Sequence[Called] = (Called(),), **options: Any) -> Ran:
            ran = await sipp.run(home / "sipp", line.port, steps, calls, **options)
            assert ran.code == 0, f"{ran.trouble}\n{ran.messages}"
            return ran

        yield line, ring


def refused(*statuses: int) -> tuple[str, ...]:
    """A call that is told one of these."""
    *others, last = statuses
    return (
        invite(), maybe(100, 180), *(maybe(status, next="1") for status in others), expect(last), label(1),
        ack(branch="1"),
    )  # fmt: skip


async def test_whoever_may_call_is_answered_and_may_ask_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    goodbye = scripted([ScriptTurn((UseTool("finalizarLlamada"), Say("Chau.")))])
    async with ringing(tmp_path, monkeypatch, brain=goodbye) as (line, ring):
        told = await ring(request("OPTIONS", known=False), expect(200))
        assert "INVITE" in " ".join(told.header("allow"))
        for codec, transport in ((PCMA, "u1"), (PCMU, "t1")):
            async with rtp_phone(RecordedCaller([]), codec, seed=1) as phone:
                await ring(*call_until_hung_up(codec), calls=[Called(phone.port, NUMBER)], transport=transport)
        records = await line.records()
        assert [(record.line, record.outcome) for record in records] == [("phone", "completed")] * 2
        facts = [record.details["sip"] for record in records]
        assert {(each["transport"], each["codec"]) for each in facts} == {("udp", "pcma"), ("tcp", "pcmu")}
        assert {record.caller_number for record in records} == {NUMBER}


async def test_a_call_that_is_cancelled_at_any_moment_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ringing(tmp_path, monkeypatch, max_calls=3) as (line, ring):
        for moment, steps in CANCELS.items():
            for _ in range(3):
                ran = await ring(*steps)
                assert ran.received, moment
            await line.is_quiet()


async def test_a_call_that_is_cancelled_before_anything_came_back_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a phone of ours: sipp reads between two messages that it sends."""
    async with sip_line(tmp_path, monkeypatch, max_calls=3) as line:
        remote = f"127.0.0.1:{line.port}"
        for number in range(5):
            async with small_phone(remote) as phone:
                call = Call.between(phone.local, remote, "+5491155550100", f"early-{number}")
                phone.send(call.invite(9, PCMA))
                phone.send(call.cancel())
                assert (await phone.final("CANCEL")).status == 200
                answer = await phone.final("INVITE")
                assert answer.status == 487, "nothing had been answered"
                phone.send(call.answered(answer))
        await line.is_quiet()


async def test_who_is_blocked_is_declined_and_who_finds_no_seat_is_told_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        ringing(tmp_path, monkeypatch, max_calls=1, blocked_numbers=(BLOCKED,)) as (line, ring),
        small_phone(f"127.0.0.1:{line.port}") as first,
    ):
        await ring(*refused(603), calls=[Called(number=BLOCKED)])
        assert (await first.call("+5491155550101")).status == 200
        told = await ring(*refused(486, 503), calls=[Called(number=f"+549115555{last}") for last in range(2000, 2004)])
        refusals = [message for message in told.received if message.status >= 300]
        assert all(("retry-after" in message.headers) == (message.status == 503) for message in refusals)
        assert (await first.hang_up()).status == 200
        await line.is_quiet()
        await ring(invite(), RINGS, expect(200), ack(), *HANGS_UP)


async def test_a_digest_lets_its_user_in_and_nobody_with_another_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def challenged(password: str) -> tuple[str, ...]:
        answer = f"[authentication username=clinica password={password}]"
        return (
            invite(), maybe(100), expect(401, auth="true"), ack(branch="1"), invite(answer, cseq=2, branch="again"),
        )  # fmt: skip

    async with ringing(tmp_path, monkeypatch, sip_allow=(), sip_users=(SecretStr("clinica:una-clave-larga"),)) as (
        line,
        ring,
    ):
        await ring(*challenged("una-clave-larga"), RINGS, expect(200), ack(cseq=2), *HANGS_UP)
        await ring(
            *challenged("otra"), maybe(100), maybe(403, next="1"), expect(401), label(1), ack(branch="again", cseq=2)
        )


async def test_a_call_may_be_held_and_offers_that_have_nothing_in_common_are_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offers(direction: str, cseq: int) -> tuple[str, ...]:
        body = sdp(PCMA, direction=direction)
        again = request("INVITE", cseq=cseq, branch=f"again{cseq}", body=body)
        return again, maybe(100), expect(200), ack(cseq=cseq, branch=f"ack{cseq}")

    async with ringing(tmp_path, monkeypatch) as (line, ring):
        held = await ring(
            invite(), RINGS, expect(200), ack(), *offers("sendonly", 2), *offers("sendrecv", 3), *HANGS_UP
        )
        answers = [message.body for message in held.received if "m=audio" in message.body]
        assert [re.findall(r"a=(send\w+|recvonly|inactive)", body) for body in answers] in (
            [["sendrecv"], [way], ["sendrecv"]] for way in ("recvonly", "inactive")
        )
        video = sdp(PCMA).replace("m=audio", "m=video").replace("PCMA/8000", "H261/90000")
        await ring(invite(body=video), maybe(100, 180), expect(488), ack(branch="1"))
        assert [record.outcome for record in await line.records()] == ["caller_left"]


async def test_a_trunk_is_registered_with_by_digest_and_left_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    challenge = 'WWW-Authenticate: Digest realm="trunk", nonce="0a1b2c3d", algorithm=MD5, qop="auth"'
    proven = '<action><verifyauth assign_to="proven" username="clinica" password="una-clave"/></action>'
    registrar = (
        expect("REGISTER"), reply("401 Unauthorized", challenge),
        expect("REGISTER", proven, next="1", test="proven"), reply("403 Forbidden"), goto(2),
        label(1), reply("200 OK", "Expires: 120"),
        expect("REGISTER"), reply("200 OK", "Expires: 0"),
        label(2),
    )  # fmt: skip
    port = free_port()
    trunk = asyncio.create_task(sipp.run(tmp_path / "trunk", 9, registrar, options={"-p": str(port)}))
    settings: dict[str, Any] = {"sip_user": "clinica", "sip_password": SecretStr("una-clave"), "sip_allow": ()}
    async with sip_line(tmp_path, monkeypatch, sip_registrar=f"127.0.0.1:{port}", **settings) as line:
        told = tmp_path / "trunk" / "messages.log"
        await until(lambda: told.exists() and "SIP/2.0 200 OK" in told.read_text())
        async with small_phone(f"127.0.0.1:{line.port}") as phone:
            assert (await phone.call("+5491155550100")).status == 200, "the trunk's calls are taken"
            await phone.hang_up()
    ran = await trunk
    assert ran.code == 0, ran.trouble
    assert [message.headers["expires"] == "0" for message in ran.received] == [False, False, True]
