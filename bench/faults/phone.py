"""A caller's telephone on a server: frames of the line are the clock of both."""

from __future__ import annotations

import asyncio
import random
import secrets
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from bench.caller import CLOSE_S, ask, open_line, upgrade
from bench.faults.caller import Caller
from bench.faults.ear import Earpiece
from bench.line import FRAME_S, Line, Script
from bench.stage import ACCOUNT

CALL_S = 90.0  # only a hang takes so long
REOPENINGS = 3  # of a stream by the TwiML after it, as Twilio follows it
TELLS = ("<Say", "<Play", "<Dial")


class CallerLine(Line):
    """The line of a `Caller`: the clock of both is its frames."""

    def __init__(self, path: str, headers: Mapping[str, str], sids: tuple[str, str, str], caller: Caller) -> None:
        super().__init__(path, headers, sids, Script())
        self._caller = caller
        self._earpiece = Earpiece()

    def _payload(self) -> str:
        heard, marks = self._earpiece.play()
        self._give_back(marks)
        said = self._caller.frame(heard)
        if self._caller.gone:
            self._loop.call_soon(self._leave)
        return b64encode(said).decode()

    def _leave(self) -> None:
        if not self.stopped_at:
            self.stop()
            self._loop.call_later(CLOSE_S, self.drop)

    def _hear(self, ulaw: bytes, now: float) -> None:
        self._earpiece.media(ulaw)

    def _mark(self, name: str, now: float) -> None:
        self._earpiece.mark(name)

    def _clear(self, now: float) -> None:
        self._give_back(self._earpiece.clear())

    def _give_back(self, marks: list[str]) -> None:
        for name in marks:
            self._return(name)


async def phone(target: Mapping[str, Any], caller: Caller) -> None:
    """Ring `target` (bench.caller.Callers) and talk to the end, following the TwiML as Twilio would."""
    sids = (f"MZ{secrets.token_hex(16)}", f"CA{random.getrandbits(128):032x}", ACCOUNT)
    twiml = await ask(target, "/twilio/voice", sids)
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(CALL_S):
        for _ in range(REOPENINGS):
            line = CallerLine(target["path"], upgrade(target), sids, caller)
            await open_line(line, target, twiml)
            await line.over
            over_at = loop.time()
            if caller.gone:
                return
            twiml = await ask(target, "/twilio/after-stream", sids)
            if any(verb in twiml for verb in TELLS):
                caller.told = True
            if "<Stream" not in twiml:
                break
            caller.silent(round((loop.time() - over_at) / FRAME_S))
    if caller.unanswered and not caller.told:
        caller.silent(caller.patience)  # hung up on: nobody will ever answer
