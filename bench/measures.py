"""What is measured on one running server. Each function answers with plain JSON."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.line import BURST_S
from bench.speech import missing, samples, speech, speech_ulaw, ulaw_samples
from bench.stage import Served, Stage
from bench.stats import slope, summary

GREETING_S = 0.5
GAP_LIMIT_MS = 60.0
NOISE_LIMIT = 10.0  # % of the server's core that others may use before a figure is called noisy
BARGE_PERIOD_S, BARGE_ANSWER_S = 3.0, 20.0
STREAM_END_S, ASK_AGAIN_S = 4.0, 0.3
RAMP_PIECES = 12  # of speech compared sample by sample in a step of a ramp
PIECES = [[1.0, 0.3, seed] for seed in range(11, 31)]  # a second of speech, a pause


@dataclass(frozen=True, slots=True)
class Talk:
    """How callers talk under load: a burst each `period_s`, answered with `answer_s` of speech, for `seconds`."""

    seconds: float
    period_s: float
    answer_s: float
    every_s: float = 0.05  # between calls that are added
    spare_s: float = 1.0  # for what a server adds to the last answer

    @property
    def settle_s(self) -> float:
        """An answer begun in the last moment has ended by then."""
        return self.answer_s + self.spare_s


async def grow(stage: Stage, calls: int, talk: Talk) -> None:
    """Add calls, and let them settle."""
    await stage.sonic.ask("be", answer_s=talk.answer_s)
    await stage.caller.ask("add", n=calls, every_s=talk.every_s, period_s=talk.period_s)
    await asyncio.sleep(1.2)


async def load(stage: Stage, served: Served, talk: Talk, pieces: int | None = None) -> dict[str, Any]:
    """Added latency, gaps, CPU, memory and lost samples with the calls that are up; `pieces` of speech at most are
    compared sample by sample."""
    await stage.sonic.ask("report")
    await served.lag()
    before = served.read()
    seen = await stage.caller.ask("measure", seconds=talk.seconds, settle_s=talk.settle_s, audio=True)
    use = served.use_since(before)
    lag = await served.lag()
    heard = (await stage.sonic.ask("report")).get("bursts", [])[:pieces]
    answers = [ulaw_samples(b64decode(answer)) for answer in seen["answers"][:pieces]]
    return {
        "calls": seen["calls"],
        "alive": seen["alive"],
        "turns": seen["turns"],
        "unanswered": seen["turns"] - len(seen["latency_ms"]),
        "added_latency_ms": summary(seen["latency_ms"]),
        "gap_ms": summary(seen["gaps_ms"]),
        "stall_ms": summary(seen["stall_ms"]),
        "lag_ms": lag,
        "lost_out": await _lost(talk.answer_s, answers),
        "lost_in": await _lost(BURST_S, [samples(b64decode(burst))[::2] for burst in heard], coded=True),
        "caller_late_ms": summary(seen["late_ms"]),
        "rss_mb": round(served.rss_mb, 1),
        "threads": served.threads,
        "use": use,
        "latencies": [round(value, 2) for value in seen["latency_ms"]],
    }


async def _lost(seconds: float, pieces: Sequence[Any], *, coded: bool = False) -> dict[str, Any]:
    """Missing samples of a known piece of speech, in each of the times it was heard."""
    reference = ulaw_samples(speech_ulaw(seconds)) if coded else samples(speech(seconds, 8000))
    lost: list[float] = []
    for piece in pieces:
        lost.append(missing(reference, [piece]))
        await asyncio.sleep(0)
    return {"pieces": len(lost), "samples": int(sum(lost)), "worst": int(max(lost, default=0))}


@dataclass(frozen=True, slots=True)
class Steps:
    """How a ramp goes up: `coarse` calls at a time, after a failure half as many, down to `fine`; to `most`."""

    coarse: int
    fine: int
    most: int


async def ramp(stage: Stage, served: Served, talk: Talk, plan: Steps, up: dict[str, Any] | None) -> dict[str, Any]:
    """Add calls until the sound breaks: the most that held, and each step's figures. `up` are the figures of the
    calls that are up already."""
    steps: list[dict[str, Any]] = []
    held = [up] if up is not None and holds(up, served.kind) else []
    calls, step = up["calls"] if up is not None else 0, plan.coarse
    most = plan.most  # or the first number that failed
    while calls + step <= most and step >= plan.fine:
        await grow(stage, step, talk)
        figures = await load(stage, served, talk, pieces=RAMP_PIECES)
        figures.pop("latencies")
        steps.append(figures)
        if holds(figures, served.kind):
            held.append(figures)
            calls += step
        else:
            await stage.caller.ask("leave", n=step)
            most, step = calls + step - 1, step // 2
    await stage.caller.ask("leave")
    last = held[-1]["calls"] if held else 0
    return {"held": last, "at_least": last >= plan.most, "steps": steps}


def mb_per_call(figures: Sequence[dict[str, Any]]) -> float | None:
    """The slope of resident memory on the first way up: what a server has had once it does not give back."""
    points: list[tuple[float, float]] = []
    for step in figures:
        if points and step["calls"] <= points[-1][0]:
            break
        points.append((float(step["calls"]), float(step["rss_mb"])))
    found = slope(points)
    return None if found is None else round(found, 2)


def holds(figures: dict[str, Any], kind: str) -> bool:
    """p99 of the gaps within the limit, every call alive and answered, and not a sample lost on the way out.

    Stock pipecat loses the end of every answer, so it is judged by its gaps alone.
    """
    whole = kind == "stock" or figures["lost_out"]["samples"] == 0
    answered = figures["unanswered"] == 0 and figures["alive"] == figures["calls"]
    return bool(whole and answered and figures["gap_ms"].get("p99", 1e9) <= GAP_LIMIT_MS)


async def visits(stage: Stage, served: Served, count: int) -> dict[str, Any]:
    """Single calls, one after another, that talk from the first frame on: beginnings and ends."""
    await stage.sonic.ask("be", mode="words", keep=True)
    rows: list[dict[str, float | None]] = []
    lost_in = lost_out = 0
    for _ in range(count):
        await stage.sonic.ask("report")
        await served.lag()
        seen = await stage.caller.ask("visit", seconds=1.6, pieces=PIECES[:1])
        told = await _told_to_the_end(stage)
        rows.append(_visit(seen, told, (await served.lag())["first_reads"]))
        lost_in += await _lost_speech(PIECES[:1], told.get("kept", []))
        lost_out += (await _lost(GREETING_S, [ulaw_samples(b64decode(seen["greeting"]))]))["samples"]
    await stage.sonic.ask("be", mode="answer", keep=False)
    names = ("set_up_ms", "first_read_ms", "first_frame_ms", "greeting_ms", "tear_down_ms")
    figures = {name: summary([value for row in rows if (value := row[name]) is not None]) for name in names}
    return figures | {"lost_at_start": lost_in, "lost_of_greeting": lost_out, "visits": count}


async def _told_to_the_end(stage: Stage) -> dict[str, list[Any]]:
    """What Sonic has to tell of a call until its stream is over, or `STREAM_END_S` have gone by."""
    told: dict[str, list[Any]] = {}
    for _ in range(round(STREAM_END_S / ASK_AGAIN_S)):
        await asyncio.sleep(ASK_AGAIN_S)
        for what, values in (await stage.sonic.ask("report")).items():
            told.setdefault(what, []).extend(values)
        if "ended" in told:
            break
    return told


def _visit(seen: dict[str, Any], told: dict[str, Any], reads: Sequence[float]) -> dict[str, float | None]:
    first, ended = told.get("first_audio", [None])[0], told.get("ended", [None])[-1]
    return {
        "set_up_ms": 1000 * (seen["started"] - seen["rang"]),
        "first_read_ms": 1000 * (reads[0] - seen["started"]) if reads else None,
        "first_frame_ms": 1000 * (first - seen["started"]) if first else None,
        "greeting_ms": 1000 * (seen["heard"] - seen["started"]) if seen["heard"] else None,
        "tear_down_ms": 1000 * (ended - seen["stopped"]) if ended else None,
    }


async def _lost_speech(pieces: Sequence[Sequence[float]], kept: Sequence[str]) -> int:
    """Samples of the caller's speech that no stream was given."""
    streams = [samples(b64decode(audio))[::2] for audio in kept]
    lost = 0
    for seconds, _, seed in pieces:
        lost += missing(ulaw_samples(speech_ulaw(seconds, int(seed))), streams)
        await asyncio.sleep(0)
    return lost


