from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.sonic.uplink import KEEP_S, LOOKBACK_S, PREROLL_S, WORDLESS_S, Reader, Uplink

RATE = 16000
SECOND = 2 * RATE
FRAME = 640  # bytes: 20 ms


def sound(seconds: float, level: float = 4000.0) -> bytes:
    return np.random.default_rng(5).normal(0, level, int(seconds * RATE)).astype("<i2").tobytes()


def silence(seconds: float) -> bytes:
    return bytes(int(seconds * RATE) * 2)


def say(uplink: Uplink, *parts: bytes) -> None:
    for part in parts:
        for start in range(0, len(part), FRAME):
            uplink.push(part[start : start + FRAME])


def drain(uplink: Uplink, reader: Reader) -> bytes:
    sent = b""
    while piece := uplink.take(reader):
        sent += piece
    return sent


@given(st.lists(st.binary(max_size=2500).map(lambda half: half + half), max_size=30))
def test_what_is_pushed_is_sent_in_order(pieces: list[bytes]) -> None:
    uplink = Uplink(RATE)
    reader = uplink.open(0)
    for piece in pieces:
        uplink.push(piece)
    assert drain(uplink, reader) == b"".join(pieces)
    assert uplink.lost == 0


def test_two_streams_read_the_same_audio_each_at_its_own_place() -> None:
    uplink = Uplink(RATE)
    first = uplink.open(0)
    said = sound(1.0)
    say(uplink, said)
    drain(uplink, first)
    second = uplink.open(0)
    more = sound(0.5)
    say(uplink, more)
    assert drain(uplink, second) == said + more, "the second begins where speech began that has no words yet"
    assert drain(uplink, first) == more


def test_the_oldest_audio_is_dropped_and_counted_when_no_stream_comes() -> None:
    uplink = Uplink(RATE)
    seconds = int(KEEP_S) + 5
    say(uplink, *(sound(1.0) for _ in range(seconds)))
    assert uplink.lost >= (seconds - KEEP_S - 1) * SECOND
    reader = uplink.open(0)
    assert len(drain(uplink, reader)) + uplink.lost == seconds * SECOND


def test_audio_that_a_stream_has_had_is_not_lost_when_it_is_forgotten() -> None:
    uplink = Uplink(RATE)
    reader = uplink.open(0)
    for _ in range(int(KEEP_S) + 5):
        say(uplink, sound(1.0))
        drain(uplink, reader)
    assert uplink.lost == 0


def test_speech_that_no_stream_had_words_for_is_given_to_the_next_from_its_own_beginning() -> None:
    """The lost stream had reported nothing of it."""
    uplink = Uplink(RATE)
    first = uplink.open(0)
    speech = sound(1.5)
    say(uplink, silence(2.0), speech)
    drain(uplink, first)
    uplink.close(first)
    assert drain(uplink, uplink.open(0)) == silence(PREROLL_S) + speech


def test_speech_that_is_too_long_to_be_kept_is_counted_where_its_stream_is_lost() -> None:
    uplink = Uplink(RATE)
    first = uplink.open(0)
    for _ in range(30):
        say(uplink, sound(1.0))
        drain(uplink, first)
    assert uplink.lost == 0
    uplink.close(first)
    again = len(drain(uplink, uplink.open(0)))
    assert uplink.lost + again == 30 * SECOND


def test_all_that_was_said_before_there_was_a_stream_is_given_to_the_first() -> None:
    uplink = Uplink(RATE)
    said = silence(3.0) + sound(1.0) + silence(2.0)
    say(uplink, said)
    assert drain(uplink, uplink.open(0)) == said


def test_speech_that_only_the_service_noticed_is_given_to_the_next() -> None:
    uplink = Uplink(RATE)
    first = uplink.open(primed=uplink.size(0.1))
    whisper = sound(1.0, level=20.0)
    say(uplink, silence(1.0), whisper)
    drain(uplink, first)
    uplink.speech_started(first, 1100)  # counted from the stream's first audio, the priming included
    uplink.close(first)
    assert drain(uplink, uplink.open(0)) == silence(PREROLL_S) + whisper


def test_what_has_become_words_is_not_said_twice() -> None:
    uplink = Uplink(RATE)
    first = uplink.open(0)
    say(uplink, sound(1.0), silence(1.0))
    drain(uplink, first)
    uplink.speech_started(first, 0)
    uplink.speech_ended(first, 1000)
    uplink.understood(first)
    uplink.close(first)
    assert len(drain(uplink, uplink.open(0))) == LOOKBACK_S * SECOND
    assert not uplink.clear_speech
    assert not uplink.speaking


def test_words_for_one_sentence_are_not_words_for_the_next_that_has_begun() -> None:
    uplink = Uplink(RATE)
    first = uplink.open(0)
    second = sound(0.9)
    say(uplink, sound(1.0), silence(1.0), second)
    drain(uplink, first)
    uplink.speech_started(first, 0)
    uplink.speech_ended(first, 1000)
    uplink.understood(first)
    uplink.close(first)
    assert drain(uplink, uplink.open(0)).endswith(silence(PREROLL_S) + second)


def test_words_without_a_report_of_speech_are_for_what_has_just_been_said() -> None:
    uplink = Uplink(RATE)
    first = uplink.open(0)
    say(uplink, sound(1.0), silence(0.4))
    drain(uplink, first)
    uplink.understood(first)
    say(uplink, silence(1.0))
    assert not uplink.clear_speech


def test_a_moment_is_repeated_when_nobody_knows_whether_speech_had_begun() -> None:
    uplink = Uplink(RATE)
    first = uplink.open(0)
    say(uplink, silence(3.0))
    drain(uplink, first)
    assert len(drain(uplink, uplink.open(0))) == LOOKBACK_S * SECOND


def test_a_cough_that_the_service_had_no_words_for_is_not_said_again() -> None:
    uplink = Uplink(RATE)
    first = uplink.open(0)
    say(uplink, sound(0.4), silence(0.7))
    uplink.speech_started(first, 0)
    uplink.speech_ended(first, 400)
    assert uplink.speaking, "words may follow still"
    say(uplink, silence(WORDLESS_S))
    drain(uplink, first)
    assert not uplink.speaking
    assert len(drain(uplink, uplink.open(0))) == LOOKBACK_S * SECOND


def test_a_short_word_that_nobody_reported_is_kept_for_the_next_stream() -> None:
    uplink = Uplink(RATE)
    word = sound(0.3)
    say(uplink, silence(1.0), word, silence(4.0))
    assert word in drain(uplink, uplink.open(0))


def test_speech_in_pieces_is_clear_when_it_is_long_enough_together() -> None:
    uplink = Uplink(RATE)
    say(uplink, sound(0.5), silence(0.8))
    assert not uplink.clear_speech
    say(uplink, sound(0.5), silence(0.8))
    assert uplink.clear_speech


def test_what_was_dismissed_as_noise_is_neither_speech_nor_said_again_and_no_louder_sound_is() -> None:
    uplink = Uplink(RATE)
    say(uplink, sound(2.0), silence(0.8))
    assert uplink.clear_speech
    uplink.dismiss()
    assert not uplink.clear_speech
    say(uplink, sound(2.0), silence(0.8))
    assert not uplink.clear_speech, "the same noise again"
    say(uplink, sound(2.0, level=9000.0), silence(0.8))
    assert uplink.clear_speech, "somebody speaks over it"
