"""SRTP: the vectors of RFC 3711, appendix B, and what is forged, repeated, late or lost."""

from __future__ import annotations

import pytest
from aiortp import RtpPacket

from telephony.sip import sdp
from telephony.sip.srtp import TAG_BYTES, Crypto, Opener, Protector, counter_mode, derived
from tests.sip.stage import OFFER

MASTER = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE41390EC675AD498AFEEBB6960B3AABE6")
KEY = Crypto(1, MASTER)


def test_the_key_stream_is_the_rfcs() -> None:
    key = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C")
    start = int("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000", 16)
    stream = counter_mode(key, start, bytes(48)).hex().upper()
    assert stream == (
        "E03EAD0935C95E80E166B16DD92B4EB4" + "D23513162B02D0F72A43A2FE4A5F97AB" + "41E95B3BB0A2E8DD477901E4FCA894C0"
    )


def test_the_session_keys_are_the_rfcs() -> None:
    assert derived(MASTER, 0, 16).hex().upper() == "C61E7A93744F39EE10734AFE3FF7A087"
    assert derived(MASTER, 2, 14).hex().upper() == "30CBBC08863D8C85D49DB34A9AE1"
    assert derived(MASTER, 1, 20).hex().upper() == "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"


def packet(sequence: int, ssrc: int = 7, payload: bytes = b"words" * 32) -> bytes:
    return RtpPacket(8, 0, sequence & 0xFFFF, 160 * sequence, ssrc, payload).serialize()


def test_what_is_protected_is_unreadable_and_opens_again() -> None:
    ours, theirs = Protector(KEY), Opener(KEY)
    for sequence in range(65530, 65546):
        plain = packet(sequence)
        sealed = ours.rtp(plain)
        assert len(sealed) == len(plain) + TAG_BYTES
        assert sealed[:12] == plain[:12]
        assert b"words" not in sealed
        assert theirs.rtp(sealed) == plain, sequence
    control = b"\x80\xc9\x00\x01" + bytes(4) + b"report" * 2
    sealed = ours.rtcp(control)
    assert b"report" not in sealed
    assert theirs.rtcp(sealed) == control
    assert theirs.rtcp(sealed) is None, "it was here before"


def test_order_and_losses_do_not_matter_and_a_rollover_neither() -> None:
    ours, theirs = Protector(KEY), Opener(KEY)
    sealed = {sequence: ours.rtp(packet(sequence)) for sequence in range(65500, 65600)}
    for sequence in (65501, 65500, 65510, 65536, 65535, 65534, 65540, 65599):
        assert theirs.rtp(sealed[sequence]) == packet(sequence), sequence
    assert theirs.rtp(sealed[65540]) is None, "it was here before"
    assert theirs.rtp(sealed[65502]) is None, "it is too old to tell"


@pytest.mark.parametrize("at", [0, 1, 3, 11, 20, -1])
def test_what_is_forged_is_dropped_and_harms_nothing(at: int) -> None:
    ours, theirs = Protector(KEY), Opener(KEY)
    assert theirs.rtp(ours.rtp(packet(1))) is not None
    sealed = bytearray(ours.rtp(packet(2)))
    sealed[at] ^= 0x40
    assert theirs.rtp(bytes(sealed)) is None
    assert theirs.rtp(Protector(Crypto.new(1)).rtp(packet(3))) is None
    assert theirs.rtp(ours.rtp(packet(4))) == packet(4)


@pytest.mark.parametrize("noise", [b"", b"\x80", bytes(30), b"\x9f" + bytes(40), b"\xff" * 60])
def test_noise_is_dropped(noise: bytes) -> None:
    theirs = Opener(KEY)
    assert (theirs.rtp(noise), theirs.rtcp(noise)) == (None, None)


def test_another_source_begins_anew() -> None:
    theirs, one, other = Opener(KEY), Protector(KEY), Protector(KEY)
    assert theirs.rtp(one.rtp(packet(60000))) == packet(60000)
    assert theirs.rtp(other.rtp(packet(5, ssrc=8))) == packet(5, ssrc=8)


# --- in the SDP -----------------------------------------------------------------------------------------------

LINE = f"a=crypto:{KEY.line}\n"


def secure(*lines: str) -> str:
    return OFFER.replace("RTP/AVP", "RTP/SAVP") + "".join(lines)


def test_a_key_is_taken_from_the_offer_and_ours_stands_in_the_answer() -> None:
    agreed, offer = sdp.agree(secure("a=crypto:3 AES_256_CM_HMAC_SHA1_80 inline:xyz\n", LINE), ("pcma",))
    assert agreed.theirs == KEY
    ours = Crypto.new(1)
    said = sdp.answer(offer, agreed, ("10.0.0.1", 20000), 1, ours)
    assert "m=audio 20000 RTP/SAVP 8 101\r\n" in said
    assert f"a=crypto:{ours.line}\r\n" in said
    assert sdp.agree(said, ("pcma",))[0].theirs == ours


@pytest.mark.parametrize(
    "line",
    [
        "",
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:short\n",
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "=" * 40 + "\n",
        "a=crypto:x AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40 + "\n",
        "a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:" + "A" * 40 + "\n",
        "a=crypto\n",
    ],
)
def test_an_offer_without_a_key_that_we_can_use_is_not_agreed_to(line: str) -> None:
    with pytest.raises(sdp.NoAgreement):
        sdp.agree(secure(line), ("pcma",))


def test_a_key_may_name_its_lifetime() -> None:
    assert Crypto.of(KEY.line + "|2^31") == KEY
