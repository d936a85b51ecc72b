"""A loop is busy by what it does, not by how many calls it has."""

from __future__ import annotations

import pytest

from common.loop_load import BUSY_SHARE, CALM_SHARE, CALM_WINDOWS, LEVELS, LoopLoad

EVERY_S = 0.0625  # sixteen looks are a window, to the last bit


class Looked:
    """A loop on a clock of its own, that is looked at sixteen times a second."""

    def __init__(self) -> None:
        self.load = LoopLoad()
        self._now = self._cpu_s = 100.0
        self.load.look(self._now, self._cpu_s, 0.0)

    def run(self, seconds: float, share: float, late_s: float = 0.0, late_each: int = 1) -> bool:
        """Whether it is busy after `seconds` of `share` of a core; each `late_each`th look is late."""
        for number in range(round(seconds / EVERY_S)):
            self._now += EVERY_S
            self._cpu_s += EVERY_S * share
            self.load.look(self._now, self._cpu_s, late_s if number % late_each == 0 else 0.0)
        return self.load.busy


@pytest.mark.parametrize("share", [0.0, 0.3, CALM_SHARE, 0.8, BUSY_SHARE - 0.01])
def test_a_loop_with_room_is_never_busy(share: float) -> None:
    assert not Looked().run(60, share)


@pytest.mark.parametrize("share", [BUSY_SHARE + 0.01, 1.0])
def test_a_second_of_most_of_a_core_is_busy_and_not_half_of_one(share: float) -> None:
    loop = Looked()
    assert not loop.run(0.5, share)
    assert loop.run(0.6, share)


def test_a_loop_that_may_use_little_of_a_core_is_busy_when_it_is_late() -> None:
    assert Looked().run(1.1, 0.25, late_s=0.03)
    assert Looked().run(1.1, 0.25, late_s=0.03, late_each=2)


def test_one_long_step_in_a_second_is_no_load() -> None:
    assert not Looked().run(30, 0.4, late_s=0.4, late_each=20)


@pytest.mark.parametrize("windows", range(1, LEVELS + 3))
def test_each_busy_window_is_a_level_up_until_the_highest(windows: int) -> None:
    loop = Looked()
    loop.run(windows, 1.0)
    assert loop.load.level == min(windows, LEVELS)


@pytest.mark.parametrize("share", [CALM_SHARE + 0.01, 0.8, BUSY_SHARE - 0.01])
def test_it_stays_at_its_level_where_it_is_neither_busy_nor_calm(share: float) -> None:
    loop = Looked()
    loop.run(2, 1.0)
    loop.run(60, share)
    assert loop.load.level == 2


def test_a_level_is_not_left_for_what_it_spares_itself() -> None:
    """Work in pairs takes three quarters, at each level a fourth part of that: of what is busy without pairs and just
    not busy with them, nothing comes and goes."""
    loop = Looked()
    loop.run(1, BUSY_SHARE + 0.01)
    for _ in range(60):
        spared = 0.25 * loop.load.level / LEVELS
        loop.run(1, BUSY_SHARE * (1 - spared))
        assert loop.load.level == 1


def test_a_loop_of_which_less_is_asked_comes_down_level_by_level() -> None:
    loop = Looked()
    loop.run(2, 1.0)
    levels = []
    for _ in range(3):
        loop.run(CALM_WINDOWS, 0.3)
        levels.append(loop.load.level)
    assert levels == [1, 0, 0]


def test_it_is_a_level_down_after_some_calm_windows_without_one_of_more_between() -> None:
    loop = Looked()
    loop.run(1, 1.0)
    for _ in range(9):
        assert loop.run(CALM_WINDOWS - 1, 0.3)
        assert loop.run(1, CALM_SHARE + 0.01)
    assert not loop.run(CALM_WINDOWS, 0.3)


def test_a_look_that_comes_seconds_late_is_judged_by_what_was_used_meanwhile() -> None:
    load = LoopLoad()
    load.look(0.0, 0.0, 0.0)
    load.look(5.0, 0.2, 0.0)
    assert not load.busy
    load.look(10.0, 5.1, 4.95)
    assert load.busy


def test_a_loop_that_nobody_looks_at_is_not_busy() -> None:
    loop = Looked()
    loop.run(2, 1.0)
    loop.load.forget()
    assert not loop.load.busy
    loop.load.look(0.0, 0.0, 0.0)
    assert not loop.load.busy
