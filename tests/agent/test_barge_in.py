from __future__ import annotations

from agent.barge_in import LONGEST_S, BargeIn, State


def released_at(barge_in: BargeIn, voice_until: float, now: float = 0.0) -> float:
    """When the answer goes on, if our own detector hears a voice until then."""
    for _ in range(1000):
        assert barge_in.due is not None
        now = barge_in.due
        if barge_in.late(now, speaking=now < voice_until):
            return now
    raise AssertionError("it is held for ever")


def broken_off(at: float = 10.0) -> BargeIn:
    barge_in = BargeIn()
    barge_in.speech_began(at)
    barge_in.broken_off(at)
    return barge_in


def test_a_sound_without_words_holds_the_line_for_a_moment() -> None:
    barge_in = BargeIn()
    barge_in.speech_began(10.0)
    assert released_at(barge_in, voice_until=10.5) == 11.5
    assert (barge_in.state, barge_in.due) == (State.NOTHING, None)


def test_who_is_still_speaking_is_waited_for() -> None:
    barge_in = BargeIn()
    barge_in.speech_began(10.0)
    assert 13.9 <= released_at(barge_in, voice_until=13.0) <= 14.1


def test_a_voice_that_never_ends_is_waited_for_only_so_long() -> None:
    held = BargeIn()
    held.speech_began(10.0)
    for barge_in in (held, broken_off()):
        assert 10.0 + LONGEST_S <= released_at(barge_in, voice_until=1000.0) <= 10.2 + LONGEST_S


def test_words_end_the_waiting_at_once() -> None:
    for barge_in in (BargeIn(), broken_off()):
        barge_in.speech_began(10.0)
        barge_in.words(10.8)
        assert (barge_in.state, barge_in.due, barge_in.waiting) == (State.NOTHING, None, False)


def test_words_for_an_answer_that_was_broken_off_are_awaited_until_after_the_end_of_the_speech() -> None:
    barge_in = broken_off()
    barge_in.speech_ended(11.2)
    assert 12.7 <= released_at(barge_in, voice_until=10.9) <= 12.85


def test_a_speech_whose_end_sonic_does_not_tell_is_taken_for_over_in_time() -> None:
    assert 12.5 <= released_at(broken_off(), voice_until=0.0) <= 12.65


def test_a_second_sound_while_the_first_is_not_known_is_waited_for_as_well() -> None:
    barge_in = broken_off()
    barge_in.speech_ended(10.9)
    barge_in.speech_began(11.0)
    barge_in.broken_off(11.0)
    barge_in.speech_ended(12.0)
    assert 13.5 <= released_at(barge_in, voice_until=0.0) <= 13.65


def test_an_answer_may_be_broken_off_without_a_word_of_who_speaks() -> None:
    barge_in = BargeIn()
    barge_in.broken_off(10.0)
    assert barge_in.state is State.BROKEN_OFF
    assert 12.5 <= released_at(barge_in, voice_until=0.0) <= 12.65


def test_nothing_is_due_where_nobody_speaks() -> None:
    barge_in = BargeIn()
    barge_in.words(1.0)
    barge_in.speech_ended(2.0)
    assert (barge_in.state, barge_in.due) == (State.NOTHING, None)
