"""The JSON of the REST API: what comes in is checked here, what goes out is described here.

Names are the original's. Amounts are JSON numbers of currency, times are UTC ISO strings ending in `Z`.
"""

from __future__ import annotations

import json
import math
import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from common.times import from_iso, to_iso
from data.bounds import (
    EMAIL_LIMIT,
    FIRST_YEAR,
    ITEMS_LIMIT,
    LAST_YEAR,
    MOST_MINUTES,
    NAME_LIMIT,
    NOTES_LIMIT,
    PRICE_LIMIT_CENTS,
    QUANTITY_LIMIT,
    TEXT_LIMIT,
)
from data.items import amount, cents
from data.models import Appointment, AppointmentStatus, AppointmentType, Order, OrderItem, OrderStatus, Record
from data.records import to_item

NOT_PERSONAL: dict[str, JsonValue] = {"x-personal": False}  # of a field that only has the name of one that is
MOST_FIELDS = 32  # of an object; the largest of ours has 8
_EMAIL = r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}$"

OrderStatusText = Literal["pending", "processing", "shipped", "delivered", "cancelled"]
DispositionText = Literal[
    "booked", "ordered", "moved", "cancelled", "other_done", "transferred", "call_back", "looked_up", "answered",
    "nothing_done", "not_answered",
]  # fmt: skip
FlagText = Literal["dead_air", "asked_twice", "refused_proof", "barge_ins", "gave_up"]
AppointmentStatusText = Literal["scheduled", "confirmed", "cancelled", "completed"]
AppointmentTypeText = Literal["consultation", "follow-up", "emergency", "routine"]


def _printable(text: str) -> str:
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", text) or not text.strip():
        raise ValueError("must be printable text")
    return text.strip()


def _moment(text: str) -> str:
    try:
        moment = from_iso(text)
    except ValueError as error:
        raise ValueError("must be an ISO 8601 time with an offset") from error
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"must lie between {FIRST_YEAR} and {LAST_YEAR}")
    return to_iso(moment)


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError("must be a number")
    return number


Name = Annotated[str, StringConstraints(min_length=1, max_length=NAME_LIMIT), AfterValidator(_printable)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=TEXT_LIMIT), AfterValidator(_printable)]
Notes = Annotated[
    str,
    StringConstraints(max_length=NOTES_LIMIT),
    AfterValidator(lambda text: _printable(text) if text.strip() else ""),
]
Email = Annotated[
    str, StringConstraints(max_length=EMAIL_LIMIT, pattern=_EMAIL), AfterValidator(lambda text: text.lower())
]
Moment = Annotated[
    str, StringConstraints(max_length=40), AfterValidator(_moment), Field(json_schema_extra={"format": "date-time"})
]
Price = Annotated[float, Field(ge=0, le=PRICE_LIMIT_CENTS / 100, strict=False), AfterValidator(_finite)]


class Few(BaseModel):
    """An object that is refused at once where it has too many fields."""

    @model_validator(mode="before")
    @classmethod
    def _few(cls, body: Any) -> Any:
        """Each unknown field is a complaint of its own: 256 kB can hold 30,000 of them."""
        if isinstance(body, dict) and len(body) > MOST_FIELDS:
            raise ValueError(f"must have at most {MOST_FIELDS} fields")
        return body


