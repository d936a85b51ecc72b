"""The calls of a scripted day: callers with a purpose, each told through the product's own objects (toolbox,
transcript, floor, record writer) on a clock that moves as they talk, and what each is known to have come to.

What is known is written down beside the script of each caller. It is not taken from the record.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from agent.answer_times import AnswerTime
from agent.call_state import CallState
from agent.end_reason import end_of
from agent.floor import Floor, FloorTimes, Sound
from agent.passing_on import Cause, PassOn
from agent.playout import Played
from agent.record_writer import CallRecordWriter
from agent.sonic.events import Usage
from agent.transcript import CallTranscript
from data.call_flags import DEAD_AIR
from data.models import Line
from data.store import Store
from sandbox.hang import HANG_S
from tools.identity import CallContext
from tools.toolbox import Toolbox

TICK_S = 0.1  # between two looks at the floor
CHARACTERS_A_SECOND = 15
GREETING = "Hola, soy Carlos, tu asistente. ¿En qué te puedo ayudar?"
MORE = "¿Necesitás algo más?"


@dataclass
class DayClock:
    now: datetime

    def __call__(self) -> datetime:
        return self.now.replace(microsecond=self.now.microsecond // 1000 * 1000)

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Truth:
    """What a call is known to have come to, and which of its flags are known, by name."""

    disposition: str
    done: Mapping[str, int] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()


@dataclass
class Caller:
    """One call under way. `name` is the caller's own, for records of their own."""

    store: Store
    writer: CallRecordWriter
    clock: DayClock
    number: int
    line: Line = Line.PHONE

    def __post_init__(self) -> None:
        self.id = f"CA{self.number:032x}"
        self.name = f"{_FIRST[self.number % len(_FIRST)]} {_LAST[self.number // len(_FIRST) % len(_LAST)]}"
        self.email = f"cliente{self.number}@email.com"
        phone = f"+54911{50_000_000 + self.number}" if self.line is Line.PHONE else None
        self.log = CallTranscript(self.id, self.line, phone, self.clock)
        context = CallContext(self.id, self.line, phone, f"10.0.{self.number // 200}.{self.number % 200}")
        self.tools = _toolbox(self.store, context, self.clock)
        self._began = self.clock()
        self._floor = Floor(FloorTimes(), 0.0, None)
        self._heard_until = self._spoke_until = 0.0
        self._answers = self._uses = 0

    # What happens.

    def greeted(self) -> None:
        self.hear(GREETING, 0.6)

    def say(self, text: str) -> None:
        """The caller says this, and the words come half a second after the voice."""
        self.clock.advance(len(text) / CHARACTERS_A_SECOND)
        self._spoke_until = self._now
        self.clock.advance(0.5)
        self._floor.understood(self._now, spoken=True)
        self.log.user_transcript(text)
        self.tools.caller_spoke(text)
        self._changed()

    def hear(self, text: str, after_s: float = 0.9, *, heard: float = 1.0) -> None:
        """Carlos says this, so long after the caller's last voice or his own; `heard` of it, from 0 to 1."""
        self.wait(max(0.0, self._quiet_from + after_s - self._now))
        self._answers += 1
        if self._spoke_until:  # a greeting answers nobody
            self.log.answered(AnswerTime(round(after_s * 1000)))
        self._floor.answer_began()
        self.clock.advance(heard * len(text) / CHARACTERS_A_SECOND)
        self._heard_until = self._now
        self.log.played(Played(self._answers, text, heard, last=True))
        self.log.used(Usage(900, 120, 700, 60, 900, 700))
        self._changed()

    def barge_in(self, text: str, words: str) -> None:
        """The caller speaks over Carlos."""
        self.hear(text, heard=0.5)
        self.log.interrupted()
        self.say(words)

    def wait(self, seconds: float, *, owed: bool = True) -> None:
        """Nothing is to be heard, while an answer is owed; the floor looks on, as it does on a line. What it has due
        is heard for a second."""
        until = self._now + seconds
        while self._now < until:
            sound = Sound(self._heard_until, self._spoke_until, owed=owed)
            while self._floor.look(self._now, CallState.LISTENING, sound) is not None:
                self._heard_until = self._now + 1.0
                sound = replace(sound, carlos_until=self._heard_until)
            for began in self._floor.take_dead_air():
                self.log.note(**{DEAD_AIR: [*self.log.notes.get(DEAD_AIR, []), round(began * 1000)]})
            self.clock.advance(min(TICK_S, max(0.001, until - self._now)))

    async def use(self, name: str, **arguments: Any) -> dict[str, Any]:
        """The model uses a tool; Carlos then says what the tool says."""
        self._uses += 1
        use_id = f"use-{self._uses}"
        outcome = await self.tools.run(name, json.dumps(arguments), tool_use_id=use_id)
        self.clock.advance(0.05)
        self.log.tool(name, use_id, arguments, outcome.result, ok=outcome.ok, elapsed_ms=outcome.elapsed_ms)
        self._changed()
        return outcome.result

    async def told(self, name: str, after_s: float = 0.9, **arguments: Any) -> dict[str, Any]:
        """The same, and Carlos says what came of it."""
        result = await self.use(name, **arguments)
        self.hear(str(result.get("speak") or result.get("message")), after_s)
        return result

    async def done(self, name: str, **arguments: Any) -> dict[str, Any]:
        """A write: proposed, agreed to, carried out."""
        await self.told(name, **arguments)
        self.say("Sí, dale.")
        result = await self.told(name, **arguments)
        if not result.get("success"):
            raise RuntimeError(f"the script of {self.id} expects {name} to be done: {result}")
        return result

    async def end(self, outcome: str, *, hung_up: bool = False) -> None:
        self.log.note(**end_of(outcome, caller_hung_up=hung_up))
        self.log.end(outcome)
        self._changed()
        await self.writer.settled()

    async def goodbye(self) -> None:
        self.say("No, nada más, gracias. Chau.")
        self.hear("¡Que tengas un buen día!")
        await self.end("completed")

    async def leave(self) -> None:
        await self.end("caller_left", hung_up=True)

    # What a caller needs.

    async def slot(self) -> dict[str, str]:
        """A free time, asked for as callers do."""
        found = await self.told("horariosLibres", doctorName=_DOCTORS[self.number % len(_DOCTORS)])
        first = found["times"][0]
        return {"doctorName": first["doctorName"], "date": first["date"]}

    async def booked(self) -> str:
        slot = await self.slot()
        self.say("El primero está bien.")
        made = await self.done("agendarTurno", patientName=self.name, patientEmail=self.email, **slot)
        return str(made["appointmentId"])

    async def ordered(self) -> str:
        items = [{"name": _PRODUCTS[self.number % len(_PRODUCTS)], "quantity": 1}]
        made = await self.done("crearOrder", customerName=self.name, customerEmail=self.email, items=items)
        return str(made["orderId"])

    @property
    def _now(self) -> float:
        """Seconds of the call."""
        return (self.clock() - self._began).total_seconds()

    @property
    def _quiet_from(self) -> float:
        return max(self._heard_until, self._spoke_until)

    def _changed(self) -> None:
        self.writer.changed(self.log)


