"""The pacer on a virtual clock; times are seconds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.audio import Pacer


def send_due(pacer: Pacer, now: float) -> int:
    frames = pacer.due(now)
    pacer.sent(frames)
    return frames


def test_one_frame_is_due_every_20_ms() -> None:
    pacer = Pacer()
    pacer.start(100.0)
    assert [send_due(pacer, 100.0 + 0.02 * n) for n in range(5)] == [1, 1, 1, 1, 1]
    assert pacer.next_deadline() == pytest.approx(100.1)


def test_the_first_question_starts_the_clock() -> None:
    pacer = Pacer()
    assert send_due(pacer, 7.0) == 1
    assert pacer.next_deadline() == pytest.approx(7.02)


def test_a_lead_is_sent_at_once_and_then_kept() -> None:
    pacer = Pacer(lead=5)
    assert send_due(pacer, 0.0) == 6
    assert pacer.next_deadline() == pytest.approx(0.02)
    assert send_due(pacer, 0.02) == 1
    assert pacer.played_at() == pytest.approx(7 * 0.02)


def test_a_late_wake_up_catches_up_and_never_shifts_the_clock() -> None:
    pacer = Pacer()
    send_due(pacer, 0.0)
    assert send_due(pacer, 0.117) == 5
    assert pacer.next_deadline() == pytest.approx(0.12)


def test_who_wants_frames_in_pairs_wakes_up_half_as_often() -> None:
    pacer, now, sent = Pacer(lead=3), 10.0, []
    for _ in range(4):
        sent.append(send_due(pacer, now))
        now = pacer.next_deadline(2)
    assert sent == [4, 2, 2, 2]
    assert pacer.played_at() - (now - 0.04) == pytest.approx(0.08), "never less ahead than the lead"


def test_an_early_wake_up_sends_nothing() -> None:
    pacer = Pacer()
    send_due(pacer, 0.0)
    assert pacer.due(0.0199) == 0


def test_a_short_gap_in_the_queue_keeps_the_clock() -> None:
    pacer = Pacer(lead=5)
    send_due(pacer, 0.0)
    pacer.idle()
    assert pacer.due(0.05) == 2, "what was sent still plays"


def test_the_clock_is_moved_after_everything_sent_was_played() -> None:
    pacer = Pacer(lead=5)
    send_due(pacer, 0.0)
    pacer.idle()
    assert send_due(pacer, 3.0) == 6, "not the 150 frames of the silence"
    assert pacer.next_deadline() == pytest.approx(3.02)


def test_a_stall_with_frames_waiting_is_no_idle_period() -> None:
    pacer = Pacer()
    send_due(pacer, 0.0)
    pacer.idle()
    send_due(pacer, 0.02)
    assert pacer.due(1.0) == 49, "the queue was not empty since: the clock stands"


def test_a_cleared_far_end_starts_a_new_clock() -> None:
    pacer = Pacer(lead=5)
    send_due(pacer, 0.0)
    pacer.start(0.03)
    assert send_due(pacer, 0.03) == 6


@given(
    naps=st.lists(st.floats(0.0005, 0.3), min_size=1, max_size=60),
    lead=st.integers(0, 20),
)
def test_over_any_wake_ups_the_rate_is_exact(naps: list[float], lead: int) -> None:
    pacer = Pacer(lead=lead)
    now, sent = 50.0, send_due(pacer, 50.0)
    for nap in naps:
        now += nap
        sent += send_due(pacer, now)
        assert pacer.next_deadline() > now - 1e-6
        assert abs(sent - lead - (now - 50.0) / 0.02) <= 1 + 1e-3


def test_a_pacer_that_was_not_started_has_no_deadline() -> None:
    with pytest.raises(RuntimeError, match="not started"):
        Pacer().next_deadline()


@pytest.mark.parametrize(("frame_s", "lead"), [(0.0, 0), (0.02, -1)])
def test_senseless_frames_are_refused(frame_s: float, lead: int) -> None:
    with pytest.raises(ValueError, match="positive frame"):
        Pacer(frame_s, lead)
