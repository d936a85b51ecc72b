"""The business's records: money in integer cents, times in aware UTC, ids the short digits a person says.

What is personal in them is marked `Personal` here, and hidden by that in logs and masked answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from common.masking import Personal, holds_personal_data
from common.phones import known_number

# The grid on which a doctor's time is taken: times and durations are multiples of it.
SLOT_MINUTES = 5


class OrderStatus(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


class AppointmentStatus(StrEnum):
    SCHEDULED = "scheduled"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    COMPLETED = "completed"


class AppointmentType(StrEnum):
    CONSULTATION = "consultation"
    FOLLOW_UP = "follow-up"
    EMERGENCY = "emergency"
    ROUTINE = "routine"


class Line(StrEnum):
    PHONE = "phone"
    BROWSER = "browser"


@dataclass(frozen=True, slots=True)
class Record:
    """Base of the business's records, each of which `data.records` declares: a subclass is a frozen dataclass."""

    id: str
    version: int = field(default=0, kw_only=True)  # 0: never written by us


@dataclass(frozen=True, slots=True)
class OrderItem:
    name: str
    quantity: int
    price_cents: int
    description: str = ""
    id: str | None = None


@holds_personal_data
@dataclass(frozen=True, slots=True)
class Order(Record):
    customer_name: Annotated[str, Personal.NAME]
    customer_email: Annotated[str, Personal.TEXT]
    items: tuple[OrderItem, ...]
    status: OrderStatus
    created_at: datetime
    updated_at: datetime
    estimated_delivery: datetime | None = None
    tracking_number: str | None = None
    dni: Annotated[str | None, Personal.NUMBER] = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "customer_email", known_email(self.customer_email))

    @property
    def total_cents(self) -> int:
        return sum(item.quantity * item.price_cents for item in self.items)

    @property
    def can_be_cancelled(self) -> bool:
        return self.status in (OrderStatus.PENDING, OrderStatus.PROCESSING)


@holds_personal_data
@dataclass(frozen=True, slots=True)
class Appointment(Record):
    patient_name: Annotated[str, Personal.NAME]
    patient_email: Annotated[str, Personal.TEXT]
    doctor_name: str
    start: datetime
    duration: int  # minutes
    type: AppointmentType = AppointmentType.CONSULTATION
    status: AppointmentStatus = AppointmentStatus.SCHEDULED
    notes: Annotated[str, Personal.TEXT] = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "patient_email", known_email(self.patient_email))

    @property
    def is_active(self) -> bool:
        """True while it holds its doctor's time and can be moved or cancelled."""
        return self.status in (AppointmentStatus.SCHEDULED, AppointmentStatus.CONFIRMED)

    @property
    def slots(self) -> frozenset[datetime]:
        """The starts of the grid cells of the doctor's time that this appointment holds."""
        return slots(self.start, self.duration) if self.is_active else frozenset()


def slots(start: datetime, duration: int) -> frozenset[datetime]:
    """The grid cells that `duration` minutes from `start` touch."""
    cell = timedelta(minutes=SLOT_MINUTES)
    first = start - timedelta(minutes=start.minute % SLOT_MINUTES, seconds=start.second)
    first -= timedelta(microseconds=start.microsecond)
    end = start + timedelta(minutes=duration)
    return frozenset(first + cell * n for n in range(-((first - end) // cell)))


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing said. For Carlos, `text` is what was heard; `interrupted` says that there was more."""

    role: str  # "caller" | "carlos"
    text: str
    at: datetime
    interrupted: bool = False
    # Until the first sound of Carlos that the caller heard, milliseconds:
    latency_ms: int | None = None  # from the end of his last word, as our own detector hears it: the answer time
    sonic_end_ms: int | None = None  # from where Sonic says that his speech ended
    sonic_detected_ms: int | None = None  # from where Sonic was sure of that, some tenths of a second later


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One use of a tool; `arguments` and `result` as the call's keeper chose to mask them."""

    name: str
    tool_use_id: str
    ok: bool
    elapsed_ms: int
    at: datetime
    arguments: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)


@holds_personal_data
@dataclass(frozen=True, slots=True)
class CallRecord:
    """What is kept of a call: written as it goes, so that a crash leaves a record without `ended_at`."""

    id: str
    line: Line
    started_at: datetime
    caller_number: Annotated[str | None, Personal.NUMBER] = None  # None for a withheld one
    ended_at: datetime | None = None
    outcome: str | None = None
    turns: tuple[Turn, ...] = ()
    tools: tuple[ToolCall, ...] = ()
    interruptions: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)  # JSON: usage, latencies, faults, recording
    version: int = field(default=0, compare=False)  # of the stored record that this one is based on; 0: none known
    legacy: bool = field(default=False, compare=False)  # as a version before stored it: all of it is to be written anew

    def __post_init__(self) -> None:
        object.__setattr__(self, "caller_number", known_number(self.caller_number))


def known_email(email: str) -> str:
    """An e-mail address as records are filed under it: in lower case."""
    return email.strip().lower()


def dni_spellings(dni: str) -> tuple[str, ...]:
    """The ways in which records may have a DNI on file, seven or eight digits long: with and without leading zeros."""
    bare = re.sub(r"\D", "", dni).lstrip("0")
    return tuple(sorted({bare.zfill(length) for length in (7, 8)}))
