"""A call outlives its server: two processes on one store behind a load balancer, and one caller."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from data.models import CallRecord, OrderStatus
from data.open import SQLITE_FILE, open_sqlite
from data.store import Store
from sandbox.balancer import Balancer
from sandbox.brain import Brain
from sandbox.dialogue import DialogueMind, lines
from sandbox.sonic.ear import EnergyEar
from sandbox.sonic.script import ToneVoice
from sandbox.twilio.call import PhoneCall, Warned
from sandbox.twilio.double import TwilioDouble
from sandbox.twilio.errors import Code
from sandbox.twilio.person import Person
from sandbox.twilio.script import Turn
from sandbox.twilio.twiml import Connect
from tests.e2e.running import environment, noise
from tests.scenarios.caller import Caller
from tests.support.servers import carlos_serve, free_port, printed
from tests.support.sonic import sonic
from tests.support.waiting import bounded, until_answered

WORDS = ("Hola, quiero cancelar mi pedido número seis.", "Mi DNI es 35.012.678.", "Sí, confirmo.", "Nada más, chau.")
PROPOSAL = f"Voy a cancelar el pedido seis: un Smartwatch Apple Watch Series 9 y dos Banda deportiva. {lines.CONFIRM}"


@dataclass
class Fleet:
    """Two servers, the store they share, and one caller on the line."""

    servers: list[asyncio.subprocess.Process]
    balancer: Balancer
    store: Store
    caller: Caller
    twilio: TwilioDouble
    call: PhoneCall

    async def record(self, holds: Callable[[CallRecord], object]) -> CallRecord:
        """The call's record, once it is as it should be."""

        async def found() -> CallRecord | None:
            assert self.call.failure is None, self.call.failure
            record = await self.store.call(self.call.sid)
            return record if record and holds(record) else None

        record = await until_answered(found)
        assert record is not None
        return record

    async def forgotten(self) -> None:
        """Nothing is kept of the call but its record."""

        async def gone() -> bool:
            return await self.store.recall(self.call.sid) is None

        await until_answered(gone)

    def speak(self) -> None:
        """The caller has heard enough: he says what is next."""
        self.caller.told({"type": "said", "interrupted": False})


@asynccontextmanager
async def fleet(
    home: Path, said: Sequence[str] = WORDS, people: Mapping[str, Person] | None = None, **settings: str
) -> AsyncIterator[Fleet]:
    caller = Caller([Turn(words, noise(0.4).audio) for words in said], hangs_up=False)
    balancer = Balancer()
    async with AsyncExitStack() as stack:
        standin = await stack.enter_async_context(sonic(home, _brain_of(caller, said)))
        await stack.enter_async_context(balancer.balancing())
        base_url = f"http://localhost:{balancer.port}"
        twilio = await stack.enter_async_context(TwilioDouble(base_url, people=people))
        env = environment(home, standin, twilio) | {
            "DRAIN_SECONDS": "0.5",
            "PUBLIC_BASE_URL": base_url,
            **settings,
        }
        servers = []
        for _ in range(2):  # one after the other: the first seeds the store
            balancer.targets.append(free_port())
            env["WS_PORT"] = str(balancer.targets[-1])
            servers.append(await stack.enter_async_context(carlos_serve(env)))
            await printed(servers[-1])
        store = await open_sqlite(home / SQLITE_FILE)
        stack.push_async_callback(store.close)
        yield Fleet(servers, balancer, store, caller, twilio, twilio.dial(caller))


def _brain_of(caller: Caller, said: Sequence[str]) -> Callable[[], Brain]:
    """A model that hears the caller's words and knows of the call what it is told at a stream's beginning."""

    async def recognise(pcm: bytes, rate: int) -> str:
        return said[caller.turn]

    class Brief(ToneVoice):
        def speak(self, text: str, rate: int) -> AsyncIterator[bytes]:
            return super().speak("Hola", rate)

    return lambda: Brain(EnergyEar(), DialogueMind(recognise), Brief())


async def kill(here: Fleet) -> None:
    here.balancer.deregister(
        here.balancer.targets[0]
    )  # while it dies it may still take a connection that it then breaks
    here.servers[0].kill()


async def drain(here: Fleet) -> None:
    here.balancer.deregister(here.balancer.targets[0])
    here.servers[0].send_signal(signal.SIGTERM)


async def cut(here: Fleet) -> None:
    here.balancer.cut()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("end_of_the_stream", "warning"),
    [(kill, Code.BROKEN_PIPE), (drain, Code.SERVER_CLOSED), (cut, Code.BROKEN_PIPE)],
    ids=["the server is killed", "the server is drained", "the socket breaks"],
)
async def test_a_yes_to_what_another_stream_proposed_is_carried_out_once(
    tmp_path: Path, end_of_the_stream: Callable[[Fleet], Awaitable[None]], warning: Code
) -> None:
    async with fleet(tmp_path) as here:
        before = await here.store.order("6")
        assert before is not None
        placed = asyncio.create_task(here.call.run())
        for turns in (1, 3):  # the greeting, the question for a DNI
            await here.record(lambda record, turns=turns: len(record.turns) == turns)  # type: ignore[misc]
            here.speak()
        await here.record(lambda record: record.turns[-1].text == PROPOSAL)
        await end_of_the_stream(here)
        await here.record(lambda record: record.turns[-1].text.endswith(f"{lines.RESUME} {PROPOSAL}"))
        here.speak()
        await here.record(lambda record: lines.ANYTHING_ELSE in record.turns[-1].text)
        here.speak()
        async with bounded():
            await placed
        record = await here.record(lambda record: record.ended_at)

        after = await here.store.order("6")
        assert after is not None
        assert (after.status, after.version) == (OrderStatus.CANCELLED, before.version + 1)
        assert len(await here.store.receipts(here.call.sid)) == 1
        assert [tool.result.get("confirmation_required", False) for tool in record.tools] == [True, False]
        assert (record.outcome, record.details["resumed"]) == ("completed", 1)
        assert tuple(turn.text for turn in record.turns if turn.role == "caller") == WORDS
        assert record.turns[0].text == lines.GREETING
        assert len((await here.store.calls()).items) == 1
        await here.forgotten()
        assert [type(verb) for verb in here.call.verbs] == [Connect, Connect]
        assert next(event.code for event in here.call.events if isinstance(event, Warned)) == warning
        assert here.call.ended_by == "api"
