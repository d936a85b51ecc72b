"""`python -m bench.floor`: what a caller who speaks over Carlos, or waits for him, gets to hear.

Recorded sounds are put into the middle of a spoken answer, at seeded places: words that only accompany it, coughs, and
sentences that interrupt. The call and its session are the product's, ear and recogniser the stand-in's, on a virtual
clock. The stand-in takes every sound that its ear takes for speech for a barge-in, as Nova Sonic does, and tells of it
in each of the four ways that are known, in turn. `kept` are the answers of which everything was heard, in one turn of
the record; `stopped` those of which not a frame was sent after the first `clear`. `stop_ms_p99` is real time, from the
service's word to `clear`.

Then scenes in which somebody waits: the longest silence while an answer is owed. The last line is one JSON object:

    {"backchannel": {"tries", "kept", "share"}, "barge_in": {"tries", "stopped", "share", "stop_ms_p99"},
     "longest_silence_while_owed_s", "seconds"}
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
import wave
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from random import Random

import numpy as np
import numpy.typing as npt
import soundfile

from agent.audio.resample import Resampler
from agent.audio.ulaw import ulaw_decode, ulaw_encode
from agent.filler import clip
from bench.virtual_call import SlowTools, VirtualCall, virtual_call
from common.spanish.backchannel import is_backchannel
from sandbox.brain import Ear, Floor, Utterance
from sandbox.sonic.behaviour import BargeIn, Behaviour
from sandbox.sonic.ear import EnergyEar
from sandbox.speech.ear import SileroEar
from sandbox.speech.errors import WeightsMissing
from sandbox.speech.mel import RATE
from sandbox.speech.weights import load_weights
from sandbox.speech.whisper import Recognizer
from sandbox.utterances import BACKCHANNELS, FOLDER, load_utterances
from tests.support.virtual_loop import run_virtually

TRIES = 100
SEED = 19
PHONE_RATE = 8000  # Hz
RECOGNISES_S = 0.3  # from the end of a turn to its words
ANSWER = "Te cuento todo con mucho detalle, de principio a fin, para que sepas qué pasó y qué puede pasar todavía."
BEGINS = "Te cuento todo"
ANSWER_S = (2.0, 9.0)  # of the answer, between which somebody speaks
AFTER_S = 16.0  # the rest of the answer, and a pause
SORRY = "Perdón, no te entendí."
SIGNS = tuple(BargeIn)
LEAST_KEPT, LEAST_STOPPED = 0.95, 0.99
MOST_STOP_MS, MOST_SILENCE_S = 5.0, 4.0

type Samples = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sound:
    """What the caller's side carries: PCM at 16 kHz, as it comes out of a telephone."""

    name: str
    pcm: bytes
    ear: Callable[[], Ear] = SileroEar  # that it is put before


class Ears:
    """The recogniser, which reads each sound once; on a virtual clock it takes no time of its own."""

    def __init__(self) -> None:
        self._recognizer = Recognizer(load_weights())
        self._read: dict[bytes, str] = {}

    def words(self, pcm: bytes) -> str:
        if pcm not in self._read:
            self._read[pcm] = self._recognizer.transcribe(pcm, RATE)
        return self._read[pcm]

    async def says(self, heard: Utterance, floor: Floor) -> None:
        """A model that tells its story, and understands nothing of what is said in between."""
        if heard.text is not None:
            return await floor.say(ANSWER if heard.text.startswith("[llamada]") else SORRY)
        await asyncio.sleep(RECOGNISES_S)
        if words := self.words(heard.audio):
            await floor.transcript(words)
            await floor.say(SORRY)


# --- somebody speaks over Carlos


async def speak_over(call: VirtualCall, sound: Sound, at_s: float) -> None:
    while call.line.far_end.loud_s < at_s:
        await call.silence(0.02)
    await call.hear(sound.pcm)
    await call.silence(AFTER_S)


def tried(ears: Ears, sound: Sound, at_s: float, signs: BargeIn) -> VirtualCall:
    answer = clip("apology.wav")
    recordings = {ANSWER: answer + answer}
    then = partial(speak_over, sound=sound, at_s=at_s)
    return run_virtually(virtual_call(ears.says, then, recordings, ear=sound.ear, behaviour=Behaviour(barge_in=signs)))


def is_kept(call: VirtualCall) -> bool:
    """Whether all was heard that had come of the answer. One that was broken off in the making may be without its last
    words, or go on with what the model said next."""
    record = call.call.log.record()
    turns = [turn for turn in record.turns if turn.role == "carlos" and turn.text.startswith(BEGINS)]
    heard_all = call.line.far_end.loud_s >= 0.95 * call.streams[0].loud_s  # a frame may be at the edge of loud
    return len(turns) == 1 and heard_all and not record.interruptions