class _Body(Few):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True)

    def given(self) -> dict[str, Any]:
        """The fields that were sent, under their Python names."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class OrderItemBody(_Body):
    name: Text
    quantity: int = Field(1, ge=1, le=QUANTITY_LIMIT)
    price: Price = 0.0
    description: Notes = ""
    id: Text | None = None

    def model(self) -> OrderItem:
        return OrderItem(self.name, self.quantity, cents(self.price), self.description, self.id)


Items = Annotated[list[OrderItemBody], Field(min_length=1, max_length=ITEMS_LIMIT)]


class NewOrder(_Body):
    customer_name: Name
    customer_email: Email
    items: Items
    dni: Annotated[str, StringConstraints(pattern=r"^[0-9]{7,8}$")] | None = Field(
        None, description="The customer's DNI: it lets the caller prove who they are. It is never given out."
    )
    estimated_delivery: Moment | None = None
    tracking_number: Text | None = None

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "customerName": "María González",
                "customerEmail": "maria.gonzalez@email.com",
                "dni": "28456789",
                "items": [{"name": "Laptop Dell Inspiron 15", "quantity": 1, "price": 899.99}],
            }
        }
    )


class OrderEdit(_Body):
    """Fields that are left out stay as they are."""

    customer_name: Name | None = None
    customer_email: Email | None = None
    items: Items | None = None
    dni: Annotated[str, StringConstraints(pattern=r"^[0-9]{7,8}$")] | None = None
    status: OrderStatusText | None = None
    estimated_delivery: Moment | None = None
    tracking_number: Text | None = None

    model_config = ConfigDict(json_schema_extra={"example": {"status": "shipped", "trackingNumber": "TRK789456123"}})

    def fields(self) -> dict[str, Any]:
        """The changes to an `Order`; null takes an optional field away."""
        given = self.given()
        optional = {"dni", "estimated_delivery", "tracking_number"}
        given = {name: value for name, value in given.items() if value is not None or name in optional}
        if "items" in given:
            given["items"] = order_items(given["items"])
        if "status" in given:
            given["status"] = OrderStatus(given["status"])
        if given.get("estimated_delivery"):
            given["estimated_delivery"] = from_iso(given["estimated_delivery"])
        return given


class NewAppointment(_Body):
    patient_name: Name
    patient_email: Email
    doctor_name: Name
    date: Moment
    duration: int = Field(30, ge=1, le=MOST_MINUTES, description="Minutes.")
    type: AppointmentTypeText = "consultation"
    notes: Notes = ""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "patientName": "María González",
                "patientEmail": "maria.gonzalez@email.com",
                "doctorName": "Dra. Ana López",
                "date": "2027-03-04T13:00:00.000Z",
                "duration": 30,
                "type": "consultation",
                "notes": "Control anual",
            }
        }
    )


class AppointmentEdit(_Body):
    """Fields that are left out stay as they are."""

    patient_name: Name | None = None
    patient_email: Email | None = None
    doctor_name: Name | None = None
    date: Moment | None = None
    duration: int | None = Field(None, ge=1, le=MOST_MINUTES, description="Minutes.")
    type: AppointmentTypeText | None = None
    status: AppointmentStatusText | None = None
    notes: Notes | None = None

    model_config = ConfigDict(json_schema_extra={"example": {"status": "confirmed"}})

    def fields(self) -> dict[str, Any]:
        """The changes to an `Appointment`."""
        given = {name: value for name, value in self.given().items() if value is not None}
        if "date" in given:
            given["start"] = from_iso(given.pop("date"))
        if "type" in given:
            given["type"] = AppointmentType(given["type"])
        if "status" in given:
            given["status"] = AppointmentStatus(given["status"])
        return given


class CustomerBody(_Body):
    """A customer, by e-mail, by phone number (E.164) or by both."""

    email: Email | None = None
    phone: Annotated[str, StringConstraints(pattern=r"^\+[0-9]{8,15}$")] | None = None

    model_config = ConfigDict(json_schema_extra={"example": {"email": "maria.gonzalez@email.com"}})


class EraseBody(CustomerBody):
    """With `dryRun` nothing is deleted: whose data and how many of each it would be."""

    dry_run: bool = False


# Out. These describe; the values are made below.


class OrderItemJson(BaseModel):
    id: str | None = None
    name: str
    quantity: int
    price: float
    description: str


class OrderJson(BaseModel):
    id: str
    customerName: str
    customerEmail: str
    items: list[OrderItemJson]
    total: float
    status: OrderStatusText
    createdAt: datetime
    updatedAt: datetime
    estimatedDelivery: datetime | None = None
    trackingNumber: str | None = None


class AppointmentJson(BaseModel):
    id: str
    patientName: str
    patientEmail: str
    doctorName: str
    date: datetime
    duration: int
    type: AppointmentTypeText
    status: AppointmentStatusText
    notes: str


class TurnJson(BaseModel):
    role: Literal["caller", "carlos"]
    text: str = Field(description="For Carlos, what was heard of it.")
    at_ms: int = Field(description="From the call's start.")
    interrupted: bool
    latency_ms: int | None = Field(
        description="The answer time: from the end of the caller's last word, as this server hears it, to the first "
        "sound of the answer on the line."
    )
    sonic_end_ms: int | None = Field(description="To the same sound, from where Sonic says that the speech ended.")
    sonic_detected_ms: int | None = Field(
        description="To the same sound, from where Sonic was sure that the speech had ended: no answer time, since the "
        "caller waits for that, too."
    )


class ToolJson(BaseModel):
    name: str
    arguments: dict[str, Any]
    result: dict[str, Any]
    ok: bool
    ms: int
    at_ms: int


class CostJson(BaseModel):
    usd: float = Field(description="An estimate from the model's usage events and the prices in the settings.")
    model: float = Field(description="Of `usd`, what the model costs.")
    phone: float = Field(description="And the minutes on the phone.", json_schema_extra=NOT_PERSONAL)
    estimate: Literal[True]


class FlaggedJson(BaseModel):
    flag: FlagText
    at_ms: int = Field(description="From the call's start: where to look.")


class _CallJson(BaseModel):
    id: str
    line: Literal["phone", "browser"]
    callerNumber: str | None
    startedAt: datetime
    endedAt: datetime | None
    durationSeconds: float | None
    outcome: str | None
    disposition: DispositionText | None = Field(description="What it came to; null while it goes on.")
    done: dict[str, int] = Field(description="All that it came to, and how many records each.")
    flags: list[FlaggedJson] = Field(description="What to look at: docs/calls-and-days.md.")
    live: bool
    recorded: bool
    interruptions: int
    cost: CostJson
    details: dict[str, Any]


class CallJson(_CallJson):
    turns: list[TurnJson]
    tools: list[ToolJson]


class ListedCallJson(_CallJson):
    turnCount: int = Field(description="Of a call without an end that is not `live`: as it was written last.")
    toolCount: int
    latencyMs: int | None = Field(description="The median of its answer times, `latency_ms`.")
    lastTurn: TurnJson | None = Field(description="Of a call that is on the line.")


class CallBackJson(BaseModel):
    id: str = Field(description="Of the call in which it was asked for.")
    phone: str
    about: str
    askedAt: datetime
    status: Literal["pending", "done"]
    doneAt: datetime | None


class CallBackEdit(BaseModel):
    """What has become of a call-back."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"status": "done"}})

    status: Literal["pending", "done"]


