"""The tools of one call, as the agent uses them.

The model decides what to ask for; what is allowed is decided here and below. Every use is answered within
`TIME_LIMIT_S` with a JSON object that Carlos can say something about, whatever happened:

    done       {"success": true, ...}                                     the original's fields
    proposal   {"success": false, "confirmation_required": true, "proposal": ..., "message": ...}
    question   {"success": false, "question": ..., "code": ...}           ask the caller
    refusal    {"success": false, "error": ..., "code": ...}              tell the caller

each with `speak`, what is to be said of it, and `next`, what comes after that (`tools.speaking`). Any of them has an
"emergency" first, and its sentence before its own, where the caller spoke of one.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from loguru import logger

from common.spanish.emergency import is_emergency
from common.spanish.errors import Unclear
from common.times import Clock, utcnow
from data.errors import Conflict, RuleBroken, Unavailable
from data.store import Store
from tools.arguments import parse_object
from tools.catalogue import TOOLS
from tools.confirmation import Confirmations, Plan, fingerprint
from tools.errors import NeedsInput, Refused, ToolError
from tools.follow_up import FollowUp
from tools.identity import CallContext, Identity, Sleep
from tools.speaking import proposed, spoken
from tools.tool import Tool, ToolContext

TIME_LIMIT_S = 4.0
_HELP_LIMIT_S = 0.5


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What goes back to the model; `ok` is true for what was done and for what was proposed."""

    result: dict[str, Any]
    ok: bool
    elapsed_ms: int


