"""`python -m bench.soak`: calls with faults in every second stream, for some minutes. The last line is a JSON object.

The server is a process of its own; the callers and the Sonic stand-in are this one. What strikes which stream is
drawn from a seed, so that a run can be had again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop
from loguru import logger
from rich.console import Console

from agent.sonic.events import AudioOutput, CompletionStart, ContentEnded, TextOutput, UserSpeechEnd
from bench.child import Child, started
from bench.faults.caller import Caller, utterance
from bench.faults.loss import lost_ms
from bench.faults.model import Model
from bench.faults.phone import phone
from bench.faults.trial import keys
from bench.line import FRAME_S
from bench.machine import core_number, rss_mb
from bench.stage import addresses, answering
from bench.stats import summary
from sandbox.sonic import failures
from sandbox.sonic.faults import (
    Drop,
    EndStream,
    Fault,
    Freeze,
    GoAway,
    HalfFrame,
    Inject,
    Reject,
    Reset,
    Silence,
    Stall,
)
from sandbox.sonic.server import SonicServer

SETTLE_S = 15.0  # for what calls leave behind
SAMPLE_S = 15.0  # between readings of the server's memory
RING_S = 0.5  # between the first calls

# One for each kind of failing, at each place of a call.
FAULTS: tuple[dict[str, Any], ...] = (
    {"action": Reject()},
    {"action": Drop()},
    {"action": GoAway()},
    {"action": Silence()},
    {"action": Stall(), "sent": ContentEnded, "count": 2},
    {"action": Stall(), "after_speech_ms": 20},
    {"action": Stall(), "sent": UserSpeechEnd},
    {"action": Stall(), "sent": TextOutput, "count": 3},
    {"action": Stall(), "sent": AudioOutput, "count": 26},
    {"action": Freeze(), "after_speech_ms": 700},
    {"action": Drop(), "after_speech_ms": 900},
    {"action": Reset(), "sent": AudioOutput, "count": 26},
    {"action": EndStream(), "sent": AudioOutput, "count": 5},
    {"action": HalfFrame(), "sent": UserSpeechEnd},
    {"action": failures.MODEL_STREAM, "sent": AudioOutput, "count": 26},
    {"action": failures.INSTABILITY, "sent": CompletionStart},
    {"action": failures.CONTENT_FILTER, "sent": TextOutput, "count": 3},
    {"action": failures.RESET_531, "after_speech_ms": 900},
    {"action": failures.LIFE_OVER, "sent": ContentEnded, "count": 2},
    {"action": Inject({"moodEvent": {"mood": "good"}}), "sent": CompletionStart},
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """The streams that one fault strikes: of every second stream its share."""

    seed: int
    place: int
    of: int

    def __contains__(self, stream: object) -> bool:
        if not isinstance(stream, int) or stream % 2:
            return False
        return random.Random(f"{self.seed}/{stream}").randrange(self.of) == self.place


def drawn_faults(seed: int) -> list[Fault]:
    return [Fault(**fault, streams=Drawn(seed, place, len(FAULTS))) for place, fault in enumerate(FAULTS)]


@dataclass(slots=True)
class Soak:
    """All calls on one server, and what became of them."""

    sonic: SonicServer
    model: Model
    target: dict[str, Any]
    seed: int
    until: float  # of the event loop's clock: no call begins later
    calls: int = 0
    turns: int = 0
    told: int = 0
    unanswered: int = 0
    never_greeted: int = 0
    waits: list[int] = field(default_factory=list)  # frames
    lost_ms: float = 0.0

    async def line(self, number: int) -> None:
        """One call after the other."""
        await asyncio.sleep(RING_S * number)
        loop = asyncio.get_running_loop()
        while loop.time() < self.until:
            self.calls += 1
            await self._call(self.calls)

    async def _call(self, number: int) -> None:
        chance = random.Random(f"{self.seed}/call {number}")
        lengths = [chance.uniform(1.0, 2.5) for _ in range(chance.choice((2, 3)))]
        caller = Caller([utterance(length, 10 * number + turn) for turn, length in enumerate(lengths)])
        before = self.model.turns
        with suppress(ConnectionError, TimeoutError):  # a caller who gets through to nobody was never greeted
            await phone(self.target, caller)
        understood = self.model.understood(self.sonic, before)
        self.lost_ms += await asyncio.to_thread(lost_ms, caller.owed_words, understood)
        self._count(caller)

    def _count(self, caller: Caller) -> None:
        self.turns += len(caller.said)
        self.told += caller.told
        self.never_greeted += caller.answers == 0 and not caller.told
        self.unanswered += caller.answers > 0 and caller.unanswered and not caller.told
        self.waits += caller.waits


async def soak(minutes: float, lines: int, seed: int, console: Console) -> dict[str, Any]:
    """Run and look at what is left. Ends by itself, a call's length after `minutes`."""
    with tempfile.TemporaryDirectory(prefix="carlos-soak-") as name:
        folder, model = Path(name), Model()
        sonic = SonicServer(
            model,
            credentials=keys(),
            ca_dir=folder,
            faults=drawn_faults(seed),
            max_streams=10 * lines,
            keep_audio=False,
        )
        await sonic.start()
        address = {"endpoint": sonic.endpoint, "ca_file": str(sonic.ca_file)}
        target, environment = addresses("ours", address, folder)
        environment |= {"EMF_SECONDS": "0", "LOGLEVEL": "ERROR"}
        log = folder / "server.log"
        try:
            async with started("bench.servers.ours", core=core_number(0), log=log, environment=environment) as child:
                await answering(target["port"], child)
                until = asyncio.get_running_loop().time() + 60 * minutes
                return await _watched(Soak(sonic, model, target, seed, until), child, lines, console)
        finally:
            await sonic.stop()