type Script = Callable[[Caller], Awaitable[Truth]]


def _toolbox(store: Store, context: CallContext, clock: DayClock) -> Toolbox:
    """Its answers are in time however busy the machine is: the day has a clock of its own."""
    return Toolbox(store, context, clock=clock, sleep=_at_once, time_limit_s=HANG_S)


async def _at_once(seconds: float) -> None:
    """Nobody waits for a guess in a bench."""


# What callers do.


async def books(it: Caller) -> Truth:
    it.greeted()
    it.say("Hola, quiero un turno.")
    await it.booked()
    await it.goodbye()
    return Truth("booked", {"booked": 1, "looked_up": 1})


async def books_twice(it: Caller) -> Truth:
    it.greeted()
    it.say("Quiero dos turnos, uno para mí y otro después.")
    await it.booked()
    it.say("Ahora el otro.")
    await it.booked()
    await it.goodbye()
    return Truth("booked", {"booked": 2, "looked_up": 1})


async def declines(it: Caller) -> Truth:
    """A proposal is no receipt."""
    it.greeted()
    it.say("Quiero hacer un pedido.")
    items = [{"name": _PRODUCTS[0], "quantity": 1}]
    await it.told("crearOrder", customerName=it.name, customerEmail=it.email, items=items)
    it.say("No, mejor lo pienso.")
    it.hear(f"Bueno. {MORE}")
    await it.goodbye()
    return Truth("nothing_done")


