"""The phones that ring in these tests: what they send is right, and what they judge is judged by the sender's clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from sandbox.sip import sipp
from sandbox.sip.message import Call, Message, options
from sandbox.sip.rtp import FRAME, KEYS, PCMA, PCMU, Packet, Reception, Sending

LOUD = bytes(range(FRAME))  # mu-law


def came(packets: Sequence[Packet]) -> Reception:
    reception = Reception()
    for number, packet in enumerate(packets):
        reception.feed(packet.encode(), 0.02 * number)
    return reception


def sent(count: int, codec: int = PCMU, seed: int = 1) -> list[Packet]:
    sending = Sending(codec, seed)
    return [Packet.decode(sending.frame(LOUD)) for _ in range(count)]


@pytest.mark.parametrize("codec", [PCMU, PCMA])
def test_what_is_sent_is_heard_as_it_was_said(codec: int) -> None:
    heard = came(sent(50, codec))
    assert (heard.jumps, heard.longest_gap_ms, heard.sources) == (0, 0.0, 1)
    assert heard.longest_wait_ms == pytest.approx(20)
    assert len(heard.ulaw()) == 50 * FRAME
    if codec == PCMU:
        assert heard.ulaw() == 50 * LOUD


def test_numbers_and_times_go_round() -> None:
    packets = [replace(packet, sequence=(65_534 + n) % 65_536, timestamp=(2**32 - 320 + n * FRAME) % 2**32)
               for n, packet in enumerate(sent(6))]  # fmt: skip
    heard = came(packets)
    assert (heard.jumps, heard.longest_gap_ms, len(heard.ulaw())) == (0, 0.0, 6 * FRAME)


def test_what_is_lost_is_a_jump_and_a_gap_and_silence() -> None:
    packets = sent(10)
    heard = came(packets[:3] + packets[7:])
    assert (heard.jumps, heard.longest_gap_ms) == (1, 80.0)
    assert heard.ulaw() == 3 * LOUD + 4 * FRAME * b"\xff" + 3 * LOUD


def test_a_pause_between_talk_spurts_is_no_gap() -> None:
    packets = sent(4)
    later = [replace(packet, timestamp=packet.timestamp + 8000, marked=n == 2) for n, packet in enumerate(packets)][2:]
    assert came(packets[:2] + later).longest_gap_ms == 0.0
    assert came(packets[:2] + [replace(packet, marked=False) for packet in later]).longest_gap_ms == 1000.0


def test_time_that_goes_back_is_a_gap_too() -> None:
    packets = sent(4)
    packets[2] = replace(packets[2], timestamp=packets[0].timestamp)
    assert came(packets).longest_gap_ms == 40.0


def test_what_is_no_rtp_is_counted_apart() -> None:
    reception = Reception()
    assert [reception.feed(data, 0.0) for data in (b"", b"\x80", bytes(40))] == [None] * 3
    assert (reception.malformed, reception.packets) == (3, [])


def test_a_key_is_one_event_whose_end_is_told_three_times() -> None:
    sending = Sending(PCMA, 1)
    before = Packet.decode(sending.frame(LOUD))
    key = [Packet.decode(data) for data in sending.key("#")]
    after = Packet.decode(sending.frame(LOUD))
    assert {(packet.payload_type, packet.timestamp) for packet in key} == {(KEYS, before.timestamp + FRAME)}
    assert [packet.marked for packet in key] == [True] + [False] * 6
    assert [packet.payload[1] >> 7 for packet in key] == [0, 0, 0, 0, 1, 1, 1]
    assert {packet.payload[0] for packet in key} == {11}
    assert (after.sequence - before.sequence) % 65_536 == len(key) + 1
    assert after.timestamp - before.timestamp == (len(key) + 1) * FRAME


def test_a_call_goes_on_with_what_its_answer_says() -> None:
    call = Call.between("127.0.0.1:5070", "127.0.0.1:5060", "+5491155550100", "one")
    invite = Message.decode(call.invite(4000, PCMA))
    assert (invite.status, invite.method, invite.rtp) == (0, "INVITE", ("127.0.0.1", 4000))
    told = invite.reply().replace(b"to: <sip:carlos@127.0.0.1:5060>", b"to: <sip:carlos@127.0.0.1:5060>;tag=t")
    answer = Message.decode(told.replace(b"\r\n\r\n", b"\r\nContact: <sip:c@127.0.0.1:6000>\r\n\r\n"))
    assert (answer.status, answer.method) == (200, "INVITE")
    ack = Message.decode(call.answered(answer))
    assert ack.first_line == "ACK sip:c@127.0.0.1:6000 SIP/2.0"
    assert ack.headers["to"].endswith(";tag=t")
    assert Message.decode(call.bye()).headers["cseq"] == "2 BYE"


def test_the_ack_of_a_refusal_belongs_to_its_invite() -> None:
    call = Call.between("127.0.0.1:5070", "127.0.0.1:5060", "+5491155550100", "one")
    invite = Message.decode(call.invite(4000, PCMA))
    ack = Message.decode(call.answered(Message.decode(invite.reply("486 Busy Here"))))
    assert ack.headers["via"] == invite.headers["via"]
    assert Message.decode(call.cancel()).headers["via"] == invite.headers["via"]


def test_what_is_not_nearly_sip_is_no_message() -> None:
    with pytest.raises(ValueError, match="no SIP"):
        Message.decode(b"GET / HTTP/1.1\r\n\r\n")
    assert Message.decode(options("127.0.0.1:1", "127.0.0.1:2", "x")).method == "OPTIONS"


def test_a_scenario_is_sipps_own_xml() -> None:
    steps = sipp.call_until_hung_up(PCMU)
    found = ElementTree.fromstring(sipp.scenario(*steps))  # noqa: S314 - our own text
    names = [element.tag for element in found]
    assert names == ["send", "recv", "recv", "recv", "recv", "send", "recv", "send"]
