from __future__ import annotations

import pytest

from agent.sonic.opening import SUSPECT_S
from agent.sonic.watch import Owed, Verdict, Watch

TIMEOUT_S = 12.0


def look(watch: Watch, until: float, *, since: float = 0.0, speaking: bool = False, playing: bool = False) -> list[str]:
    """What is said of each quarter of a second, with its time, where it is not to wait."""
    said = []
    for step in range(int(since * 4), int(until * 4) + 1):
        verdict = watch.verdict(step / 4, speaking=speaking, playing=playing)
        if verdict is not Verdict.WAIT:
            said.append(f"{verdict.value} at {step / 4:g}")
        if verdict is Verdict.LOST:
            break
    return said


def test_nothing_is_due_where_nothing_is_owed() -> None:
    assert look(Watch(TIMEOUT_S, SUSPECT_S), 60) == []


def test_an_answer_that_is_owed_is_suspected_first_and_then_lost() -> None:
    watch = Watch(TIMEOUT_S, SUSPECT_S)
    watch.asked(0.0)
    assert look(watch, 60) == ["suspect at 3.5", "lost at 12"]


def test_a_service_that_goes_on_saying_something_is_slow_and_not_suspected() -> None:
    watch = Watch(TIMEOUT_S, SUSPECT_S)
    watch.asked(0.0)
    said = []
    for second in range(15):
        watch.event(float(second))
        said += look(watch, second + 0.75, since=second)
        if said:
            break
    assert said == ["lost at 12"]


def test_clear_speech_without_an_event_is_suspected_and_never_lost() -> None:
    watch = Watch(TIMEOUT_S, SUSPECT_S)
    watch.perhaps_asked(0.0)
    assert look(watch, 60) == ["suspect at 3.5"]


def test_no_time_runs_while_the_caller_speaks() -> None:
    watch = Watch(TIMEOUT_S, SUSPECT_S)
    watch.asked(0.0)
    assert look(watch, 40, speaking=True) == []
    assert look(watch, 60, since=40.25) == ["suspect at 43.5", "lost at 52"]


def test_the_rest_of_an_answer_is_owed_once_the_line_has_played_what_it_has() -> None:
    watch = Watch(TIMEOUT_S, SUSPECT_S)
    watch.asked(0.0)
    watch.began(1.0)
    assert look(watch, 30, since=1.0, playing=True) == []
    assert look(watch, 60, since=30.25) == ["suspect at 33.5", "lost at 42"]


def test_speech_that_only_the_service_hears_keeps_the_stream_but_not_the_suspicion_away() -> None:
    """Our detector may be deaf to a caller, or the stream may have stalled behind its report."""
    watch = Watch(TIMEOUT_S, SUSPECT_S)
    watch.asked(0.0)
    watch.event(1.0)
    watch.speech_reported(1.0)
    assert look(watch, 20, since=1.0) == ["suspect at 4.5"]
    watch.speech_over(20.0)
    assert look(watch, 60, since=20.0) == ["lost at 32"]


def test_another_stream_that_owes_the_same_has_its_own_time() -> None:
    watch = Watch(TIMEOUT_S, SUSPECT_S)
    watch.asked(0.0)
    assert look(watch, 5) == ["suspect at 3.5"]
    watch.replaced(5.0)
    assert look(watch, 60, since=5.0) == ["suspect at 8.5", "lost at 17"]


@pytest.mark.parametrize("owed", [Owed.ANSWER, Owed.REST])
def test_speech_of_which_nothing_is_known_moves_what_is_owed_already(owed: Owed) -> None:
    watch = Watch(TIMEOUT_S, SUSPECT_S)
    (watch.asked if owed is Owed.ANSWER else watch.began)(0.0)
    watch.perhaps_asked(2.0)
    assert watch.owed is owed
    assert look(watch, 2 + SUSPECT_S) == ["suspect at 5.5"]
