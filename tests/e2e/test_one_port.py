"""PROCESSES=2: whole calls through two server processes behind one port, as `carlos serve` starts them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import aiohttp
import pytest

from sandbox.sonic.script import Say, ScriptTurn, scripted
from sandbox.twilio.call import CallEvent, PhoneCall, Ran, Streaming
from sandbox.twilio.double import TwilioDouble
from sandbox.twilio.stream import Act
from sandbox.twilio.twiml import Connect
from sandbox.twilio.twiml import Say as Spoken
from tests.e2e.running import environment
from tests.support.servers import carlos_serve, free_port, printed
from tests.support.sonic import sonic
from tests.support.waiting import bounded, until

GREETING = "Hola, soy Carlos."
Line = dict[str, Any]


class Quiet:
    """A caller who says nothing."""

    def listen(self, heard: bytes) -> Act:
        return Act()


@dataclass
class RunningServer:
    """The server, its log, and the double that calls it."""

    process: asyncio.subprocess.Process
    twilio: TwilioDouble
    base_url: str
    log: list[Line] = field(default_factory=list)
    placed: list[asyncio.Task[None]] = field(default_factory=list)

    def pids(self, number: int) -> list[int]:
        """Of a process and those that were it before."""
        begun = [line for line in self.log if line["message"].startswith("Started server process")]
        return [int(line["message"].split("[")[1][:-1]) for line in begun if line["process"] == number]

    def call_for(self, number: int, observe: Callable[[CallEvent], None] = lambda event: None) -> PhoneCall:
        """A call that goes to this process when both have as many."""
        while True:
            call = self.twilio.dial(Quiet(), observe=observe)
            if crc32(call.sid.encode()) % 2 == number:
                return call

    def place(self, call: PhoneCall) -> asyncio.Task[None]:
        self.placed.append(asyncio.create_task(call.run()))
        return self.placed[-1]

    async def until(self, holds: Callable[[], object]) -> None:
        await until(holds)

    async def heard(self, *calls: PhoneCall, streams: int = 1) -> None:
        """Carlos has spoken in each call, and been recorded, on as many streams."""
        for call in calls:
            spoken = [call.sid, f"said {streams}"]
            await self.until(lambda spoken=spoken: self.said(spoken[0]) >= streams)  # type: ignore[misc]

    def said(self, sid: str) -> int:
        return sum(line.get("call_id") == sid and line.get("event") == "said" for line in self.log)

    def whose(self, call: PhoneCall) -> set[int]:
        """The processes that have had anything to do with a call."""
        return {line["process"] for line in self.log if line.get("call_id") == call.sid}

    def put_through(self, to: int) -> int:
        """How many connections have gone to a process from the other."""
        words = f"a connection is sent to process {to}"
        return sum(line["message"] == words for line in self.log)

    async def ask(self, method: str, path: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as http, http.request(method, self.base_url + path) as answer:
            return answer.status, await answer.text()

    async def ask_the_other(self, number: int, method: str, path: str) -> asyncio.Task[tuple[int, str]]:
        """Ask something that this process must answer, on a connection that it cannot have accepted."""
        pid, before = self.pids(number)[-1], self.put_through(number)
        os.kill(pid, signal.SIGSTOP)
        try:
            asked = asyncio.create_task(self.ask(method, path))
            await self.until(lambda: self.put_through(number) > before)
        finally:
            os.kill(pid, signal.SIGCONT)
        return asked


@asynccontextmanager
async def running_server(home: Path, **env: str) -> AsyncIterator[RunningServer]:
    async with AsyncExitStack() as stack:
        standin = await stack.enter_async_context(sonic(home, scripted([ScriptTurn((Say(GREETING),))])))
        base_url = f"http://localhost:{free_port()}"
        twilio = await stack.enter_async_context(TwilioDouble(base_url))
        made = environment(home, standin, twilio) | {
            "DRAIN_SECONDS": "600",
            "EMF_SECONDS": "0",
            "LOGLEVEL": "DEBUG",
            "MAX_CALLS": "2",
            "PROCESSES": "2",
            "TMPDIR": str(home),
            "WS_PORT": base_url.rpartition(":")[2],
        }
        process = await stack.enter_async_context(carlos_serve(made | env, stdout=asyncio.subprocess.PIPE))
        here = RunningServer(process, twilio, base_url)
        reading = asyncio.create_task(read(process.stdout, here.log))
        try:
            await printed(process)
            async with bounded():
                yield here
        finally:
            for placed in here.placed:
                placed.cancel()
            await asyncio.gather(*here.placed, return_exceptions=True)
            for pid in [*here.pids(0)[-1:], *here.pids(1)[-1:], process.pid]:
                if alive(pid):
                    os.kill(pid, signal.SIGKILL)
            await process.wait()
            await reading


async def read(stdout: asyncio.StreamReader | None, log: list[Line]) -> None:
    assert stdout is not None
    async for line in stdout:
        log.append({"process": None} | json.loads(line))


def left_in(folder: Path) -> list[Path]:
    """What the processes shared."""
    return [*folder.glob("carlos-*")]


def alive(pid: int) -> bool:
    """A zombie, which nobody has waited for yet, is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.slow