async def _watched(soak: Soak, child: Child, lines: int, console: Console) -> dict[str, Any]:
    before_mb, before_tasks = rss_mb(child.pid), await _tasks(child)
    memory = [before_mb]

    async def watch() -> None:
        while True:
            await asyncio.sleep(SAMPLE_S)
            memory.append(rss_mb(child.pid))
            console.print(f"{soak.calls} calls, {soak.turns} turns, {soak.unanswered} unanswered, {memory[-1]:.0f} MB")

    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch())
        await asyncio.gather(*(soak.line(number) for number in range(lines)))
        watching.cancel()
    tasks, streams = await _left(soak.sonic, child, before_tasks)
    waits = summary([frames * FRAME_S for frames in soak.waits])
    streams_opened = range(1, soak.sonic.requests + 1)
    return {
        "calls": soak.calls,
        "turns": soak.turns,
        "faults": sum(fault.strikes(stream) for fault in soak.sonic.faults for stream in streams_opened),
        "unanswered_turns": soak.unanswered,
        "never_greeted": soak.never_greeted,
        "told": soak.told,
        "dead_air_p50_s": waits.get("p50"),
        "dead_air_p99_s": waits.get("p99"),
        "audio_lost_ms": round(soak.lost_ms, 1),
        "tasks_left": tasks,
        "streams_left": streams,
        "streams": soak.sonic.requests,
        "rss_before_mb": round(before_mb, 1),
        "rss_after_mb": round(rss_mb(child.pid), 1),
        "rss_mb": [round(value, 1) for value in memory],
        "seed": soak.seed,
    }


async def _tasks(child: Child) -> int:
    os.kill(child.pid, signal.SIGUSR1)
    return int((await child.answer())["tasks"])


async def _left(sonic: SonicServer, child: Child, before_tasks: int) -> tuple[int, int]:
    """Tasks and streams that are still there once they had time to go."""
    with suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_S):
            while sonic.open_streams or await _tasks(child) > before_tasks:  # noqa: ASYNC110
                await asyncio.sleep(1.0)
    return max(0, await _tasks(child) - before_tasks), sonic.open_streams


def main() -> None:
    parser = argparse.ArgumentParser("python -m bench.soak", description="Calls with faults, for some minutes.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--calls", type=int, default=8, help="at a time")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="of the faults and the callers")
    options = parser.parse_args()
    console = Console(stderr=True, highlight=False)
    console.print(f"seed {options.seed}")
    logger.remove()
    result = uvloop.run(soak(options.minutes, options.calls, options.seed, console))
    print(json.dumps(result))
    left = result["unanswered_turns"] + result["never_greeted"] + result["tasks_left"] + result["streams_left"]
    sys.exit(1 if left else 0)


if __name__ == "__main__":
    main()
