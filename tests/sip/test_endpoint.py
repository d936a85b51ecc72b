"""Signalling: who is answered at all, what, and how often. No sockets, and a clock that jumps."""

from __future__ import annotations

import asyncio

import pytest
from aiosipua import SipDigestAuth, build_credentials, parse_auth, stringify_auth

from agent.capacity import Admission
from telephony.sip.leg import Ended, LegState
from telephony.sip.refusals import REFUSALS
from telephony.sip.transactions import GIVE_UP_S
from tests.sip.stage import OFFER, PBX, STRANGER, Stage, text
from tests.support.virtual_loop import virtually

FULL = REFUSALS[Admission.FULL]


def test_every_refusal_has_an_answer() -> None:
    told_otherwise = {Admission.ACCEPTED, Admission.CLOSED}
    assert set(REFUSALS) == set(Admission) - told_otherwise


# --- who is answered ------------------------------------------------------------------------------------------


@virtually
async def test_a_stranger_gets_no_answer_to_anything() -> None:
    stage = Stage()
    for method in ("INVITE", "OPTIONS", "REGISTER", "BYE", "CANCEL", "ACK", "NOTIFY", "FOO"):
        assert stage.tell(text(method), STRANGER) == []
    assert stage.tell(b"anything\r\n\r\n", STRANGER) == []
    assert not stage.legs


@virtually
async def test_a_call_from_an_allowed_address_rings_and_is_taken() -> None:
    stage = Stage()
    leg = stage.ring()
    assert stage.said == [100]
    stage.endpoint.ring(leg)
    assert stage.endpoint.answer(leg, "v=0\r\n")
    assert stage.said == [100, 180, 200]
    assert stage.header("contact") == "<sip:carlos@10.0.0.1:5060>"
    assert leg.state is LegState.ANSWERED
    stage.tell(stage.within(leg, "ACK", 1))
    assert (leg.state, stage.observed[0].up) == (LegState.UP, [""])


@virtually
async def test_a_stranger_who_proves_a_password_is_let_in_once_for_each_proof() -> None:
    stage = Stage(users={"pbx": "secret"})
    assert stage.tell(text("OPTIONS"), STRANGER) == []
    assert stage.tell(text("INVITE", body=OFFER), STRANGER) == [401]
    proven = proof(stage, "secret")
    assert stage.tell(text("INVITE", body=OFFER, cseq="2 INVITE", via=via(2), authorization=proven), STRANGER) == [100]
    again = text("INVITE", body=OFFER, cseq="3 INVITE", via=via(3), authorization=proven)
    assert stage.tell(again, STRANGER) == [401], "the nonce's count was used"
    assert "stale=true" in (stage.header("www-authenticate") or "")
    assert len(stage.legs) == 1


@pytest.mark.parametrize("digests", [("sha-256", "md5"), ("sha-256",), ("md5",)])
def test_each_algorithm_has_a_challenge_and_any_of_them_may_be_answered(digests: tuple[str, ...]) -> None:
    @virtually
    async def run() -> None:
        for number, answered in enumerate(digests):
            stage = Stage(users={"pbx": "secret"}, digests=digests)
            stage.tell(text("INVITE", body=OFFER), STRANGER)
            offered = [parse_auth(each).params["algorithm"] for each in stage.last.headers.get("www-authenticate")]
            assert offered == [name.upper() for name in digests], "the strongest first (RFC 8760, section 2.3)"
            proven = proof(stage, "secret", challenge=number)
            assert f"algorithm={answered.upper()}" in proven
            invite = text("INVITE", body=OFFER, cseq="2 INVITE", via=via(2), authorization=proven)
            assert stage.tell(invite, STRANGER) == [100]

    run()


@virtually
async def test_an_algorithm_that_was_not_offered_proves_nothing() -> None:
    stage = Stage(users={"pbx": "secret"}, digests=("sha-256",))
    stage.tell(text("INVITE", body=OFFER), STRANGER)
    weak = proof(stage, "secret").replace("SHA-256", "MD5")
    assert stage.tell(text("INVITE", body=OFFER, via=via(2), authorization=weak), STRANGER) == [401]
    assert not stage.legs


