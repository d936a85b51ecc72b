"""A tool is declared once, beside its handler; whoever wants to know something about it reads the declaration.

    @tool(
        "consultarOrder",
        "Consultar el estado y detalles de un pedido por ID.",
        label=Label(es="Consultar un pedido", en="Look up an order"),
        proves=True,
        writes=False,
    )
    async def look_up(call: ToolContext, said: OrderProof) -> dict[str, Any]:
        order = await said.proven(call)
        return {"success": True, "order": ...}

What it takes is the type of its second parameter (`tools.arguments.Arguments`): the schema that the model reads and
the questions that Carlos asks come from there.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from common.times import Clock
from data.store import Change, IdempotencyRecord, Store
from tools.arguments import Arguments, Schema, read
from tools.confirmation import Plan
from tools.errors import DeclarationError
from tools.identity import Identity

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")  # Bedrock's ToolSpecification.name

type Result = dict[str, Any]
type Handler[A: Arguments] = Callable[[ToolContext, A], Awaitable[Plan | Result]]


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a handler works with: the use of one tool in one call."""

    tool: str
    call_id: str
    store: Store
    identity: Identity
    clock: Clock
    asked: str = ""  # the tool and its arguments as they were given, as a fingerprint

    def receipt(self, tool_use_id: str, fingerprint: str, result: Mapping[str, Any]) -> IdempotencyRecord:
        """Return what is kept of a write, so that it is done once."""
        return IdempotencyRecord(self.call_id, tool_use_id, fingerprint, result, self.asked)

    async def commit(self, change: Change, tool_use_id: str, fingerprint: str, result: Result) -> Result:
        """Do a change once, and return what its tool use is answered with: the first answer, if it was done before."""
        done = await self.store.commit(change, self.receipt(tool_use_id, fingerprint, result))
        return dict(done.result) if done else result


@dataclass(frozen=True, slots=True)
class Label:
    """What people read instead of the tool's name."""

    es: str
    en: str


@dataclass(frozen=True, slots=True)
class Tool:
    """A declared tool.

    One that `proves` opens a record only after the caller has proven whose it is; one that does not is refused in a
    locked call, unless it is for such a caller, too (`when_locked`). One that `writes` answers with a Plan, which is
    proposed first and carried out after the caller's yes.
    """

    name: str
    description: str
    label: Label
    proves: bool
    writes: bool
    arguments: type[Arguments]
    input_schema: Schema
    handler: Handler[Any]
    when_locked: bool = False

    async def use(self, call: ToolContext, arguments: Mapping[str, Any]) -> Plan | Result:
        """Return the result, or what would be written. Raise what the handler raises, NeedsInput for its arguments."""
        if not (self.proves or self.when_locked):
            call.identity.require_unlocked()
        answer = await self.handler(call, read(self.arguments, arguments))
        if isinstance(answer, Plan) and not self.writes:
            raise DeclarationError(f"{self.name} is declared with writes=False and answers with a plan to write")
        return answer


def tool[A: Arguments](
    name: str,
    description: str,
    *,
    label: Label,
    proves: bool,
    writes: bool,
    when_locked: bool = False,
    describe: Mapping[str, str] | None = None,
) -> Callable[[Handler[A]], Tool]:
    """Declare a handler as a tool. The model reads `name` and `description`, which are Spanish.

    `describe` gives arguments, by their published names, a description that fits this tool better than their own.
    Raise DeclarationError for what no caller or model could use.
    """
    if not _NAME.fullmatch(name):
        raise DeclarationError(f"{name!r} is no name for a tool: letters, digits, _ and -, 64 at most")
    if not (description and label.es and label.en):
        raise DeclarationError(f"{name} needs a description, and a label in both languages")

    def declare(handler: Handler[A]) -> Tool:
        if isinstance(vars(sys.modules[handler.__module__]).get(handler.__name__), Tool):
            raise DeclarationError(f"{name}: {handler.__module__}.{handler.__name__} is another tool's handler already")
        arguments = _arguments_of(name, handler)
        schema = arguments.schema_for_the_model(describe or {})
        return Tool(name, description, label, proves, writes, arguments, schema, handler, when_locked)

    return declare


def _arguments_of(name: str, handler: Callable[..., Any]) -> type[Arguments]:
    parameters = [*inspect.signature(handler).parameters]
    said = get_type_hints(handler).get(parameters[1]) if len(parameters) == 2 else None
    if not inspect.iscoroutinefunction(handler) or not (isinstance(said, type) and issubclass(said, Arguments)):
        raise DeclarationError(f"{name}: a handler is `async def …(call: ToolContext, said: <Arguments>)`")
    return said
