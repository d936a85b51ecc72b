"""`carlos audit`: what it prints, and what it says of a file that is none."""

from __future__ import annotations

import json
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from carlos import auditing
from carlos.cli import app
from tests.support.servers import free_port

RATE = 16000


def carlos(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["audit", *map(str, arguments)], env={"COLUMNS": "160", "CARLOS_API_KEY": ""})
    return result.exit_code, result.output


def a_wav(path: Path, channels: int = 2, rate: int = RATE, width: int = 2, seconds: float = 8.0) -> Path:
    """The caller speaks for a second from the second on, Carlos from 3.5 s."""
    length = round(seconds * rate)
    sides = np.zeros((length, channels), dtype="<i2")
    if length:
        random = np.random.default_rng(2)
        sides[rate : 2 * rate, 0] = random.normal(0, 3000, rate)
        sides[7 * rate // 2 : 5 * rate, -1] = random.normal(0, 3000, 5 * rate - 7 * rate // 2)
    with wave.open(str(path), "wb") as wav:
        wav.setnchannels(channels)
        wav.setsampwidth(width)
        wav.setframerate(rate)
        wav.writeframes(sides.astype(f"<i{width}").tobytes() if width > 1 else sides.astype("u1").tobytes())
    return path


def a_record(path: Path, latency_ms: int = 720) -> Path:
    turn = {"role": "carlos", "at_ms": 5000, "latency_ms": latency_ms, "sonic_end_ms": 1480, "sonic_detected_ms": 720}
    record = {"startedAt": "2026-11-28T10:00:00Z", "details": {}, "turns": [turn], "interruptions": 2}
    path.write_text(json.dumps({"success": True, "data": record | {"durationSeconds": 8.0}}))
    return path


def test_a_call_is_measured(tmp_path: Path) -> None:
    status, out = carlos(a_wav(tmp_path / "CA1.wav"))
    assert status == 0
    assert "1500 ms" in out
    assert "CA1.wav: 0:08.00" in out
    assert "overlaps: none" in out


def test_as_json_it_is_one_object(tmp_path: Path) -> None:
    status, out = carlos(a_wav(tmp_path / "CA1.wav"), "--json")
    told = json.loads(out)
    assert status == 0
    assert told["answers"] == [{"at_s": 3.5, "words_end_s": 2.0, "answer_ms": 1500}]
    assert set(told) == {"seconds", "caller_s", "carlos_s", "answers", "overlaps", "dead_air", "cuts", "totals"}
    assert told["totals"]["answers"] == 1


def test_a_record_that_understates_a_time_is_shown_beside_it(tmp_path: Path) -> None:
    wav, record = a_wav(tmp_path / "CA1.wav"), a_record(tmp_path / "CA1.json")
    status, out = carlos(wav, record)
    assert status == 0
    assert "-780 ms" in out
    assert "2 interruptions" in out
    told = json.loads(carlos(wav, record, "--json")[1])["record"]
    times = {"answer_ms": 1500, "latency_ms": 720, "sonic_end_ms": 1480, "sonic_detected_ms": 720}
    assert told == {"answers": [times], "interruptions": 2, "seconds": 8.0}


def nothing(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def prose(path: Path) -> Path:
    path.write_text("no sound at all, and quite long enough for a header of 44 bytes")
    return path


FAULTS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "mono": (lambda path: a_wav(path, channels=1), "has one channel"),
    "three": (lambda path: a_wav(path, channels=3), "has 3 channels"),
    "rate": (lambda path: a_wav(path, rate=11025), "a rate of 11025 Hz"),
    "bits": (lambda path: a_wav(path, width=4), "samples of 32 bits"),
    "silent": (lambda path: a_wav(path, seconds=0), "is empty"),
    "nothing": (nothing, "is no WAV"),
    "prose": (prose, "is no WAV"),
    "absent": (lambda path: path, "cannot be read: No such file"),
    "folder": (lambda path: path.parent, "cannot be read: Is a directory"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_that_is_no_call_is_told_what_it_lacks(fault: str, tmp_path: Path) -> None:
    make, said = FAULTS[fault]
    status, out = carlos(make(tmp_path / "CA1.wav"))
    assert status == 1
    assert said in out
    assert "Traceback" not in out


def test_a_recording_that_a_crash_cut_short_is_measured_as_far_as_it_goes(tmp_path: Path) -> None:
    path = a_wav(tmp_path / "CA1.wav")
    path.write_bytes(path.read_bytes()[:-50_001])
    status, out = carlos(path)
    assert (status, "1500 ms" in out) == (0, True)


@pytest.mark.parametrize(("text", "said"), [("{", "is no JSON"), ("[]", "no record of a call"), ("{}", "no record")])
def test_a_record_that_is_none_is_told(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text(text)
    status, out = carlos(a_wav(tmp_path / "CA1.wav"), tmp_path / "record.json")
    assert (status, said in out) == (1, True)


def test_a_server_is_asked_for_the_call_of_the_files_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    class Answer:
        def __enter__(self) -> Answer:
            return self

        def __exit__(self, *error: object) -> None: ...

        def read(self, most: int) -> bytes:
            return a_record(tmp_path / "record.json").read_bytes()[:most]

    def urlopen(request: Any, timeout: float) -> Answer:
        asked.append((request.full_url, request.get_header("X-api-key")))
        return Answer()

    monkeypatch.setattr(auditing, "urlopen", urlopen)
    for server in ("http://localhost:8081/", "localhost:8081"):
        status, out = carlos(a_wav(tmp_path / "CA1.2.wav"), "--server", server, "--key", "k")
        assert (status, "-780 ms" in out) == (0, True)
    assert asked == [("http://localhost:8081/calls/CA1", "k")] * 2


def test_a_server_that_is_none_is_told(tmp_path: Path) -> None:
    wav = a_wav(tmp_path / "CA1.wav")
    for server in ("ftp://localhost", "localhost:a", "http://"):
        assert "is no address of a server" in carlos(wav, "--server", server)[1]
    status, out = carlos(wav, "--server", f"http://127.0.0.1:{free_port()}")
    assert (status, "does not answer" in out) == (1, True)
