"""Personal data hidden on the way out: in the log, in metrics, in what CloudWatch is told."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loguru import logger

from agent.playout import Played
from agent.transcript import CallTranscript
from api.calls import Prices, call_json, mask_call
from bench.stores import fresh_sqlite
from carlos.call_log import cloudwatch_listener
from common import metrics
from common.log.cloudwatch import CallLogGroup
from common.masking import Names, Personal, holds_personal_data, mask_text, mask_value, personal
from data.models import Appointment, CallRecord, Line, Order
from tests.support.clocks import Clock
from tests.support.logs import captured
from tests.support.seeded import fill
from tests.tools.declared import every, examples
from tools.catalogue import TOOLS
from tools.identity import CallContext
from tools.tool import Tool
from tools.toolbox import Toolbox

PERSONAL = ("María", "González", "28456789", "maria", "@email")  # of the tools' examples, as they are seeded
PRICES = Prices(3, 12, 0.33, 2.75, 0.0125)


@pytest.mark.parametrize(
    ("said", "hidden"),
    [
        ("mi DNI es 28456789", "mi DNI es **.***.*89"),
        ("DNI28.456.789.", "DNI**.***.*89."),
        ("2 8 4 5 6 7 8 9", "**.***.*89"),
        ("[DTMF] 28456789#", "[DTMF] **.***.*89#"),
        ("[DTMF] 28456", "[DTMF] ***"),
        ("[DTMF] 2845#", "[DTMF] ***#"),
        ("[DTMF] 6#", "[DTMF] 6#"),
        ("al +54 9 11 5555-0101, por favor", "al ***101, por favor"),
        ("ana.paz@example.com", "***@***"),
        ("escribime a ana punto paz arroba example punto com", "escribime a ***"),
        ("correo ana punto paz veintitrés arroba example punto com", "correo ***"),
        ("es veintiocho cuatro cinco seis siete ocho nueve, sí", "es ***, sí"),
        ("veintiocho millones cuatrocientos cincuenta y seis mil", "***"),
        ("Mi DNI es 28 millones 456,789.", "Mi DNI es ***."),
        ("28 millones 456789", "***"),
        ("28 456 mil 789", "***"),
        ("veintiocho, 456, siete ocho nueve", "***"),
        ("pedido 3, a las 10:30 del 2026-11-24", "pedido 3, a las 10:30 del 2026-11-24"),
        ("2026-11-24T13:00:00.000Z", "2026-11-24T13:00:00.000Z"),
        (f"CA{'1' * 32} MZ{'2' * 32}", f"CA{'1' * 32} MZ{'2' * 32}"),
        ("dos o tres días", "dos o tres días"),
    ],
)
def test_what_is_personal_is_hidden_and_what_is_not_stays(said: str, hidden: str) -> None:
    assert mask_text(said) == hidden


def test_a_known_name_is_hidden_however_it_is_written() -> None:
    names = Names()
    names.learn("María  José González")
    assert names.mask("MARIA jose GONZÁLEZ, la señora Gonzalez; mariano") == "***, la señora ***; mariano"


def test_fields_are_hidden_by_their_name() -> None:
    value = {"dni": 28456789, "customerName": "Li", "items": [{"name": "Cable", "price": 12.5}], "n": 1234567}
    assert mask_value(value) == {
        "dni": "**.***.*89",
        "customerName": "***",
        "items": [{"name": "Cable", "price": 12.5}],
        "n": "**.***.*67",
    }


def test_a_new_records_personal_fields_are_hidden_by_its_declaration_alone() -> None:
    policy = {"healthInsurer": "OSDE 410", "insured_person": "Zulema", "plan": "familiar", "policyNumber": 28456789}
    assert mask_value(policy)["healthInsurer"] == "OSDE 410", "nobody has declared it yet"

    @holds_personal_data
    @dataclass(frozen=True, slots=True)
    class Policy:
        insured_person: Annotated[str, Personal.NAME]
        health_insurer: Annotated[str | None, Personal.TEXT]
        policy_number: Annotated[str, Personal.NUMBER]
        plan: str

    assert mask_value(policy) == {
        "healthInsurer": "***",
        "insured_person": "***",
        "plan": "familiar",
        "policyNumber": "**.***.*89",
    }
    names = Names()
    names.learn_from({"policies": [policy]})
    assert names.mask("Habla Zulema") == "Habla ***"
    with captured() as out:
        logger.bind(health_insurer="OSDE 410", plan="familiar").info("seen")
    assert "OSDE" not in out.getvalue()
    assert "familiar" in out.getvalue()
    call = mask_call(call_json(call_with({"insuredPerson": "Zulema", "healthInsurer": "OSDE 410"}), PRICES, None))
    assert "Zulema" not in json.dumps(call)
    assert "OSDE" not in json.dumps(call)


def call_with(result: dict[str, Any]) -> CallRecord:
    call = CallTranscript("CA" + "1" * 32, Line.PHONE, None)
    call.user_transcript("Soy Zulema, de OSDE 410")
    call.tool("consultarPoliza", "t1", {}, result, ok=True, elapsed_ms=1)
    call.played(Played(1, "Listo, Zulema.", 1.0))
    call.end("completed")
    return replace(call.record(), turns=call.record().turns[1:])  # what no tool was given is no field of a record


def test_where_a_message_lies_is_hidden_with_what_was_said() -> None:
    details = {"voicemail": {"url": "https://api.twilio.com/Recordings/RE1", "duration_s": "12"}}
    call = call_json(replace(call_with({}), details=details), PRICES, None)
    assert call["details"] == details
    assert mask_call(call)["details"] == {"voicemail": {"duration_s": "12"}, "faults": []}


def test_fields_of_one_name_are_marked_alike() -> None:
    class Guest:
        dni: Annotated[str, Personal.TEXT]

    with pytest.raises(TypeError, match=r"Guest\.dni"):
        holds_personal_data(Guest)


def test_every_text_of_the_records_is_marked_or_is_known_to_be_nobodys() -> None:
    """A new field is decided upon here: mark it in its record, or say that it is not personal."""
    unmarked = {
        f"{kind.__name__}.{field.name}"
        for kind in (Order, Appointment)
        for field in fields(kind)
        if field.type in ("str", "str | None") and personal(field.name) is None
    }
    assert unmarked == {"Order.id", "Order.tracking_number", "Appointment.id", "Appointment.doctor_name"}


def test_personal_fields_hold_whatever_is_put_there() -> None:
    names = Names()
    value = {"customerName": {"first": "Ana", "others": ["Paz"]}, "dni": None, "notes": ["asma"], "phone": [1, "Ana"]}
    names.learn_from(value)
    assert mask_value(value, names) == {"customerName": "***", "dni": None, "notes": "***", "phone": "***"}


digits = st.integers(10_000_000, 99_999_999).map(str)
dnis = (
    digits
    | digits.map(lambda d: f"{d[:2]}.{d[2:5]}.{d[5:]}")
    | digits.map(" ".join)
    | digits.map(lambda d: f"{d[:2]} millones {d[2:5]},{d[5:]}")
)
phones = st.integers(10**9, 10**10 - 1).map(lambda n: f"+54 9 {str(n)[:2]} {str(n)[2:6]}-{str(n)[6:]}")
emails = st.emails()
people = st.sampled_from(["Zoé Ñandú", "Íñigo Über-Quijano", "Fátima Ibáñez", "Wilfredo O'Higgins", "Xu Li"])
around = st.sampled_from(["{}", "Soy, eh, {}.", "dni={}", "({})", "hola {} ", "a:{},b", "¿{}?"])


@settings(max_examples=40, deadline=None)
@given(dni=dnis, phone=phones, email=emails, name=people, form=around)
@pytest.mark.slow
def test_nothing_personal_of_a_call_gets_out(dni: str, phone: str, email: str, name: str, form: str) -> None:
    with captured() as out:
        told = asyncio.run(a_call_that_tells_everything(dni, phone, email, name, form))
    labels = re.findall(r'"[^"]*"', metrics.exposition().decode())
    emf = [value for line in metrics.emf(0) for value in line.values() if isinstance(value, str)]
    seen = "\n".join([out.getvalue(), told, *labels, *emf])
    assert '"event": "ended"' in out.getvalue()
    for secret in (dni, phone, email, name):
        assert secret not in seen, f"{secret!r} got out"
    for word in name.split():
        assert len(word) < 3 or word not in seen, f"{word!r} got out"


async def a_call_that_tells_everything(dni: str, phone: str, email: str, name: str, form: str) -> str:
    """Put it into every part of a call and of the log; returns what CloudWatch would be told."""
    group = CallLogGroup(None, "calls")  # type: ignore[arg-type]
    call = CallTranscript("CA" + "1" * 32, Line.PHONE, phone)
    call.events.listeners.append(cloudwatch_listener(group, call, PRICES))
    arguments: dict[str, Any] = {"dni": dni, "customerName": name, "notes": form.format(dni), "deep": [{"x": email}]}
    result = {"order": {"customerName": name, "customerEmail": email, "phone": phone}}
    with logger.contextualize(call_id=call.id, call=call):
        call.tool("consultarOrder", "t1", arguments, result, ok=True, elapsed_ms=1)
        call.tool(form.format(email), "t2", {}, {}, ok=False, elapsed_ms=1)
        for number, secret in enumerate((dni, phone, email, name), 1):
            call.user_transcript(form.format(secret))
            call.played(Played(number, form.format(secret), 1.0))
            call.fault(form.format(secret))
            logger.info("free text: {}", form.format(secret))
            logger.bind(extra=form.format(secret), more=[secret]).warning("bound")
            logging.getLogger("uvicorn.error").error("stdlib: %s", secret)
            try:
                raise ValueError(form.format(secret))
            except ValueError:
                logger.exception("raised")
        call.end("completed")
    return "\n".join(line.text for line in group.waiting)


@every(TOOLS)
async def test_nothing_personal_of_any_tools_arguments_and_answers_gets_out(tool: Tool, tmp_path: Path) -> None:
    given = examples(tool)
    arguments = json.dumps(given, ensure_ascii=False)
    with captured() as out:
        group = CallLogGroup(None, "calls")  # type: ignore[arg-type]
        call = CallTranscript("CA" + "1" * 32, Line.PHONE, None)
        call.events.listeners.append(cloudwatch_listener(group, call, PRICES))
        with logger.contextualize(call_id=call.id, call=call):
            async with fresh_sqlite(tmp_path, Clock()) as store:
                await fill(store, Clock()().date())
                outcome = await Toolbox(store, CallContext("CA1"), clock=Clock()).run(
                    tool.name, arguments, tool_use_id="t"
                )
            assert outcome.ok
            call.tool(tool.name, "t", given, outcome.result, ok=True, elapsed_ms=1)
            logger.bind(given=given, result=outcome.result).info("{} {}", arguments, outcome.result)
    seen = out.getvalue() + "\n".join(line.text for line in group.waiting)
    assert tool.name in seen
    assert not [secret for secret in PERSONAL if secret in seen]


@every(tool for tool in TOOLS if not tool.writes)
async def test_what_a_tool_finds_is_hidden_by_its_fields_alone(tool: Tool, tmp_path: Path) -> None:
    """Where the caller has named nobody, no name is known to hide."""
    async with fresh_sqlite(tmp_path, Clock()) as store:
        await fill(store, Clock()().date())
        box = Toolbox(store, CallContext("CA1"), clock=Clock())
        outcome = await box.run(tool.name, json.dumps(examples(tool)), tool_use_id="t")
    seen = json.dumps(mask_value(outcome.result), ensure_ascii=False)
    assert outcome.ok
    assert not [secret for secret in PERSONAL if secret in seen]


def test_a_line_is_one_json_object_with_its_call_and_turn() -> None:
    async def talk() -> None:
        call = CallTranscript("CA" + "1" * 32, Line.PHONE, None)
        with logger.contextualize(call_id=call.id, call=call):
            call.user_transcript("Hola\nqué tal")
            logger.info("two\nlines")

    with captured() as out:
        asyncio.run(talk())
    heard, plain = (json.loads(line) for line in out.getvalue().splitlines())
    assert (heard["event"], heard["call_id"], heard["turn"]) == ("heard", "CA" + "1" * 32, 1)
    assert "Hola" not in json.dumps(heard), "the log tells that something was said, never what"
    assert (plain["message"], plain["turn"], plain["level"]) == ("two\nlines", 1, "INFO")


def test_pipecats_narration_and_debug_texts_are_left_out() -> None:
    with captured("INFO") as out:
        pipecat = logger.patch(lambda record: record.__setitem__("name", "pipecat.pipeline"))
        pipecat.info("frame")
        logger.debug("detail")
        pipecat.warning("trouble")
    assert [json.loads(line)["message"] for line in out.getvalue().splitlines()] == ["trouble"]
