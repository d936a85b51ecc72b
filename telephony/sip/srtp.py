"""SRTP and SRTCP (RFC 3711) with keys from the SDP (RFC 4568): AES_CM_128_HMAC_SHA1_80, the suite that everybody has.

Sans-IO, one object for each direction. The ciphers are `cryptography`'s; what is here puts their inputs together, and
is held to the RFC's own vectors. What is not authentic, or was here before, is dropped.
"""

from __future__ import annotations

import binascii
import hmac
import re
import secrets
import struct
from base64 import b64encode
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

SUITE = "AES_CM_128_HMAC_SHA1_80"
KEY_BYTES, SALT_BYTES, TAG_BYTES, AUTH_BYTES = 16, 14, 10, 20
RTP_HEADER, RTCP_HEADER = 12, 8  # bytes
WINDOW = 64  # packets that are remembered, so that none counts twice
_ENCRYPTED = 1 << 31  # of an SRTCP index
_CRYPTO = re.compile(r"(\d{1,9}) (\S{1,40}) inline:([A-Za-z0-9+/=]{40})(?:\|[^ ;]{1,40})?(?: .*)?")


@dataclass(frozen=True, slots=True)
class Crypto:
    """A key of an `a=crypto` line. `tag` is the line's number."""

    tag: int
    master: bytes

    @classmethod
    def of(cls, value: str) -> Crypto | None:
        """Read what follows `a=crypto:`; None for another suite, and for more than one key."""
        found = _CRYPTO.fullmatch(value.strip())
        if found is None or found[2] != SUITE:
            return None
        try:
            master = binascii.a2b_base64(found[3], strict_mode=True)
        except ValueError:
            return None
        return cls(int(found[1]), master) if len(master) == KEY_BYTES + SALT_BYTES else None

    @classmethod
    def new(cls, tag: int) -> Crypto:
        return cls(tag, secrets.token_bytes(KEY_BYTES + SALT_BYTES))

    @property
    def line(self) -> str:
        return f"{self.tag} {SUITE} inline:{b64encode(self.master).decode()}"


class _Session:
    """The keys that a master key comes to, for RTP (`first` 0) or RTCP (`first` 3): section 4.3."""

    def __init__(self, master: bytes, first: int) -> None:
        self._key = derived(master, first, KEY_BYTES)
        self._auth = derived(master, first + 1, AUTH_BYTES)
        self._salt = int.from_bytes(derived(master, first + 2, SALT_BYTES)) << 16

    def crypt(self, data: bytes, ssrc: int, index: int) -> bytes:
        """Encrypt, or decrypt (section 4.1.1)."""
        return counter_mode(self._key, self._salt ^ (ssrc << 64) ^ (index << 16), data)

    def tag(self, data: bytes) -> bytes:
        return hmac.digest(self._auth, data, "sha1")[:TAG_BYTES]


def derived(master: bytes, label: int, size: int) -> bytes:
    salt = int.from_bytes(master[KEY_BYTES:])
    return counter_mode(master[:KEY_BYTES], (salt ^ (label << 48)) << 16, bytes(size))


def counter_mode(key: bytes, start: int, data: bytes) -> bytes:
    cipher = Cipher(AES(key), CTR(start.to_bytes(16))).encryptor()
    return cipher.update(data) + cipher.finalize()


class Protector:
    """Our own packets, on their way out."""

    def __init__(self, crypto: Crypto) -> None:
        self._rtp, self._rtcp = _Session(crypto.master, 0), _Session(crypto.master, 3)
        self._rollovers, self._last = 0, -1
        self._control = 0

    def rtp(self, packet: bytes) -> bytes:
        """Return the SRTP packet. Packets come in order."""
        sequence, ssrc = struct.unpack("!2xH4xL", packet[:RTP_HEADER])
        if sequence < self._last:
            self._rollovers += 1
        self._last = sequence
        index = self._rollovers << 16 | sequence
        sealed = packet[:RTP_HEADER] + self._rtp.crypt(packet[RTP_HEADER:], ssrc, index)
        return sealed + self._rtp.tag(sealed + struct.pack("!L", self._rollovers))

    def rtcp(self, packet: bytes) -> bytes:
        ssrc = int.from_bytes(packet[4:8])
        self._control = (self._control + 1) % _ENCRYPTED
        body = self._rtcp.crypt(packet[RTCP_HEADER:], ssrc, self._control)
        sealed = packet[:RTCP_HEADER] + body + struct.pack("!L", _ENCRYPTED | self._control)
        return sealed + self._rtcp.tag(sealed)