async def moves(it: Caller) -> Truth:
    it.greeted()
    it.say("Quiero un turno, y después lo cambio.")
    booked = await it.booked()
    it.say("Pasalo a otro horario.")
    slot = await it.slot()
    day, _, hour = slot["date"].partition("T")
    await it.done("modificarTurno", appointmentId=booked, patientName=it.name, newDate=day, newTime=hour[:5])
    await it.goodbye()
    return Truth("booked", {"booked": 1, "moved": 1, "looked_up": 1})


async def orders(it: Caller) -> Truth:
    it.greeted()
    it.say("Quiero hacer un pedido.")
    await it.ordered()
    await it.goodbye()
    return Truth("ordered", {"ordered": 1})


async def orders_and_hangs_up(it: Caller) -> Truth:
    """What is done is done, whoever hangs up."""
    it.greeted()
    it.say("Quiero hacer un pedido.")
    await it.ordered()
    await it.leave()
    return Truth("ordered", {"ordered": 1})


async def cancels(it: Caller) -> Truth:
    it.greeted()
    it.say("Hice un pedido, y lo quiero cancelar.")
    made = await _someones_order(it)
    await it.done("cancelarOrder", orderId=made, customerName=it.name)
    await it.goodbye()
    return Truth("cancelled", {"cancelled": 1})


async def looks_up(it: Caller) -> Truth:
    it.greeted()
    it.say("¿Cómo está mi pedido?")
    await it.told("consultarOrder", orderId="1", dni="28456789")
    it.say("Gracias.")
    it.hear(MORE)
    await it.goodbye()
    return Truth("looked_up", {"looked_up": 1})


async def asks(it: Caller) -> Truth:
    it.greeted()
    it.say("¿A qué hora abren?")
    await it.told("consultarInformacion", question="¿A qué hora abren?")
    it.say("Muchas gracias, chau.")
    await it.leave()
    return Truth("answered", {"answered": 1})


async def asks_what_nobody_knows(it: Caller) -> Truth:
    it.greeted()
    it.say("¿Venden aviones a reacción?")
    await it.told("consultarInformacion", question="¿Venden aviones a reacción?")
    it.say("Bueno, gracias igual.")
    await it.leave()
    return Truth("nothing_done")


async def wants_a_call(it: Caller) -> Truth:
    it.greeted()
    it.say("Quiero que me llamen por un reclamo.")
    await it.done("pedirLlamado", about="un reclamo")
    await it.goodbye()
    return Truth("call_back", {"call_back": 1})


async def is_passed_on(it: Caller) -> Truth:
    it.greeted()
    it.say("Quiero hablar con una persona.")
    it.hear("Te paso con una persona, no cortes.")
    it.log.note(transfer={**PassOn("otro", Cause.ASKED, 1).note, "state": "taken"})
    await it.end("transferred")
    return Truth("transferred", {"transferred": 1})


async def chats(it: Caller) -> Truth:
    it.greeted()
    it.say("Hola, ¿sos una persona?")
    it.hear(f"No, soy un asistente. {MORE}")
    it.say("No, te quería probar.")
    it.hear(f"Cuando quieras. {MORE}")
    await it.goodbye()
    return Truth("nothing_done")


async def finds_nobody(it: Caller) -> Truth:
    """The service was down before a word."""
    it.log.fault("SonicLost: no stream")
    it.clock.advance(4)
    await it.end("failed")
    return Truth("not_answered")


async def is_cut_off(it: Caller) -> Truth:
    it.greeted()
    it.say("Quiero un turno con")
    await it.end("dropped")
    return Truth("nothing_done")


