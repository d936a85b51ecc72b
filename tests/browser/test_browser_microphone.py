"""One microphone out of what a page sends of it: the original's blocks, at the pace at which it sends them.

Time is virtual. `cut` makes of a sound of 48 kHz what the original does: blocks of 512, each resampled on its own to
171. `recorded/` has seconds of what two and three such pipelines sent in Chromium at 44.1 kHz, on 2026-11-28: which
message came when, and of which pipeline. There each pipeline loses and repeats some milliseconds of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.audio.pcm import Samples, pcm16, samples
from telephony.browser.microphone import MAX_COPIES, OBSERVED, Microphone
from telephony.browser.pieces import Piece
from telephony.browser.tracks import LAG, WIDTH
from telephony.rate_guards import AudioRateGuard

DEVICE_RATE, RATE = 48_000, 16_000
BLOCK, CHUNK = 512, 171
LATE = (LAG + 2) * CHUNK  # of samples that are not decided yet
PIECE = int(0.15 * RATE)
RECORDED = Path(__file__).parent / "recorded"

type Floats = NDArray[np.float64]
type Message = tuple[float, Samples]  # when it comes, in seconds, and its audio


@cache
def talk(seconds: float, seed: int = 1) -> Floats:
    """Somebody who talks, at 48 kHz: gliding vowels, hisses, pauses, and a quiet room."""
    random = np.random.default_rng(seed)
    sound = random.normal(0, 6, int(seconds * DEVICE_RATE))
    at = 0
    while at < len(sound):
        long = min(int(random.uniform(0.06, 0.25) * DEVICE_RATE), len(sound) - at)
        swell = 3000 * np.sqrt(np.sin(np.linspace(0, np.pi, long)))
        kind = random.uniform()
        if kind < 0.7:
            pitch = np.linspace(random.uniform(90, 240), random.uniform(90, 240), long)
            phase = 2 * np.pi * np.cumsum(pitch) / DEVICE_RATE
            colours = random.uniform(0, 1, 16) / np.arange(1, 17)
            sound[at : at + long] += swell * np.sum(
                [colour * np.sin(n * phase) for n, colour in enumerate(colours, 1)], axis=0
            )
        elif kind < 0.8:
            hiss = np.fft.rfft(random.normal(0, 1, long))
            heights = np.fft.rfftfreq(long, 1 / DEVICE_RATE)
            sound[at : at + long] += swell / 3 * np.fft.irfft(hiss * ((heights > 3500) & (heights < 9000)), long)
        at += long
    return sound


def cut(sound: Floats, begin: int = 0, chunk: int = CHUNK) -> list[Message]:
    """What one pipeline makes of it, if its first block begins at this frame of the device."""
    block = BLOCK if chunk == CHUNK else 3 * chunk
    places = np.arange(chunk) * 3.0
    made = []
    for at in range(begin, len(sound) - block + 1, block):
        piece = np.interp(places, np.arange(block), sound[at : at + block])
        made.append(((at + block) / DEVICE_RATE, samples(pcm16(piece))))
    return made


def arriving(*pipelines: Iterable[Message]) -> list[Message]:
    return sorted((message for pipeline in pipelines for message in pipeline), key=lambda message: message[0])


def whole(messages: Iterable[Message]) -> Samples:
    return np.concatenate([piece for _, piece in messages])


def listen(messages: Iterable[Message], microphone: Microphone | None = None) -> Samples:
    microphone = microphone or Microphone(RATE, opened=0.0)
    heard = [samples(microphone.push(piece.tobytes(), now)) for now, piece in messages]
    return np.concatenate([np.zeros(0, dtype="<i2"), *heard])


def clean(heard: Samples, *pipelines: Sequence[Message]) -> float:
    """The share of what is heard and loud, in pieces of 150 ms, that is some one pipeline's of about that time."""
    said = [whole(pipeline).astype(float) for pipeline in pipelines]
    pieces = [(at, heard[at : at + PIECE].astype(float)) for at in range(0, len(heard) - PIECE + 1, PIECE)]
    loud = [(at, piece) for at, piece in pieces if np.abs(piece).mean() > 100]
    return sum(any(is_in(piece, sound, at) for sound in said) for at, piece in loud) / len(loud)


