"""`carlos bench --processes 1,2,4 --callers 40`: one server in several processes, and what they carry together.

Each number of processes is a fresh server on SQLite, its processes on cores of their own. On other cores are the
callers and Sonic: a process of each a core, and the Sonics behind one port. Talk as in the other benchmarks, without
tools. With `--storm` the same calls are measured again while new ones come, twenty a second.
"""

from __future__ import annotations

import asyncio
import math
import os
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.child import Child, started
from bench.machine import CORES, Reading, describe, rss_mb
from bench.measures import Talk
from bench.stage import NICE, READY_S, addresses
from bench.stats import summary

FEW_CALLS = 10  # so many in a process do not fill a core: then all processes share one
CALLS_PER_LOAD_CORE = 80  # that callers and Sonic carry on a core, with some room
MAX_PROCESSES = 64
SETTLE_S = 1.5
TALK = Talk(10, 3, 2)
STORM = {"per_s": 20, "seconds": 6.0, "stay_s": 1.0}
READY = "open "  # the banner, which comes once all processes take calls
ROOT = Path(__file__).parents[1]

type Figures = dict[str, Any]


class TooFewCores(Exception):
    """The machine cannot measure that many processes."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Which cores the server's processes have, and which callers and Sonic."""

    server: tuple[int, ...]
    load: tuple[int, ...]

    @classmethod
    def among(cls, cores: Sequence[int], processes: int, callers: int) -> Cores:
        """Return those for `processes` with `callers` each. Raise TooFewCores, whose text says how many it takes."""
        server = processes if callers > FEW_CALLS else 1
        load = math.ceil(processes * callers / CALLS_PER_LOAD_CORE)
        if server + load > len(cores):
            raise TooFewCores(
                f"{processes} processes with {callers} calls each take {server + load} cores, {server} for the server"
                f" and {load} for callers and Sonic; this machine has {len(cores)}"
            )
        return cls(tuple(cores[:server]), tuple(cores[server : server + load]))


def numbers(text: str) -> tuple[int, ...]:
    """Return the numbers of processes that an option names, as "1,2,4". Raise ValueError."""
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"{text!r} is no list of numbers like 1,2,4") from None
    if not all(1 <= number <= MAX_PROCESSES for number in found):
        raise ValueError(f"a server has 1 to {MAX_PROCESSES} processes")
    return found


@dataclass(slots=True)
class Fleet:
    """A running server, its callers and Sonic."""

    supervisor: Child
    cores: Cores
    callers: list[Child] = field(default_factory=list)

    @property
    def pids(self) -> list[int]:
        return [self.supervisor.pid, *children(self.supervisor.pid)]

    async def each(self, do: str, **arguments: Any) -> list[Any]:
        return list(await asyncio.gather(*(caller.ask(do, **arguments) for caller in self.callers)))

    async def add(self, calls: int) -> None:
        """Have the callers ring, each of them its share, one every 50 ms at most."""
        asks = [
            caller.ask("add", n=count, every_s=TALK.every_s, period_s=TALK.period_s)
            for caller, count in zip(self.callers, shares(calls, len(self.callers)), strict=True)
        ]
        await asyncio.gather(*asks)
        await asyncio.sleep(SETTLE_S)

    async def measure(self, seconds: float) -> Figures:
        """What the calls hear, and what the server uses meanwhile."""
        before = [Reading.of(pid) for pid in self.pids]
        seen = await self.each("measure", seconds=seconds, settle_s=TALK.settle_s)
        after = [Reading.of(pid) for pid in self.pids]
        cores = used(before, after)
        elapsed = after[0].at - before[0].at
        busy = sum(after[0].cores_s[core] - before[0].cores_s[core] for core in self.cores.server) / elapsed
        return together(seen) | {
            "cores": round(cores, 2),
            "others": round(max(0.0, busy - cores), 2),
            "rss_mb": round(sum(map(rss_mb, self.pids))),
        }


def used(before: Sequence[Reading], after: Sequence[Reading]) -> float:
    """Cores that processes used between two readings of each."""
    elapsed = after[0].at - before[0].at
    return sum(later.process_s - sooner.process_s for sooner, later in zip(before, after, strict=True)) / elapsed


def together(seen: Sequence[Figures]) -> Figures:
    """The figures of all calls, from what each process of callers has seen (bench.caller.measure)."""

    def every(name: str) -> list[float]:
        return [value for each in seen for value in each[name]]

    turns = sum(each["turns"] for each in seen)
    return {
        "calls": sum(each["calls"] for each in seen),
        "alive": sum(each["alive"] for each in seen),
        "turns": turns,
        "unanswered": turns - len(every("latency_ms")),
        "added_latency_ms": summary(every("latency_ms")),
        "gap_ms": summary(every("gaps_ms")),
        "caller_late_ms": summary(every("late_ms")),
    }


