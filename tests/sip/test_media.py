"""A call's audio: terms, packets, the clock, and what an interruption leaves on the wire."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import closing
from dataclasses import replace
from importlib.util import find_spec
from math import sin, tau

import numpy as np
import pytest
from aiortp import RtcpPacket, RtcpSrPacket, RtpPacket, get_codec

from agent.audio.speech import AUDIBLE_RMS
from agent.line import CallerAudio, CallerDigit, LineDropped, LineEvent, MarkBack, SinkClosed
from telephony.sip import sdp
from telephony.sip.arrivals import FRAME
from telephony.sip.line import SILENCE_LIMIT_S, SipLine
from telephony.sip.media import Media
from telephony.sip.ports import NoPorts, Ports
from telephony.sip.rtp import RtpStream
from telephony.sip.sdp import Agreement, NoAgreement
from telephony.sip.srtp import Crypto, Opener, Protector
from tests.sip.stage import OFFER
from tests.support.virtual_loop import run_virtually

PCMA = Agreement("pcma", 101, ("127.0.0.1", 40000))
G722 = replace(PCMA, codec="g722")
needs_g722 = pytest.mark.skipif(find_spec("G722") is None, reason="G.722 NOT TESTED: its package is not installed")
TONE = struct.pack("<160h", *(8000 if sample % 8 < 4 else -8000 for sample in range(160)))


# --- terms ----------------------------------------------------------------------------------------------------


def test_our_order_decides_which_codec_is_taken() -> None:
    for codecs, taken in ((("pcma", "pcmu"), "pcma"), (("pcmu", "pcma"), "pcmu"), (("pcmu",), "pcmu")):
        agreed, offer = sdp.agree(OFFER, codecs)
        assert (agreed.codec, agreed.keys_type, agreed.address) == (taken, 101, ("10.0.0.5", 30000))
        said = sdp.answer(offer, agreed, ("10.0.0.1", 20000), 1)
        assert f"m=audio 20000 RTP/AVP {agreed.payload_type} 101\r\n" in said
        assert "c=IN IP4 10.0.0.1\r\n" in said


def test_wideband_is_taken_where_it_is_ours_and_offered() -> None:
    offer = OFFER.replace("8 0 101", "8 9 101")
    for codecs, taken in ((("g722", "pcma"), "g722"), (("pcma", "g722"), "pcma"), (("pcma", "pcmu"), "pcma")):
        assert sdp.agree(offer, codecs)[0].codec == taken
    agreed, parsed = sdp.agree(offer, ("g722", "pcma"))
    said = sdp.answer(parsed, agreed, ("10.0.0.1", 20000), 1)
    assert "m=audio 20000 RTP/AVP 9 101\r\n" in said
    assert "a=rtpmap:9 G722/8000\r\n" in said, "its clock is 8 kHz (RFC 3551, section 4.5.2)"


def test_keys_have_the_number_that_the_offer_gives_them() -> None:
    offer = OFFER.replace("8 0 101", "0 96").replace("rtpmap:101", "rtpmap:96")
    agreed, parsed = sdp.agree(offer, ("pcma", "pcmu"))
    assert agreed.keys_type == 96
    assert "a=rtpmap:96 telephone-event/8000" in sdp.answer(parsed, agreed, ("10.0.0.1", 20000), 1)


@pytest.mark.parametrize(
    ("line", "ours", "sends"),
    [
        ("a=sendonly", "recvonly", False),
        ("a=inactive", "inactive", False),
        ("a=recvonly", "sendonly", True),
        ("a=sendrecv", "sendrecv", True),
    ],
)
def test_a_hold_is_answered_as_one(line: str, ours: str, sends: bool) -> None:
    for offer in (OFFER + line + "\n", OFFER.replace("t=0 0\n", f"t=0 0\n{line}\n")):
        agreed, parsed = sdp.agree(offer, ("pcma",))
        assert (agreed.direction, agreed.sends) == (ours, sends)
        assert f"a={ours}\r\n" in sdp.answer(parsed, agreed, ("10.0.0.1", 20000), 2)


def test_the_old_way_to_hold_is_one_too() -> None:
    agreed, _ = sdp.agree(OFFER.replace("c=IN IP4 10.0.0.5", "c=IN IP4 0.0.0.0"), ("pcma",))
    assert not agreed.sends


def test_media_that_are_not_taken_are_refused_in_their_places() -> None:
    offer = OFFER.replace("m=audio", "m=audio 30002 RTP/SAVP 8\nm=video 30004 RTP/AVP 31\nm=audio")
    agreed, parsed = sdp.agree(offer, ("pcma",))
    lines = [line for line in sdp.answer(parsed, agreed, ("10.0.0.1", 20000), 1).splitlines() if line.startswith("m=")]
    assert lines == ["m=audio 0 RTP/SAVP 8", "m=video 0 RTP/AVP 31", "m=audio 20000 RTP/AVP 8 101"]


@pytest.mark.parametrize(
    "offer",
    [
        "",
        "v=0\n",
        "noise",
        OFFER.replace("RTP/AVP", "RTP/SAVP"),
        OFFER.replace("8 0 101", "18"),
        OFFER.replace("m=audio 30000", "m=audio 0"),
        OFFER.replace("m=audio 30000", "m=audio 99999"),
        OFFER.replace("m=audio 30000", "m=audio x"),
        OFFER.replace("10.0.0.5\nt=", "pbx.example\nt="),
        OFFER.replace("10.0.0.5\nt=", "224.0.0.1\nt="),
        OFFER.replace("c=IN IP4 10.0.0.5\n", ""),
        OFFER.replace("a=rtpmap:101", "a=rtpmap:x"),
        OFFER + "m=audio 1 RTP/AVP 8\n" * 20,
        OFFER + "a=x\n" * 5000,
    ],
)
def test_what_cannot_be_agreed_to_is_said_so(offer: str) -> None:
    with pytest.raises(NoAgreement):
        sdp.agree(offer, ("pcma", "pcmu"))


def test_ports_are_even_and_given_out_again_last() -> None:
    ports = Ports(range(20000, 20004, 2))
    first, second = ports.take(), ports.take()
    assert (first, second) == (20000, 20002)
    with pytest.raises(NoPorts):
        ports.take()
    ports.give_back(second)
    ports.give_back(first)
    ports.give_back(first)
    assert (ports.take(), ports.take(), ports.taken) == (second, first, 2)


# --- packets --------------------------------------------------------------------------------------------------


class Sender:
    """The other side's packets."""

    def __init__(self, codec: int = 8, ssrc: int = 7) -> None:
        self.codec, self.ssrc, self.sequence, self.timestamp = codec, ssrc, 100, 5000

    def audio(self, pcm: bytes = TONE) -> bytes:
        return self.coded(get_codec(self.codec).encode(pcm))

    def coded(self, payload: bytes) -> bytes:
        packet = RtpPacket(self.codec, 0, self.sequence, self.timestamp, self.ssrc, payload).serialize()
        self.sequence, self.timestamp = (self.sequence + 1) & 0xFFFF, (self.timestamp + len(payload)) & 0xFFFFFFFF
        return packet

    def noise(self, level: int) -> bytes:
        packet = RtpPacket(13, 0, self.sequence, self.timestamp, self.ssrc, bytes([level])).serialize()
        self.sequence = (self.sequence + 1) & 0xFFFF
        return packet

    def key(self, event: int, *, end: bool) -> bytes:
        payload = struct.pack("!BBH", event, 0x8A if end else 0x0A, 800)
        packet = RtpPacket(101, 0, self.sequence, self.timestamp, self.ssrc, payload).serialize()
        self.sequence = (self.sequence + 1) & 0xFFFF
        return packet


