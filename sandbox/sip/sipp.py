"""Debian's sipp (sip-tester) as the signalling of calls: scenarios as tables, a run of one, and what came of it.

A scenario is a tuple of steps; each is a piece of sipp's XML, so that the words of its manual apply to what a step
takes as options. `[field0]` is the RTP port of the call and `[field1]` its caller, from the file of calls.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from xml.sax.saxutils import quoteattr

from sandbox.hang import HANG_S
from sandbox.sip.message import Message
from sandbox.sip.rtp import KEYS, PCMA, PCMU

SIPP = "/usr/bin/sipp"
BRANCH = "z9hG4bK-[pid]-[call_number]-{}"
SDP = """v=0
o=sipp 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio [field0] RTP/AVP {codecs} {keys}
{maps}a=rtpmap:{keys} telephone-event/8000
a=fmtp:{keys} 0-15
a=ptime:20
{direction}"""
RTPMAPS = {PCMU: "a=rtpmap:0 PCMU/8000\n", PCMA: "a=rtpmap:8 PCMA/8000\n"}


def find_sipp() -> str | None:
    return which("sipp")


# Steps.


def sdp(*codecs: int, direction: str = "sendrecv") -> str:
    """An offer of these payload types, the first one preferred."""
    maps = "".join(RTPMAPS[codec] for codec in codecs)
    return SDP.format(codecs=" ".join(map(str, codecs)), keys=KEYS, maps=maps, direction=f"a={direction}\n")


def request(method: str, *headers: str, cseq: int = 1, branch: str = "1", body: str = "", known: bool = True) -> str:
    """Send a request; `known`: within the dialog, to the tag that the peer gave."""
    to = "[peer_tag_param]" if known else ""
    lines = [
        f"{method} sip:carlos@[remote_ip]:[remote_port] SIP/2.0",
        f"Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={BRANCH.format(branch)};rport",
        "From: <sip:[field1]@[local_ip]:[local_port]>;tag=[pid]x[call_number]",
        f"To: <sip:carlos@[remote_ip]:[remote_port]>{to}",
        "Call-ID: [call_id]",
        f"CSeq: {cseq} {method}",
        "Contact: <sip:[field1]@[local_ip]:[local_port];transport=[transport]>",
        "Max-Forwards: 70",
        *headers,
    ]
    return _send([*lines, "Content-Type: application/sdp"] if body else lines, body)


def invite(*headers: str, body: str = "", cseq: int = 1, branch: str = "1") -> str:
    """The call's first one."""
    return request("INVITE", *headers, cseq=cseq, branch=branch, body=body or sdp(PCMA, PCMU), known=False)


def ack(*, branch: str = "ack", cseq: int = 1) -> str:
    """Of an answer; that of a refusal belongs to the INVITE, and has its branch."""
    return request("ACK", cseq=cseq, branch=branch)


def cancel() -> str:
    return request("CANCEL", branch="1", known=False)


def bye(cseq: int = 9) -> str:
    return request("BYE", cseq=cseq, branch="bye")


def reply(status: str, *headers: str, body: str = "") -> str:
    """Answer the request that was received last."""
    own = "[last_Via:]", "[last_From:]", "[last_To:]", "[last_Call-ID:]", "[last_CSeq:]"
    contact = "Contact: <sip:[local_ip]:[local_port];transport=[transport]>"
    lines = [f"SIP/2.0 {status}", *own, contact, *headers]
    return _send([*lines, "Content-Type: application/sdp"] if body else lines, body)


def _send(lines: Sequence[str], body: str) -> str:
    text = "\n".join([*lines, "Content-Length: [len]", "", body.rstrip("\n")])
    return f"<send><![CDATA[\n{text}\n]]></send>"


def expect(what: int | str, inside: str = "", **options: str) -> str:
    """Receive a status or a request; `inside` are actions, options are sipp's attributes."""
    name = "response" if isinstance(what, int) else "request"
    attributes = {name: str(what), **options}
    text = " ".join(f"{key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<recv {text}>{inside}</recv>"


def maybe(*whats: int | str, **options: str) -> str:
    """Any of these, or none, before the step that follows."""
    return "".join(expect(what, optional="true", **options) for what in whats)


def label(name: int) -> str:
    return f'<label id="{name}"/>'


def goto(name: int) -> str:
    return f'<nop next="{name}"/>'


RINGS = maybe(100, 180, 183)


def call_until_hung_up(codec: int) -> tuple[str, ...]:
    """A call with sound at the port that the file names, until the other end says BYE."""
    return invite(body=sdp(codec)), RINGS, expect(200), ack(), expect("BYE"), reply("200 OK")


def scenario(*steps: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="carlos">\n{"\n".join(steps)}\n</scenario>\n'


# A run.


@dataclass(frozen=True, slots=True)
class Ran:
    """`code` 0: every call went as its scenario has it. Otherwise `trouble` says what came instead."""

    code: int
    trouble: str
    messages: str  # all of them, as sipp logs them

    @property
    def received(self) -> list[Message]:
        """What came, in order."""
        logged = re.split(r"^-{20,}.*\n", self.messages, flags=re.MULTILINE)
        texts = (each.partition(":\n\n")[2] for each in logged if "message received" in each.partition("\n")[0])
        return [Message.decode(text.replace("\r", "").replace("\n", "\r\n").encode()) for text in texts if text]

    def header(self, name: str) -> list[str]:
        """Its values in what came."""
        return [message.headers[name] for message in self.received if name in message.headers]


@dataclass(frozen=True, slots=True)
class Called:
    """One call of a run: where its sound goes, and who calls."""

    rtp_port: int = 9
    number: str = "+5491155550100"


async def run(
    folder: Path,
    port: int,
    steps: Sequence[str],
    calls: Sequence[Called] = (Called(),),
    *,
    host: str = "127.0.0.1",
    transport: str = "u1",
    per_s: float = 10.0,
    options: Mapping[str, str] = {},
) -> Ran:
    """Place the calls, `per_s` a second, from `host`, and wait until all of them are over. `transport` is sipp's -t.
    Raises TimeoutError after a hang."""
    file, table, messages, trouble = _prepare(folder, steps, calls)
    number = str(len(calls))
    settings = {"-sf": file, "-inf": table, "-i": host, "-mi": host, "-t": transport, "-m": number, "-l": number}
    settings |= {"-r": "1", "-rp": f"{1000 / per_s:.0f}", "-message_file": messages, "-error_file": trouble}
    settings |= {"-watchdog_interval": "0", **options}  # a busy machine is no reason to give up
    words = [str(word) for pair in settings.items() for word in pair]
    process = await asyncio.create_subprocess_exec(
        find_sipp() or SIPP, f"127.0.0.1:{port}", *words, "-nostdin", "-trace_msg", "-trace_err",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        cwd=folder,
    )  # fmt: skip
    try:
        async with asyncio.timeout(10 * HANG_S):  # calls take their time: they are in real time
            _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Ran(process.returncode or 0, _read(trouble) + said.decode(errors="replace"), _read(messages))


def _prepare(folder: Path, steps: Sequence[str], calls: Sequence[Called]) -> tuple[Path, Path, Path, Path]:
    """The scenario, the file of calls, and where its messages and its trouble will be."""
    folder.mkdir(parents=True, exist_ok=True)
    file, table = folder / "scenario.xml", folder / "calls.csv"
    file.write_text(scenario(*steps), encoding="utf-8")
    table.write_text("SEQUENTIAL\n" + "".join(f"{call.rtp_port};{call.number};\n" for call in calls), encoding="utf-8")
    return file, table, folder / "messages.log", folder / "trouble.log"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
