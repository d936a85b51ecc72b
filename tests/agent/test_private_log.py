"""Nothing personal leaves a call but into its own record: names, numbers and addresses that no tool has been told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from loguru import logger

from agent.sonic.events import TextInput, TextOutput
from agent.transcript import CallTranscript
from api.calls import Prices
from carlos.call_log import cloudwatch_listener
from common import metrics
from common.log.cloudwatch import CallLogGroup
from data.models import Line
from sandbox.sonic.faults import Fault, Inject, Raise
from sandbox.sonic.script import Say, ScriptTurn, UseTool
from tests.agent.call_stage import Begin
from tests.support.logs import captured

pytestmark = pytest.mark.slow

CALL_ID = "CA" + "1" * 32
WHO = "Zulema Quiroga, DNI 28 456 789, zulema@quiroga.example, 11 5555 0199"
SECRETS = ("zulema", "quiroga", "28456789", "28 456 789", "5555 0199", "55550199", "reuma")
GREETING = ScriptTurn((Say("Hola, soy Carlos."),))
ASKS = ScriptTurn(
    (UseTool("Zulema Quiroga", {"Zulema": WHO, "motivo": "reuma"}), Say(f"Gracias, {WHO}.")), hear=f"Soy {WHO}"
)
AGAIN = ScriptTurn((Say("Sí, Zulema."),), hear="Zulema, por el reuma")


class Told:
    """What CALL_LOG_GROUP's client is given."""

    class exceptions:
        class ResourceAlreadyExistsException(Exception):
            pass

    def __init__(self) -> None:
        self.lines: list[str] = []

    def create_log_stream(self, **names: str) -> None:
        self.lines += names.values()

    def put_log_events(self, *, logEvents: list[dict[str, Any]], **names: str) -> None:
        self.lines += [event["message"] for event in logEvents]


async def failing_end(outcome: str) -> None:
    raise ValueError(f"cannot say goodbye to {WHO}")


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
async def test_what_a_caller_says_of_himself_is_in_no_line_no_exception_and_no_metric(
    begin: Begin, level: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    loop = asyncio.get_running_loop()
    loop.set_debug(level == "DEBUG")
    loop.slow_callback_duration = 0.0  # asyncio tells of every step
    log = CallTranscript(CALL_ID, Line.PHONE, "+541155550199")
    client = Told()
    group = CallLogGroup(client, "calls")  # type: ignore[arg-type]
    log.events.listeners.append(cloudwatch_listener(group, log, Prices(3, 12, 0.33, 2.75, 0.0125)))
    faults = (
        Fault(Inject({"Zulema Quiroga": {"content": WHO}}), sent=TextOutput),
        Fault(Inject({"contentStart": {"contentId": "x", "type": "TEXT", "role": WHO}}), sent=TextOutput),
        Fault(Inject(f'{{"event": "{WHO}'.encode()), sent=TextOutput),
        Fault(Raise("validationException", f"cannot take '{WHO}'"), received=TextInput, streams=(2,)),
        Fault(Raise("modelStreamErrorException", f"'{WHO}' is too long"), after_speech_ms=100, count=2),
    )
    with captured(level) as out, logger.contextualize(call_id=CALL_ID, call=log):
        stage = await begin([GREETING, ASKS, AGAIN], faults=faults, log=log, resume=True)
        await stage.until(lambda: stage.said)
        monkeypatch.setattr(stage.line, "end", failing_end)
        stage.line.speak()
        await stage.until(lambda: len(stage.said) == 2)
        stage.line.speak()
        await stage.until(lambda: len(log.record().details["faults"]) == 2)
        stage.line.leave()
        await stage.running
        await stage.until_closed()
        await group.flush()
    kept = log.record()
    assert any("Zulema" in turn.text for turn in kept.turns), "it was said, and the call's own record has it"
    assert "Zulema" in json.dumps(kept.details, ensure_ascii=False), "and so has the fault"
    error_output = capfd.readouterr()
    seen = {
        "log": out.getvalue(),
        "log group": "\n".join(client.lines),
        "metrics": metrics.exposition().decode() + json.dumps(list(metrics.emf(0))),
        "terminal": error_output.out + error_output.err,
    }
    assert {where: leaks(text) for where, text in seen.items()} == dict.fromkeys(seen, [])
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert any("exception" in line for line in lines), "the line's failure is in the log"
    assert events(lines) >= {"heard", "said", "fault", "ended"}
    assert '"ended"' in seen["log group"]
    assert any(line["logger"] == "asyncio" for line in lines) is (level == "DEBUG")


def leaks(text: str) -> list[str]:
    return [line for line in text.splitlines() if any(secret in line.lower() for secret in SECRETS)]


def events(lines: list[Mapping[str, Any]]) -> set[str]:
    return {line["event"] for line in lines if "event" in line}