class There:
    """This side's stream, what it heard, and a clock that a test moves."""

    def __init__(self, agreed: Agreement = PCMA) -> None:
        self.now = 100.0
        self.heard: list[bytes] = []
        self.keys: list[str] = []
        self.stream = RtpStream(agreed, self.heard.append, self.keys.append, lambda: self.now)

    def pass_time(self, seconds: float) -> None:
        """The clock ticks every 20 ms."""
        for _ in range(round(seconds / 0.02)):
            self.now += 0.02
            self.stream.tick()

    def hears(self, *packets: bytes) -> None:
        """One every 20 ms, and a tick for each."""
        for packet in packets:
            assert self.stream.receive(packet)
            self.pass_time(0.02)

    @property
    def loud(self) -> list[bool]:
        return [max(struct.unpack("<160h", frame)) > 1000 for frame in self.heard]


def coded(pcm: bytes) -> bytes:
    """What is left of it behind the codec."""
    return get_codec(8).decode(get_codec(8).encode(pcm))


def tone(hertz: int, rate: int, seconds: float = 0.5) -> bytes:
    """A sine of half the full scale."""
    samples = range(round(rate * seconds))
    return struct.pack(f"<{len(samples)}h", *(round(16000 * sin(tau * hertz * at / rate)) for at in samples))