async def comes_back(it: Caller) -> Truth:
    """The line broke, was kept as dropped, and is taken up again: one call, counted once, as what it came to."""
    it.greeted()
    it.say("¿Cómo está mi pedido?")
    await it.end("dropped")
    kept = await it.store.call(it.id)
    assert kept is not None  # noqa: S101 - it was kept just now
    it.log = CallTranscript.resumed(kept, 1, it.clock)
    it.clock.advance(2)
    it.hear("Se había cortado. Te busco el pedido.", 2.0)
    await it.told("consultarOrder", orderId="1", dni="28456789")
    await it.goodbye()
    return Truth("looked_up", {"looked_up": 1})


# With something to look at.


async def waits(it: Caller) -> Truth:
    """3.4 s of silence, before the first filler."""
    it.greeted()
    it.say("¿A qué hora abren?")
    await it.told("consultarInformacion", 3.4, question="¿A qué hora abren?")
    await it.goodbye()
    return Truth("answered", {"answered": 1}, frozenset({"dead_air"}))


async def waits_a_little(it: Caller) -> Truth:
    """2.9 s are no dead air; and a caller who takes his time owes the answer himself."""
    it.greeted()
    it.wait(7.0, owed=False)
    it.say("¿A qué hora abren?")
    await it.told("consultarInformacion", 2.9, question="¿A qué hora abren?")
    await it.goodbye()
    return Truth("answered", {"answered": 1})


async def is_asked_twice(it: Caller) -> Truth:
    it.greeted()
    it.say("Quiero saber de mi turno uno.")
    await it.told("consultarTurno", appointmentId="1")
    it.say("Eh, no sé si me escuchás.")
    await it.told("consultarTurno", appointmentId="1")
    it.say("María González.")
    await it.told("consultarTurno", appointmentId="1", patientName="María González")
    await it.goodbye()
    return Truth("looked_up", {"looked_up": 1}, frozenset({"asked_twice"}))


async def is_asked_for_two_things(it: Caller) -> Truth:
    it.greeted()
    it.say("Quiero un turno.")
    await it.told("agendarTurno", patientEmail=it.email)
    it.say(it.name)
    await it.told("agendarTurno", patientName=it.name)
    it.say("No, dejá, te llamo después.")
    it.hear(f"Como quieras. {MORE}")
    await it.goodbye()
    return Truth("nothing_done")


async def proves_nothing(it: Caller) -> Truth:
    it.greeted()
    it.say("Quiero saber del pedido uno.")
    await it.told("consultarOrder", orderId="1", customerName="Pepe Argento")
    it.say("Bueno, no lo tengo acá. Gracias.")
    await it.leave()
    return Truth("nothing_done", {}, frozenset({"refused_proof"}))


async def proves_at_last(it: Caller) -> Truth:
    it.greeted()
    it.say("Quiero saber del pedido uno.")
    await it.told("consultarOrder", orderId="1", dni="28456788")
    it.say("Perdón, veintiocho cuatro cinco seis siete ocho nueve.")
    await it.told("consultarOrder", orderId="1", dni="28456789")
    await it.goodbye()
    return Truth("looked_up", {"looked_up": 1}, frozenset({"refused_proof"}))


async def interrupts(it: Caller) -> Truth:
    it.greeted()
    it.say("¿A qué hora abren?")
    await it.use("consultarInformacion", question="¿A qué hora abren?")
    it.barge_in("Abrimos de lunes a sábado, de ocho", "No, los sábados.")
    it.barge_in("Los sábados también, de ocho a veinte", "¿Y los feriados?")
    it.barge_in("Los feriados cerramos todo el día", "Ah, cierran.")
    it.hear(f"Sí. {MORE}")
    await it.goodbye()
    return Truth("answered", {"answered": 1}, frozenset({"barge_ins"}))


