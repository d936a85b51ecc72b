"""A call on a loudspeaker, with players that are scripts."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from sandbox.twilio.playout import SILENCE
from sandbox.twilio.sound import PLAYERS, Sound
from sandbox.twilio.stream import FRAME

LOUD, QUIET = b"\x10" * FRAME, bytes([SILENCE]) * FRAME


def player(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


async def test_both_sides_are_played_frame_by_frame(tmp_path: Path) -> None:
    out = tmp_path / "played"
    code = f"import sys; open({str(out)!r}, 'wb').write(sys.stdin.buffer.read())"
    async with Sound(player(code)) as sound:
        assert sound.plays
        sound.play(LOUD, b"")
        sound.play(QUIET, LOUD)
    assert not sound.plays
    played = np.frombuffer(out.read_bytes(), dtype="<i2").reshape(-1, 2)
    assert played.shape == (2 * FRAME, 2)
    assert played[:FRAME, 0].all()
    assert not played[:FRAME, 1].any(), "what was not heard yet is silence"
    assert played[FRAME:, 1].all()


async def test_a_player_without_an_output_is_no_fault() -> None:
    async with Sound(player("import sys; sys.exit(1)")) as sound:
        assert sound._process is not None
        await sound._process.wait()
        sound.play(LOUD, LOUD)
    assert not sound.plays


async def test_a_call_that_is_broken_off_is_not_played_to_its_end() -> None:
    sound = Sound(player("import time; time.sleep(600)"))
    with pytest.raises(KeyError):
        async with sound:
            raise KeyError
    assert not sound.plays


async def test_without_a_player_nothing_is_different() -> None:
    async with Sound() as sound:
        sound.play(LOUD, LOUD)
    assert not sound.plays


def test_the_first_player_of_the_machine_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Sound.of_this_machine().command is None
    (tmp_path / "aplay").touch(mode=0o755)
    assert Sound.of_this_machine().command == PLAYERS[1]