async def barge_ins(stage: Stage, calls: int, seconds: float) -> dict[str, Any]:
    """From the model's word that it was interrupted to `clear` on the line, and what came after it."""
    await stage.sonic.ask("be", mode="barge", answer_s=BARGE_ANSWER_S)
    await stage.caller.ask("add", n=calls, every_s=0.05, period_s=BARGE_PERIOD_S, even=True)
    await stage.sonic.ask("report")
    seen = await stage.caller.ask("measure", seconds=seconds, settle_s=1.0)
    told = await stage.sonic.ask("report")
    await stage.caller.ask("leave")
    await stage.sonic.ask("be", mode="answer")
    asked = [at for at in told.get("interrupted", []) if at <= max(seen["clears"], default=0)]
    return {
        "calls": calls,
        "interruptions": len(asked),
        "cleared": len(seen["clears"]),
        "clear_ms": summary(_delays_ms(asked, seen["clears"])),
        "stale_frames": seen["stale"],
    }


def _delays_ms(causes: Sequence[float], effects: Sequence[float]) -> list[float]:
    """Each effect's time since the last cause before it; calls take turns, so that no two causes lie close."""
    causes = sorted(causes)
    delays = []
    for effect in sorted(effects):
        before = int(np.searchsorted(causes, effect)) - 1
        if before >= 0:
            delays.append(1000 * (effect - causes[before]))
    return delays


async def tools(stage: Stage, seconds: float) -> dict[str, Any]:
    """From toolUse to toolResult, as Sonic sees it: an order looked up in the store."""
    await stage.sonic.ask("be", mode="tool")
    await stage.caller.ask("add", n=1, every_s=0, period_s=0.5)
    await stage.sonic.ask("report")
    await asyncio.sleep(seconds)
    told = await stage.sonic.ask("report")
    await stage.caller.ask("leave")
    await stage.sonic.ask("be", mode="answer")
    return summary(told.get("tool_ms", []))


async def rotation(stage: Stage) -> dict[str, Any]:
    """A talkative caller while streams are replaced: whether each sample reached one of them."""
    await stage.sonic.ask("be", mode="listen", greeting_s=GREETING_S, keep=True)
    await stage.sonic.ask("report")
    seconds = sum(length + pause for length, pause, _ in PIECES)
    await stage.caller.ask("visit", seconds=seconds + 1.0, pieces=PIECES)
    await asyncio.sleep(0.5)
    told = await stage.sonic.ask("report")
    await stage.sonic.ask("be", mode="answer", keep=False)
    return {"streams": len(told.get("opened", [])), "lost": await _lost_speech(PIECES, told.get("kept", []))}