@dataclass(frozen=True, slots=True)
class _Use:
    """One toolUse: what it asked for, and its answer, now or later."""

    asked: tuple[str, str]
    answer: asyncio.Task[ToolOutcome]


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A write whose answer never came: the same use must first find out what that one may have done."""

    asked: str  # the tool and its arguments, as a fingerprint
    tool_use_id: str


class Toolbox:
    """Make one for each call. Give `memory` of an earlier one to go on with a call in another process."""

    specs: tuple[Tool, ...] = TOOLS

    def __init__(
        self,
        store: Store,
        call: CallContext,
        *,
        clock: Clock = utcnow,
        sleep: Sleep = asyncio.sleep,
        memory: Mapping[str, Any] | None = None,
        time_limit_s: float | None = None,
        follow_up: FollowUp | None = None,
        without: frozenset[str] = frozenset(),
    ) -> None:
        """With a `follow_up` the caller is offered a message after each write; tools `without` are not offered."""
        offered = tuple(tool for tool in TOOLS if tool.name not in without)
        self.specs = offered if follow_up is None else (*offered, follow_up.tool)
        self._follow_up = follow_up
        self._by_name = {tool.name.lower(): tool for tool in self.specs}
        self._store = store
        self._time_limit_s = time_limit_s
        self._call = call
        self._clock = clock
        memory = memory or {}
        self._identity = Identity(store, call, sleep, memory.get("identity"))
        self._confirmations = Confirmations(clock, memory.get("proposal"))
        self._one_at_a_time = asyncio.Lock()
        self._uses: dict[str, _Use] = {}
        self._doubt = _Doubt(*memory["doubt"]) if memory.get("doubt") else None
        self._is_emergency = False

    @property
    def memory(self) -> dict[str, Any]:
        """Return what was proven, what is proposed and what is in doubt, as a JSON object without personal data."""
        doubt = self._doubt
        return {
            "identity": self._identity.memory,
            "proposal": self._confirmations.memory,
            "doubt": [doubt.asked, doubt.tool_use_id] if doubt else [],
        }

    @property
    def locked(self) -> bool:
        """True after too many wrong proofs: nothing more is opened in this call."""
        return self._identity.locked

    def caller_spoke(self, text: str) -> None:
        """The caller's words: if they are a clear yes, what was proposed before may be carried out now."""
        self._is_emergency = self._is_emergency or is_emergency(text)
        self._confirmations.caller_spoke(text)

    async def run(self, name: str, arguments: str, *, tool_use_id: str) -> ToolOutcome:
        """Answer one toolUse. The same one again gets the same answer; a cancelled caller does not stop it."""
        use = self._uses.get(tool_use_id)
        if use is None:
            answer = asyncio.create_task(self._answer(name, arguments, tool_use_id))
            use = self._uses[tool_use_id] = _Use((name, arguments), answer)
        elif use.asked != (name, arguments):
            repeated = spoken(_refusal("tool_use_repeated", _NOT_UNDERSTOOD), writes=False)
            return ToolOutcome(repeated, ok=False, elapsed_ms=0)
        return await asyncio.shield(use.answer)

    async def _answer(self, name: str, arguments: str, tool_use_id: str) -> ToolOutcome:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._time_limit_s or TIME_LIMIT_S), self._one_at_a_time:
                result = await self._result(name, arguments, tool_use_id)
        except Exception as error:
            result = self._said(error)
        tool = self._by_name.get(name.lower())
        result = spoken(result, writes=tool is not None and tool.writes)
        if self._is_emergency:
            result = await self._help_first(result)
        ok = bool(result.get("success") or result.get("confirmation_required"))
        elapsed_ms = round((time.perf_counter() - started) * 1000)
        known = name if tool is not None else "unknown"
        logger.bind(call_id=self._call.call_id, tool=known, ok=ok, elapsed_ms=elapsed_ms).info(
            "tool answered: {}", result.get("code", "done" if result.get("success") else "proposal")
        )
        return ToolOutcome(result, ok, elapsed_ms)

    async def _result(self, name: str, arguments: str, tool_use_id: str) -> dict[str, Any]:
        tool = self._by_name.get(name.lower())
        if tool is None:
            raise Refused("unknown_tool", "Eso no lo puedo hacer por teléfono.")
        try:
            asked = parse_object(arguments)
        except ValueError:
            raise Refused("bad_arguments", _NOT_UNDERSTOOD) from None
        asked_as = fingerprint(tool.name, asked)
        if tool.writes and (done := await self._done_before(tool, asked_as, tool_use_id)):
            return done
        plan = await tool.use(self._context(tool, asked_as), asked)
        if not isinstance(plan, Plan):
            return plan
        agreed_as = self._confirmations.agreed(plan.fingerprint, tool_use_id)
        if agreed_as is None:
            answer = self._confirmations.answer_to(plan.fingerprint)
            self._confirmations.propose(plan)
            return proposed(plan.proposal, answer)
        self._doubt = _Doubt(asked_as, agreed_as)
        result = await self._carry_out(plan, agreed_as)
        if self._follow_up is None or tool is self._follow_up.tool or not result.get("success"):
            return result
        return self._offered(result, self._follow_up)

    def _offered(self, result: dict[str, Any], follow_up: FollowUp) -> dict[str, Any]:
        """The result of a write, with the question whether to send it; a yes to that is a yes to the message."""
        if (plan := follow_up.to_caller) is not None:
            self._confirmations.propose(plan)
        return {**result, "next": follow_up.question}

    async def _help_first(self, result: dict[str, Any]) -> dict[str, Any]:
        """The result with what to do in an emergency in front of it; said once, however the store is."""
        self._is_emergency = False
        facts = self._store.last_facts
        with suppress(TimeoutError):
            async with asyncio.timeout(_HELP_LIMIT_S):
                facts = await self._store.facts()
        keys = ("speak", next((key for key in _SPOKEN if key in result), "message"))
        told = {key: f"{facts.emergency} {result.get(key, '')}".strip() for key in keys}
        return {"emergency": facts.emergency, **result, **told}

    def _context(self, tool: Tool, asked: str) -> ToolContext:
        return ToolContext(tool.name, self._call.call_id, self._store, self._identity, self._clock, asked)

    async def _done_before(self, tool: Tool, asked: str, tool_use_id: str) -> dict[str, Any] | None:
        """Return what this use did in another process, or the same use without an answer in this one. Raise Refused for
        an id that another use has had: as in `run`, where that was in this process."""
        tool_use_ids = [tool_use_id]
        if self._doubt and self._doubt.asked == asked:
            tool_use_ids.append(self._doubt.tool_use_id)
        for each in tool_use_ids:
            if idempotency := await self._store.idempotency(self._call.call_id, each):
                if each == tool_use_id and not idempotency.answers(tool.name, asked):
                    raise Refused("tool_use_repeated", _NOT_UNDERSTOOD)
                self._settle()
                return dict(idempotency.result)
        return None

    async def _carry_out(self, plan: Plan, tool_use_id: str) -> dict[str, Any]:
        try:
            result = await plan.carry_out(tool_use_id)
        except (ToolError, Unclear, RuleBroken, Conflict):
            self._settle()
            raise
        self._settle()
        return result

    def _settle(self) -> None:
        self._confirmations.settle()
        self._doubt = None

    def _said(self, error: Exception) -> dict[str, Any]:
        """An exception as a result; its own text reaches neither the model nor the log."""
        match error:
            case Unclear():
                return {"success": False, "question": error.sentence, "code": error.code}
            case NeedsInput():
                return {"success": False, "question": error.sentence, "code": error.code, **error.extra}
            case Refused():
                return _refusal(error.code, error.sentence, **error.extra)
            case RuleBroken():
                return _refusal(error.code, error.sentence)
            case Conflict():
                return _refusal("changed", "Los datos cambiaron mientras hablábamos. ¿Lo intentamos de nuevo?")
            case Unavailable() | TimeoutError():
                return _refusal("unavailable", _UNAVAILABLE)
        where = traceback.extract_tb(error.__traceback__)[-1]
        logger.bind(call_id=self._call.call_id).error(
            "tool failed: {} at {}:{}", type(error).__name__, where.name, where.lineno
        )
        return _refusal("internal", _UNAVAILABLE)


_SPOKEN = ("proposal", "question", "error", "message")  # what is said of a result: the first one that it has
_NOT_UNDERSTOOD = "No entendí bien el pedido. ¿Me lo repetís?"
_UNAVAILABLE = (
    "En este momento no puedo acceder al sistema, así que todavía no te lo puedo confirmar."
    " ¿Probamos de nuevo en unos segundos?"
)


def _refusal(code: str, sentence: str, **extra: Any) -> dict[str, Any]:
    return {"success": False, "error": sentence, "code": code, **extra}
