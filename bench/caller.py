"""`python -m bench.caller`: all callers of a benchmark, in one process. It is told what to do on standard input."""

from __future__ import annotations

import asyncio
import random
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any
from urllib.parse import urlencode

import uvloop
from twilio.request_validator import RequestValidator

from bench.child import commands, say
from bench.line import Line, Script, Turn
from bench.speech import speech_ulaw
from bench.stats import gaps_ms, stall_ms

CLOSE_S = 10.0
DIAL_S = 0.05  # from the TwiML to the media socket's first byte; Twilio takes longer


class Callers:
    """The calls on one server. `target` names its port, its path and, for Carlos, the account that signs."""

    def __init__(self, target: Mapping[str, Any]) -> None:
        self.target = dict(target)
        self.lines: list[Line] = []

    async def add(self, script: Script) -> Line:
        """Ring, open the stream, and begin to talk."""
        sids = (
            f"MZ{random.getrandbits(128):032x}",
            f"CA{random.getrandbits(128):032x}",
            self.target.get("account", "AC0"),
        )
        twiml = await ask(self.target, "/twilio/voice", sids)
        await asyncio.sleep(DIAL_S if twiml else 0.0)
        target = self.target | {"path": media_path(twiml) or self.target["path"]}
        line = Line(target["path"], upgrade(target), sids, script)
        await open_line(line, target, twiml)
        self.lines.append(line)
        return line

    async def hang_up(self, lines: list[Line]) -> None:
        for line in lines:
            line.stop()
        await asyncio.wait([line.over for line in lines], timeout=CLOSE_S)
        for line in lines:
            line.drop()
        self.lines = [line for line in self.lines if line not in lines]


async def ask(target: Mapping[str, Any], path: str, sids: tuple[str, str, str]) -> str:
    """Twilio's signed request and the TwiML it is answered with; a server without an account has no webhook."""
    port, token = target["port"], target.get("auth_token")
    if token is None:
        return ""
    form = {"CallSid": sids[1], "AccountSid": sids[2], "From": "+5491155550100", "To": "+541150310000"}
    signature = RequestValidator(token).compute_signature(f"http://localhost:{port}{path}", form)
    return await _post(port, path, form, signature)


def media_path(twiml: str) -> str:
    """Where the TwiML has the media stream, which may name its call; empty without one."""
    found = re.search(r'<Stream[^>]* url="wss?://[^/"]+(/[^"?]*)"', twiml)
    return found[1] if found else ""


def upgrade(target: Mapping[str, Any]) -> dict[str, str]:
    """The headers of a media socket, signed where there is an account."""
    headers = {"Host": f"localhost:{target['port']}"}
    if (token := target.get("auth_token")) is not None:
        url = f"ws://localhost:{target['port']}{target['path']}"
        headers["X-Twilio-Signature"] = RequestValidator(token).compute_signature(url, {})
    return headers


async def open_line(line: Line, target: Mapping[str, Any], twiml: str) -> None:
    """Connect the media socket and begin to talk, with the parameters of the TwiML."""
    line.parameters = dict(re.findall(r'<Parameter name="(\w+)" value="([^"]*)"', twiml))
    await asyncio.get_running_loop().create_connection(lambda: line, "127.0.0.1", target["port"])
    await line.open
    line.begin()


async def _post(port: int, path: str, form: Mapping[str, str], signature: str) -> str:
    body = urlencode(form)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\nX-Twilio-Signature: {signature}\r\nConnection: close\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    answer = (await reader.read()).decode()
    writer.close()
    if not answer.startswith("HTTP/1.1 200"):
        raise ConnectionError(answer)
    return answer


# What can be asked.


async def add(callers: Callers, command: Mapping[str, Any]) -> Any:
    """`n` more calls, `every_s` apart; each talks every `period_s`, evenly or at random."""
    count, period = command["n"], command["period_s"]
    for index in range(count):
        began = monotonic()
        shift = index / count if command.get("even") else random.random()
        await callers.add(Script(period_s=period, first_burst_s=1.0 + period * shift))
        await asyncio.sleep(max(0.0, command["every_s"] - (monotonic() - began)))
    return len(callers.lines)


