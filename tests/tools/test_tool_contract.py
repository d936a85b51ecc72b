"""What holds for every tool that is declared, whatever it does. Its examples are all that is known of it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from pydantic.alias_generators import to_camel

from common.times import Clock
from data.errors import Unavailable
from data.store import Store
from tests.tools.caller import Call
from tests.tools.declared import every, examples, records
from tools.catalogue import TOOLS
from tools.tool import Tool

every_tool = every(TOOLS)
every_writing_tool = every(tool for tool in TOOLS if tool.writes)
every_proving_tool = every(tool for tool in TOOLS if tool.proves)


def without_proof(tool: Tool) -> dict[str, Any]:
    """No more than what the arguments cannot be read without."""
    fields = tool.arguments.model_fields.items()
    return {to_camel(name): examples(tool)[to_camel(name)] for name, info in fields if info.is_required()}


@every_tool
async def test_a_tool_is_known_whatever_the_case_of_its_name(call: Call, tool: Tool) -> None:
    for name in (tool.name, tool.name.upper(), tool.name.lower()):
        assert (await call.use(name)).get("code") != "unknown_tool"


@every_tool
async def test_a_tool_that_is_given_what_it_asks_for_does_it_and_one_that_writes_proposes_it_first(
    call: Call, seeded: Store, tool: Tool
) -> None:
    before = await records(seeded)
    first = await call.use(tool.name, **examples(tool))
    assert await records(seeded) == before
    if not tool.writes:
        assert first["success"] is True
        return
    assert first["confirmation_required"] is True
    assert re.match(r"[A-ZÁÉÍÓÚ]\w*r ", first["proposal"]), 'an infinitive, for what is said: "Voy a cancelar…"'
    assert first["speak"].endswith("¿Lo confirmás?")
    call.box.caller_spoke("Sí")
    done = await call.use(tool.name, use_id="yes", **examples(tool))
    assert done["success"] is True
    assert await records(seeded) != before
    (stored,) = await seeded.receipts("CA1")
    assert done.items() >= stored.result.items()


@every_tool
async def test_a_tool_says_so_where_the_store_is_down_or_needs_none(
    call: Call, seeded: Store, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*arguments: Any, **options: Any) -> Any:
        raise Unavailable("no store")

    with monkeypatch.context() as patch:
        for operation in ("get", "query", "transact", "add"):
            patch.setattr(seeded.backend, operation, down)
        first = await call.use(tool.name, **examples(tool))
        if first.get("confirmation_required"):
            call.box.caller_spoke("Sí")
            first = await call.use(tool.name, **examples(tool))
    assert first["speak"]
    assert first["success"] is not tool.writes or first["code"] == "unavailable"
    if not first["success"]:
        assert (first["code"], "no puedo acceder al sistema" in first["speak"]) == ("unavailable", True)
    again = await call.use(tool.name, **examples(tool))
    assert again.get("code") != "unavailable"


@every_writing_tool
async def test_a_write_is_done_once_however_often_its_use_comes(
    call: Call, seeded: Store, clock: Clock, tool: Tool
) -> None:
    await call.use(tool.name, **examples(tool))
    call.box.caller_spoke("Sí")
    done = await call.use(tool.name, use_id="yes", **examples(tool))
    written = await records(seeded)
    for later in (call, Call(seeded, clock), Call(seeded, clock, memory=call.memory)):
        assert await later.use(tool.name, use_id="yes", **examples(tool)) == done
    assert await records(seeded) == written


@every_tool
async def test_what_the_model_is_told_to_give_is_asked_for_where_it_is_not(call: Call, tool: Tool) -> None:
    for name in tool.input_schema["required"]:
        given = {other: value for other, value in examples(tool).items() if other != name}
        assert (await call.use(tool.name, **given))["question"], name


@every_tool
async def test_an_argument_that_makes_no_sense_is_asked_for_in_its_own_words(call: Call, tool: Tool) -> None:
    for name, argument in tool.arguments.declared().items():
        answer = await call.use(tool.name, **examples(tool) | {name: {"$ne": 1}})
        snake = re.sub(r"([A-Z])", r"_\1", name).lower()
        assert (answer["code"], answer["question"]) == (f"{snake}_needed", argument.ask)


@every_proving_tool
async def test_a_record_is_opened_by_proof_alone(call: Call, tool: Tool) -> None:
    assert (await call.use(tool.name, **without_proof(tool)))["code"] == "identity_needed"


@every(tool for tool in TOOLS if not tool.when_locked)
async def test_a_locked_call_has_no_tools(call: Call, tool: Tool) -> None:
    for number in ("1", "2", "3"):
        await call.use("consultarOrder", orderId=number, dni="99999999")
    assert (await call.use(tool.name, **examples(tool)))["code"] == "call_locked"


@every_tool
async def test_a_store_that_fails_is_admitted_and_its_words_reach_neither_the_model_nor_the_log(
    call: Call, seeded: Store, tool: Tool, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    async def broken(*arguments: Any, **more: Any) -> Any:
        raise KeyError("María González 28456789")

    for method in ("get", "query", "transact", "add"):
        monkeypatch.setattr(seeded.backend, method, broken)
    answer = await call.use(tool.name, **examples(tool))
    needs_no_records = tool.name == "consultarInformacion" and seeded.name == "sqlite"  # there the facts are a file
    assert answer.get("code") == (None if needs_no_records else "internal")
    assert "González" not in json.dumps(answer, ensure_ascii=False) + "".join(logged)


@every_tool
async def test_nothing_personal_of_a_use_reaches_the_log_or_another_process(
    call: Call, tool: Tool, logged: list[str]
) -> None:
    await call.use(tool.name, **examples(tool))
    call.box.caller_spoke("Sí")
    await call.use(tool.name, **examples(tool))
    seen = "".join(logged) + json.dumps(call.memory, ensure_ascii=False)
    assert logged
    assert not [secret for secret in ("González", "28456789", "maria@email.com") if secret in seen]
