"""What results tell the model to say and to do, against AWS's prompting guide (`tests.support.prompt_guide`)."""

from __future__ import annotations

import ast
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import tools
from common.spanish.consent import Consent
from tests.support.prompt_guide import Kind, Text, lint
from tests.tools.caller import Call
from tests.tools.declared import every, examples
from tools.catalogue import NAMES, TOOLS
from tools.speaking import proposed, spoken
from tools.tool import Tool

KINDS = {"speak": Kind.SPEAK, "question": Kind.SPEAK, "error": Kind.SPEAK, "next": Kind.NEXT, "message": Kind.NEXT}
SENTENCES = ("data.rules", "common.spanish.dates")  # beside all of `tools`: what their refusals say


def texts(result: dict[str, Any]) -> list[Text]:
    return [Text(kind, result[key], NAMES) for key, kind in KINDS.items() if key in result]


async def results(call: Call, tool: Tool) -> Iterator[dict[str, Any]]:
    """What a tool answers along its way: what is missing, what is not understood, proposals, done, refused, locked."""
    given = examples(tool)
    told = [
        await call.use(tool.name, **{name: value for name, value in given.items() if name != left}) for left in given
    ]
    told += [await call.use(tool.name, **given | {name: {"$ne": 1}}) for name in given]
    for answer in ("", "No.", "¿Cuánto sale?", "Sí"):
        told.append(await call.use(tool.name, **given))
        call.box.caller_spoke(answer)
    told += [await call.use(tool.name, **given), await call.use(tool.name, **given)]
    told += [await call.use("consultarOrder", orderId=number, dni="99999999") for number in ("1", "2", "3", "1")]
    return iter(
        [*told, await call.use(tool.name, **given), await call.use("otra"), await call.use(tool.name, use_id="use-1")]
    )


@every(TOOLS)
async def test_whatever_a_tool_answers_can_be_said_and_says_what_comes_next(call: Call, tool: Tool) -> None:
    for result in await results(call, tool):
        assert result["speak"], result
        assert result["next"], result
        assert lint(texts(result)) == []


@every(TOOLS)
async def test_what_is_said_is_what_the_original_fields_say(call: Call, tool: Tool) -> None:
    for result in await results(call, tool):
        if result.get("confirmation_required"):
            assert result["proposal"][1:] in result["speak"]
        elif not result["success"]:
            assert result["speak"] == result.get("question", result.get("error"))


@pytest.mark.parametrize("answer", [None, *Consent])
def test_a_proposal_is_asked_for_and_its_yes_is_explained_without_a_tools_name(answer: Consent | None) -> None:
    told = proposed("Cancelar el pedido 6: 2 mouse.", answer)
    assert told["speak"] == "Voy a cancelar el pedido 6: 2 mouse. ¿Lo confirmás?"
    assert lint(texts(told)) == []


def test_what_a_result_says_itself_is_kept() -> None:
    assert (
        spoken({"success": True, "message": "Pedido #1 cancelado", "speak": "Listo."}, writes=True)["speak"] == "Listo."
    )
    assert spoken({"success": True}, writes=True) == {"success": True}


def test_a_question_is_waited_for_and_a_refusal_leads_on() -> None:
    asks = spoken({"success": False, "error": "Ese horario ya pasó. ¿Qué otro te sirve?"}, writes=True)
    ends = spoken({"success": False, "error": "El pedido 1 ya fue enviado."}, writes=True)
    assert asks["next"].startswith("Esperá su respuesta")
    assert ends["next"] == "Preguntale cómo quiere seguir."


def test_every_sentence_of_the_tools_keeps_to_the_guide() -> None:
    modules = [module.name for module in pkgutil.walk_packages(tools.__path__, "tools.")]
    said = [sentence for name in (*modules, *SENTENCES) for sentence in sentences(name)]
    assert len(said) > 40, "they were found"
    assert lint(Text(Kind.SPEAK, sentence, NAMES) for sentence in said) == []


def sentences(module: str) -> Iterator[str]:
    """The Spanish sentences in a module's source: texts of several words that end as a sentence does."""
    import_module(module)
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)} - {
        id(node) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)
    }
    for node in ast.walk(tree):
        if id(node) in docstrings | inner or not isinstance(node, ast.Constant | ast.JoinedStr):
            continue
        text = _written(node).strip()
        if " " in text and text.endswith((".", "?")) and "(?" not in text:  # and no regular expression
            yield text


def _written(node: ast.Constant | ast.JoinedStr) -> str:
    """With a word where a value goes."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "algo" for part in node.values)
