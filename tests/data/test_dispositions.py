"""What a call came to, and what of it should be looked at: from its record alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from agent.passing_on import TRANSFERRED
from common.times import BUENOS_AIRES
from data.call_flags import MOST_MOMENTS, Flag, flags_of
from data.dispositions import TOOLS, TRANSFERRED_OUTCOME, Disposition, disposition, done
from data.findings import Findings
from data.models import CallRecord, Line, ToolCall, Turn
from tools import follow_up
from tools.catalogue import NAMES

BEGAN = datetime(2026, 11, 24, 12, tzinfo=BUENOS_AIRES)
GREETING = Turn("carlos", "Hola, soy Carlos. ¿En qué te ayudo?", BEGAN + timedelta(seconds=2))
DONE: Mapping[str, Any] = {"success": True}
PROPOSED: Mapping[str, Any] = {"success": False, "confirmation_required": True}


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def carlos(seconds: float, text: str = "Dale.", **how: Any) -> Turn:
    return Turn("carlos", text, at(seconds), **how)


def caller(seconds: float, text: str = "Quiero un turno.") -> Turn:
    return Turn("caller", text, at(seconds))


def use(name: str, result: Mapping[str, Any] = DONE, seconds: float = 10, **arguments: Any) -> ToolCall:
    return ToolCall(name, f"t{seconds}", bool(result.get("success")), 5, at(seconds), arguments, result)


def on(name: str, appointment: int, seconds: float = 10) -> ToolCall:
    return use(name, {**DONE, "appointmentId": str(appointment)}, seconds)


def call(*story: Turn | ToolCall, outcome: str | None = "completed", greets: bool = True, **fields: Any) -> CallRecord:
    turns = tuple(each for each in story if isinstance(each, Turn))
    tools = tuple(each for each in story if isinstance(each, ToolCall))
    turns = (GREETING, *turns) if greets else turns
    made = CallRecord("CA1", Line.PHONE, BEGAN, None, at(60), outcome, turns, tools)
    return replace(made, **fields)


def test_what_is_known_of_a_tool_is_known_of_one_that_there_is() -> None:
    assert TOOLS.keys() <= {name.lower() for name in NAMES | {follow_up.NAME}}
    assert TRANSFERRED == TRANSFERRED_OUTCOME


@pytest.mark.parametrize(
    ("story", "outcome", "comes_to"),
    [
        ([use("agendarTurno", {**DONE, "appointmentId": "9"})], "completed", {"booked": 1}),
        ([use("crearOrder", {**DONE, "orderId": "8"})], "caller_left", {"ordered": 1}),
        ([use("cancelarOrder", {"success": False, "confirmation_required": True})], "completed", {}),
        ([use("cancelarOrder", {"success": False, "code": "not_verified"})], "completed", {}),
        ([on("modificarTurno", 9), on("modificarTurno", 9, 20)], "completed", {"moved": 1}),
        ([on("cancelarTurno", 9), on("agendarTurno", 10, 20)], "completed", {"booked": 1, "cancelled": 1}),
        ([on("cancelarTurno", 9), on("cancelarTurno", 10, 20)], "completed", {"cancelled": 2}),
        ([use("CANCELARorder", {**DONE, "orderId": "1"}), on("cancelarTurno", 1, 20)], "completed", {"cancelled": 2}),
        ([use("consultarOrder")], "completed", {"looked_up": 1}),
        ([use("horariosLibres"), use("horariosLibres", DONE, 20)], "completed", {"looked_up": 1}),
        ([use("consultarInformacion", {**DONE, "found": True})], "completed", {"answered": 1}),
        ([use("consultarInformacion", {**DONE, "found": False})], "completed", {}),
        ([use("pedirLlamado")], "completed", {"call_back": 1}),
        ([use("enviarMensaje")], "completed", {}),
        # A tool that somebody has added.
        ([use("consultarFactura")], "completed", {"looked_up": 1}),
        ([use("anularFactura", PROPOSED), use("anularFactura", DONE, 20)], "completed", {"other_done": 1}),
        ([use("anularFactura", PROPOSED)], "completed", {}),
        ([], "transferred", {"transferred": 1}),
        ([use("agendarTurno", {**DONE, "appointmentId": "9"})], "transferred", {"booked": 1, "transferred": 1}),
    ],
)  # fmt: skip
def test_what_a_call_came_to_is_in_its_receipts(story: list[ToolCall], outcome: str, comes_to: dict[str, int]) -> None:
    record = call(*story, outcome=outcome)
    assert done(record) == comes_to
    assert disposition(record) == next(iter(comes_to), "nothing_done")


def test_a_call_in_which_nothing_was_heard_was_not_answered() -> None:
    assert disposition(call(greets=False, outcome="caller_left")) is Disposition.NOT_ANSWERED
    assert disposition(call(caller(3), greets=False, outcome="failed")) is Disposition.NOT_ANSWERED


QUESTION = {"success": False, "code": "patient_name_needed", "question": "¿Me decís el nombre?"}


@pytest.mark.parametrize(
    ("record", "flags"),
    [
        (call(caller(5), carlos(8), outcome="completed"), []),
        # The line's own measure counts, and where it is there no latency does.
        (call(caller(5), carlos(9, latency_ms=3600), details={"dead_air": [5200]}), [("dead_air", 5200)]),
        (call(caller(5), carlos(9, latency_ms=3600), details={"dead_air": []}), []),
        (call(caller(5), carlos(9, latency_ms=3600)), [("dead_air", 5000)]),
        (call(caller(5), carlos(9, latency_ms=3600), details={"fillers": 1}), []),
        (call(caller(5), carlos(9, latency_ms=3000)), []),
        # A tool that asks for the same again, and Carlos who says the same question.
        (call(use("agendarTurno", QUESTION, 10), use("agendarTurno", QUESTION, 20)), [("asked_twice", 20_000)]),
        (call(use("agendarTurno", QUESTION, 10), use("agendarTurno", {**QUESTION, "code": "date_needed"}, 20)), []),
        (call(use("agendarTurno", QUESTION, 10), use("modificarTurno", QUESTION, 20)), []),
        (
            call(carlos(5, "¿Me decís tu DNI?"), caller(8, "No sé"), carlos(14, "No importa. ¿Me decís tu dni?")),
            [("asked_twice", 14_000)],
        ),
        (call(carlos(5, "¿Necesitás algo más?"), carlos(9, "Listo. ¿Necesitás algo más?")), []),
        (call(carlos(5, "¿Lo confirmo?"), carlos(9, "¿Lo confirmo?")), []),
        (call(use("consultarOrder", {"success": False, "code": "not_verified"}, 12)), [("refused_proof", 12_000)]),
        (call(use("consultarOrder", {"success": False, "code": "call_locked"}, 12)), [("refused_proof", 12_000)]),
        (
            call(*(carlos(n, interrupted=True) for n in (5, 7, 9, 11)), caller(12), carlos(14), interruptions=4),
            [("barge_ins", 9000)],
        ),
        (call(*(carlos(n, interrupted=True) for n in (5, 7, 9)), carlos(12), interruptions=2), []),
        (call(interruptions=3), [("barge_ins", 60_000)]),
        # Who hangs up with something unanswered has given up.
        (call(outcome="caller_left"), [("gave_up", 2000)]),
        (call(caller(5), outcome="caller_left"), [("gave_up", 5000)]),
        (call(caller(5), carlos(9, "No te entendí, ¿me lo repetís?"), outcome="caller_left"), [("gave_up", 9000)]),
        (call(caller(5), carlos(9, "Abrimos", interrupted=True), outcome="caller_left"), [("gave_up", 9000)]),
        (call(greets=False, outcome="caller_left"), [("gave_up", 60_000)]),
        (call(caller(5), outcome="inactivity", details={"ended_by": "caller"}), [("gave_up", 5000)]),
        (call(details={"transfer": {"number": 1}}, outcome="caller_left"), [("gave_up", 60_000)]),
        # Who was served, says goodbye or was only asked whether there is more has not.
        (call(caller(5), use("consultarOrder"), caller(12), outcome="caller_left"), []),
        (call(caller(5), carlos(9, "Abrimos a las 9."), outcome="caller_left"), []),
        (call(caller(5), carlos(9, "A las 9. ¿Necesitás algo más?"), outcome="caller_left"), []),
        (call(caller(5), carlos(9), caller(12, "Bueno, muchas gracias"), outcome="caller_left"), []),
        (call(caller(5), outcome="dropped"), []),
        (call(caller(5), outcome=None, ended_at=None), []),
    ],
)  # fmt: skip
def test_a_flag_names_the_moment(record: CallRecord, flags: list[tuple[str, int]]) -> None:
    assert [(str(each.flag), each.at_ms) for each in flags_of(record)] == flags


def test_flags_of_a_call_are_few_whatever_happened_in_it() -> None:
    refused = [use("consultarOrder", {"success": False, "code": "not_verified"}, n) for n in range(10, 40)]
    assert len(flags_of(call(*refused))) == MOST_MOMENTS
    assert {each.flag for each in flags_of(call(*refused))} == {Flag.REFUSED_PROOF}


def test_findings_come_back_from_json_as_they_were() -> None:
    found = Findings.of(call(use("agendarTurno", {**DONE, "appointmentId": "9"}), details={"dead_air": [5]}))
    assert found is not None
    assert Findings.from_json(found.to_json()) == found
    assert (found.disposition, found.tools) == ("booked", ("agendarTurno",))
    assert Findings.of(call(ended_at=None)) is None