class DayJson(BaseModel):
    """What the calls came to that began on this day in Buenos Aires and have ended."""

    day: date | None = Field(description="Null for all days together.")
    calls: int
    answered: int = Field(description="Calls in which the caller heard Carlos.")
    dispositions: dict[str, int] = Field(description="Calls, by what each came to.")
    done: dict[str, int] = Field(description="Records: a call may have booked two appointments.")
    ended: dict[str, int] = Field(description="Why the calls ended in which nothing was done, by their outcome.")
    flags: dict[str, int] = Field(description="Calls with each flag.")
    faults: int = Field(description="Calls in which something went wrong.")
    transfers: int = Field(description="Tried; those that a person took are in `done`.")
    minutes: float = Field(description="Of all these calls together.")
    cost: CostJson
    latency_p50_ms: int | None = Field(description="The median of Carlos's answer times, to 5 %.")
    latency_p95_ms: int | None = Field(description="Within which 95 % of them lie.")


class StatsJson(BaseModel):
    days: list[DayJson] = Field(description="Those that had calls, the earliest first.")
    total: DayJson = Field(description="Of these days together.")
    callbacksOpen: int = Field(description="Call-backs to be made now, whenever they were asked for; 500 at most.")


class CustomerJson(BaseModel):
    orders: list[OrderJson]
    appointments: list[AppointmentJson]
    calls: list[CallJson]
    callbacks: list[CallBackJson]


class Erased(BaseModel):
    people: list[str] = Field(description="Whose orders and appointments they are, by name.")
    orders: int
    appointments: int
    calls: int
    erased: bool = Field(description="False for a dry run.")


class DeliveryJson(BaseModel):
    """An attempt to deliver a webhook; without a `reason` it was taken."""

    id: str = Field(description="The message's `webhook-id`.")
    type: str = Field(description="`order.changed` and so on: docs/webhooks.md.")
    at: datetime = Field(description="When the attempt ended.")
    status: int | None = Field(description="HTTP's; null where there was no answer.")
    attempt: int = Field(description="1 is the first.")
    ms: int = Field(description="How long it took.")
    reason: str | None = Field(description="Why it was not taken, in a few words.")


class ReceiverJson(BaseModel):
    id: str = Field(description="Made from its URL.")
    origin: str = Field(description="Of its URL, whose path may hold a secret.")
    status: Literal["ok", "failing", "off"] = Field(description="`off`: it has answered 410, and is told nothing.")
    since: datetime | None = Field(description="When it began to fail, or was turned off; null while it is `ok`.")
    waiting: int = Field(description="Events that are to be delivered to it; 1000 stands for more, too.")
    recent: list[DeliveryJson] = Field(description="The last attempts, newest first.")