@virtually
async def test_a_phone_that_answers_every_challenge_is_let_in_once_and_guesses_once() -> None:
    stage = Stage(users={"pbx": "secret"}, digests=("sha-256", "md5"))
    stage.tell(text("INVITE", body=OFFER), STRANGER)
    both = [proof(stage, "secret", challenge=number) for number in (0, 1)]
    assert stage.tell(authorized(2, *both), STRANGER) == [100]
    stage.tell(text("INVITE", body=OFFER, via=via(3)), STRANGER)
    wrong = [proof(stage, "wrong", challenge=number) for number in (0, 1)]
    assert stage.tell(authorized(4, *wrong), STRANGER) == [403]
    stage.tell(text("INVITE", body=OFFER, via=via(5)), STRANGER)
    guesses = [*(proof(stage, f"wrong {number}") for number in range(20)), proof(stage, "secret")]
    assert stage.tell(authorized(6, *guesses), STRANGER) == [403], "a message has one guess for each algorithm"


def authorized(number: int, *proofs: str) -> bytes:
    """An INVITE with several headers of the same name."""
    lines = "\r\n".join(f"Authorization: {each}" for each in proofs)
    invite = text("INVITE", body=OFFER, cseq=f"{number} INVITE", via=via(number))
    return invite.replace(b"max-forwards", f"{lines}\r\nmax-forwards".encode())


@pytest.mark.parametrize(("user", "password"), [("pbx", "wrong"), ("nobody", "secret")])
def test_a_wrong_password_is_refused(user: str, password: str) -> None:
    @virtually
    async def run() -> None:
        stage = Stage(users={"pbx": "secret"})
        stage.tell(text("INVITE", body=OFFER), STRANGER)
        wrong = proof(stage, password, user)
        assert stage.tell(text("INVITE", body=OFFER, via=via(2), authorization=wrong), STRANGER) == [403]
        assert not stage.legs

    run()


@virtually
async def test_a_proof_is_worth_nothing_from_another_address_or_later() -> None:
    stage = Stage(users={"pbx": "secret"})
    stage.tell(text("INVITE", body=OFFER), STRANGER)
    proven = proof(stage, "secret")
    elsewhere = type(STRANGER)("udp", "203.0.113.67", 5060)
    assert stage.tell(text("INVITE", body=OFFER, via=via(2), authorization=proven), elsewhere) == [401]
    await asyncio.sleep(61)
    assert stage.tell(text("INVITE", body=OFFER, via=via(3), authorization=proven), STRANGER) == [401]


@virtually
async def test_an_address_that_goes_on_guessing_is_not_read_for_a_while() -> None:
    stage = Stage(users={"pbx": "secret"})
    said = []
    for number in range(20):
        challenged = stage.tell(text("INVITE", body=OFFER, via=via(10 * number)), STRANGER)
        said += challenged
        if challenged:
            wrong = proof(stage, f"guess {number}")
            said += stage.tell(text("INVITE", body=OFFER, via=via(10 * number + 1), authorization=wrong), STRANGER)
    assert said == [401, 403] * 6
    elsewhere = type(STRANGER)("udp", "203.0.113.67", 5060)
    assert stage.tell(text("INVITE", body=OFFER, via=via(901)), elsewhere) == [401]
    await asyncio.sleep(601)
    assert stage.tell(text("INVITE", body=OFFER, via=via(902)), STRANGER) == [401]


@virtually
async def test_who_answers_no_challenge_of_ours_has_guessed_nothing() -> None:
    stage = Stage(users={"pbx": "secret"})
    forged = 'Digest username="pbx", realm="carlos", nonce="1.00", uri="sip:x", nc=00000001, cnonce="a", response="00"'
    for number in range(20):
        assert stage.tell(text("INVITE", body=OFFER, via=via(number), authorization=forged), STRANGER) == [401]


