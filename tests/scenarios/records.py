"""The business's part of a store, as the scenarios speak of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any

from common.times import BUENOS_AIRES
from data.backends.base import Item
from data.items import to_appointment, to_order
from data.models import Appointment, AppointmentStatus, Order, OrderStatus
from data.store import Change, Store
from data.tables import TableName


@dataclass(frozen=True, slots=True)
class Records:
    """Records by name ("order 6"), and all else as it is stored."""

    orders: Mapping[str, Order]
    appointments: Mapping[str, Appointment]
    others: Mapping[tuple[str, str], Item]  # without the counters: a number that is not used is no harm

    def named(self, name: str) -> dict[str, Any] | None:
        """A record as plain data: times are Buenos Aires' ("2026-11-24 10:00"), statuses their words."""
        record = self.orders.get(name) or self.appointments.get(name)
        return None if record is None else _plain(asdict(record))


async def read_records(store: Store) -> Records:
    tables = (TableName.ORDERS, TableName.APPOINTMENTS)
    items = [item for table in tables async for page in store.backend.scan(table) for item in page]
    orders = [to_order(item) for item in items if item["PK"].startswith("ORDER#")]
    appointments = [to_appointment(item) for item in items if item["PK"].startswith("APPOINTMENT#")]
    others = {(item["PK"], item["SK"]): item for item in items if item["PK"] != item["SK"]}
    return Records(
        {f"order {order.id}": order for order in orders},
        {f"appointment {appointment.id}": appointment for appointment in appointments},
        others,
    )


async def give(store: Store, statuses: Mapping[str, str]) -> None:
    """Set statuses by record ("order 6")."""
    for name, status in statuses.items():
        kind, record_id = name.split()
        match await (store.order(record_id) if kind == "order" else store.appointment(record_id)):
            case Order() as order:
                await store.commit(Change(order, replace(order, status=OrderStatus(status))))
            case Appointment() as appointment:
                await store.commit(Change(appointment, replace(appointment, status=AppointmentStatus(status))))
            case None:
                raise ValueError(f"there is no {name}")


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return f"{value.astimezone(BUENOS_AIRES):%Y-%m-%d %H:%M}"
        case Enum():
            return value.value
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            return value
