"""Debian's baresip (baresip-core) as a phone, driven by its `ctrl_tcp` module: commands go in, events come out, each a
netstring of JSON. What it hears is kept as a WAV by its `sndfile` module.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import which
from typing import Any

from sandbox.hang import HANG_S
from sandbox.twilio.server import free_port

BARESIP = "/usr/bin/baresip"
MODULES = Path("/usr/lib/baresip/modules")
CONFIG = """
sip_listen 127.0.0.1:{sip}
audio_source aufile,{says}
audio_player aufile,{folder}/played.wav
audio_alert aufile,{says}
audio_channels 1
audio_srate 8000
rtp_ports {rtp}-{last}
ctrl_tcp_listen 127.0.0.1:{control}
snd_path {folder}
module_path {modules}
module g711.so
module g722.so
module aufile.so
module sndfile.so
module srtp.so
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
"""
RTP_PORTS = 20
ASK_AGAIN_S = 0.05  # until its control port is open

type Event = dict[str, Any]


class BaresipError(Exception):
    """It did not start, or could not do what it was told to."""


def find_baresip() -> str | None:
    return which("baresip") if MODULES.is_dir() else None


class Baresip:
    """A running phone. `events` are all that it told so far."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, folder: Path, port: int) -> None:
        self._reader, self._writer, self._folder = reader, writer, folder
        self._told = asyncio.Condition()
        self.port = port
        self.events: list[Event] = []
        self._answers: list[Event] = []

    async def listen(self) -> None:
        """Take what it tells, until it ends."""
        try:
            while True:
                size = int((await self._reader.readuntil(b":"))[:-1])
                message = json.loads((await self._reader.readexactly(size + 1))[:-1])
                (self.events if message.get("event") else self._answers).append(message)
                async with self._told:
                    self._told.notify_all()
        except (asyncio.IncompleteReadError, ConnectionError):
            return

    async def command(self, name: str, words: str = "") -> None:
        """Have it do something. Raises BaresipError where it cannot."""
        token = str(len(self._answers))
        body = json.dumps({"command": name, "params": words, "token": token}).encode()
        self._writer.write(b"%d:%b," % (len(body), body))
        answer = await self._until(lambda: next((each for each in self._answers if each.get("token") == token), None))
        if not answer["ok"]:
            raise BaresipError(f"{name} {words}: {answer}")

    async def told(self, kind: str, of: int = 1) -> Event:
        """Wait for the `of`-th event of this kind."""

        def found() -> Event | None:
            events = [event for event in self.events if event["type"] == kind]
            return events[of - 1] if len(events) >= of else None

        return await self._until(found)

    async def _until(self, found: Callable[[], Event | None]) -> Event:
        async with asyncio.timeout(HANG_S), self._told:
            while (answer := found()) is None:
                await self._told.wait()
        return answer

    def heard(self) -> list[Path]:
        """WAVs of what came, one for each time that its sound began; complete when it has ended."""
        return sorted(self._folder.glob("dump-*-dec.wav"))


@asynccontextmanager
async def baresip(
    folder: Path,
    user: str,
    says: Path,
    *,
    codecs: Sequence[str] = ("pcma", "pcmu"),
    answers: bool = False,
    encrypts: bool = False,
) -> AsyncIterator[Baresip]:
    """A phone that says what is in the WAV, and hangs up at its end; it `answers` by itself, or `encrypts` by SRTP."""
    sip, control = free_port(), free_port()
    mode = "auto" if answers else "manual"
    account = f"<sip:{user}@127.0.0.1:{sip}>;regint=0;answermode={mode};audio_codecs={','.join(codecs)}"
    account += ";mediaenc=srtp-mand\n" if encrypts else "\n"
    _configure(folder, account, says, sip, control)
    process = await asyncio.create_subprocess_exec(
        find_baresip() or BARESIP, "-f", str(folder),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        reader, writer = await _control(control, process)
        phone = Baresip(reader, writer, folder, sip)
        listening = asyncio.create_task(phone.listen())
        try:
            yield phone
        finally:
            process.terminate()  # it says BYE to whoever is there
            await process.wait()
            await listening
            writer.close()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _configure(folder: Path, account: str, says: Path, sip: int, control: int) -> None:
    rtp = free_port()
    places = {"sip": sip, "control": control, "rtp": rtp, "last": rtp + RTP_PORTS}
    folder.mkdir(parents=True)
    config = CONFIG.format(**places, folder=folder, says=says, modules=MODULES)
    (folder / "config").write_text(config, encoding="utf-8")
    (folder / "accounts").write_text(account, encoding="utf-8")


async def _control(port: int, process: asyncio.subprocess.Process) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Raises BaresipError where it does not start."""
    async with asyncio.timeout(HANG_S):
        while process.returncode is None:
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(ASK_AGAIN_S)
    raise BaresipError(f"baresip ended at its start, with {process.returncode}")