class _Replays:
    """Which of the last indices were here."""

    def __init__(self) -> None:
        self._highest, self._seen = -1, 0

    def is_new(self, index: int) -> bool:
        behind = self._highest - index
        return behind < 0 or (behind < WINDOW and not self._seen >> behind & 1)

    def note(self, index: int) -> None:
        ahead = index - self._highest
        if ahead > 0:
            self._seen = (self._seen << min(ahead, WINDOW) | 1) & ((1 << WINDOW) - 1)
            self._highest = index
        else:
            self._seen |= 1 << -ahead


class Opener:
    """The other side's packets, on their way in."""

    def __init__(self, crypto: Crypto) -> None:
        self._rtp, self._rtcp = _Session(crypto.master, 0), _Session(crypto.master, 3)
        self._ssrc = -1
        self._rollovers, self._last = 0, -1
        self._replays, self._control_replays = _Replays(), _Replays()

    def rtp(self, data: bytes) -> bytes | None:
        """Return the RTP packet; None for what is not authentic, or was here before."""
        start = _header_size(data)
        if start is None or len(data) < start + TAG_BYTES:
            return None
        sequence, ssrc = struct.unpack("!2xH4xL", data[:RTP_HEADER])
        is_first = ssrc != self._ssrc
        rollovers = 0 if is_first else self._rollovers_of(sequence)
        index = rollovers << 16 | sequence
        replays = _Replays() if is_first else self._replays
        sealed, tag = data[:-TAG_BYTES], data[-TAG_BYTES:]
        if rollovers < 0 or not replays.is_new(index):
            return None
        if not hmac.compare_digest(self._rtp.tag(sealed + struct.pack("!L", rollovers)), tag):
            return None
        replays.note(index)
        if is_first or index > (self._rollovers << 16 | self._last):
            self._rollovers, self._last = rollovers, sequence
        self._ssrc, self._replays = ssrc, replays
        return sealed[:start] + self._rtp.crypt(sealed[start:], ssrc, index)

    def _rollovers_of(self, sequence: int) -> int:
        """The rollover counter that a sequence number most likely has (section 3.3.1)."""
        if self._last < 1 << 15:
            return self._rollovers - (sequence - self._last > 1 << 15)
        return self._rollovers + (self._last - (1 << 15) > sequence)

    def rtcp(self, data: bytes) -> bytes | None:
        if len(data) < RTCP_HEADER + 4 + TAG_BYTES:
            return None
        sealed, tag = data[:-TAG_BYTES], data[-TAG_BYTES:]
        word = int.from_bytes(sealed[-4:])
        index = word & ~_ENCRYPTED
        if not self._control_replays.is_new(index) or not hmac.compare_digest(self._rtcp.tag(sealed), tag):
            return None
        self._control_replays.note(index)
        body = sealed[RTCP_HEADER:-4]
        if word & _ENCRYPTED:
            body = self._rtcp.crypt(body, int.from_bytes(sealed[4:8]), index)
        return sealed[:RTCP_HEADER] + body


def _header_size(data: bytes) -> int | None:
    """Bytes before the payload, which are not encrypted; None for what is no RTP packet."""
    if len(data) < RTP_HEADER or data[0] >> 6 != 2:
        return None
    size = RTP_HEADER + 4 * (data[0] & 0x0F)
    if data[0] & 0x10:
        if len(data) < size + 4:
            return None
        size += 4 + 4 * int.from_bytes(data[size + 2 : size + 4])
    return size if size <= len(data) else None