def is_stopped(call: VirtualCall) -> bool:
    far_end = call.line.far_end
    return bool(far_end.clears) and not far_end.old_after_clear and call.call.log.record().interruptions == 1


def stop_ms(call: VirtualCall) -> list[float]:
    """From the service's word to the first `clear`; none where the words alone told of it."""
    told, clears = call.streams[0].broken_off, call.line.far_end.clears
    return [1000 * (clears[0] - told[0])] if told and clears else []


def backchannels(ears: Ears, random: Random, tries: int) -> dict[str, float]:
    sounds = [*recorded(is_backchannel), *coughs(), *hums()]
    random.shuffle(sounds)
    kept = broken_off = 0
    for number in range(tries):
        sound = sounds[number % len(sounds)]
        call = tried(ears, sound, random.uniform(*ANSWER_S), SIGNS[number % len(SIGNS)])
        kept += is_kept(call)
        broken_off += bool(call.line.far_end.clears)
        if not is_kept(call):
            tell("not kept", sound, call)
    print(f"of {tries} answers the service broke off {broken_off}", flush=True)
    return {"tries": tries, "kept": kept, "share": round(kept / tries, 3)}


def barge_ins(ears: Ears, random: Random, tries: int) -> dict[str, float]:
    sounds = list(recorded(lambda text: not is_backchannel(text)))
    random.shuffle(sounds)
    stopped, stops_ms = 0, list[float]()
    for number in range(tries):
        sound = sounds[number % len(sounds)]
        call = tried(ears, sound, random.uniform(*ANSWER_S), SIGNS[number % len(SIGNS)])
        stopped += is_stopped(call)
        stops_ms += stop_ms(call)
        if not is_stopped(call):
            tell("not stopped", sound, call)
    share, worst = round(stopped / tries, 3), round(float(np.percentile(stops_ms, 99)), 2)
    return {"tries": tries, "stopped": stopped, "share": share, "stop_ms_p99": worst}


def tell(what: str, sound: Sound, call: VirtualCall) -> None:
    heard = [turn.text for turn in call.call.log.record().turns if turn.role == "caller"]
    print(f"{what}: {sound.name}, heard as {heard}", flush=True)


# --- what the caller's side carries


def phone(samples: npt.NDArray[np.int16]) -> bytes:
    """8 kHz samples, through the telephone's mu-law and Carlos's own resampler."""
    return Resampler(PHONE_RATE, RATE).push(ulaw_decode(ulaw_encode(samples.tobytes())))


def recorded(wanted: Callable[[str], bool]) -> Iterator[Sound]:
    for folder in (FOLDER, BACKCHANNELS):
        for each in load_utterances(folder):
            if wanted(each.say):
                yield Sound(each.name, phone(soundfile.read(folder / each.file, dtype="int16")[0]))


def coughs(number: int = 5) -> Iterator[Sound]:
    """Two bursts of noise in the telephone's band, as a cough has them, before an ear that takes all that is loud for
    speech: the better one does not hear them at all."""
    for seed in range(number):
        random = np.random.default_rng(seed)
        burst = [_burst(random, length_s) for length_s in (0.14 + 0.03 * seed, 0.25)]
        gap = np.zeros(round(0.06 * PHONE_RATE))
        yield Sound(f"cough {seed}", phone(np.concatenate([burst[0], gap, burst[1]]).astype(np.int16)), EnergyEar)


def hums(pitches: tuple[int, ...] = (105, 115, 190, 220)) -> Iterator[Sound]:
    """A hummed "mm" of each pitch in Hz: the harmonics that closed lips let through."""
    for hertz in pitches:
        t = np.arange(round(0.45 * PHONE_RATE)) / PHONE_RATE
        glide = 2 * np.pi * hertz * (t - 0.15 * t * t)
        voice = sum(np.sin(n * glide) / n**1.5 for n in range(1, int(1200 / hertz) + 1))
        shape = np.minimum(1.0, np.minimum(t, t[-1] - t) / 0.06)
        yield Sound(f"hum {hertz}", phone((voice * shape * 5000).astype(np.int16)))


def _burst(random: np.random.Generator, seconds: float) -> Samples:
    samples = round(seconds * PHONE_RATE)
    spectrum = np.fft.rfft(random.standard_normal(samples))
    hertz = np.fft.rfftfreq(samples, 1 / PHONE_RATE)
    noise = np.fft.irfft(spectrum * ((hertz > 300) & (hertz < 2500)), samples)
    loud: Samples = noise / np.abs(noise).max() * 12000 * np.exp(-3 * np.arange(samples) / samples)
    return loud


def music(seconds: float) -> bytes:
    with files("telephony").joinpath("hold.wav").open("rb") as source, wave.open(source) as wav:
        samples = np.frombuffer(wav.readframes(wav.getnframes()), dtype="<i2").astype(np.int16)
    return phone(np.resize(samples, round(seconds * PHONE_RATE)))


