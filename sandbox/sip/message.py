"""SIP as a small phone of ours writes and reads it (RFC 3261): one call over UDP, sans-IO."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from zlib import crc32

from sandbox.sip.rtp import NAMES


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer; header names in lower case, the first value of each."""

    first_line: str
    headers: Mapping[str, str]
    body: str

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Raises ValueError for what is not even nearly SIP."""
        head, _, body = data.decode(errors="replace").partition("\r\n\r\n")
        first_line, *lines = head.split("\r\n")
        if "SIP/2.0" not in first_line:
            raise ValueError("no SIP message")
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers.setdefault(name.strip().lower(), value.strip())
        return cls(first_line, headers, body)

    @property
    def status(self) -> int:
        """0 for a request."""
        word = self.first_line.split(" ", 2)
        return int(word[1]) if word[0] == "SIP/2.0" and len(word) > 1 and word[1].isdigit() else 0

    @property
    def method(self) -> str:
        """Of a request, or of the one that is answered."""
        return self.headers.get("cseq", "").split()[-1] if self.status else self.first_line.split(" ", 1)[0]

    def reply(self, status: str = "200 OK") -> bytes:
        """The answer to this request."""
        kept = [f"{name}: {self.headers[name]}" for name in ("via", "from", "to", "call-id", "cseq")]
        return _encode(f"SIP/2.0 {status}", kept)

    @property
    def rtp(self) -> tuple[str, int]:
        """Where its SDP wants the sound."""
        host = re.search(r"^c=IN IP4 (\S+)", self.body, re.MULTILINE)
        port = re.search(r"^m=audio (\d+)", self.body, re.MULTILINE)
        if host is None or port is None:
            raise ValueError("no SDP with sound")
        return host[1], int(port[1])


@dataclass(slots=True)
class Call:
    """A call that a small phone has placed: what its requests say."""

    call_id: str
    local: str  # address and port of signalling
    caller: str  # From
    callee: str  # To; the answer adds a tag
    target: str  # the URI of requests within the dialog
    number: int = 1  # of its INVITE

    @classmethod
    def between(cls, local: str, remote: str, number: str, call_id: str) -> Self:
        """One that is to be placed; `number` calls."""
        carlos = f"sip:carlos@{remote}"
        return cls(call_id, local, f"<sip:{number}@{local}>;tag={call_id}", f"<{carlos}>", carlos)

    @classmethod
    def of(cls, answer: Message, local: str) -> Self:
        """The one whose INVITE is answered, however that was written."""
        headers = answer.headers
        number = int(headers["cseq"].split()[0])
        return cls(headers["call-id"], local, headers["from"], headers["to"], "sip:carlos", number)

    def invite(self, rtp_port: int, codec: int) -> bytes:
        host = self.local.rpartition(":")[0]
        sdp = (
            f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {rtp_port} RTP/AVP {codec}"
            f"\r\na=rtpmap:{codec} {NAMES[codec]}/8000\r\na=ptime:20\r\n"
        )
        return self._request("INVITE", self._branch("invite"), self.number, sdp)

    def answered(self, answer: Message) -> bytes:
        """The ACK of a final answer; a success makes the dialog."""
        self.callee = answer.headers["to"]
        if answer.status >= 300:  # part of the INVITE's transaction (RFC 3261, 17.1.1.3)
            branch = re.search(r"branch=([^;,]*)", answer.headers["via"])
            return self._request("ACK", branch[1] if branch else self._branch("invite"), self.number)
        if (contact := re.search(r"<([^>]*)>", answer.headers.get("contact", ""))) is not None:
            self.target = contact[1]
        return self._request("ACK", self._branch("ack"), self.number)

    def cancel(self) -> bytes:
        return self._request("CANCEL", self._branch("invite"), self.number)

    def bye(self) -> bytes:
        return self._request("BYE", self._branch("bye"), self.number + 1)

    def _branch(self, name: str) -> str:
        return f"z9hG4bK-{crc32(self.call_id.encode()):x}-{name}"

    def _request(self, method: str, branch: str, number: int, sdp: str = "") -> bytes:
        lines = [
            f"Via: SIP/2.0/UDP {self.local};branch={branch};rport",
            "Max-Forwards: 70",
            f"From: {self.caller}",
            f"To: {self.callee}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {number} {method}",
            f"Contact: <sip:phone@{self.local}>",
        ]
        return _encode(f"{method} {self.target} SIP/2.0", lines, sdp)


def options(local: str, remote: str, name: str) -> bytes:
    """A request that anybody who is known is answered; `name` is its Call-ID."""
    lines = [
        f"Via: SIP/2.0/UDP {local};branch=z9hG4bK-{name};rport",
        "Max-Forwards: 70",
        f"From: <sip:probe@{local}>;tag={name}",
        f"To: <sip:carlos@{remote}>",
        f"Call-ID: {name}",
        "CSeq: 1 OPTIONS",
    ]
    return _encode(f"OPTIONS sip:carlos@{remote} SIP/2.0", lines)


def _encode(first_line: str, lines: list[str], sdp: str = "") -> bytes:
    kind = ["Content-Type: application/sdp"] if sdp else []
    return "\r\n".join([first_line, *lines, *kind, f"Content-Length: {len(sdp)}", "", sdp]).encode()