async def measure(callers: Callers, command: Mapping[str, Any]) -> Any:
    """What happened on all calls in the next `seconds`."""
    begin = monotonic()
    for line in callers.lines:
        line.late_ms.clear()
    await asyncio.sleep(command["seconds"] + command["settle_s"])  # the last turns need time to end
    end = begin + command["seconds"]
    turns = [turn for line in callers.lines for turn in line.turns if begin <= turn.asked_at < end]
    answered = [turn for turn in turns if turn.heard_at is not None]
    return {
        "calls": len(callers.lines),
        "alive": sum(not line.over.done() for line in callers.lines),
        "turns": len(turns),
        "latency_ms": [1000 * (turn.heard_at - turn.asked_at) for turn in answered if turn.heard_at is not None],
        "gaps_ms": [round(gap, 2) for turn in answered for gap in gaps_ms(turn.messages)],
        "stall_ms": [round(stall_ms(turn.messages), 2) for turn in answered],
        "messages": sum(len(turn.messages) for turn in answered),
        "clears": [turn.cleared_at for turn in turns if turn.cleared_at is not None],
        "stale": sum(turn.stale for turn in turns),
        "late_ms": [late for line in callers.lines for late in line.late_ms],
        "answers": [_text(turn) for turn in answered] if command.get("audio") else [],
    }


async def visit(callers: Callers, command: Mapping[str, Any]) -> Any:
    """One call of `seconds` that talks from its first frame on: what it took to begin and to end."""
    rang = monotonic()
    line = await callers.add(Script(opening=_opening(command["pieces"])))
    await asyncio.sleep(command["seconds"])
    greeting = line.turns[0]
    await callers.hang_up([line])
    return {
        "rang": rang + (DIAL_S if "auth_token" in callers.target else 0.0),
        "started": line.started_at,
        "heard": greeting.heard_at,
        "stopped": line.stopped_at,
        "closed": monotonic(),
        "frames": line.frames,
        "greeting": _text(greeting),
    }


async def storm(callers: Callers, command: Mapping[str, Any]) -> Any:
    """`per_s` new calls a second for `seconds`; each listens for `stay_s` and hangs up."""
    count = round(command["per_s"] * command["seconds"])
    begin, ringing = asyncio.get_running_loop().time(), []
    for number in range(count):
        await asyncio.sleep(begin + number / command["per_s"] - asyncio.get_running_loop().time())
        ringing.append(asyncio.create_task(_ring(callers, command["stay_s"])))
    rang = await asyncio.gather(*ringing)
    began = [times for times in rang if times is not None]
    return {
        "calls": count,
        "failed": count - len(began),
        "set_up_ms": [1000 * set_up for set_up, _ in began],
        "greeting_ms": [1000 * greeting for _, greeting in began if greeting is not None],
    }


async def _ring(callers: Callers, stay_s: float) -> tuple[float, float | None] | None:
    """Seconds from the ring to `start`, and from there to the greeting; None for a call that could not begin."""
    rang = monotonic()
    try:
        line = await callers.add(Script())
    except (OSError, EOFError):
        return None
    await asyncio.sleep(stay_s)
    heard = line.turns[0].heard_at
    await callers.hang_up([line])
    return line.started_at - rang - DIAL_S, None if heard is None else heard - line.started_at


async def where(callers: Callers, command: Mapping[str, Any]) -> Any:
    return callers.target


async def leave(callers: Callers, command: Mapping[str, Any]) -> Any:
    lines = callers.lines[: command.get("n", len(callers.lines))]
    if lines:
        await callers.hang_up(lines)
    return len(callers.lines)


def _opening(pieces: list[list[float]]) -> bytes:
    """Speech of different seeds, with pauses: [seconds, pause, seed] each."""
    silence = b"\xff"
    return b"".join(speech_ulaw(length, int(seed)) + silence * int(8000 * pause) for length, pause, seed in pieces)


def _text(turn: Turn) -> str:
    return b64encode(turn.audio).decode()


COMMANDS = {"add": add, "measure": measure, "visit": visit, "leave": leave, "storm": storm, "target": where}


async def serve(make: Callable[[Mapping[str, Any]], Callers] = Callers) -> None:
    callers = make({})
    async for command in commands():
        if command["do"] == "dial":
            callers = make(command["target"])
            say(True)
        else:
            say(await COMMANDS[command["do"]](callers, command))


if __name__ == "__main__":
    uvloop.run(serve())
