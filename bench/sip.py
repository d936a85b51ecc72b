"""`python -m bench.sip --calls 20`: recorded callers ring over SIP all at once, and what they hear is judged.

`carlos serve` with the stand-in is a process of its own; sipp signals; the sound of each call goes to and from a socket
of ours, PCMA for every second call and PCMU for the others. A call's RTP is judged by its own sequence numbers and
times; its words are those that the stand-in's recogniser finds in it, held against what the call's record has. The
longest wait is by this machine's clock, and says as much of the machine. The last line is one JSON object:

    {"calls", "completed", "packets", "jumps", "longest_gap_ms", "longest_wait_ms", "words", "seconds"}

Exit status 1 for a call that did not come to its end, a sequence that jumps, or a gap above 60 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from bench.hearing import utterances
from common.spanish.names import plain
from sandbox.hang import HANG_S
from sandbox.sip import sipp
from sandbox.sip.phone import RtpPhone, rtp_phone
from sandbox.sip.rtp import NAMES, PCMA, PCMU
from sandbox.speech.errors import WeightsMissing
from sandbox.speech.mel import RATE
from sandbox.speech.weights import load_weights
from sandbox.speech.whisper import Recognizer
from sandbox.twilio.account import Account
from sandbox.twilio.caller import Manners, RecordedCaller
from sandbox.twilio.script import Script, Turn, load_script
from sandbox.twilio.server import ServerProcess, free_port

CALLERS = ("order-status-dni", "order-status-name", "order-details", "wrong-dni")
GAP_LIMIT_MS = 60.0
PATIENT = Manners(patience_ms=240_000, linger_ms=240_000, stall_ms=4_000)  # the recogniser has them all wait
NUMBER = "+54911555{:05}"
RTP_PORTS_A_CALL = 2
# The stand-in's one recogniser takes a second or two for each of all who speak at once, and every core: no outage.
SLOW_STANDIN = {
    "SONIC_OPEN_TIMEOUT_S": f"{HANG_S:g}",
    "SONIC_SUSPECT_S": f"{HANG_S:g}",
    "SONIC_ANSWER_TIMEOUT_S": f"{HANG_S:g}",
    "SONIC_PING_S": "0",
    "TOOL_TIME_LIMIT_S": f"{HANG_S:g}",
    "SILENCE_PROMPT_S": f"{HANG_S:g}",
}


@dataclass(frozen=True, slots=True)
class Heard:
    """One call, as its caller's phone has it."""

    number: str
    codec: int
    phone: RtpPhone

    @property
    def is_whole(self) -> bool:
        received = self.phone.received
        kind = received.codecs == {NAMES[self.codec]} and received.sources == 1
        return kind and not received.jumps and received.longest_gap_ms <= GAP_LIMIT_MS

    def words(self, recognizer: Recognizer, first: int | None = None) -> str:
        """What Carlos said, in all or between the first pauses, as the recogniser writes it."""
        found = utterances(self.phone.received.ulaw())[:first]
        return " ".join(recognizer.transcribe(pcm, RATE) for pcm in found)


@dataclass(frozen=True, slots=True)
class Placed:
    """What came of the calls."""

    calls: Sequence[Heard]
    ran: sipp.Ran
    records: Mapping[str, Mapping[str, Any]]  # by number

    def said(self, call: Heard) -> str:
        """What Carlos said in it, by his own record."""
        turns = self.records[call.number]["turns"]
        return " ".join(turn["text"] for turn in turns if turn["role"] == "carlos")


