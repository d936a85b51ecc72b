"""Messages after the torture tests of RFC 4475, one a file; its first line has its section and the answers that are
right: a right answer or silence, never an error, and a caller who comes after them finds the line as it was.

In a file `{local}` and `{remote}` are addresses, `{id}` is the message's own, `{sdp}` an offer with its `{length}`,
`{long}` a long word; `\\xNN` stands for a byte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from sandbox.sip.message import Call, Message, options
from sandbox.sip.small_phone import small_phone
from tests.sip.sip_stage import SipLine, sip_line
from tests.support.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_error_is_logged")]

FOLDER = Path(__file__).parent / "torture"
SILENCE = 0
SDP = "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 8\na=rtpmap:8 PCMA/8000\n"
LONG = "long" * 40
_HEAD = re.compile(r"# (?P<section>[\d.]+): (?P<answers>(?:(?:\d{3}|silence) ?)+)\n")
_BYTE = re.compile(rb"\\x([0-9a-f]{2})")
_names = count(1)


@dataclass(frozen=True, slots=True)
class Torture:
    name: str
    section: str
    answers: frozenset[int]  # SILENCE among them where none is right, too
    text: str

    def encode(self, local: str, remote: str, name: str) -> bytes:
        body = SDP.replace("\n", "\r\n")
        text = self.text.replace("\n", "\r\n").replace("{sdp}\r\n", body)
        places = {"local": local, "remote": remote, "id": name, "length": str(len(body)), "long": LONG}
        for place, value in places.items():
            text = text.replace(f"{{{place}}}", value)
        data = text.encode().replace(rb"\\x", b"\\\x00x")  # an escaped backslash begins no byte
        return _BYTE.sub(lambda found: bytes([int(found[1], 16)]), data).replace(b"\\\x00x", rb"\\x")


def tortures() -> list[Torture]:
    return [_read(path) for path in sorted(FOLDER.glob("*.sip"))]


def _read(path: Path) -> Torture:
    head, text = path.read_text(encoding="utf-8").split("\n", 1)
    found = _HEAD.fullmatch(f"{head}\n")
    assert found is not None, f"{path.name} does not say what is right"
    answers = frozenset(0 if word == "silence" else int(word) for word in found["answers"].split())
    return Torture(path.stem, found["section"], answers, text)


def test_every_message_of_the_rfc_is_there() -> None:
    sections = {torture.section for torture in tortures()}
    valid, invalid, application = range(1, 14), range(1, 20), range(1, 16)
    named = [("3.1.1", valid), ("3.1.2", invalid), ("3.3", application)]
    wanted = {f"{section}.{number}" for section, numbers in named for number in numbers}
    assert sections == wanted | {"3.2.1", "3.4.1"}


async def test_each_is_answered_as_it_may_be_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with sip_line(tmp_path, monkeypatch) as line:
        wrong = {}
        for torture in tortures():
            status = await _answer(line, torture)
            if status not in torture.answers:
                wrong[torture.name] = status
        assert not wrong
        libraries = [record.name for record in caplog.records if record.name.startswith(("aiosipua", "aiortp"))]
        assert not libraries, "whoever sends nonsense would fill the log"
        async with small_phone(f"127.0.0.1:{line.port}") as phone:
            assert (await phone.call("+5491155550100")).status == 200
            assert (await phone.hang_up()).status == 200


async def _answer(line: SipLine, torture: Torture) -> int:
    """The final answer, or SILENCE if nothing is on its way when a request that came later has been answered. A call
    that it has begun is hung up."""
    remote, name = f"127.0.0.1:{line.port}", f"t{next(_names)}"
    async with small_phone(remote) as phone:

        def own(message: Message) -> bool:
            return message.headers.get("call-id") != f"{name}-probe"

        phone.send(torture.encode(phone.local, remote, name))
        phone.send(options(phone.local, remote, f"{name}-probe"))
        await phone.until(lambda message: not own(message))
        if not line.seats_taken and not any(map(own, phone.messages)):
            return SILENCE
        answer = await phone.until(lambda message: message.status >= 200 and own(message))
        if answer.method == "INVITE":
            call = Call.of(answer, phone.local)
            phone.send(call.answered(answer))
            if answer.status == 200:
                phone.send(call.bye())
                await phone.final("BYE")
        await line.is_quiet()
        return answer.status


async def test_who_is_not_known_hears_nothing_whatever_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with sip_line(tmp_path, monkeypatch) as line, small_phone(f"127.0.0.1:{line.port}") as known:
        remote = f"127.0.0.1:{line.port}"
        async with small_phone(remote, host="127.0.0.2") as stranger:
            call = Call.between(stranger.local, remote, "+5491155550100", "stranger")
            stranger.send(call.invite(9, 8))
            stranger.send(call.cancel())
            stranger.send(options(stranger.local, remote, "stranger-asks"))
            for number, torture in enumerate(tortures()):
                stranger.send(torture.encode(stranger.local, remote, f"s{number}"))
            known.send(options(known.local, remote, "known-asks"))
            await known.final("OPTIONS")
            assert (await known.call("+5491155550100")).status == 200
            await until(lambda: line.live)
            assert (await known.hang_up()).status == 200
            assert stranger.messages == []
        assert len(await line.records()) == 1
