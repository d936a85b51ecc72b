"""A call that rings while the store is down: answered, told so by the tools, and on record afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from data.errors import Unavailable
from data.store import Store
from sandbox.hang import HANG_S
from sandbox.sonic.script import Say, ScriptTurn, UseTool, scripted
from sandbox.twilio.caller import RecordedCaller
from telephony.stream_tokens import StreamTokens
from tests.e2e.running import PATIENT_MANNERS, noise, running
from tests.support.waiting import until

pytestmark = pytest.mark.slow

GREETING = ScriptTurn((Say("Hola."),))
ORDER = ScriptTurn(
    (UseTool("consultarOrder", {"orderId": "1", "dni": "28456789"}), Say("Ahora no puedo verlo.")), hear="Pedido uno"
)
GOODBYE = ScriptTurn((UseTool("finalizarLlamada"), Say("Chau.")), hear="Nada más, chau")


def take_down(store: Store) -> Callable[[], None]:
    """No operation is answered until what is returned is called."""
    up = store.backend

    class Down:
        name = up.name

        def __getattr__(self, operation: str) -> Any:
            async def unavailable(*arguments: Any, **options: Any) -> Any:
                raise Unavailable("no store")

            return unavailable

    down: Any = Down()
    backend: Any = up
    real, backend._backend = backend._backend, down

    def bring_back() -> None:
        backend._backend = real

    return bring_back


async def test_a_call_is_answered_without_a_store_and_on_record_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telephony.spent_nonces.AGAIN_S", 0.01)
    monkeypatch.setattr("telephony.twilio.routes.StreamTokens", partial(StreamTokens, ttl_s=HANG_S))
    async with running(tmp_path, monkeypatch, scripted([GREETING, ORDER, GOODBYE])) as here:
        spent: list[str] = []
        consume = here.services.store.consume_nonce

        async def noted(nonce: str, expires: Any) -> bool:
            is_first = await consume(nonce, expires)
            spent.append(nonce)
            return is_first

        monkeypatch.setattr(here.services.store, "consume_nonce", noted)
        bring_back = take_down(here.services.store)
        call = here.twilio.dial(RecordedCaller([noise(0.6), noise(0.6)], PATIENT_MANNERS), "+5491155550100")
        placed = asyncio.create_task(call.run())

        def tool_answered() -> bool:
            log = here.services.active_calls.log_of(call.sid)
            return log is not None and bool(log.record().tools)

        await until(tool_answered)
        assert here.services.readiness.may_have_calls()
        assert here.services.readiness.told()["store"] != "ok"
        assert spent == []
        bring_back()
        await until(lambda: spent)
        await placed
        record = await here.record_of(call)
        assert record.outcome == "completed"
        (tool,) = record.tools
        assert (tool.name, tool.ok, tool.result["code"]) == ("consultarOrder", False, "unavailable")
        assert [turn.text for turn in record.turns if turn.role == "carlos"] == [
            "Hola.", "Ahora no puedo verlo.", "Chau.",
        ]  # fmt: skip
        assert len(spent) == 1