def shares(calls: int, callers: int) -> list[int]:
    """Calls for each process of callers."""
    return [calls // callers + (number < calls % callers) for number in range(callers)]


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@asynccontextmanager
async def fleet(folder: Path, cores: Cores, processes: int, calls: int) -> AsyncIterator[Fleet]:
    """Start everything, and go on once all processes take calls."""
    log = folder / "bench.log"
    async with AsyncExitStack() as stack:
        sonics: list[Child] = []
        port = free_port()
        for core in cores.load:
            options = ("--home", str(folder / "sonic"), "--port", str(port))
            sonics.append(await stack.enter_async_context(started("bench.instant", *options, core=core, log=log)))
            address = await sonics[-1].answer()
        target, environment = addresses("ours", address, folder)
        environment |= {
            "PROCESSES": str(processes),
            "MAX_CALLS": str(max(calls + 200, 2 * processes)),
            "DRAIN_SECONDS": "1",
            "PYTHONPATH": str(ROOT),
        }
        server_log = folder / f"server-{processes}.log"
        server_log.touch()
        arguments = map(str, cores.server)
        server = await stack.enter_async_context(
            started("bench.servers.fleet", *arguments, core=cores.server[0], log=server_log, environment=environment)
        )
        await ready(server, server_log)
        made = Fleet(server, cores)
        stack.callback(end, made.pids)  # those that a killed supervisor would leave to drain
        for core in cores.load:
            made.callers.append(await stack.enter_async_context(started("bench.caller", core=core, log=log)))
        await made.each("dial", target=target)
        for sonic in sonics:
            await sonic.ask("be", mode="answer", answer_s=TALK.answer_s, greeting_s=0.5, keep=False)
        yield made
        await made.each("leave")


async def ready(server: Child, log: Path) -> None:
    async with asyncio.timeout(READY_S):
        while READY not in (told := text_of(log)):
            if server.ended:
                raise RuntimeError(f"the server did not start: {told[-300:].strip()}")
            await asyncio.sleep(0.1)


def text_of(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")


def end(pids: Sequence[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


async def measure(cores: Cores, processes: int, callers: int, *, storm: bool) -> Figures:
    """One server of so many processes, from its start to its end, which SIGTERM brings, too: nothing is left."""
    calls = processes * callers
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with tempfile.TemporaryDirectory(prefix="carlos-bench-") as name:
        async with fleet(Path(name), cores, processes, calls) as standing:
            await standing.add(calls)
            figures: Figures = {"processes": processes} | await standing.measure(TALK.seconds)
            if storm:
                figures["storm"] = await beside_a_storm(standing, Path(name))
    return figures


async def beside_a_storm(standing: Fleet, folder: Path) -> Figures:
    """The same calls again, while new ones come."""
    async with started("bench.caller", core=standing.cores.load[-1], log=folder / "bench.log") as ringing:
        await ringing.ask("dial", target=await standing.callers[0].ask("target"))
        talked, rang = await asyncio.gather(standing.measure(float(STORM["seconds"])), ringing.ask("storm", **STORM))
    return talked | {
        "new_calls": rang["calls"],
        "failed": rang["failed"],
        "unheard": rang["calls"] - rang["failed"] - len(rang["greeting_ms"]),
        "set_up_ms": summary(rang["set_up_ms"]),
        "greeting_ms": summary(rang["greeting_ms"]),
    }


def bench(wanted: Sequence[int], callers: int, console: Console, *, storm: bool) -> Figures:
    """Measure what fits on this machine, and say what does not and why."""
    os.nice(NICE)
    rows: list[Figures] = []
    refused: list[str] = []
    for processes in wanted:
        try:
            cores = Cores.among(CORES, processes, callers)
        except TooFewCores as error:
            refused.append(str(error))
            console.print(f"[yellow]not measured:[/] {error}")
            continue
        console.print(f"PROCESSES={processes}, {callers} calls each")
        os.sched_setaffinity(0, set(cores.load))
        try:
            rows.append(asyncio.run(measure(cores, processes, callers, storm=storm)))
        except asyncio.CancelledError:
            raise SystemExit(128 + signal.SIGTERM) from None
        except (RuntimeError, TimeoutError) as error:
            refused.append(f"{processes} processes: {error or 'no answer in time'}")
            console.print(f"[red]failed:[/] {refused[-1]}")
    return {"machine": describe(), "callers": callers, "rows": rows, "not_measured": refused}


COLUMNS: tuple[tuple[str, Callable[[Figures], object]], ...] = (
    ("processes", lambda row: row["processes"]),
    ("calls", lambda row: row["calls"]),
    ("added p50 / p99 ms", lambda row: pair(row["added_latency_ms"], "p50")),
    ("gap p99 ms", lambda row: row["gap_ms"].get("p99", "–")),
    ("unanswered", lambda row: row["unanswered"]),
    ("calls lost", lambda row: row["calls"] - row["alive"]),
    ("cores used", lambda row: row["cores"]),
    ("by others", lambda row: row["others"]),
    ("RSS MB", lambda row: row["rss_mb"]),
    ("callers late p99 ms", lambda row: row["caller_late_ms"].get("p99", "–")),
)
STORM_COLUMNS = (
    *COLUMNS,
    ("new calls", lambda row: row["new_calls"]),
    ("failed or not greeted in 1 s", lambda row: row["failed"] + row["unheard"]),
    ("greeted p50 / p99 ms", lambda row: pair(row["greeting_ms"], "p50")),
)


def pair(figures: Figures, first: str) -> str:
    return f"{figures.get(first, '–')} / {figures.get('p99', '–')}"


def table(result: Figures) -> str:
    """Markdown: a row a number of processes, and another table for the storms."""
    storms = [row["storm"] | {"processes": row["processes"]} for row in result["rows"] if "storm" in row]
    text = "\n".join(lines(COLUMNS, result["rows"])) + "\n"
    if storms:
        text += f"\nbeside {STORM['per_s']} new calls a second:\n\n" + "\n".join(lines(STORM_COLUMNS, storms)) + "\n"
    return text


def lines(columns: Sequence[tuple[str, Callable[[Figures], object]]], rows: Sequence[Figures]) -> Iterator[str]:
    yield "| " + " | ".join(title for title, _ in columns) + " |"
    yield "|" + " ---: |" * len(columns)
    for row in rows:
        yield "| " + " | ".join(str(value(row)) for _, value in columns) + " |"