async def test_two_processes_behave_as_one_server_from_ring_to_drain(tmp_path: Path) -> None:
    async with running_server(tmp_path) as here:
        stopped: list[int] = []

        def stop_before_the_stream(event: CallEvent) -> None:
            """Twilio's next connection, the media socket's, is then accepted by the other process."""
            if isinstance(event, Ran) and isinstance(event.verb, Connect):
                stopped.append(here.put_through(1))
                os.kill(here.pids(1)[-1], signal.SIGSTOP)

        one, other = here.call_for(0), here.call_for(1, stop_before_the_stream)
        here.place(other)
        await here.until(lambda: stopped and here.put_through(1) > stopped[0])
        os.kill(here.pids(1)[-1], signal.SIGCONT)
        await here.heard(other)
        here.place(one)
        await here.heard(one)
        assert (here.whose(one), here.whose(other)) == ({0}, {1})

        # One pool of places, and one account of it.
        refused = here.twilio.dial(Quiet())
        await refused.run()
        assert isinstance(refused.verbs[0], Spoken)
        told_ready = {"status": "ready", "calls": 2, "browsers": 0, "store": "ok", "sonic": "ok"}
        assert json.loads((await here.ask("GET", "/ready"))[1]) == told_ready
        told = (await here.ask("GET", "/metrics"))[1]
        assert "\ncarlos_active_calls 2.0\n" in told
        assert '\ncarlos_processes{told="yes"} 2\ncarlos_processes{told="no"} 0\n' in told
        assert '\ncarlos_refusals_total{reason="full"} 1.0\n' in told

        # Whatever is asked about a call reaches its process.
        for number, call in enumerate((one, other)):
            status, shown = await (await here.ask_the_other(number, "GET", f"/calls/{call.sid}"))
            assert (status, json.loads(shown)["data"]["live"]) == (200, True)
        listed = json.loads((await here.ask("GET", "/calls"))[1])["data"]
        assert {shown["id"] for shown in listed if shown["live"]} == {one.sid, other.sid}
        following = await here.ask_the_other(0, "GET", f"/calls/{one.sid}/events")
        status, _ = await (await here.ask_the_other(1, "POST", f"/calls/{other.sid}/hangup"))
        assert status == 200
        await here.until(lambda: not other.live)
        assert not following.done(), "the other call goes on"

        # What one process has freed, the other takes; then all drain.
        third = here.call_for(1)
        here.place(third)
        await here.heard(third)
        here.process.send_signal(signal.SIGTERM)
        await here.until(lambda: sum("draining" in line["message"] for line in here.log) == 2)
        late = here.twilio.dial(Quiet())
        await late.run()
        assert isinstance(late.verbs[0], Spoken)
        assert [call.live for call in (one, third)] == [True, True], "the signal has cut nobody"
        one.hang_up()
        third.hang_up()
        status, events = await following
        assert status == 200
        assert [json.loads(line[5:])["type"] for line in events.splitlines() if line][-1] == "ended"
        assert await here.process.wait() == 0
        await here.twilio.webhooks.drain()
        assert here.whose(other) == {1}, "every webhook of a call reached its process, to the last"
        assert not any(alive(pid) for number in (0, 1) for pid in here.pids(number))
        assert left_in(tmp_path) == []
        assert not [line for line in here.log if line["level"] == "ERROR"]


@pytest.mark.slow
async def test_a_process_is_killed_and_its_call_goes_on_and_it_is_started_again(tmp_path: Path) -> None:
    async with running_server(tmp_path) as here:
        one, other = here.call_for(0), here.call_for(1)
        for call in (one, other):
            here.place(call)
        await here.heard(one, other)
        os.kill(here.pids(0)[0], signal.SIGKILL)
        await here.heard(one, streams=2)
        await here.until(lambda: len(here.pids(0)) == 2)
        assert [isinstance(verb, Connect) for verb in one.verbs] == [True, True]
        assert sum(isinstance(event, Streaming) for event in one.events) == 2
        assert [type(verb) for verb in other.verbs] == [Connect], "the other process's call has noticed nothing"
        assert [line["message"] for line in here.log if line["level"] == "ERROR"] == [
            "process 0 ended with -9, and is started again in 1 s"
        ]
        refused = here.twilio.dial(Quiet())
        await refused.run()
        assert isinstance(refused.verbs[0], Spoken), "the dead process's place was taken by its call, once"
        status, _ = await here.ask("POST", f"/calls/{one.sid}/hangup")
        assert status == 200, "it is found where it went on"
        await here.until(lambda: not one.live)


@pytest.mark.slow
async def test_a_killed_supervisor_leaves_no_process_and_cuts_no_call(tmp_path: Path) -> None:
    async with running_server(tmp_path) as here:
        call = here.call_for(1)
        here.place(call)
        await here.heard(call)
        idle, busy = here.pids(0)[0], here.pids(1)[0]
        here.process.kill()
        await here.until(lambda: not alive(idle))
        assert (call.live, alive(busy)) == (True, True)
        late = here.twilio.dial(Quiet())
        await late.run()
        assert isinstance(late.verbs[0], Spoken)
        call.hang_up()
        await here.until(lambda: not alive(busy))
        assert left_in(tmp_path) == []


@pytest.mark.slow
async def test_a_store_that_cannot_be_opened_ends_it_all_at_once(tmp_path: Path) -> None:
    (home := tmp_path / "home").write_text("no folder")
    env = {"CARLOS_HOME": str(home), "PROCESSES": "2", "SONIC": "bedrock", "WS_PORT": "0"}
    async with carlos_serve(env, stdout=asyncio.subprocess.PIPE) as process, bounded():
        out, err = await process.communicate()
    assert process.returncode == 3, err.decode()
    assert json.loads(out.splitlines()[-1])["message"] == "process 0 ended with 3 before it was ready"