def share_at(pcm: bytes, hertz: int, rate: int) -> float:
    """How much of a sound's energy has this frequency; a sine has 1."""
    heard = np.frombuffer(pcm, dtype="<i2").astype(float)
    turned = np.exp(-1j * tau * hertz / rate * np.arange(len(heard)))
    return float(2 * abs(turned @ heard) ** 2 / len(heard) / (heard @ heard))


@needs_g722
def test_wideband_sound_is_heard_at_16_khz_with_what_g711_cannot_carry() -> None:
    theirs, here, said = Sender(9), There(G722), tone(5000, 16000)
    encoder = get_codec(9)
    for start in range(0, len(said), 640):
        here.hears(theirs.coded(encoder.encode(said[start : start + 640])))
    assert [len(frame) for frame in here.heard] == [640] * 25
    assert share_at(b"".join(here.heard[5:]), 5000, 16000) > 0.95
    here.pass_time(0.2)
    assert {len(frame) for frame in here.heard} == {640}, "what is made up has the same length"


def test_what_is_in_order_is_handed_on_at_once() -> None:
    theirs, here = Sender(), There()
    for number in range(5):
        here.stream.receive(theirs.audio())
        assert here.heard == [coded(TONE)] * (number + 1)
        here.pass_time(0.02)
    assert len(here.heard) == 5


def test_what_comes_out_of_order_is_put_into_order() -> None:
    theirs, here = Sender(), There()
    levels = [struct.pack("<160h", *([1000 * number] * 160)) for number in range(1, 6)]
    first, second, third, fourth, fifth = (theirs.audio(level) for level in levels)
    here.hears(first, third, second, fifth, fourth)
    assert here.heard == [coded(level) for level in levels]
    assert here.stream.report.concealed == 0


def test_what_is_lost_is_waited_for_shortly_concealed_and_counted() -> None:
    theirs, here = Sender(), There()
    packets = [theirs.audio() for _ in range(8)]
    here.hears(*packets[:3], *packets[5:])
    assert here.loud == [True] * 8
    assert (here.stream.report.received, here.stream.report.lost, here.stream.report.concealed) == (6, 2, 2)
    here.hears(packets[3])
    assert len(here.heard) == 8, "it comes too late"


def test_a_sender_that_pauses_is_silent_meanwhile_and_goes_on_without_a_gap_filled() -> None:
    theirs, here = Sender(), There()
    here.hears(*(theirs.audio() for _ in range(3)))
    here.pass_time(2.0)
    theirs.timestamp += 100 * FRAME
    here.hears(*(theirs.audio() for _ in range(3)))
    assert here.loud == [True] * 3 + [False] * (len(here.heard) - 6) + [True] * 3
    assert 95 <= len(here.heard) - 6 <= 100
    assert here.stream.report.concealed == 0


def test_what_a_stall_of_the_network_brings_in_a_burst_is_all_heard() -> None:
    theirs, here = Sender(), There()
    here.hears(*(theirs.audio() for _ in range(3)))
    late = [theirs.audio() for _ in range(20)]
    here.pass_time(0.4)
    for packet in late:
        here.stream.receive(packet)
    assert sum(here.loud) == 23


def test_comfort_noise_is_heard_between_words() -> None:
    theirs, here = Sender(), There()
    here.hears(theirs.audio(), theirs.noise(60))
    here.pass_time(1.0)
    assert len(here.heard) > 45
    assert any(here.heard[-1]), "it is no digital silence"


@pytest.mark.parametrize("pause", [1, 3, 6, 50])
def test_a_pause_that_was_told_as_comfort_noise_is_no_loss_however_short_it_is(pause: int) -> None:
    theirs, here = Sender(), There()
    here.hears(*(theirs.audio() for _ in range(3)), theirs.noise(60))
    here.pass_time(0.02 * (pause - 1))
    theirs.timestamp += pause * FRAME
    here.hears(*(theirs.audio() for _ in range(3)))
    assert here.loud == [True] * 3 + [False] * pause + [True] * 3
    assert (here.stream.report.concealed, here.stream.report.lost) == (0, 0)


