"""What a caller has with us who knows no number: "mis pedidos", "mis turnos"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator

from common.spanish.clock import hour, near_day
from common.spanish.names import plain
from common.spanish.numbers import CARDINALS
from common.spanish.wording import day
from common.times import BUENOS_AIRES
from data.models import Appointment, Order, Record
from data.records import APPOINTMENTS, ORDERS, RecordType
from data.store import Store
from tools.arguments import BLANK_IS_NONE, Argument, Arguments, Dni, Email, FullName, short_text
from tools.business import appointments, orders
from tools.doctors import spoken_doctor
from tools.identity import Person
from tools.tool import Label, Result, ToolContext, tool
from tools.wording import ORDER_STATUS

MOST_TOLD = 5  # of a kind
_SEARCHED = 100  # of those under one address or DNI; a company's may have many
_ADDRESSES = 3  # of a person who is known by a DNI
_YEAR = timedelta(days=365)

ORDERS_ALONE, APPOINTMENTS_ALONE, ALL = "orders", "appointments", "all"
_KINDS = {
    ORDERS_ALONE: ("orders", "order", "pedidos", "pedido", "compras", "compra"),
    APPOINTMENTS_ALONE: ("appointments", "appointment", "turnos", "turno", "citas", "cita"),
    ALL: ("all", "", "todo", "todos", "pedidos y turnos", "turnos y pedidos", "ambos", "los dos"),
}
_KIND_BY_WORD = {word: kind for kind, words in _KINDS.items() for word in words}


def _kind(value: Any) -> str:
    said = plain(short_text("" if value is None else value, 40))
    kind = _KIND_BY_WORD.get(said.removeprefix("mis "))
    if kind is None:
        raise ValueError("not a kind of record")
    return kind


class Search(Arguments):
    customer_name: Annotated[
        FullName,
        Argument("Nombre completo de quien llama", ask="¿Me decís tu nombre y apellido?", example="María González"),
    ]
    dni: Annotated[
        Dni,
        Argument(
            "Número de DNI de quien llama (o el email)",
            ask="¿Me decís el DNI completo, número por número?",
            example="28456789",
        ),
    ] = None
    customer_email: Annotated[
        Email | None,
        BLANK_IS_NONE,
        Argument(
            "Email de quien llama (o el DNI)",
            ask="¿Cuál es el correo electrónico que nos diste?",
            example="maria.gonzalez@email.com",
        ),
    ] = None
    kind: Annotated[
        str,
        BeforeValidator(_kind),
        Argument(
            "Qué buscar: pedidos (orders), turnos (appointments) o las dos cosas (all)",
            ask="¿Buscamos tus pedidos o tus turnos?",
            example="all",
            schema={"enum": list(_KINDS)},
        ),
    ] = ALL

    rules = {"anyOf": [{"required": ["dni"]}, {"required": ["customerEmail"]}]}

    @property
    def person(self) -> Person:
        return Person(self.customer_name, self.dni, self.customer_email)


@dataclass(frozen=True, slots=True)
class Belongings:
    """A person's orders, newest first, and appointments of today and later: the next first, those cancelled last."""

    orders: Sequence[Order]
    appointments: Sequence[Appointment]


@tool(
    "buscarRegistros",
    "Buscar los pedidos y turnos del cliente cuando no sabe el número: mis pedidos, mis turnos."
    " Se requiere verificación de identidad con nombre completo y, además, DNI o email.",
    label=Label(es="Buscar los registros de un cliente", en="Find a customer's records"),
    proves=True,
    writes=False,
)
async def find_records(call: ToolContext, said: Search) -> Result:
    now = call.clock()
    found = await call.identity.search(said.person, lambda: _belongings(call.store, said.person, now))
    result: Result = {"success": True}
    told: list[str] = []
    if said.kind != APPOINTMENTS_ALONE:
        some = found.orders[:MOST_TOLD]
        call.identity.has_proven(ORDERS, some)
        result["orders"] = [_order_shown(order) for order in some]
        told.append(_orders_told(found.orders))
    if said.kind != ORDERS_ALONE:
        coming = found.appointments[:MOST_TOLD]
        call.identity.has_proven(APPOINTMENTS, coming)
        result["appointments"] = [appointments.shown(appointment) for appointment in coming]
        told.append(_appointments_told(found.appointments, now, asks_for_email=said.customer_email is None))
    return result | {"message": " ".join(told)}