@virtually
async def test_strangers_are_read_at_a_bounded_rate() -> None:
    stage = Stage(users={"pbx": "secret"})
    answered = 0
    for number in range(500):
        answered += bool(stage.tell(text("INVITE", body=OFFER, via=via(number)), STRANGER))
        await asyncio.sleep(0)
    assert answered == 200
    assert stage.tell(text("OPTIONS"), PBX) == [200], "and those who are known are not among them"


# --- messages that come twice, and that get lost --------------------------------------------------------------


@virtually
async def test_an_invite_that_comes_again_is_the_same_call() -> None:
    stage = Stage()
    leg = stage.ring()
    assert stage.tell(text("INVITE", body=OFFER)) == [100]
    stage.endpoint.ring(leg)
    assert stage.tell(text("INVITE", body=OFFER)) == [180]
    assert stage.endpoint.legs == 1


@virtually
async def test_the_same_invite_by_another_way_is_a_loop() -> None:
    stage = Stage()
    stage.ring()
    assert stage.tell(text("INVITE", body=OFFER, via=via(2))) == [482]
    assert stage.endpoint.legs == 1


@virtually
async def test_a_refusal_is_sent_again_until_its_ack() -> None:
    stage = Stage()
    stage.endpoint.refuse(stage.ring(), FULL)
    assert stage.last.get_header("retry-after") == "30"
    stage.sent.clear()
    await asyncio.sleep(2)
    assert stage.said == [503, 503]
    stage.tell(text("ACK"))
    await asyncio.sleep(GIVE_UP_S)
    assert stage.said == []
    assert stage.endpoint.legs == 0


@virtually
async def test_an_answer_that_nobody_acknowledges_ends_the_call() -> None:
    stage = Stage()
    leg = stage.ring()
    stage.endpoint.answer(leg, "v=0\r\n")
    stage.sent.clear()
    await asyncio.sleep(GIVE_UP_S + 1)
    assert stage.said[:-1].count(200) == 10
    assert "BYE" in stage.said
    assert stage.observed[0].over == [Ended.NO_ACK]
    assert stage.endpoint.legs == 0


@virtually
async def test_a_bye_that_comes_again_gets_the_same_answer() -> None:
    stage = Stage()
    leg = stage.up()
    bye = stage.within(leg, "BYE")
    assert stage.tell(bye) == [200]
    assert stage.tell(bye) == [200]
    assert stage.observed[0].over == [Ended.BYE]
    assert stage.tell(stage.within(leg, "BYE", 3)) == [481]


@virtually
async def test_our_bye_is_sent_again_until_it_is_answered() -> None:
    stage = Stage()
    leg = stage.up()
    stage.sent.clear()
    stage.endpoint.hang_up(leg)
    await asyncio.sleep(1)
    assert stage.said == ["BYE", "BYE"]
    stage.tell(stage.answered(200))
    await asyncio.sleep(GIVE_UP_S)
    assert stage.said == []
    assert stage.observed[0].over == [Ended.HUNG_UP]


@virtually
async def test_nothing_is_sent_again_over_a_stream() -> None:
    stage = Stage()
    over_tcp = type(PBX)("tcp", PBX.host, 40000, flow=1)
    stage.endpoint.refuse(stage.ring(over_tcp), FULL)
    stage.sent.clear()
    await asyncio.sleep(2 * GIVE_UP_S)
    assert stage.said == []


@virtually
async def test_over_tcp_we_say_so() -> None:
    stage = Stage()
    over_tcp = type(PBX)("tcp", PBX.host, 40000, flow=1)
    leg = stage.ring(over_tcp)
    stage.endpoint.answer(leg, "v=0\r\n")
    assert stage.header("contact") == "<sip:carlos@10.0.0.1:5060;transport=tcp>"
    stage.tell(stage.within(leg, "ACK", 1), over_tcp)
    stage.endpoint.hang_up(leg)
    assert (stage.header("via") or "").startswith("SIP/2.0/TCP ")