def test_comfort_noise_is_never_as_loud_as_a_voice() -> None:
    theirs, here = Sender(), There()
    here.hears(theirs.audio(), theirs.noise(0))
    here.pass_time(1.0)
    noise = np.frombuffer(b"".join(here.heard[1:]), dtype="<i2").astype(float)
    assert 0 < noise.std() <= 1.1 * AUDIBLE_RMS


def test_another_source_and_another_clock_begin_anew() -> None:
    here = There()
    for ssrc, timestamp in ((7, 5000), (8, 4_000_000_000), (9, 10)):
        theirs = Sender(ssrc=ssrc)
        theirs.timestamp = timestamp
        here.hears(*(theirs.audio() for _ in range(3)))
    theirs.timestamp = (theirs.timestamp - 100_000) % 2**32
    here.hears(*(theirs.audio() for _ in range(3)))
    assert here.loud == [True] * 12


def test_a_clock_that_wraps_is_no_gap() -> None:
    theirs, here = Sender(), There()
    theirs.timestamp, theirs.sequence = 2**32 - 3 * FRAME, 65533
    here.hears(*(theirs.audio() for _ in range(8)))
    assert (here.loud, here.stream.report.concealed, here.stream.report.lost) == ([True] * 8, 0, 0)


def test_longer_packets_are_cut_into_frames() -> None:
    for factor in (2, 1.5, 3):
        theirs, here = Sender(), There()
        pcm = (TONE * 4)[: int(len(TONE) * factor)]
        for _ in range(8):
            here.stream.receive(theirs.audio(pcm))
            here.now += 0.02 * factor
        assert here.loud == [True] * int(8 * factor), factor


def test_more_than_a_phone_says_is_not_handed_on() -> None:
    theirs, here = Sender(), There()
    for _ in range(3000):
        here.stream.receive(theirs.audio())
    assert len(here.heard) <= 30 * 50 + 1, "30 s at once are a stall, a minute is none"


def test_each_key_is_told_once() -> None:
    theirs, here = Sender(), There()
    here.hears(theirs.audio())
    for event in (5, 11):
        for end in (False, False, True, True, True):
            here.stream.receive(theirs.key(event, end=end))
        theirs.timestamp += 800
    here.stream.receive(theirs.key(200, end=True))
    assert here.keys == ["5", "#"]
    here.hears(theirs.audio())
    assert (here.loud[-1], here.stream.report.concealed) == (True, 0), "nothing is missing where keys were"


@pytest.mark.parametrize(
    "noise",
    [
        b"",
        b"\x80",
        b"\x00" * 12,
        b"\x80\x08",
        b"\xff" * 2000,
        b"\xbf" * 40,
        b"\x90\x08" + bytes(10),
        b"\x80\x65" + bytes(10),
    ],
)
def test_noise_is_passed_over(noise: bytes) -> None:
    here = There()
    here.stream.receive(noise)
    here.stream.receive_control(noise)
    here.stream.receive_control(b"\x80\xc8\x00\x06" + noise[:24])
    assert here.heard == []
    assert len(RtcpPacket.parse(here.stream.control())) == 2


def test_what_goes_out_has_a_clock_without_gaps() -> None:
    here = There().stream
    packets = [RtpPacket.parse(packet) for _ in range(3) if (packet := here.packet(here.silence())) is not None]
    assert here.packet(None) is None
    packets += [RtpPacket.parse(packet) for _ in range(2) if (packet := here.packet(here.silence())) is not None]
    first = packets[0]
    assert [(each.sequence_number - first.sequence_number) & 0xFFFF for each in packets] == [0, 1, 2, 3, 4]
    assert [(each.timestamp - first.timestamp) & 0xFFFFFFFF for each in packets] == [0, 160, 320, 640, 800]
    assert [each.marker for each in packets] == [1, 0, 0, 1, 0]