class DeadWebhookJson(BaseModel):
    """An event that a receiver did not take in all its tries."""

    id: str = Field(description="Of this event for this receiver.")
    event: str = Field(description="The message's `webhook-id`.")
    receiver: str = Field(description="The receiver's `id`.")
    type: str = Field(description="`order.changed` and so on: docs/webhooks.md.")
    about: str = Field(description="The id of the record or call.", json_schema_extra=NOT_PERSONAL)
    at: datetime = Field(description="When it happened.")
    attempts: int = Field(description="How often it was tried.")
    reason: str = Field(description="Why the last attempt failed, in a few words.")
    givenUpAt: datetime


class HungUp(BaseModel):
    id: str


class Health(BaseModel):
    status: Literal["healthy"]


class Ready(BaseModel):
    status: Literal["ready", "not ready", "draining"]
    calls: int = Field(description="On the phone now.")
    browsers: int = Field(description="In browsers now.")
    store: str | None = Field(None, description="`ok`, or what is wrong; absent where nobody looks.")
    sonic: str | None = Field(None, description="The same, of the speech model.")


class Found[T](BaseModel):
    success: Literal[True]
    data: T
    message: str


class FaultJson(BaseModel):
    key: str = Field(description="The field, such as `items.0.name`.")
    wrong: str
    code: str | None = Field(None, description="A word for what is wrong with it, such as `string_too_long`.")
    line: int | None = Field(None, description="In a text of facts.")


class Failure(BaseModel):
    """What is not success. Other fields may follow."""

    success: Literal[False]
    error: str = Field(description="What went wrong, in a few words.")
    message: str = Field(description="What exactly, for a person.")
    code: str | None = Field(None, description="The same for a program, where several things can be wrong.")
    faults: list[FaultJson] | None = Field(None, description="Each field that cannot be taken.")


# The model by its name (api.description has it): given as a model, it would be prepared anew for each status of each
# route, which is most of the time in which an application is put together.
_FAILURE = {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}}


def failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may fail like this, and like every route may."""
    return {status: {"content": _FAILURE} for status in sorted({*statuses, 400, 401, 403, 429, 500, 503})}


def content(media_type: str) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route whose success is not JSON."""
    return {200: {"content": {media_type: {"schema": {"type": "string"}}}}}


def order_items(bodies: list[OrderItemBody]) -> tuple[OrderItem, ...]:
    """Items with ids: those that have none are numbered."""
    numbered = enumerate((body.model() for body in bodies), 1)
    return tuple(
        OrderItem(item.name, item.quantity, item.price_cents, item.description, item.id or str(number))
        for number, item in numbered
    )


def order_json(order: Order) -> dict[str, Any]:
    return _present(
        {
            "id": order.id,
            "customerName": order.customer_name,
            "customerEmail": order.customer_email,
            "items": [
                _present(
                    {
                        "id": item.id,
                        "name": item.name,
                        "quantity": item.quantity,
                        "price": _number(item.price_cents),
                        "description": item.description,
                    }
                )
                for item in order.items
            ],
            "total": _number(order.total_cents),
            "status": order.status.value,
            "createdAt": to_iso(order.created_at),
            "updatedAt": to_iso(order.updated_at),
            "estimatedDelivery": to_iso(order.estimated_delivery) if order.estimated_delivery else None,
            "trackingNumber": order.tracking_number,
        }
    )


def appointment_json(appointment: Appointment) -> dict[str, Any]:
    return {
        "id": appointment.id,
        "patientName": appointment.patient_name,
        "patientEmail": appointment.patient_email,
        "doctorName": appointment.doctor_name,
        "date": to_iso(appointment.start),
        "duration": appointment.duration,
        "type": appointment.type.value,
        "status": appointment.status.value,
        "notes": appointment.notes,
    }


def record_json(record: Record) -> dict[str, Any]:
    """A record as its routes show it; one that has no routes, as it is stored."""
    match record:
        case Order():
            return order_json(record)
        case Appointment():
            return appointment_json(record)
    stored = {name: value for name, value in to_item(record).items() if name not in ("PK", "SK", "version")}
    return dict(json.loads(json.dumps(stored, default=float)))


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    """Without what is not there: the original left such fields out."""
    return {name: value for name, value in fields.items() if value is not None}


def _number(cents_: int) -> float:
    return float(amount(cents_))