async def place(callers: Sequence[Sequence[Turn]], folder: Path, *, per_s: float = 20.0) -> Placed:
    """A call for each of the callers, `per_s` of which begin in a second, until Carlos has hung up on each."""
    port, sip = free_port(), free_port()
    first = free_port()
    settings = {
        **SLOW_STANDIN,
        "SONIC": "local",
        "MAX_CALLS": str(len(callers)),
        "SIP_LISTEN": f"udp:127.0.0.1:{sip}",
        "SIP_ALLOW": "127.0.0.1",
        "SIP_RTP_PORTS": f"{first}-{first + 2 * RTP_PORTS_A_CALL * len(callers)}",
    }
    log = folder / "carlos.log"
    server = ServerProcess(port, Account(), "http://127.0.0.1:9", log, lambda line: None, settings=settings)
    async with server, AsyncExitStack() as stack:
        calls = []
        for index, turns in enumerate(callers):
            codec = PCMU if index % 2 else PCMA
            phone = await stack.enter_async_context(rtp_phone(RecordedCaller(turns, PATIENT), codec, index))
            calls.append(Heard(NUMBER.format(index), codec, phone))
        runs = [
            sipp.run(
                folder / NAMES[codec],
                sip,
                sipp.call_until_hung_up(codec),
                [sipp.Called(call.phone.port, call.number) for call in calls if call.codec == codec],
                per_s=per_s / len(NAMES),
                )
            for codec in NAMES if any(call.codec == codec for call in calls)
        ]  # fmt: skip
        ran = await asyncio.gather(*runs)
        records = await _records(server.base_url, {call.number for call in calls})
    code = max(each.code for each in ran)
    return Placed(calls, sipp.Ran(code, "".join(each.trouble for each in ran), ""), records)


async def _records(base_url: str, numbers: set[str]) -> dict[str, Mapping[str, Any]]:
    """The records of these callers, once all of them have ended."""
    async with aiohttp.ClientSession(base_url) as http:
        while True:
            async with http.get("/calls", params={"limit": 200}) as answer:
                listed = [each for each in (await answer.json())["data"] if each["callerNumber"] in numbers]
            if len(listed) == len(numbers) and all(each["outcome"] for each in listed):
                break
            await asyncio.sleep(0.2)
        found = {}
        for each in listed:
            async with http.get(f"/calls/{each['id']}") as answer:
                found[each["callerNumber"]] = (await answer.json())["data"]
        return found


def share_of_words(said: str, heard: str) -> float:
    """How many of the words that were said were heard, in whatever order."""
    told, came = (Counter(re.findall(r"\w+", plain(text))) for text in (said, heard))
    return (told & came).total() / max(1, told.total())


def _row(placed: Placed, call: Heard, recognizer: Recognizer) -> dict[str, Any]:
    received = call.phone.received
    return {
        "number": call.number,
        "codec": NAMES[call.codec],
        "outcome": placed.records[call.number]["outcome"],
        "packets": len(received.packets),
        "jumps": received.jumps,
        "gap_ms": received.longest_gap_ms,
        "wait_ms": round(received.longest_wait_ms, 1),
        "words": round(share_of_words(placed.said(call), call.words(recognizer)), 2),
        "whole": call.is_whole,
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.sip", description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=20)
    options = parser.parse_args()
    try:
        recognizer = Recognizer(load_weights())
    except WeightsMissing as missing:
        print(f"not measured: {missing}", file=sys.stderr)
        return 1
    scripts: list[Script] = [load_script(CALLERS[index % len(CALLERS)]) for index in range(options.calls)]
    began = time.monotonic()
    with TemporaryDirectory(prefix="carlos-sip-") as folder:
        placed = asyncio.run(place([script.turns for script in scripts], Path(folder)))
        seconds = time.monotonic() - began
        if placed.ran.code:
            print(placed.ran.trouble, file=sys.stderr)
    rows = [_row(placed, call, recognizer) for call in placed.calls]
    for row in rows:
        print("  ".join(f"{name} {value}" for name, value in row.items()))
    told = {
        "calls": len(rows),
        "completed": sum(row["outcome"] == "completed" for row in rows),
        "packets": sum(row["packets"] for row in rows),
        "jumps": sum(row["jumps"] for row in rows),
        "longest_gap_ms": max(row["gap_ms"] for row in rows),
        "longest_wait_ms": max(row["wait_ms"] for row in rows),
        "words": round(sum(row["words"] for row in rows) / len(rows), 3),
        "seconds": round(seconds),
    }
    print(json.dumps(told))
    good = told["completed"] == len(rows) and all(row["whole"] for row in rows)
    return 0 if good and not placed.ran.code else 1


if __name__ == "__main__":
    sys.exit(main())
