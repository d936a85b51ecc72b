"""A caller who agrees to a message, through the whole server: the double keeps it, and the record says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.sonic.script import Say, ScriptTurn, UseTool, scripted
from sandbox.twilio.account import PhoneNumber
from tests.e2e.running import noise, running
from tests.support.waiting import until_answered

pytestmark = pytest.mark.slow

CANCEL = UseTool("cancelarOrder", {"orderId": "1", "dni": "28456789"})
TURNS = [
    ScriptTurn((Say("Hola."),)),
    ScriptTurn((CANCEL, Say("¿Lo confirmás?")), hear="Cancelá el pedido uno, DNI 28456789"),
    ScriptTurn((CANCEL, Say("Listo. ¿Te mando un mensaje con los datos?")), hear="Sí"),
    ScriptTurn((UseTool("enviarMensaje"), Say("Ya te lo mandé.")), hear="Dale, mandámelo"),
    ScriptTurn((UseTool("finalizarLlamada"), Say("Chau.")), hear="Nada más, chau"),
]


async def test_a_yes_in_a_call_sends_what_was_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sender = PhoneNumber().number
    async with running(tmp_path, monkeypatch, scripted(TURNS), follow_up="sms", follow_up_from=sender) as here:
        call = await here.call([noise(0.6)] * 4)
        record = await here.record_of(call)
        (message,) = here.twilio.messages.kept

        async def delivered() -> bool:
            kept = await here.services.store.call(call.sid)
            return kept is not None and kept.details.get("message_status") == {message.sid: {"status": "delivered"}}

        await until_answered(delivered)
    assert [(tool.name, tool.ok) for tool in record.tools] == [
        ("cancelarOrder", True), ("cancelarOrder", True), ("enviarMensaje", True),
    ]  # fmt: skip
    assert (message.to, message.origin) == ("+5491155550100", sender)
    assert message.body.endswith("Pedido 1: cancelado.")
    assert [(told["by"], told["status"], told["id"]) for told in record.details["messages"]] == [
        ("sms", "sent", message.sid)
    ]
