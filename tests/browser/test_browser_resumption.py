"""A browser's call that is held as a phone's is: it ends after the goodbye, and goes on after a reload."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import pytest

from agent.active_calls import ActiveCalls
from agent.sonic.events import Role
from agent.transcript import CallTranscript
from data.models import Line
from sandbox.browser.client import OriginalClient
from sandbox.sonic.script import Say, ScriptTurn, UseTool
from telephony.browser.resumption import RESUME_S, Kept, Resumptions
from tests.browser.browser_stage import GREETING, Serve, Served, until
from tests.support.clocks import Clock
from tests.support.waiting import bounded

BYE = ScriptTurn((UseTool("finalizarLlamada"), Say("Chau.")), hear="Nada más")


class CallingClient(OriginalClient):
    """A page that reloads: it asks for a call, or goes on with the one whose token it has."""

    def __init__(self, url: str, token: str = "", **options: Any) -> None:
        super().__init__(url, **options)
        self._token = token

    def handshake(self) -> Iterator[dict[str, Any]]:
        yield {"callStart": {"token": self._token}}
        yield from super().handshake()

    @property
    def started(self) -> list[dict[str, Any]]:
        return self.screen.bodies("callStarted")


# Which call a token leads to.


class Stage:
    def __init__(self) -> None:
        self.clock = Clock()
        self.resumptions = Resumptions(ActiveCalls(1), self.clock)
        self.log = CallTranscript("c", Line.BROWSER, None, self.clock)
        self.token, self.kept = self.resumptions.keep(self.log, lambda: {"identity": 1}, ((Role.USER, "Hola"),))

    def end(self, outcome: str, *, cut: bool) -> None:
        self.log.end(outcome)
        self.resumptions.let_go(self.token, self.kept, cut=cut)


@pytest.mark.parametrize("outcome", ["caller_left", "dropped"])
async def test_a_call_whose_socket_was_cut_goes_on_once_within_a_minute(outcome: str) -> None:
    stage = Stage()
    stage.end(outcome, cut=True)
    stage.clock.advance(seconds=RESUME_S - 1)
    kept = cast(Kept, await stage.resumptions.take(stage.token))
    assert (kept.memory(), kept.earlier) == ({"identity": 1}, ((Role.USER, "Hola"),))
    log = kept.go_on()
    assert (log.id, log.ended, log.notes["resumed"]) == ("c", False, 1)
    assert await stage.resumptions.take(stage.token) is None


@pytest.mark.parametrize(
    ("outcome", "cut", "seconds"),
    [("caller_left", True, RESUME_S), ("caller_left", False, 0), ("completed", True, 0), ("closed", False, 0)],
    ids=["too late", "hung up", "after the goodbye", "by an operator"],
)
async def test_a_call_that_is_over_does_not_go_on(outcome: str, cut: bool, seconds: float) -> None:
    stage = Stage()
    stage.end(outcome, cut=cut)
    stage.clock.advance(seconds=seconds)
    assert await stage.resumptions.take(stage.token) is None
    assert await stage.resumptions.take("nobody's") is None


async def test_a_call_is_waited_for_that_has_not_let_go_of_its_dead_socket() -> None:
    stage = Stage()
    taking = asyncio.create_task(stage.resumptions.take(stage.token))
    await asyncio.sleep(0)
    assert not taking.done()
    stage.end("dropped", cut=False)
    assert await taking is stage.kept


# On a real socket.


async def greeted(client: OriginalClient) -> None:
    await client.start()
    await until(client, lambda: client.screen.texts("ASSISTANT", "FINAL"))


async def type_(client: OriginalClient, text: str) -> None:
    for event in client.text("USER", text):
        await client.send(event)


@pytest.mark.slow
async def test_the_goodbye_ends_a_browsers_call_that_asked_for_it(serve: Serve) -> None:
    served = await serve([GREETING, BYE], goodbye_grace_s=0.1)
    async with CallingClient(served.url) as client:
        await greeted(client)
        await type_(client, "Nada más")
        async with bounded():
            await client.closed()
        assert (client.close_code, client.close_reason) == (1000, "done")
        assert client.screen.texts("ASSISTANT", "FINAL")[-1] == "Chau."
        assert not client.failures
    assert (await served.record()).outcome == "completed"


@pytest.mark.slow
async def test_a_reload_goes_on_with_the_call_and_what_its_caller_has_proved(serve: Serve) -> None:
    ask = ScriptTurn(
        (UseTool("consultarOrder", {"orderId": "1", "dni": "28456789"}), Say("Está en camino.")),
        hear="Mi pedido",
    )
    served = await serve([GREETING, ask, ScriptTurn((Say("Seguimos."),))], resume=True)
    async with CallingClient(served.url) as client:
        await greeted(client)
        await type_(client, "Mi pedido uno, DNI 28456789")
        await until(client, lambda: client.screen.texts("ASSISTANT", "FINAL")[-1] == "Está en camino.")
        (started,) = client.started
        assert (started["resumed"], started["seconds"]) == (False, RESUME_S)
        memory = toolbox_of(served).memory
        assert memory["identity"]["proven"]
    async with CallingClient(served.url, started["token"], history=[("USER", "Esto ya lo sabe")]) as client:
        await greeted(client)
        assert (client.started[0]["resumed"], client.started[0]["sessionId"]) == (True, started["sessionId"])
        assert client.started[0]["token"] != started["token"]
        assert client.screen.texts("ASSISTANT", "FINAL") == ["Seguimos."]
        assert toolbox_of(served).memory["identity"] == memory["identity"]
        await client.end()
    record = await served.record()
    assert record.id == started["sessionId"]
    assert [turn.text for turn in record.turns] == [
        "Hola.", "Mi pedido uno, DNI 28456789", "Está en camino.", "Seguimos.",
    ]  # fmt: skip
    assert (record.outcome, record.details["resumed"]) == ("caller_left", 1)


def toolbox_of(served: Served) -> Any:
    (call,) = served.services.active_calls.live.values()
    return call._setup.toolbox
