"""What receipts say of the way to the ear."""

from __future__ import annotations

from telephony.browser.playback_acks import PlaybackAcks


def sent(playback_acks: PlaybackAcks, frames: int) -> None:
    for number in range(1, frames + 1):
        playback_acks.sent(number, 0.02, now=number * 0.02)


def test_a_mark_comes_back_when_its_audio_was_played_not_when_it_came() -> None:
    playback_acks = PlaybackAcks()
    sent(playback_acks, 10)
    playback_acks.mark("a1.1")
    assert playback_acks.acknowledge(10, 150, now=0.25) == [], "it came, and waits in the player"
    assert playback_acks.acknowledge(10, 20, now=0.38) == []
    assert playback_acks.acknowledge(10, 0, now=0.4) == ["a1.1"]
    assert playback_acks.acknowledge(10, 0, now=0.5) == [], "once"


def test_marks_come_back_in_order_and_only_those_that_are_due() -> None:
    playback_acks = PlaybackAcks()
    sent(playback_acks, 2)
    playback_acks.mark("a1.1")
    playback_acks.sent(3, 0.02, now=0.06)
    playback_acks.mark("a1.2")
    assert playback_acks.acknowledge(2, 0, now=0.1) == ["a1.1"]
    assert playback_acks.acknowledge(3, 0, now=0.1) == ["a1.2"]


def test_a_mark_of_cleared_audio_never_comes_back() -> None:
    playback_acks = PlaybackAcks()
    sent(playback_acks, 3)
    playback_acks.mark("a1.1")
    playback_acks.clear()
    assert playback_acks.acknowledge(3, 0, now=1.0) == []


def test_figures_tell_the_round_trip_its_jitter_and_how_near_the_player_was_to_silence() -> None:
    playback_acks = PlaybackAcks()
    for number, trip_s in enumerate([0.03, 0.05] * 50, start=1):
        playback_acks.sent(number, 0.02, now=number)
        playback_acks.acknowledge(number, 100 + number, now=number + trip_s)
    figures = playback_acks.figures()
    assert figures["receipts"] == 100
    assert figures["round_trip_p95_ms"] == 50.0
    assert 15 < (figures["jitter_ms"] or 0) <= 20, "neighbours differ by 20 ms"
    assert figures["least_buffered_ms"] == 101


def test_a_receipt_for_what_was_never_sent_is_worth_nothing() -> None:
    playback_acks = PlaybackAcks()
    playback_acks.mark("a1.1")
    sent(playback_acks, 2)
    playback_acks.mark("a1.2")
    assert playback_acks.acknowledge(999, 0, now=1.0) == ["a1.1", "a1.2"], "all that was sent, and no more"
    assert PlaybackAcks().figures()["receipts"] == 0