# --- CANCEL and the rest of a call ----------------------------------------------------------------------------


@virtually
async def test_a_cancelled_call_is_over_and_its_invite_is_told_so() -> None:
    stage = Stage()
    leg = stage.ring()
    assert stage.tell(text("CANCEL")) == [200, 487]
    assert stage.observed[0].over == [Ended.CANCELLED]
    assert not stage.endpoint.answer(leg, "v=0\r\n"), "whoever was about to answer learns of it"
    assert stage.endpoint.legs == 0


@virtually
async def test_a_cancel_that_crosses_the_answer_changes_nothing() -> None:
    stage = Stage()
    leg = stage.ring()
    stage.endpoint.answer(leg, "v=0\r\n")
    assert stage.tell(text("CANCEL")) == [200]
    assert stage.observed[0].over == []
    stage.tell(stage.within(leg, "ACK", 1))
    assert leg.state is LegState.UP


@virtually
async def test_a_cancel_of_nothing_is_told_so() -> None:
    assert Stage().tell(text("CANCEL")) == [481]


@virtually
async def test_a_call_that_we_end_before_its_ack_says_bye_after_it() -> None:
    stage = Stage()
    leg = stage.ring()
    stage.endpoint.answer(leg, "v=0\r\n")
    stage.sent.clear()
    stage.endpoint.hang_up(leg)
    assert stage.said == []
    assert stage.tell(stage.within(leg, "ACK", 1)) == ["BYE"]
    assert stage.observed[0].over == [Ended.HUNG_UP]


@virtually
async def test_what_belongs_to_no_call_is_told_so() -> None:
    stage = Stage()
    leg = stage.up()
    for wrong in ({"call_id": "another"}, {"from_": "<sip:x@y>;tag=another"}, {"to": "<sip:carlos@10.0.0.1>;tag=none"}):
        assert stage.tell(stage.within(leg, "BYE", 2, via=via(len(str(wrong))), **wrong)) == [481]
    assert stage.tell(stage.within(leg, "BYE", 1, via=via(99))) == [500], "it is older than what came before"
    assert leg.state is LegState.UP


@virtually
async def test_a_name_may_have_brackets_and_quotes_in_it() -> None:
    stage = Stage()
    named = r'"Ana \"la <jefa>\" Paz" <sip:+5491155550100@10.0.0.5>;tag=theirs'
    leg = stage.up(from_=named)
    assert stage.tell(stage.within(leg, "BYE", from_=named)) == [200]


@virtually
async def test_hold_and_resume_are_agreed_on() -> None:
    stage = Stage()
    leg = stage.up()
    hold = OFFER + "a=sendonly\n"
    assert stage.tell(stage.within(leg, "INVITE", 2, body=hold)) == [200]
    assert "a=sendonly" in stage.observed[0].offers[0]
    stage.tell(stage.within(leg, "ACK", 2))
    stage.observed[0].agrees = False
    assert stage.tell(stage.within(leg, "INVITE", 3, body=OFFER)) == [488]
    assert stage.tell(stage.within(leg, "UPDATE", 4, body=OFFER)) == [488]
    assert stage.tell(stage.within(leg, "UPDATE", 5)) == [200], "a sign of life needs no agreement"
    assert leg.state is LegState.UP


@virtually
async def test_a_transfer_is_asked_for_and_its_progress_is_told() -> None:
    stage = Stage()
    leg = stage.up()
    answers: list[int | None] = []
    stage.sent.clear()
    stage.endpoint.refer(leg, "sip:guardia@clinica.example", lambda r: answers.append(r.status_code if r else None))
    assert (stage.said, stage.header("refer-to")) == (["REFER"], "<sip:guardia@clinica.example>")
    stage.tell(stage.answered(202))
    for number, line in ((2, "SIP/2.0 180 Ringing"), (3, "SIP/2.0 486 Busy Here")):
        told = stage.within(leg, "NOTIFY", number, body=line, event="refer", content_type="message/sipfrag")
        assert stage.tell(told) == [200]
    assert (answers, stage.observed[0].statuses) == ([202], [180, 486])
    assert stage.tell(stage.within(leg, "NOTIFY", 4, event="presence")) == [489]


