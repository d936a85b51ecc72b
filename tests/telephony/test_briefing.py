"""What a person hears before taking a call: facts of the record, and no others."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.passing_on import Cause
from data.changes import IdempotencyRecord
from data.models import CallRecord, Line, ToolCall, Turn
from telephony.briefing import CHOICE, briefing
from telephony.transfer import Transfer
from telephony.twilio import transfer_twiml
from telephony.twilio.twiml import MAX_TWIML_CHARACTERS
from tests.telephony.transfer_stage import receipt, tool_call
from tools.catalogue import TOOLS

NOW = datetime(2026, 11, 27, 15, tzinfo=UTC)
TRANSFER = Transfer("CA1", 1, "+541150310001", "turnos", "asked", 0, 25.0, NOW, NOW)
# The words that are ours; whatever else is said stands in the record.
OURS = frozenset(
    ("llamada", "del", "asistente", "telefónico", "pide", "hablar", "con", "una", "persona", "no", "pudo", "probar")
    + ("su", "identidad", "y", "la", "quedó", "bloqueada", "el", "le", "entendió", "tuvo", "un", "problema", "técnico")
    + ("tema", "probó", "dni", "nombre", "completo", "que", "es", "quién", "hecho", "se", "dijo", "sin", "confirmar")
    + ("llama", "desde")
)


def record(*tools: ToolCall, **changes: Any) -> CallRecord:
    return CallRecord("CA1", Line.PHONE, NOW, "+5491155550100", tools=tools, **changes)


def proposal(text: str) -> ToolCall:
    return tool_call("cancelarOrder", result={"success": False, "confirmation_required": True, "proposal": text})


def test_it_says_who_calls_what_was_done_and_what_is_open() -> None:
    call = record(tool_call("consultarOrder"), proposal("Cancelar el pedido 6: un mouse."))
    assert briefing(call, [], TRANSFER) == [
        "Llamada del asistente telefónico.",
        "Pide hablar con una persona.",
        "Tema: turnos.",
        "Probó con su nombre completo que es María González.",
        "Se le dijo: El pedido 6 está en camino.",
        "Quedó sin confirmar: Cancelar el pedido 6: un mouse.",
        "Llama desde el 5 4 9, 1 1 5, 5 5 5, 0 1 0 0.",
    ]


def test_what_was_confirmed_is_done_and_no_longer_open() -> None:
    done = tool_call("cancelarOrder", tool_use_id="t2", result={"success": True, "message": "Pedido #6 cancelado"})
    told = briefing(record(proposal("Cancelar el pedido 6."), done), [receipt("Pedido #6 cancelado")], TRANSFER)
    assert "Hecho: Pedido #6 cancelado." in told
    assert not any(sentence.startswith("Quedó") for sentence in told)


def test_a_dni_proves_and_is_not_read_out() -> None:
    arguments = {"orderId": "6", "dni": "35012678"}
    result = {"success": True, "order": {"id": "6", "customerName": "Ana Rodríguez"}}
    told = " ".join(briefing(record(tool_call("consultarOrder", arguments=arguments, result=result)), [], TRANSFER))
    assert "Probó con su DNI que es Ana Rodríguez." in told
    assert "35012678" not in told


@pytest.mark.parametrize(
    "tools",
    [
        (),
        (tool_call("consultarOrder", ok=False),),
        (tool_call("crearOrder", arguments={"customerName": "Quien Sea"}),),
        (tool_call("unaInventada"),),
    ],
)
def test_a_name_that_was_only_said_is_no_identity(tools: tuple[ToolCall, ...]) -> None:
    assert "No probó quién es." in briefing(record(*tools), [], TRANSFER)


@pytest.mark.parametrize("number", [None, "anonymous", "sip:ana@example.com", "client:ana"])
def test_a_number_that_cannot_be_called_is_not_said(number: str | None) -> None:
    call = replace(record(), caller_number=number)
    assert not any(sentence.startswith("Llama desde") for sentence in briefing(call, [], TRANSFER))


texts = st.text(max_size=60)
tool_calls = st.builds(
    ToolCall,
    name=st.sampled_from([tool.name for tool in TOOLS] + ["otra"]),
    tool_use_id=st.sampled_from(["t1", "t2", "t3"]),
    ok=st.booleans(),
    elapsed_ms=st.just(1),
    at=st.just(NOW),
    arguments=st.dictionaries(st.sampled_from(["dni", "customerName", "patientName", "orderId"]), texts, max_size=3),
    result=st.fixed_dictionaries(
        {},
        optional={
            "success": st.booleans(),
            "message": texts,
            "confirmation_required": st.booleans(),
            "proposal": texts,
            "order": st.fixed_dictionaries({"customerName": texts}),
        },
    ),
)
receipts = st.builds(
    IdempotencyRecord,
    call_id=st.just("CA1"),
    tool_use_id=st.sampled_from(["t1", "t2", "t3"]),
    fingerprint=st.just("f"),
    result=st.fixed_dictionaries({"success": st.just(True)}, optional={"message": texts}),
)


@given(
    st.lists(tool_calls, max_size=5),
    st.lists(receipts, max_size=5),
    st.one_of(st.none(), texts, st.from_regex(r"\+[0-9]{8,15}", fullmatch=True)),
    st.sampled_from(list(Cause)),
)
def test_no_word_of_a_briefing_is_without_its_place_in_the_record(
    tools: list[ToolCall], done: list[IdempotencyRecord], number: str | None, cause: Cause
) -> None:
    said = "esto lo dijo quien llama y no lo sabe nadie más"
    call = replace(record(*tools, turns=(Turn("caller", said, NOW),)), caller_number=number)
    told = briefing(call, done, replace(TRANSFER, cause=cause.value))
    on_record = {**asdict(call), "turns": ()}
    known = json.dumps([on_record, [asdict(each) for each in done]], default=str, ensure_ascii=False)
    known_words = set(re.findall(r"\w+", json.loads(json.dumps(known)).lower())) | OURS | {"turnos"}
    digits = re.sub(r"\D", "", number or "")
    for sentence in told:
        body = sentence.removeprefix("Llama desde el ")
        if body != sentence:
            assert re.sub(r"\D", "", body) == digits
            continue
        # a fact that was cut ends in "…", and so may its last word
        words = re.findall(r"\w+", sentence.lower())
        assert all(word in known_words or word in known.lower() for word in words), sentence


@given(st.lists(st.text(alphabet="&<>\"'áñ ", min_size=1, max_size=300), max_size=8))
def test_a_briefing_always_fits_into_a_document(sentences: list[str]) -> None:
    document = transfer_twiml.brief("https://carlos.example.com", "CA" + "1" * 32, 3, sentences)
    assert len(document) <= MAX_TWIML_CHARACTERS
    assert CHOICE in document