async def interrupts_twice(it: Caller) -> Truth:
    """And hangs up in the middle of a goodbye, which cuts a third turn."""
    it.greeted()
    it.say("¿A qué hora abren?")
    await it.use("consultarInformacion", question="¿A qué hora abren?")
    it.barge_in("Abrimos de lunes a sábado, de ocho", "No, los sábados.")
    it.barge_in("Los sábados también, de ocho a veinte", "Ah, gracias.")
    it.hear("De nada, que tengas un buen día", heard=0.4)
    await it.leave()
    return Truth("answered", {"answered": 1})


async def gives_up_at_the_greeting(it: Caller) -> Truth:
    it.greeted()
    await it.leave()
    return Truth("nothing_done", {}, frozenset({"gave_up"}))


async def gives_up_waiting(it: Caller) -> Truth:
    it.greeted()
    it.say("Necesito cambiar mi turno.")
    it.wait(3.3)
    await it.leave()
    return Truth("nothing_done", {}, frozenset({"gave_up", "dead_air"}))


async def gives_up_on_questions(it: Caller) -> Truth:
    it.greeted()
    it.say("Quiero hablar de lo de siempre.")
    it.hear("Perdón, no te entendí. ¿Me lo repetís?")
    it.say("Lo de siempre.")
    it.hear("Perdón, no te entendí. ¿Me lo repetís?")
    await it.leave()
    return Truth("nothing_done", {}, frozenset({"gave_up", "asked_twice"}))


async def leaves_content(it: Caller) -> Truth:
    it.greeted()
    it.say("¿Ya están atendiendo?")
    it.hear(f"Sí, hasta las veinte. {MORE}")
    await it.leave()
    return Truth("nothing_done")


async def gives_up_on_hold(it: Caller) -> Truth:
    it.greeted()
    it.say("Quiero una persona.")
    it.hear("Te paso con una persona, no cortes.")
    it.log.note(transfer={**PassOn("otro", Cause.ASKED, 1).note, "state": "ringing"})
    it.clock.advance(20)
    await it.leave()
    return Truth("nothing_done", {}, frozenset({"gave_up"}))


async def _someones_order(it: Caller) -> str:
    """One that another call made: its own receipt is not of this one."""
    other = Caller(it.store, it.writer, it.clock, it.number, it.line)
    other.id = f"{it.id}x"
    other.tools = _toolbox(it.store, CallContext(other.id, it.line, None, "10.9.9.9"), it.clock)
    items = [{"name": _PRODUCTS[0], "quantity": 1}]
    asked = json.dumps({"customerName": it.name, "customerEmail": it.email, "items": items})
    await other.tools.run("crearOrder", asked, tool_use_id="a")
    other.tools.caller_spoke("Sí, dale.")
    return str((await other.tools.run("crearOrder", asked, tool_use_id="b")).result["orderId"])


_FIRST = ("Ana", "Bruno", "Carla", "Diego", "Elena", "Fabián", "Gabriela", "Hernán", "Irene", "Joaquín")
_LAST = (
    "Acosta", "Benítez", "Cabrera", "Domínguez", "Escobar", "Ferreyra", "Giménez", "Herrera", "Ibarra", "Juárez",
    "Ledesma", "Maldonado", "Navarro", "Ojeda", "Peralta", "Quiroga", "Ríos", "Soria", "Toledo", "Villalba",
)  # fmt: skip
_DOCTORS = ("Dra. Ana López", "Dr. Carlos Rodríguez", "Dra. Carmen Ruiz", "Dr. Roberto Mendoza")
_PRODUCTS = ("Mouse inalámbrico Logitech", "Cable USB-C", "Auriculares Sony WH-1000XM5", "Carcasa protectora")

SCRIPTS: Sequence[Script] = (
    books, books_twice, declines, moves, orders, orders_and_hangs_up, cancels, looks_up, asks, asks_what_nobody_knows,
    wants_a_call, is_passed_on, chats, finds_nobody, is_cut_off, comes_back, waits, waits_a_little, is_asked_twice,
    is_asked_for_two_things, proves_nothing, proves_at_last, interrupts, interrupts_twice, gives_up_at_the_greeting,
    gives_up_waiting, gives_up_on_questions, leaves_content, gives_up_on_hold,
)  # fmt: skip