@virtually
async def test_the_progress_of_a_transfer_before_it_is_not_told_as_the_last_ones() -> None:
    stage = Stage()
    leg = stage.up()
    numbers = []
    for target in ("sip:guardia@clinica.example", "sip:recepcion@clinica.example"):
        stage.endpoint.refer(leg, target, lambda response: None)
        numbers.append((stage.header("cseq") or "").partition(" ")[0])
        stage.tell(stage.answered(202))
    for number, (event, status) in enumerate([(numbers[0], 603), (numbers[1], 200)], 2):
        told = stage.within(leg, "NOTIFY", number, body=f"SIP/2.0 {status} Said", event=f"refer;id={event}")
        assert stage.tell(told) == [200]
    assert stage.observed[0].statuses == [200]


@virtually
async def test_keys_by_info_are_told() -> None:
    stage = Stage()
    leg = stage.up()
    relay = "application/dtmf-relay"
    body = "Signal=5\nDuration=160\n"
    assert stage.tell(stage.within(leg, "INFO", 2, body=body, content_type=relay)) == [200]
    assert stage.tell(stage.within(leg, "INFO", 3, body="x", content_type="text/plain")) == [415]
    assert stage.observed[0].keys == ["5"]


@virtually
async def test_a_session_without_a_sign_of_life_is_over() -> None:
    stage = Stage()
    leg = stage.ring(session_expires="90", supported="timer")
    stage.endpoint.answer(leg, "v=0\r\n")
    assert stage.header("session-expires") == "90;refresher=uac"
    stage.tell(stage.within(leg, "ACK", 1))
    await asyncio.sleep(50)
    stage.tell(stage.within(leg, "UPDATE", 2))
    await asyncio.sleep(50)
    assert leg.state is LegState.UP, "it was refreshed"
    await asyncio.sleep(50)
    assert stage.observed[0].over == [Ended.EXPIRED]
    assert "BYE" in stage.said


@virtually
async def test_a_session_that_we_are_to_refresh_is_refreshed() -> None:
    stage = Stage()
    leg = stage.up(session_expires="120;refresher=uas", supported="timer")
    stage.sent.clear()
    await asyncio.sleep(60)
    assert stage.said == ["UPDATE"]
    stage.tell(stage.answered(200))
    await asyncio.sleep(60.5)
    assert stage.said[0] == "UPDATE"
    await asyncio.sleep(GIVE_UP_S)
    assert stage.observed[0].over == [Ended.EXPIRED], "nobody answered"
    assert leg.state is LegState.OVER


@virtually
async def test_too_short_a_session_is_refused_with_the_shortest() -> None:
    stage = Stage()
    assert stage.tell(text("INVITE", body=OFFER, session_expires="30")) == [422]
    assert stage.header("min-se") == "90"


# --- what cannot be acted on (RFC 4475) -----------------------------------------------------------------------

