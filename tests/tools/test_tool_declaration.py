"""A declaration that could not work is refused when its file is imported, with words that say what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from tools import business
from tools.catalogue import TOOLS, declared
from tools.errors import DeclarationError

HEAD = """
from __future__ import annotations
from typing import Annotated
from tools.arguments import Argument, Arguments, text
from tools.business.orders import OrderProof
from tools.tool import Label, Result, ToolContext, tool
"""
DECLARED = '@tool("consultarFactura", "Consultar una factura", label=Label("Ver", "See"), proves=True, writes=False)'
HANDLER = "async def look_up_invoice(call: ToolContext, said: OrderProof) -> Result: return {}"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty package `more_tools`."""
    folder = tmp_path / "more_tools"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "more_tools"]:
        del sys.modules[name]


def written(folder: Path, *lines: str, name: str = "invoices") -> ModuleType:
    (folder / f"{name}.py").write_text("\n".join((HEAD, *lines, "")), encoding="utf-8")
    return import_module(folder.name)


def test_a_new_file_is_all_that_a_new_tool_needs(package: Path) -> None:
    assert [tool.name for tool in declared(written(package, DECLARED, HANDLER))] == ["consultarFactura"]


def test_the_originals_tools_come_first_and_other_files_by_name(package: Path) -> None:
    for name in ("zeta", "alfa", "orders"):
        written(package, DECLARED.replace("consultarFactura", name), HANDLER, name=name)
    assert [tool.name for tool in declared(import_module("more_tools"))] == ["orders", "alfa", "zeta"]
    assert declared(business) == TOOLS


def test_two_tools_of_one_name_are_refused_whatever_their_case(package: Path) -> None:
    written(package, DECLARED, HANDLER)
    written(package, DECLARED.replace("consultarF", "ConsultarF"), HANDLER, name="others")
    with pytest.raises(DeclarationError, match=r"more_tools\.invoices\.look_up_invoice and more_tools\.others\.look"):
        declared(import_module("more_tools"))


def test_a_handler_that_is_not_declared_is_refused(package: Path) -> None:
    written(package, HANDLER)
    with pytest.raises(DeclarationError, match=r"invoices\.look_up_invoice is no tool: put @tool above it"):
        declared(import_module("more_tools"))


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            ("class Invoice(Arguments):", "    number: str"),
            r"Invoice\.number has no question: annotate it with Argument\(description, ask=…, example=…\)",
        ),
        (
            ("class Invoice(OrderProof):", '    number: Annotated[str, Argument("Número", ask="", example="1")]'),
            r"Invoice\.number has no question",
        ),
        ((DECLARED.replace("consultarFactura", "consultar factura"), HANDLER), "'consultar factura' is no name"),
        ((DECLARED.replace("Consultar una factura", ""), HANDLER), "consultarFactura needs a description"),
        ((DECLARED.replace('"See"', '""'), HANDLER), "a label in both languages"),
        ((DECLARED.replace("proves", 'describe={"orderID": "El pedido"}, proves'), HANDLER), "has no orderID"),
        (
            (DECLARED, HANDLER, DECLARED.replace("consultar", "anular"), HANDLER),
            r"anularFactura: more_tools\.invoices\.look_up_invoice is another tool's handler already",
        ),
        ((DECLARED, HANDLER.replace("OrderProof", "dict")), "consultarFactura: a handler is `async def"),
        ((DECLARED, HANDLER.replace("async ", "")), "consultarFactura: a handler is `async def"),
        ((DECLARED, HANDLER.replace(", said: OrderProof", "")), "consultarFactura: a handler is `async def"),
    ],
)
def test_a_declaration_that_could_not_work_is_refused(package: Path, lines: tuple[str, ...], words: str) -> None:
    written(package, *lines)
    with pytest.raises(DeclarationError, match=words):
        declared(import_module("more_tools"))