async def _belongings(store: Store, person: Person, now: datetime) -> Belongings | None:
    """What is proven to be the person's; None if nothing is. Nobody and somebody else are looked for alike: the
    addresses of the orders that a DNI has proven are read after that."""
    orders: list[Order] = []
    if person.dni is not None:
        orders += (await store.records_of_dni(ORDERS, person.dni, _SEARCHED)).items
    if person.email is not None:
        orders += (await store.records(ORDERS, email=person.email, limit=_SEARCHED)).items
    owned = {order.id: order for order in _owned(ORDERS, person, orders)}
    newest_first = sorted(owned.values(), key=lambda order: order.created_at, reverse=True)
    addresses = [person.email] if person.email else dict.fromkeys(order.customer_email for order in newest_first)
    today = datetime.combine(now.astimezone(BUENOS_AIRES), time.min, BUENOS_AIRES)
    past: list[Appointment] = []
    coming: list[Appointment] = []
    for email in list(addresses)[:_ADDRESSES]:
        them = Person(person.name, email=email)
        old = await store.records(APPOINTMENTS, email=email, since=now - _YEAR, until=today, limit=_SEARCHED)
        new = await store.records(APPOINTMENTS, email=email, since=today, limit=_SEARCHED)
        past += _owned(APPOINTMENTS, them, old.items)
        coming += _owned(APPOINTMENTS, them, new.items)
    if not (newest_first or past or coming):
        return None
    return Belongings(newest_first, sorted(coming, key=lambda each: (not each.is_active, each.start)))


def _owned[R: Record](record_type: RecordType[R], person: Person, records: Iterable[R]) -> list[R]:
    return [record for record in records if person.owns(record_type, record)]


def _order_shown(order: Order) -> Result:
    """As a look-up by its id shows it, without what would be said of its products."""
    shown = orders.shown(order)
    items = [{name: item[name] for name in ("name", "quantity", "price")} for item in shown["items"]]
    return shown | {"items": items}


def _orders_told(found: Sequence[Order]) -> str:
    if not found:
        return "No tenés pedidos con nosotros."
    each = [f"el {order.id}, del {day(order.created_at)}, {ORDER_STATUS[order.status]}" for order in found[:MOST_TOLD]]
    return _counted(len(found), "pedido", each)


def _appointments_told(found: Sequence[Appointment], now: datetime, *, asks_for_email: bool) -> str:
    """Of those that stand; a cancelled one is shown, and told of by who is asked."""
    standing = [appointment for appointment in found if appointment.is_active]
    if not standing:
        asks = " Si lo sacaste con otro correo, ¿me lo decís?" if asks_for_email else ""
        return f"No tenés turnos de hoy en adelante.{asks}"
    return _counted(len(standing), "turno", [_appointment_told(each, now) for each in standing[:MOST_TOLD]])


def _appointment_told(appointment: Appointment, now: datetime) -> str:
    start = appointment.start.astimezone(BUENOS_AIRES)
    when = near_day(start.date(), now.astimezone(BUENOS_AIRES).date())
    return f"el {appointment.id}, {when} a {hour(start)} con {spoken_doctor(appointment.doctor_name)}"


def _counted(count: int, noun: str, each: Sequence[str]) -> str:
    """`Tenés dos turnos: …; y …`"""
    if count == 1:
        return f"Tenés un {noun}: {each[0]}."
    told = CARDINALS[len(each)]
    head = f"Tenés {told} {noun}s" if count == len(each) else f"Tenés más de {told} {noun}s. Los primeros son"
    return f"{head}: {'; '.join(each[:-1])}; y {each[-1]}."
