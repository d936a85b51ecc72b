"""On a terminal people's lines are shown, and the whole log is in a file beside it."""

from __future__ import annotations

import json
import logging
import os
import re
from pathlib import Path

import pytest
from loguru import logger

from agent.call_events import CallEvents
from agent.capacity import Admission
from agent.end_reason import _ENDS
from agent.transcript import CallTranscript
from common import log
from common.log import people
from common.log.file import LogFile
from data.models import Line
from tests.support.logs import captured

CALL = "CA" + "0" * 28 + "7e10"
SAID = "Me llamo Zulema Quispe"


def shown(text: str) -> list[str]:
    """The lines of a terminal, without colours and clock."""
    return [re.sub(r"\033\[[0-9;]*m", "", line)[9:] for line in text.splitlines()]


def test_a_call_reads_in_plain_words_and_nothing_that_was_said_is_among_them(tmp_path: Path) -> None:
    with captured("INFO", tmp_path / "carlos.log", terminal=True) as out:
        transcript = CallTranscript(CALL, Line.PHONE, None)
        with logger.contextualize(call_id=CALL, call=transcript):
            logger.bind(event="rings", admission="accepted").info("call {} rings", CALL)
            logger.bind(event="begun", line="phone").info("call: begun")
            transcript.user_transcript(SAID)
            transcript.tool("consultarOrder", "1", {"orderId": SAID}, {"ok": True}, ok=True, elapsed_ms=3)
            transcript.tool("consultarOrder", "2", {}, {"code": "refused_proof"}, ok=False, elapsed_ms=4)
            transcript.interrupted()
            transcript.fault(SAID, "the model was late")
            transcript.end("caller_left")
    assert shown(out.getvalue()) == [
        "call 7e10  the phone rings: it is answered",
        "call 7e10  a conversation begins, by phone",
        "call 7e10  the caller has spoken",
        "call 7e10  consultarOrder: done, 3 ms",
        "call 7e10  consultarOrder: not done (refused_proof), 4 ms",
        "call 7e10  the caller interrupts Carlos",
        "call 7e10  fault: the model was late",
        "call 7e10  over: the caller hung up",
    ]
    lines = [json.loads(line) for line in (tmp_path / "carlos.log").read_text().splitlines()]
    assert [line["event"] for line in lines][:2] == ["rings", "begun"]
    assert SAID not in out.getvalue() + (tmp_path / "carlos.log").read_text()


def test_frameworks_access_lines_and_metrics_are_in_the_file_alone(tmp_path: Path) -> None:
    with captured("INFO", tmp_path / "carlos.log", terminal=True) as out:
        logging.getLogger("uvicorn.error").info("connection open")
        logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
        logger.bind(event="request").info("GET /orders 200")
        log.write_line({"_aws": {}, "Calls": 1})
    assert out.getvalue() == ""
    lines = (tmp_path / "carlos.log").read_text().splitlines()
    assert [json.loads(line).get("message", "metrics") for line in lines] == [
        "connection open",
        "Invalid HTTP request received.",
        "GET /orders 200",
        "metrics",
    ]


def test_what_goes_wrong_is_told_in_one_line(tmp_path: Path) -> None:
    traceback = "Traceback (most recent call last):\n  File x\ncarlos.standin.StandInFailed: it did not start: no ear\n"
    with captured("INFO", tmp_path / "carlos.log", terminal=True) as out:
        logging.getLogger("uvicorn.error").error(traceback)
        try:
            raise ValueError(SAID)
        except ValueError:
            logger.exception("a browser's call failed")
        logging.getLogger("uvicorn.error").error(
            "Traceback (most recent call last):\nasyncio.exceptions.CancelledError\n"
        )
        logger.bind(event="notice").info("draining 1 live call")
        logger.info("nobody needs to read this")
    assert [line for line in shown(out.getvalue()) if "Error" in line] == []
    assert shown(out.getvalue())[0] == "it did not start: no ear"
    assert shown(out.getvalue())[1:] == ["a browser's call failed", "draining 1 live call"]
    assert "ValueError" in (tmp_path / "carlos.log").read_text()


def test_without_a_terminal_everything_is_json_on_stdout_and_there_is_no_file(tmp_path: Path) -> None:
    with captured("INFO", tmp_path / "carlos.log") as out:
        logging.getLogger("uvicorn.error").info("connection open")
        assert log.current_file() is None
    assert json.loads(out.getvalue())["message"] == "connection open"
    assert not (tmp_path / "carlos.log").exists()


def test_where_the_file_cannot_be_had_the_terminal_shows_all(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("no folder")
    with captured("INFO", tmp_path / "home" / "carlos.log", terminal=True) as out:
        logger.info("all of it")
        assert log.current_file() is None
    told, line = out.getvalue().splitlines()
    assert "cannot be written" in told
    assert "all of it" in line


def test_the_file_is_bounded_and_keeps_what_was_before(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "carlos.log", max_bytes=20)
    for number in range(7):
        file.write(f"line {number}\n")
    assert (tmp_path / "carlos.log.1").read_text() == "line 3\nline 4\nline 5\n"
    assert (tmp_path / "carlos.log").read_text() == "line 6\n"
    assert os.stat(tmp_path / "carlos.log").st_mode & 0o077 == 0, "for its owner only"


def test_a_file_that_was_moved_away_is_made_again(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "carlos.log")
    (tmp_path / "carlos.log").rename(tmp_path / "elsewhere")
    file.write("again\n")
    assert (tmp_path / "carlos.log").read_text() == "again\n"


@pytest.mark.parametrize("outcome", _ENDS)
def test_every_end_of_a_call_has_its_words(outcome: str) -> None:
    line = people.people_line("agent", 20, {"event": "ended", "outcome": outcome, "message": ""})
    assert line is not None
    assert outcome not in line.split()


@pytest.mark.parametrize("admission", [each.name.lower() for each in Admission])
def test_every_answer_to_a_ring_has_its_words(admission: str) -> None:
    assert admission in people._ADMISSIONS


def test_a_follower_hears_what_the_terminal_tells() -> None:
    """Each kind of event that a call tells has words."""
    events = CallEvents(CALL, CallTranscript(CALL, Line.PHONE, None), lambda: 0.0)
    assert events.past == []
    assert {"resumed", "heard", "said", "tool", "interrupted", "fault", "ended"} <= set(people._WORDS)
