"""Seeded nonsense at a server's real sockets: it goes on answering, and every seat and port is free afterwards. The
100,000 are `python -m bench.fuzz --only sip` and `--only rtp`, at the same readers without sockets.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import pytest

from bench.fuzz.entries import ENTRIES
from bench.fuzz.mutation import changed_bytes
from bench.fuzz.sip import changed_sip
from sandbox.sip.message import Call, options
from sandbox.sip.small_phone import SmallPhone, small_phone
from telephony.sip import transactions
from tests.sip.sip_stage import sip_line

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_error_is_logged")]

SEED = 22
MESSAGES, PACKETS = 300, 300
AT_ONCE = 20  # in between the server is asked whether it is there
CORPUS = {entry.name: [data for _, data in entry.corpus] for entry in ENTRIES}


async def test_no_nonsense_ends_the_server_or_keeps_a_seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(SEED)
    async with sip_line(tmp_path, monkeypatch, max_calls=4) as line:
        remote = f"127.0.0.1:{line.port}"
        async with small_phone(remote) as caller, small_phone(remote) as fuzzer:
            answer = await caller.call("+5491155550100")
            for number in range(MESSAGES):
                fuzzer.send(_addressed(fuzzer, remote, changed_sip(random, *_picked(random, "sip messages"))))
                if number % AT_ONCE == 0:
                    await _is_there(fuzzer, remote, f"there-{number}")
            for number in range(PACKETS):
                fuzzer.send(changed_bytes(random, *_picked(random, "rtp packets")), answer.rtp)
                if number % AT_ONCE == 0:
                    await _is_there(fuzzer, remote, f"still-{number}")
            assert (await caller.hang_up()).status == 200
            await _hung_up_on(fuzzer)
            monkeypatch.setattr(transactions, "GIVE_UP_S", 0.0)  # who has not acknowledged his call by now never will
            await line.is_quiet()


def _picked(random: Random, name: str) -> tuple[bytes, list[bytes]]:
    return random.choice(CORPUS[name]), CORPUS[name]


def _addressed(phone: SmallPhone, remote: str, data: bytes) -> bytes:
    """As from this phone, or no answer would come back."""
    return data.replace(b"10.0.0.1:5060", phone.local.encode()).replace(b"10.0.0.2:5060", remote.encode())


async def _is_there(phone: SmallPhone, remote: str, name: str) -> None:
    phone.send(options(phone.local, remote, name))
    await phone.until(lambda message: message.status == 200 and message.headers.get("call-id") == name)


async def _hung_up_on(phone: SmallPhone) -> None:
    """Every call that the nonsense began is ended as a phone ends it."""
    begun = {answer.headers["to"]: answer for answer in phone.messages if answer.status == 200 and answer.body}
    for answer in begun.values():
        call = Call.of(answer, phone.local)
        phone.send(call.answered(answer))
        phone.send(call.bye())
        await asyncio.sleep(0)