def television(seconds: float) -> bytes:
    """Voices without a pause, far from the telephone."""
    speech = b"".join(sound.pcm for sound in recorded(lambda text: not is_backchannel(text)))
    samples = np.frombuffer(speech, dtype="<i2")
    spoken = samples[np.abs(samples.astype(np.int32)) > 0]
    return bytes((np.resize(spoken, round(seconds * RATE)) / 2).astype("<i2").tobytes())


# --- somebody waits


async def _asks(call: VirtualCall, question: Sound, wait_s: float) -> None:
    await call.silence(3.0)
    await call.hear(question.pcm)
    await call.silence(wait_s)


def answering(ears: Ears, *, think_s: float = 0.0, tool: bool = False) -> Callable[[Utterance, Floor], Awaitable[None]]:
    """A model that greets, and answers a question after a while, or with a tool."""

    async def says(heard: Utterance, floor: Floor) -> None:
        if heard.text is None:
            words = ears.words(heard.audio)
            if not words:
                return
            await floor.transcript(words)
            await asyncio.sleep(think_s)
            if tool:
                await floor.use_tool("consultarOrder", {})
        await floor.say("Seguimos.")

    return says


async def unheard(heard: Utterance, floor: Floor) -> None:
    """A model that speaks when it is told to, and understands nothing."""
    if heard.text is not None:
        await floor.say("Seguimos.")


def scenes(ears: Ears) -> Iterator[tuple[str, Callable[[], Awaitable[VirtualCall]]]]:
    question = next(recorded(lambda text: text.startswith("¿Cómo viene")))
    claro = next(recorded(lambda text: text == "Dale."))
    ask = partial(_asks, question=question, wait_s=15.0)
    yield "nobody speaks", lambda: virtual_call(unheard, lambda call: call.silence(40.0), {})
    yield "music on hold", lambda: virtual_call(unheard, lambda call: call.hear(music(45.0)), {})
    yield "a television", lambda: virtual_call(unheard, lambda call: call.hear(television(45.0)), {})

    async def twenty(call: VirtualCall) -> None:
        for _ in range(20):
            await call.hear(claro.pcm)
            await call.silence(1.5)

    long = clip("apology.wav") * 6
    yield "twenty backchannels", lambda: virtual_call(ears.says, twenty, {ANSWER: long})
    for seconds in (0.1, 2.0, 6.0):
        says, tools = answering(ears, tool=True), SlowTools(seconds)
        yield f"a tool of {seconds:g} s", partial(virtual_call, says, ask, {}, tools=tools)
    for seconds in (5.0, 9.0):
        yield f"a model that thinks for {seconds:g} s", partial(virtual_call, answering(ears, think_s=seconds), ask, {})

    async def lose(call: VirtualCall) -> None:
        await call.silence(3.0)
        await call.hear(question.pcm)
        await call.silence(1.0)
        call.streams[-1].refuse("modelStreamErrorException", "the stream is lost")
        await call.silence(12.0)

    yield "a lost stream", lambda: virtual_call(answering(ears, think_s=3.0), lose, {})


def longest_silence(ears: Ears) -> float:
    longest = 0.0
    for name, held in scenes(ears):
        call = run_virtually(_awaited(held))
        print(f"{name:32}{call.longest_silence_s:6.2f} s", flush=True)
        longest = max(longest, call.longest_silence_s)
    return round(longest, 2)


async def _awaited(held: Callable[[], Awaitable[VirtualCall]]) -> VirtualCall:
    return await held()


def main(arguments: list[str] | None = None) -> int:
    """0 when all four figures are as they should be."""
    options = _options(arguments)
    began = time.perf_counter()
    try:
        ears = Ears()
    except WeightsMissing as missing:
        print(f"not measured: {missing}", file=sys.stderr)
        return 1
    random = Random(options.seed)  # noqa: S311 - no secret
    kept = backchannels(ears, random, options.tries)
    stopped = barge_ins(ears, random, options.tries)
    silence_s = longest_silence(ears)
    figures = {"backchannel": kept, "barge_in": stopped, "longest_silence_while_owed_s": silence_s}
    print(json.dumps(figures | {"seconds": round(time.perf_counter() - began)}))
    held = kept["share"] >= LEAST_KEPT and stopped["share"] >= LEAST_STOPPED
    return 0 if held and stopped["stop_ms_p99"] <= MOST_STOP_MS and silence_s <= MOST_SILENCE_S else 1


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.floor", description=__doc__.partition("\n")[0])
    parser.add_argument("--tries", type=int, default=TRIES, help="of each kind")
    parser.add_argument("--seed", type=int, default=SEED)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