def is_in(piece: Floats, sound: Floats, at: int) -> bool:
    """Whether a correlation of 0.95 is reached at some place not far from there."""
    near = sound[max(0, min(at, len(sound)) - 3 * PIECE) : at + 3 * PIECE]
    sums = np.cumsum(np.concatenate(([0.0], near * near)))
    power = (sums[PIECE:] - sums[:-PIECE]) * (piece @ piece) + 1.0
    return bool(np.max(np.correlate(near, piece, "valid") / np.sqrt(power), initial=0.0) >= 0.95)


def counting(method: Callable[..., object], calls: list[int]) -> Callable[..., object]:
    def counted(*given: object, **named: object) -> object:
        calls.append(1)
        return method(*given, **named)

    return counted


PHASES = [
    (0, 0),
    (0, 3),
    (0, 97),
    (0, 256),
    (0, 511),
    (0, 0, 0),
    (0, 7, 9),
    (0, 170, 341),
]


@pytest.mark.slow
@pytest.mark.parametrize("phases", PHASES)
def test_copies_of_a_microphone_become_one_stream(phases: tuple[int, ...]) -> None:
    sound = np.concatenate((np.zeros(DEVICE_RATE // 2), talk(4), np.zeros(DEVICE_RATE // 2)))
    pipelines = [cut(sound, begin) for begin in phases]
    microphone = Microphone(RATE, opened=0.0)
    heard = listen(arriving(*pipelines), microphone)
    assert microphone.copies == len(phases)
    assert clean(heard, *pipelines) >= 0.95
    assert abs(len(heard) - len(whole(pipelines[0]))) <= LATE


@pytest.mark.parametrize("name", ["two_copies", "three_copies"])
def test_copies_of_a_real_browser_that_lose_and_repeat_sound_become_one_stream(name: str) -> None:
    with np.load(RECORDED / f"{name}.npz") as kept:
        sent = list(zip((kept["times"] / 1000).tolist(), kept["messages"], strict=True))
        owners = kept["pipelines"]
    pipelines = [[sent[at] for at in np.flatnonzero(owners == owner)] for owner in np.unique(owners)]
    microphone = Microphone(RATE, opened=0.0)
    heard = listen(sent, microphone)
    assert microphone.copies == len(pipelines)
    assert clean(heard, *pipelines) >= 0.85
    assert abs(len(heard) - len(whole(pipelines[0]))) <= LATE


@pytest.mark.slow
def test_a_noisy_room_is_no_reason_to_hear_twice() -> None:
    noise = np.random.default_rng(4).normal(0, 150, 5 * DEVICE_RATE)  # -47 dBFS, another in each resampled copy
    pipelines = [cut(talk(5) + noise, begin) for begin in (0, 97)]
    microphone, guard = Microphone(RATE, opened=0.0), AudioRateGuard(opened=0.0)
    heard = [(now, samples(microphone.push(piece.tobytes(), now))) for now, piece in arriving(*pipelines)]
    assert microphone.copies == 2
    assert clean(whole(heard), *pipelines) >= 0.9
    assert not any([guard.push(len(piece) / RATE, now) for now, piece in heard])


@pytest.mark.slow
def test_a_second_pipeline_that_starts_later_is_noticed_in_a_moment() -> None:
    first = cut(talk(5))
    second = cut(talk(5), begin=DEVICE_RATE + 100)
    heard = listen(arriving(first, second))
    assert clean(heard, first, second) >= 0.85


@pytest.mark.slow
def test_a_minute_of_two_copies_does_not_drift() -> None:
    piece = talk(5)[: 450 * BLOCK]
    first, second = (cut(np.concatenate((piece, piece)), begin)[: len(piece) // BLOCK] for begin in (0, 96))
    long = len(piece) / DEVICE_RATE
    microphone, heard, rounds = Microphone(RATE, opened=0.0), 0, int(60 / long)
    for number in range(rounds):
        heard += len(listen(((now + number * long, piece) for now, piece in arriving(first, second)), microphone))
    assert microphone.copies == 2
    assert abs(heard - rounds * len(first) * CHUNK) <= 2 * CHUNK


def late(messages: Iterable[Message], stalls: Iterable[tuple[float, float]]) -> list[Message]:
    """Nothing comes from the one second to the other; then all of it at once."""
    return [(max([now, *(stop for start, stop in stalls if start <= now < stop)]), piece) for now, piece in messages]


def at_once(messages: Sequence[Message]) -> list[Message]:
    return [(messages[-1][0], piece) for _, piece in messages]


STALLS = [
    [],
    [(1.0, 1.4)],
    [(0.0, 4.0)],
    [(0.5, 5.5)],
    [(n * 0.7, n * 0.7 + 0.6) for n in range(9)],
]
BUZZ = 2000 * np.sign(np.sin(2 * np.pi * 50 * np.arange(6 * DEVICE_RATE) / DEVICE_RATE))
TONE = 6000 * np.sin(2 * np.pi * 440 * np.arange(6 * DEVICE_RATE) / DEVICE_RATE)
SOUNDS = {"talk": talk(6, seed=3), "silence": np.zeros(6 * DEVICE_RATE), "buzz": BUZZ, "tone": TONE}


@pytest.mark.parametrize("sound", SOUNDS)
@pytest.mark.parametrize("stalls", STALLS)
def test_one_microphone_on_a_loaded_machine_is_heard_as_it_is(stalls: list[tuple[float, float]], sound: str) -> None:
    sent = late(cut(SOUNDS[sound]), stalls)
    microphone, guard = Microphone(RATE, opened=0.0), AudioRateGuard(opened=0.0)
    assert np.array_equal(listen(sent, microphone), whole(sent))
    assert microphone.copies == 1
    assert not any([guard.push(len(piece) / RATE, now) for now, piece in sent])


@pytest.mark.slow
@pytest.mark.parametrize("phases", [(0, 180), (0, 40, 80), (0, 180, 330)])
def test_copies_that_come_in_pairs_are_one_stream(phases: tuple[int, ...]) -> None:
    pipelines = [cut(talk(5), begin) for begin in phases]
    pairs = [at_once(pipeline[at : at + 2]) for pipeline in pipelines for at in range(0, 460, 2)]
    microphone = Microphone(RATE, opened=0.0)
    heard = listen(arriving(*pairs), microphone)
    assert microphone.copies == len(phases)
    assert clean(heard, *pipelines) >= 0.8


@pytest.mark.slow
def test_copies_that_come_late_and_at_once_are_one_stream() -> None:
    pipelines = [cut(talk(6), begin) for begin in (0, 96)]
    heard = listen(late(arriving(*pipelines), [(2.0, 3.5), (4.0, 4.3)]))
    assert clean(heard, *pipelines) >= 0.95


@pytest.mark.slow
def test_messages_that_overtake_each_other_are_got_over() -> None:
    pipelines = [cut(talk(6), begin) for begin in (0, 255)]
    sent = arriving(*pipelines)
    for index in range(300, 800, 31):  # a busy page's: 7 %
        sent[index], sent[index + 2] = (sent[index][0], sent[index + 2][1]), (sent[index + 2][0], sent[index][1])
    microphone = Microphone(RATE, opened=0.0)
    heard = listen(sent, microphone)
    assert microphone.copies == 2
    assert clean(heard, *pipelines) >= 0.6, "what overtook stays where it came"
    assert abs(len(heard) - len(whole(pipelines[0]))) <= LATE


@pytest.mark.slow
@pytest.mark.parametrize("phases", [(0, 30), (0, 97), (0, 256)])
@pytest.mark.parametrize("at", [61, 102])
def test_two_messages_that_change_places_leave_no_copy_without_its_turn(phases: tuple[int, ...], at: int) -> None:
    pipelines = [cut(talk(4), begin) for begin in phases]
    sent = arriving(*pipelines)
    sent[at], sent[at + 1] = (sent[at][0], sent[at + 1][1]), (sent[at + 1][0], sent[at][1])
    microphone = Microphone(RATE, opened=0.0)
    heard = listen(sent, microphone)
    assert microphone.copies == 2
    assert clean(heard, *pipelines) >= 0.85
    assert abs(len(heard) - len(whole(pipelines[0]))) <= LATE


@pytest.mark.slow
@pytest.mark.parametrize("stops", [0, 1])
def test_a_copy_that_stops_is_not_missed(stops: int) -> None:
    pipelines = [cut(talk(6), begin) for begin in (0, 96)]
    sent = arriving(pipelines[1 - stops], [message for message in pipelines[stops] if message[0] < 3.0])
    microphone = Microphone(RATE, opened=0.0)
    heard = listen(sent, microphone)
    assert microphone.copies == 1
    assert clean(heard, *pipelines) >= 0.9
    assert abs(len(heard) - 6 * RATE) <= 20 * CHUNK


@pytest.mark.slow
def test_silence_of_copies_is_no_longer_than_it_was() -> None:
    silence = [cut(np.zeros(20 * DEVICE_RATE), begin) for begin in (0, 200)]
    heard = listen(arriving(*silence))
    assert abs(len(heard) - 20 * RATE) <= 20 * RATE * 0.003 + LATE


@pytest.mark.slow
def test_a_copy_that_stops_in_silence_does_not_slow_it_down() -> None:
    sound = np.concatenate((talk(2), np.zeros(8 * DEVICE_RATE)))
    first, second = (cut(sound, begin) for begin in (0, 96))
    microphone = Microphone(RATE, opened=0.0)
    heard = listen(arriving(first, [message for message in second if message[0] < 4.0]), microphone)
    assert microphone.copies == 1
    assert len(heard) / RATE == pytest.approx(10, abs=0.3)


@pytest.mark.slow
def test_copies_in_messages_of_different_lengths_are_one_stream() -> None:
    sound = talk(6)
    short, long = cut(sound, chunk=160), cut(sound, begin=300, chunk=320)
    heard = listen(arriving(short, long))
    assert clean(heard, short, long) >= 0.8


@pytest.mark.slow
@pytest.mark.parametrize("sound", ["talk", "tone"])
def test_one_microphone_that_is_sent_too_fast_is_passed_on_and_is_soon_too_much(sound: str) -> None:
    sent = [(now / 2, piece) for now, piece in cut(np.concatenate([SOUNDS[sound]] * 2))]
    microphone, guard = Microphone(RATE, opened=0.0), AudioRateGuard(opened=0.0)
    assert any([guard.push(len(microphone.push(piece.tobytes(), now)) / 2 / RATE, now) for now, piece in sent])


def test_a_single_microphone_that_is_in_time_is_compared_with_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Piece, "goes_on")
    sent = cut(talk(3))
    assert np.array_equal(listen(sent), whole(sent))


@pytest.mark.slow
def test_a_message_costs_little_whatever_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []
    for name in ("goes_on", "apart"):
        monkeypatch.setattr(Piece, name, counting(getattr(Piece, name), compared))
    noise = np.random.default_rng(9).normal(0, 2000, 3 * DEVICE_RATE)
    hostile = arriving(*(cut(talk(3), begin) for begin in (0, 100, 200, 300)), cut(noise, 50))
    microphone, most = Microphone(RATE, opened=0.0), 0
    for now, piece in hostile:
        compared.clear()
        microphone.push(piece.tobytes(), now)
        most = max(most, len(compared))
    looks = WIDTH * MAX_COPIES + MAX_COPIES * MAX_COPIES * WIDTH  # at joints, and at what the others said
    assert most <= 2 * OBSERVED * looks, "two ways to tell them apart are tried with the last messages"
