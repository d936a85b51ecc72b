"""Looking up, cancelling and creating orders."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from common.spanish.names import plain
from common.spanish.wording import day, listed, local_iso, money
from common.text import clean
from common.times import Clock
from data.items import amount
from data.models import Order, OrderItem, OrderStatus, Record
from data.rules import cancel_order, create
from data.store import IdempotencyRecord, Store
from tools.arguments import NAME_LIMIT, NOTES_LIMIT, TEXT_LIMIT, NewOrder, OrderProof, read
from tools.confirmation import Plan, fingerprint, next_of
from tools.identity import Identity, Proof
from tools.wording import ORDER_STATUS

DELIVERY = timedelta(days=5)


class OrderTools:
    """The order tools of one call."""

    def __init__(self, store: Store, identity: Identity, call_id: str, clock: Clock) -> None:
        self._store = store
        self._identity = identity
        self._call_id = call_id
        self._clock = clock

    async def look_up(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        order = await self._proven(read(OrderProof, arguments))
        return {"success": True, "order": _shown(order), "message": _told(order)}

    async def cancel(self, arguments: Mapping[str, Any]) -> Plan:
        order = await self._proven(read(OrderProof, arguments))
        change = cancel_order(order, self._clock())
        agreed = fingerprint("cancelarOrder", order.id, order.version)
        result = {
            "success": True,
            "message": f"Pedido #{order.id} cancelado exitosamente",
            "orderId": order.id,
        }

        async def carry_out(tool_use_id: str) -> dict[str, Any]:
            done = await self._store.commit(change, IdempotencyRecord(self._call_id, tool_use_id, agreed, result))
            return dict(done.result) if done else result

        return Plan(agreed, f"Cancelar el pedido {order.id}: {_items_told(order)}.", carry_out)

    async def create(self, arguments: Mapping[str, Any]) -> Plan:
        self._identity.require_unlocked()
        wanted = read(NewOrder, arguments)
        items = tuple(
            OrderItem(item.name, item.quantity, item.price_cents, item.description or "", str(number))
            for number, item in enumerate(wanted.items, 1)
        )
        intent = fingerprint(
            "crearOrder",
            plain(wanted.customer_name),
            wanted.customer_email,
            [(plain(item.name), item.quantity, item.price_cents) for item in items],
        )

        agreed, twin = next_of(intent, await self._store.receipts(self._call_id))

        def make(order_id: str) -> tuple[Order, dict[str, Any]]:
            return self._new(order_id, wanted, items)

        async def carry_out(tool_use_id: str) -> dict[str, Any]:
            def build(order_id: str) -> tuple[Record, IdempotencyRecord]:
                order, result = make(order_id)
                return order, IdempotencyRecord(self._call_id, tool_use_id, agreed, result)

            _, done = await create(self._store, Order, build)
            return dict(done.result) if done else {}

        draft, _ = make("")
        proposal = (
            f"Crear un pedido a nombre de {wanted.customer_name}, correo {wanted.customer_email}:"
            f" {_items_told(draft)}. Total: {money(draft.total_cents)}."
        )
        if twin:
            proposal = f"En esta llamada ya se creó el pedido {twin.result['orderId']}, igual a este. {proposal}"
        return Plan(agreed, proposal, carry_out)

    async def _proven(self, said: OrderProof) -> Order:
        return await self._identity.order(said.order_id, Proof(said.customer_name, said.dni))

    def _new(self, order_id: str, wanted: NewOrder, items: tuple[OrderItem, ...]) -> tuple[Order, dict[str, Any]]:
        now = self._clock()
        order = Order(
            id=order_id,
            customer_name=wanted.customer_name,
            customer_email=wanted.customer_email,
            items=items,
            status=OrderStatus.PENDING,
            created_at=now,
            updated_at=now,
            estimated_delivery=now + DELIVERY,
        )
        return order, {
            "success": True,
            "message": f"Pedido #{order_id} creado exitosamente",
            "orderId": order_id,
            "total": _number(order.total_cents),
            "estimatedDelivery": local_iso(order.estimated_delivery),
        }


def _shown(order: Order) -> dict[str, Any]:
    """The original's fields, bounded; its DNI is not among them."""
    return {
        "id": order.id,
        "customerName": clean(order.customer_name, NAME_LIMIT),
        "customerEmail": clean(order.customer_email, TEXT_LIMIT),
        "total": _number(order.total_cents),
        "status": order.status.value,
        "createdAt": local_iso(order.created_at),
        "estimatedDelivery": local_iso(order.estimated_delivery),
        "trackingNumber": order.tracking_number and clean(order.tracking_number, TEXT_LIMIT),
        "items": [
            {
                "id": item.id,
                "name": clean(item.name, TEXT_LIMIT),
                "quantity": item.quantity,
                "price": _number(item.price_cents),
                "description": clean(item.description, NOTES_LIMIT),
            }
            for item in order.items
        ],
    }


def _told(order: Order) -> str:
    said = f"El pedido {order.id} está {ORDER_STATUS[order.status]}"
    if order.estimated_delivery and order.status not in (OrderStatus.DELIVERED, OrderStatus.CANCELLED):
        said += f"; la entrega estimada es el {day(order.estimated_delivery)}"
    return f"{said}."


def _items_told(order: Order) -> str:
    return listed([f"{item.quantity} {clean(item.name, TEXT_LIMIT)}" for item in order.items])


def _number(cents: int) -> int | float:
    number = amount(cents)
    return int(number) if number == int(number) else float(number)