def test_reports_say_what_was_sent_and_what_was_lost_there() -> None:
    here, there = There().stream, There().stream
    theirs = Sender()
    for _ in range(3):
        here.receive(theirs.audio())
    for number in range(10):
        packet = here.packet(here.silence())
        if packet is not None and number not in (4, 5):
            there.receive(packet)
    report = RtcpPacket.parse(here.control())[0]
    assert isinstance(report, RtcpSrPacket)
    assert report.sender_info.packet_count == 10
    there.receive_control(here.control())
    here.receive_control(there.control())
    assert here.report.facts["rtp_lost_there"] == "2"
    assert here.report.facts["rtp_sent"] == "10"


# --- on sockets and a clock -----------------------------------------------------------------------------------


class Ear:
    """Hears what a call's audio has to tell."""

    def __init__(self) -> None:
        self.events: list[LineEvent] = []
        self.silence_s = 0.0

    def happened(self, event: LineEvent) -> None:
        self.events.append(event)

    def heard_nothing(self, seconds: float) -> None:
        self.silence_s = seconds

    @property
    def marks(self) -> list[str]:
        return [event.mark for event in self.events if isinstance(event, MarkBack)]


class Wire:
    """What a call's audio sends, with no socket under it; the virtual loop's clock says when."""

    def __init__(self, agreed: Agreement = PCMA) -> None:
        self.media = Media(agreed, ("127.0.0.1",), Ports(range(20000, 20010, 2)))
        self.ear = Ear()
        self.media.observer = self.ear
        self.sent: list[tuple[float, bytes]] = []
        self.datagrams: list[bytes] = []  # on both sockets

    def open(self) -> None:
        self.media._sockets = [self, self]  # type: ignore[list-item]
        self.media._start()

    def sendto(self, data: bytes, to: tuple[str, int]) -> None:
        self.datagrams.append(data)
        if data[1] & 0x7F in (0, 8, 9):
            self.sent.append((asyncio.get_running_loop().time(), RtpPacket.parse(data).payload))

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing is open."""

    def spoken(self, since: float = 0.0) -> list[float]:
        """When a packet went out that says something."""
        return [at for at, payload in self.sent if payload != self.media.stream.silence() and at >= since]


def test_packets_go_out_every_20_ms_whether_carlos_speaks_or_not() -> None:
    async def run() -> None:
        wire = Wire()
        wire.open()
        await asyncio.sleep(1.0)
        wire.media.play(TONE * 10)
        await asyncio.sleep(1.0)
        times = [at for at, _ in wire.sent]
        gaps = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
        assert len(times) in (100, 101)
        assert max(gaps) < 0.0201
        assert len(wire.spoken()) == 10
        wire.media.close()

    run_virtually(run())


def test_an_interruption_is_silence_on_the_wire_within_40_ms_and_its_marks_come_back() -> None:
    async def run() -> None:
        wire = Wire()
        wire.open()
        loop = asyncio.get_running_loop()
        wire.media.play(TONE * 50)
        wire.media.mark("a1.1")
        await asyncio.sleep(0.505)
        assert wire.ear.marks == []
        cut = loop.time()
        wire.media.clear()
        assert wire.ear.marks == ["a1.1"]
        await asyncio.sleep(0.5)
        assert wire.spoken(cut + 0.04) == []
        wire.media.close()

    run_virtually(run())


def test_a_mark_comes_back_when_what_was_before_it_has_gone_out() -> None:
    async def run() -> None:
        wire = Wire()
        wire.open()
        wire.media.play(TONE * 3 + TONE[:100])
        wire.media.mark("one")
        wire.media.play(TONE)
        wire.media.mark("two")
        while not wire.ear.marks:
            await asyncio.sleep(0.001)
        assert len(wire.spoken()) == 4, "the last piece was filled up"
        assert wire.ear.marks == ["one"]
        await asyncio.sleep(0.1)
        assert wire.ear.marks == ["one", "two"]
        wire.media.mark("nothing before it")
        assert wire.ear.marks[-1] == "nothing before it"
        wire.media.close()

    run_virtually(run())


def test_on_hold_nothing_is_sent_and_marks_come_back_all_the_same() -> None:
    async def run() -> None:
        wire = Wire()
        wire.open()
        await asyncio.sleep(0.1)
        wire.media.agree(replace(PCMA, direction="recvonly"))
        wire.sent.clear()
        wire.ear.events.clear()
        music = Sender()
        for _ in range(10):
            wire.media._receive(music.audio(), ("127.0.0.1", 40000))
        wire.media.play(TONE * 5)
        wire.media.mark("held")
        await asyncio.sleep(SILENCE_LIMIT_S + 1)
        assert (wire.sent, wire.ear.marks, wire.ear.silence_s < 1) == ([], ["held"], True)
        heard = b"".join(event.pcm for event in wire.ear.events if isinstance(event, CallerAudio))
        assert max(memoryview(heard).cast("h")[1000:]) == 0, "a PBX's music is not what the caller says"
        wire.media.agree(PCMA)
        await asyncio.sleep(0.1)
        assert wire.sent
        wire.media.close()

    run_virtually(run())


def test_only_the_callers_hosts_are_listened_to_and_audio_goes_where_they_are() -> None:
    async def run() -> None:
        wire = Wire()
        media, theirs = wire.media, Sender()
        wire.open()
        media._receive(theirs.audio(), ("203.0.113.66", 4000))
        assert media._remote == ("127.0.0.1", 40000)
        assert media.stream.report.received == 0
        media._receive(theirs.audio(), ("127.0.0.1", 41234))
        assert media._remote == ("127.0.0.1", 41234), "a NAT chose another port"
        media.close()

    run_virtually(run())


def test_a_protected_call_is_heard_and_says_nothing_in_clear() -> None:
    async def run() -> None:
        key = Crypto.new(1)
        wire = Wire(replace(PCMA, theirs=key))
        wire.open()
        assert wire.media.ours is not None
        theirs, opener, sender = Protector(key), Opener(wire.media.ours), Sender()
        for _ in range(5):
            wire.media._receive(theirs.rtp(sender.audio()), ("127.0.0.1", 40000))
            wire.media._receive(sender.audio(), ("127.0.0.1", 40000))
        assert wire.media.stream.report.received == 5, "what is not protected is not heard"
        wire.media.play(TONE * 5)
        await asyncio.sleep(0.2)
        opened = [packet for data in wire.datagrams if (packet := opener.rtp(data)) is not None]
        assert len(opened) == len(wire.sent)
        assert get_codec(8).encode(TONE) in {RtpPacket.parse(packet).payload for packet in opened}
        before = wire.media.ours
        wire.media.agree(replace(PCMA, theirs=key, direction="recvonly"))
        assert wire.media.ours == before, "a hold is no new key"
        wire.media.agree(PCMA)
        assert wire.media.ours is None
        wire.media.close()

    run_virtually(run())


@needs_g722
@pytest.mark.parametrize("rate", [16000, 8000])
def test_a_wideband_caller_hears_what_is_played_at_either_rate(rate: int) -> None:
    async def run() -> None:
        wire = Wire(G722)
        wire.open()
        assert wire.media.rate == 16000
        wire.media.play(tone(1000, rate), rate)
        wire.media.mark("said")
        await asyncio.sleep(0.45)
        assert wire.ear.marks == []
        await asyncio.sleep(0.15)
        assert wire.ear.marks == ["said"]
        decoder = get_codec(9)
        heard = b"".join(decoder.decode(payload) for _, payload in wire.sent)
        assert {len(payload) for _, payload in wire.sent} == {160}
        assert share_at(heard[640 * 5 : 640 * 20], 1000, 16000) > 0.95
        wire.media.close()

    run_virtually(run())


@needs_g722
def test_a_call_that_goes_from_one_codec_to_another_goes_on_being_heard() -> None:
    async def run() -> None:
        wire, theirs = Wire(G722), Sender(8)
        line = SipLine(wire.media, nothing, max_hold_s=300.0)
        assert line.sink.rate == 16000
        wire.open()
        wire.media.play(tone(1000, 16000, 1.0), line.sink.rate)
        await asyncio.sleep(0.5)
        wire.media.agree(PCMA)
        wire.sent.clear()
        for _ in range(20):
            wire.media._receive(theirs.audio(), ("127.0.0.1", 40000))
            await asyncio.sleep(0.02)
        heard = b"".join(get_codec(8).decode(payload) for _, payload in wire.sent)
        assert share_at(heard[:6400], 1000, 8000) > 0.95, "without a gap, and half as many samples"
        said = b"".join(event.pcm for event in line._events if isinstance(event, CallerAudio))
        assert max(memoryview(said).cast("h")) > 1000
        wire.media.close()

    run_virtually(run())


def test_a_stalled_loop_sends_no_burst_of_old_audio() -> None:
    async def run() -> None:
        wire = Wire()
        wire.open()
        await asyncio.sleep(0.1)
        loop = asyncio.get_running_loop()
        loop.now += 5.0  # type: ignore[attr-defined]
        before = len(wire.sent)
        await asyncio.sleep(0.001)
        assert len(wire.sent) - before <= 2
        wire.media.close()

    run_virtually(run())


@pytest.mark.parametrize("frames", [3, 5, 20])
def test_what_the_caller_says_while_our_loop_stalls_is_not_lost(frames: int) -> None:
    async def run() -> None:
        wire, theirs = Wire(), Sender()
        wire.open()
        loop = asyncio.get_running_loop()
        words = [struct.pack("<160h", *([1000 + 400 * number] * 160)) for number in range(60)]

        def say(number: int) -> None:
            wire.media._receive(theirs.audio(words[number]), ("127.0.0.1", 40000))

        for number in range(20):
            say(number)
            await asyncio.sleep(0.02)
        loop.now += frames * 0.02  # type: ignore[attr-defined]
        for _ in range(3):
            await asyncio.sleep(0)  # the clock ticks before the sockets are read
        for number in range(20, 20 + frames):
            say(number)
        for number in range(20 + frames, 60):
            await asyncio.sleep(0.02)
            say(number)
        await asyncio.sleep(0.2)
        heard = b"".join(event.pcm for event in wire.ear.events if isinstance(event, CallerAudio))
        levels = set(memoryview(heard).cast("h")[::80])
        said = {memoryview(coded(word))[:2].cast("h")[0] for word in words}
        missing = [level for level in said if not any(abs(level - other) <= 20 for other in levels)]
        assert missing == []
        wire.media.close()

    run_virtually(run())


def test_a_port_that_another_program_holds_is_passed_over_and_all_are_given_back() -> None:
    async def run() -> None:
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as other:
            other.bind(("127.0.0.1", 0))
            held: int = other.getsockname()[1] & ~1  # it is RTP's, or RTCP's of that one
            ports = Ports(range(held, min(held + 400, 65000), 2) if held < 60000 else range(held, held - 400, -2))
            media = Media(PCMA, ("127.0.0.1",), ports)
            await media.open("127.0.0.1")
            assert media.port != held
            media.close()
            await asyncio.sleep(0)
            assert ports.taken == 0

    asyncio.run(run())


# --- as a line ------------------------------------------------------------------------------------------------


async def nothing(outcome: str) -> None:
    """An end that nobody waits for."""


def test_a_line_tells_what_the_caller_says_and_presses_and_ends_when_he_hangs_up() -> None:
    async def run() -> None:
        wire = Wire()
        line = SipLine(wire.media, nothing, 300.0)
        wire.open()
        wire.media._receive(Sender().key(5, end=True), ("127.0.0.1", 40000))
        asyncio.get_running_loop().call_later(1.0, line.hang_up)
        events = [event async for event in line.events()]
        assert CallerDigit("5") in events
        audio = [event.pcm for event in events if isinstance(event, CallerAudio)]
        assert sum(map(len, audio)) == pytest.approx(1.0 * 16000 * 2, rel=0.1)
        with pytest.raises(SinkClosed):
            await line.sink.send_audio(TONE)
        wire.media.close()

    run_virtually(run())


def test_a_line_without_a_packet_is_given_up() -> None:
    async def run() -> None:
        wire = Wire()
        line = SipLine(wire.media, nothing, 300.0)
        wire.open()
        began = asyncio.get_running_loop().time()
        with pytest.raises(LineDropped):
            async for _ in line.events():
                pass
        assert asyncio.get_running_loop().time() - began == pytest.approx(SILENCE_LIMIT_S, abs=0.1)
        assert line.dropped is not None
        wire.media.close()

    run_virtually(run())


def test_a_line_keeps_no_more_than_a_call_can_take() -> None:
    async def run() -> None:
        wire = Wire()
        line = SipLine(wire.media, nothing, 300.0)
        for _ in range(5000):
            line.happened(CallerAudio(bytes(FRAME)))
        line.key("1")
        assert len(line._events) == 1501

    run_virtually(run())