WRONG: dict[str, tuple[bytes, int]] = {
    "another version": (text("INVITE", version="SIP/7.0"), 505),
    "a method that is unknown": (text("NEWMETHOD"), 405),
    "the CSeq's method is another": (text("OPTIONS", cseq="1 INVITE"), 400),
    "a CSeq that is too large": (text("OPTIONS", cseq="36893488147419103232 OPTIONS"), 400),
    "a CSeq without a number": (text("OPTIONS", cseq="OPTIONS"), 400),
    "a negative length": (text("OPTIONS", content_length="-999"), 400),
    "less of a body than declared": (text("INVITE", body=OFFER, content_length="9999"), 400),
    "an unclosed quote": (text("OPTIONS", from_='"Ana <sip:a@10.0.0.5>;tag=1'), 400),
    "an unclosed bracket": (text("OPTIONS", to="<sip:carlos@10.0.0.1"), 400),
    "From without a tag": (text("OPTIONS", from_="<sip:a@10.0.0.5>"), 400),
    "a scheme that is unknown": (text("OPTIONS", uri="nobodyKnowsThisScheme:totallyopaque"), 416),
    "an extension that is unknown": (text("OPTIONS", require="nothingSupportsThis, nothingEither"), 420),
    "a body that is no SDP": (text("INVITE", body="x", content_type="text/plain"), 415),
    "no Contact": (text("INVITE", body=OFFER, contact=None), 400),
    "two From": (text("OPTIONS").replace(b"\r\n\r\n", b"\r\nFrom: <sip:b@10.0.0.5>;tag=2\r\n\r\n"), 400),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_answered_so(name: str) -> None:
    @virtually
    async def run() -> None:
        stage = Stage()
        message, status = WRONG[name]
        assert stage.tell(message) == [status]
        assert not stage.legs

    run()


UNANSWERABLE: dict[str, bytes] = {
    "nothing": b"",
    "a keep-alive": b"\r\n\r\n",
    "noise": bytes(range(256)) * 8,
    "no Via": text("OPTIONS", via=None),
    "no Call-ID": text("OPTIONS", call_id=None),
    "a Via that is none": text("OPTIONS", via="%%%"),
    "too long": text("OPTIONS", subject="x" * 20_000),
    "a header that is too long": text("OPTIONS", to="<sip:" + "x" * 3000 + "@10.0.0.1>"),
    "many Via": text("OPTIONS", via=", ".join(via_ for via_ in ["SIP/2.0/UDP 10.0.0.5;branch=z9hG4bK-1"] * 30)),
    "no request line": b"OPTIONS\r\n\r\n",
    "a response to nothing": b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\n"
    b"To: <sip:a@b>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n",
    "an ACK of nothing": text("ACK"),
    "an ACK that is wrong": text("ACK", cseq="1 INVITE"),
}


@pytest.mark.parametrize("name", UNANSWERABLE)
def test_what_cannot_be_answered_is_passed_over(name: str) -> None:
    @virtually
    async def run() -> None:
        stage = Stage()
        assert stage.tell(UNANSWERABLE[name]) == []
        assert not stage.legs

    run()


@virtually
async def test_options_say_what_is_spoken() -> None:
    stage = Stage()
    assert stage.tell(text("OPTIONS")) == [200]
    assert "INVITE" in (stage.header("allow") or "")
    assert stage.header("accept") == "application/sdp"


@virtually
async def test_answers_go_where_a_request_came_from() -> None:
    stage = Stage()
    behind_nat = type(PBX)("udp", "10.0.0.9", 41000)
    stage.tell(text("OPTIONS", via="SIP/2.0/UDP 192.168.0.2:5062;branch=z9hG4bK-1;rport"), behind_nat)
    assert stage.sent[0][1] == behind_nat
    assert stage.header("via") == "SIP/2.0/UDP 192.168.0.2:5062;branch=z9hG4bK-1;rport=41000;received=10.0.0.9"
    stage.tell(text("OPTIONS", via="SIP/2.0/UDP 192.168.0.2:5062;branch=z9hG4bK-2"), behind_nat)
    assert stage.sent[0][1] == type(PBX)("udp", "10.0.0.9", 5062), "without rport, to the port that Via names"


def via(number: int) -> str:
    return f"SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK-{number}"


def proof(stage: Stage, password: str, user: str = "pbx", challenge: int = 0) -> str:
    """An Authorization that answers one of the last challenges."""
    given = parse_auth(stage.last.headers.get("www-authenticate")[challenge])
    found = build_credentials(SipDigestAuth(user, password), given, "INVITE", "sip:carlos@10.0.0.1")
    assert found is not None
    return stringify_auth(found)
