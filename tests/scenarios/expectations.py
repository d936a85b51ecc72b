"""What must hold of a call that is over: what its scenario says, and what holds of every call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from data.items import slot_items
from data.models import Appointment, Order, ToolCall
from tests.scenarios.records import Records
from tests.scenarios.runner import Result

_WRITTEN = frozenset({"version", "updated_at"})  # by every change


def check(result: Result) -> None:
    """Raise AssertionError, with the whole conversation, for the first thing that is not as it should be."""
    told = story(result)
    assert result.record.outcome == result.scenario.outcome, told
    assert (result.warnings, result.errors) == ([], []), told
    check_tools(result, told)
    check_answers(result, told)
    check_store(result, told)
    check_secrets(result, told)
    assert result.record.interruptions == result.scenario.interruptions, told


def story(result: Result) -> str:
    record = result.record
    said = [f"{turn.role}: {turn.text}" for turn in record.turns]
    used = [f"{tool.name} {dict(tool.arguments)} -> {dict(tool.result)}" for tool in record.tools]
    return "\n".join((result.scenario.name, *said, *used, f"faults: {record.details.get('faults')}"))


# The tools.


def check_tools(result: Result, told: str) -> None:
    used = [(tool.name, dict(tool.arguments), _given_by(tool)) for tool in result.record.tools]
    assert used == [(use.name, dict(use.arguments), use.gives) for use in result.scenario.uses], told
    assert all(tool.ok is (_given_by(tool) in ("done", "proposal")) for tool in result.record.tools), told


def _given_by(tool: ToolCall) -> str:
    if tool.result.get("success"):
        return "done"
    return "proposal" if tool.result.get("confirmation_required") else str(tool.result.get("code"))


# What was said.


def check_answers(result: Result, told: str) -> None:
    answers = _answers(result)
    assert answers[0].startswith("Hola"), told
    turn = 0
    for wanted in result.scenario.turns:
        turn += bool(wanted.keys or any(wanted.breaths))  # a noise without words is no turn of the record's
        for text in wanted.answers:
            assert text in answers.get(turn, ""), f"{text!r} is not in Carlos's answer {turn}\n{told}"
    said = " ".join(answers.values())
    for text in (*result.scenario.never, "FINAL", "[", "{"):
        assert text.lower() not in said.lower(), f"Carlos said {text!r}\n{told}"
    assert not any("FINAL" in turn.text for turn in result.record.turns), told


def _answers(result: Result) -> dict[int, str]:
    """What Carlos said after each turn of the caller, from 1; at 0, his greeting."""
    answers: dict[int, str] = {}
    turn = 0
    for said in result.record.turns:
        if said.role == "caller":
            turn += 1
        else:
            answers[turn] = f"{answers.get(turn, '')} {said.text}".strip()
    return answers


# The store.


def check_store(result: Result, told: str) -> None:
    before, after = result.before, result.after
    names = {*before.orders, *before.appointments, *after.orders, *after.appointments}
    changed = {name for name in names if before.named(name) != after.named(name)}
    assert changed == set(result.scenario.store), told
    for name, fields in result.scenario.store.items():
        found, was = after.named(name), before.named(name)
        assert found is not None, told
        assert _holds(found, fields), f"{name} is {found}\n{told}"
        if was is not None:
            assert {key for key in found if found[key] != was[key]} <= {*fields, *_WRITTEN}, f"{name}: {found}\n{told}"
            assert found["version"] == fields.get("version", was["version"] + 1), f"{name} was written twice\n{told}"
    assert after.others == _others(before, after), told


def _holds(found: Any, wanted: Any) -> bool:
    """Whether what was found is as wanted, and has perhaps fields that nobody asked about."""
    match wanted:
        case Mapping():
            return all(key in found and _holds(found[key], each) for key, each in wanted.items())
        case list() | tuple():
            return len(found) == len(wanted) and all(map(_holds, found, wanted))
        case _:
            return bool(found == wanted)


def _others(before: Records, after: Records) -> dict[tuple[str, str], Any]:
    """The doctors as they were, and exactly the slots that the appointments hold."""
    kept = {key: item for key, item in before.others.items() if not key[0].startswith("SLOTS#")}
    held = [slot_items(appointment) for appointment in after.appointments.values()]
    return {**kept, **{key: item for slots in held for key, item in slots.items()}}


# What nobody but its owner may hear.


_CATALOGUE_TOOLS = ("crearOrder", "consultarInformacion")


def check_secrets(result: Result, told: str) -> None:
    """Nothing personal of a record that the caller did not prove to be theirs, said or given to the model."""
    texts = [turn.text for turn in result.record.turns if turn.role == "carlos"]
    texts += [json.dumps(dict(tool.result), ensure_ascii=False) for tool in result.record.tools]
    heard = " ".join(turn.text for turn in result.record.turns if turn.role == "caller")
    opened = {_record_of(tool) for tool in result.record.tools if _given_by(tool) in ("done", "proposal")}
    records: dict[str, Order | Appointment] = {**result.before.orders, **result.before.appointments}
    mine = {text for name in opened & set(records) for text in _secrets(records[name])}
    if any(tool.name in _CATALOGUE_TOOLS for tool in result.record.tools):  # they name products that anybody may buy
        mine |= {item.name for order in result.before.orders.values() for item in order.items}
    for name in set(records) - opened:
        for secret in _secrets(records[name]) - mine:
            if secret not in heard:
                assert not any(secret in text for text in texts), f"{secret!r} of {name} was told\n{told}"


def _record_of(tool: ToolCall) -> str:
    """The record that a use was about, whichever way its number was said."""
    kind = "order" if tool.name.lower().endswith("order") else "appointment"
    found = tool.result.get(kind) or {}
    number = found.get("id") or tool.result.get(f"{kind}Id") or tool.arguments.get(f"{kind}Id")
    return f"{kind} {number}"


def _secrets(record: Order | Appointment) -> set[str]:
    if isinstance(record, Order):
        found = {record.customer_name, record.customer_email, record.dni, record.tracking_number}
        return {text for text in found if text} | {item.name for item in record.items}
    return {text for text in (record.patient_name, record.patient_email, record.notes) if text}
