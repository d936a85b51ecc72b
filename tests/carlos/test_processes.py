"""The supervisor, with processes that do nothing but what a test has them do; and what their settings may be."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from loguru import logger
from pydantic import SecretStr, ValidationError

from carlos.processes import supervisor
from carlos.processes.register import Register
from carlos.processes.supervisor import Everybody, NotStarted, Supervisor
from common import metrics
from common.settings import Settings
from telephony.stream_tokens import SpentInMemory, StreamTokens, signing_keys
from tests.support.waiting import bounded, until

pytestmark = pytest.mark.slow

# A process that is ready and waits; `place` is what it was told, `channel` its socket to the supervisor.
BEGIN = """
import os, pathlib, select, signal, socket, sys, time
from carlos.processes.register import Register
from carlos.processes.worker import READY, Place
channel = socket.socket(fileno=0)
place, descriptors = Place.take(channel)
register = Register(descriptors[0], place.processes, place.max_calls, place.number, browsers=place.max_browsers)
notes = pathlib.Path(place.folder, f"notes {place.number}")
note = lambda word: notes.open("a").write(word + " ")
"""
READY = "channel.send(READY); note('ready')\n"
WAIT = "signal.pause()\n"
DRAIN = """
def drain(*_):
    note("draining")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
signal.signal(signal.SIGTERM, drain)
"""
OBEY = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"


def settings(**changes: Any) -> Settings:
    made: dict[str, Any] = {"sonic": "bedrock", "processes": 2, "max_calls": 4}
    return Settings(_env_file=None, **(made | changes))


class Stage:
    """A supervisor at work."""

    def __init__(self, supervisor: Supervisor, folder: Path, errors: list[str]) -> None:
        self.supervisor = supervisor
        self.errors = errors
        self._folder = folder
        self.running = asyncio.create_task(supervisor.run())

    def notes(self, number: int) -> list[str]:
        path = self._folder / f"notes {number}"
        return path.read_text().split() if path.exists() else []

    def process(self, number: int) -> asyncio.subprocess.Process:
        return self.supervisor._running[number].process

    async def until(self, holds: Callable[[], object]) -> None:
        def holds_while_it_runs() -> object:
            assert not self.running.done(), "the supervisor has ended"
            return holds()

        await until(holds_while_it_runs)

    async def code(self) -> int:
        async with bounded():
            return await self.running


type Supervise = Callable[..., Awaitable[Stage]]


@pytest.fixture
async def supervise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Supervise]:
    """Starts a supervisor of processes that run `script`; none is left at the end."""
    monkeypatch.setattr(supervisor, "RESTART_DELAY_S", 0.01)
    errors: list[str] = []
    sink = logger.add(lambda message: errors.append(message.record["message"]), level="ERROR")
    stages: list[Stage] = []

    async def begin(script: str, **changes: Any) -> Stage:
        monkeypatch.setattr(supervisor, "COMMAND", (sys.executable, "-c", BEGIN + script))
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        stages.append(Stage(Supervisor(settings(**changes), tmp_path, [listener]), tmp_path, errors))
        return stages[-1]

    listeners: list[socket.socket] = []
    yield begin
    for stage in stages:
        stage.supervisor._stopping.set()
        stage.supervisor._pass_on(signal.SIGKILL)
        await asyncio.gather(stage.running, return_exceptions=True)
    for listener in listeners:
        listener.close()
    logger.remove(sink)


async def test_the_first_process_is_ready_before_the_others_start(
    supervise: Supervise, capsys: pytest.CaptureFixture[str]
) -> None:
    first = "pathlib.Path(place.folder, 'notes 0').exists()"
    stage = await supervise(
        f"note('after' if place.number and {first} else 'first')\n" + OBEY + READY + WAIT, processes=3
    )
    await stage.until(lambda: all(stage.notes(number)[-1:] == ["ready"] for number in range(3)))
    assert [stage.notes(number) for number in range(3)] == [["first", "ready"], ["after", "ready"], ["after", "ready"]]
    await stage.until(lambda: "real" in capsys.readouterr().err)
    stage.supervisor.stop()
    assert await stage.code() == 0
    assert stage.errors == []


async def test_a_process_that_dies_is_started_again_and_its_seats_are_free(supervise: Supervise) -> None:
    stage = await supervise(OBEY + "register.admit(f'{place.number} {time.monotonic()}')\n" + READY + WAIT)
    await stage.until(lambda: stage.supervisor.register.taken == 2)
    await stage.until(lambda: stage.notes(0) == stage.notes(1) == ["ready"])
    one, other = stage.process(0), stage.process(1)
    other.kill()
    await stage.until(lambda: stage.notes(1) == ["ready", "ready"])
    assert stage.supervisor.register.taken == 2, "the dead one's place is free, and the new one has taken another"
    assert (stage.process(0), one.returncode) == (one, None)
    groups = [os.getpgid(process.pid) for process in (one, stage.process(1))]
    assert groups == [one.pid, stage.process(1).pid], "or a terminal's SIGINT reaches them twice"
    assert [error for error in stage.errors if "process 1 ended with -9" in error]
    stage.supervisor.stop()
    assert await stage.code() == 0


async def test_a_process_that_dies_again_and_again_is_started_ever_later(supervise: Supervise) -> None:
    stage = await supervise(OBEY + READY + "place.number and os._exit(7)\n" + WAIT)
    await stage.until(lambda: len(stage.notes(1)) == 4)
    pauses = [error.split(" in ")[1] for error in stage.errors]
    assert pauses[:3] == ["0.01 s", "0.02 s", "0.04 s"]


async def test_a_process_that_dies_before_it_knows_its_place_ends_all_with_its_code(
    supervise: Supervise, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await supervise("")
    monkeypatch.setattr(supervisor, "COMMAND", (sys.executable, "-c", "import sys; sys.exit(5)"))
    assert await stage.code() == 5


@pytest.mark.parametrize("number", [0, 1])
async def test_a_process_that_cannot_start_ends_all_with_its_code(supervise: Supervise, number: int) -> None:
    stage = await supervise(OBEY + f"place.number == {number} and sys.exit(3)\n" + READY + WAIT)
    assert await stage.code() == 3
    assert all(running.process.returncode is not None for running in stage.supervisor._running.values())
    assert stage.errors == [f"process {number} ended with 3 before it was ready"]


async def test_the_first_signal_lets_the_processes_drain_and_the_second_stops_them(supervise: Supervise) -> None:
    stage = await supervise(DRAIN + READY + WAIT + WAIT)
    await stage.until(lambda: stage.notes(0) == stage.notes(1) == ["ready"])
    await stage.until(lambda: len(stage.supervisor._running) == 2)
    stage.supervisor.stop()
    await stage.until(lambda: stage.notes(0) == stage.notes(1) == ["ready", "draining"])
    assert not stage.running.done()
    stage.supervisor.stop()
    assert await stage.code() == 0
    assert stage.errors == []


async def test_a_process_that_was_just_starting_is_stopped_and_those_that_drain_are_not(
    supervise: Supervise, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await supervise("place.number == 2 and signal.pause()\n" + DRAIN + READY + WAIT + WAIT)
    await stage.until(lambda: stage.notes(0) == stage.notes(1) == ["ready"])
    stage.supervisor.stop()
    await stage.until(lambda: stage.notes(0) == stage.notes(1) == ["ready", "draining"])
    stage.supervisor.register = Register.create(3, 4, settings().max_browsers)  # with room for a third
    with monkeypatch.context() as patched:
        told: list[signal.Signals] = []
        patched.setattr(stage.supervisor, "_pass_on", told.append)
        with suppress(NotStarted):
            await stage.supervisor._start(2)
        assert told == [], "a second signal would stop the others at once"
    await stage.process(2).wait()


async def test_a_process_that_does_not_stop_is_killed_after_the_second_signal(
    supervise: Supervise, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "STOP_TIMEOUT_S", 0.01)
    stage = await supervise("signal.signal(signal.SIGTERM, lambda *_: None)\n" + READY + "while True: " + WAIT)
    await stage.until(lambda: stage.notes(0) == stage.notes(1) == ["ready"])
    stage.supervisor.stop()
    stage.supervisor.stop()
    assert await stage.code() == 128 + signal.SIGKILL


async def test_a_signal_during_the_start_ends_it_with_0(supervise: Supervise) -> None:
    stage = await supervise("note('starting')\n" + WAIT)
    await stage.until(lambda: stage.notes(0) == ["starting"])
    stage.supervisor.stop()
    assert await stage.code() == 0
    assert stage.notes(1) == []


async def test_processes_learn_of_the_supervisors_end_by_their_socket(
    supervise: Supervise, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = await supervise(OBEY + READY + "channel.recv(1) == b'' and note('alone')\n" + WAIT)
    await stage.until(lambda: stage.notes(0) == stage.notes(1) == ["ready"])
    await stage.until(lambda: "real" in capsys.readouterr().err)
    for running in stage.supervisor._running.values():
        running.channel.close()  # as the kernel does it
    await stage.until(lambda: stage.notes(0) == stage.notes(1) == ["ready", "alone"])


async def test_no_secret_is_on_a_command_line_or_in_an_environment(supervise: Supervise) -> None:
    stage = await supervise(OBEY + READY + WAIT)
    await stage.until(lambda: len(stage.supervisor._running) == 2 and stage.notes(1) == ["ready"])
    for seen in shown_of([stage.process(number).pid for number in range(2)]):
        assert stage.supervisor._key.encode() not in seen


def shown_of(pids: list[int]) -> list[bytes]:
    """What Linux shows of processes to who looks."""
    folders = [folder for pid in pids if (folder := Path(f"/proc/{pid}")).exists()]
    return [(folder / name).read_bytes() for folder in folders for name in ("cmdline", "environ")]


async def test_the_calls_of_all_processes_keep_the_task(supervise: Supervise, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "POLL_INTERVAL_S", 0.01)
    stage = await supervise(OBEY + "place.number and register.start('CA1')\n" + READY + WAIT)
    everybody = Everybody(stage.supervisor.register)
    async with bounded():
        await everybody.turned(busy=True)
    assert len(everybody.live) == 1
    await stage.until(lambda: stage.notes(1) == ["ready"])
    stage.supervisor.register.clear(1)
    async with bounded():
        await everybody.turned(busy=False)


# --- settings, tokens, metrics ---------------------------------------------------------------------------------


def test_one_process_is_the_default_and_none_is_too_few() -> None:
    assert Settings(_env_file=None).processes == 1
    with pytest.raises(ValidationError):
        Settings(_env_file=None, processes=0)


def test_several_stand_ins_are_refused_and_one_elsewhere_is_not() -> None:
    with pytest.raises(ValidationError, match="PROCESSES=2 needs SONIC=bedrock"):
        Settings(_env_file=None, processes=2, sonic="local")
    assert Settings(_env_file=None, processes=2, sonic="local", sonic_endpoint="https://localhost:1").processes == 2


async def test_a_stream_token_of_one_process_is_good_in_another() -> None:
    alike = [settings(stream_token_key=SecretStr("made up at the start")) for _ in range(2)]
    one, other = (StreamTokens(signing_keys(each.token_secrets), SpentInMemory()) for each in alike)
    await other.redeem(one.mint("CA1", "AC1"), "CA1", "AC1")


def test_twilios_token_signs_where_there_is_one() -> None:
    both = settings(stream_token_key=SecretStr("ours"), twilio_auth_token="theirs")
    assert both.token_secrets == ["theirs"]
    assert settings().token_secrets == []


def test_metrics_of_two_processes_are_one_processs_twice() -> None:
    metrics.CALLS.add(line="phone", outcome="completed")
    metrics.TURN_LATENCY.observe(0.7)
    metrics.ACTIVE_CALLS.set(3)
    text = metrics.exposition().decode()
    metrics.ACTIVE_CALLS.set(0)
    sums, once = metrics.added_up([text, text]), _samples(text)
    assert {name: value / 2 for name, value in _samples(sums).items()} == once
    assert once["carlos_active_calls"] == 3
    assert [line for line in sums.splitlines() if line[:1] == "#"] == [
        line for line in text.splitlines() if line[:1] == "#"
    ]


def test_what_only_one_process_has_counted_is_in_the_sum_beside_its_like() -> None:
    head = "# HELP c_total C.\n# TYPE c_total counter\n"
    other = "# HELP d D.\n# TYPE d gauge\nd 1.0\n"
    texts = [f'{head}c_total{{a="x y"}} 1.0\n{other}', f'{head}c_total{{a="z"}} 2.0\nc_total{{a="x y"}} 4.0\n{other}']
    assert metrics.added_up(texts) == (
        f'{head}c_total{{a="x y"}} 5.0\nc_total{{a="z"}} 2.0\n' + other.replace("d 1.0", "d 2.0")
    )


def _samples(text: str) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}
