"""Looking up, cancelling and creating orders."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from common.spanish.consent import AN_ORDER, CANCELLING, PLACING
from common.spanish.emails import spelled
from common.spanish.money import LONGEST as PRICE_LENGTH
from common.spanish.money import cents_of
from common.spanish.names import plain
from common.spanish.quantities import LONGEST as QUANTITY_LENGTH
from common.spanish.quantities import quantity_of
from common.spanish.wording import day, listed, local_iso, money
from common.text import clean
from data.facts import Facts
from data.items import amount
from data.models import Order, OrderItem, OrderStatus, Record
from data.products import nearest
from data.records import ORDERS
from data.rules import cancel_order, create
from data.store import IdempotencyRecord
from tools.arguments import (
    ITEMS_LIMIT,
    NAME_LIMIT,
    NOTES_LIMIT,
    PRICE_LIMIT_CENTS,
    QUANTITY_LIMIT,
    TEXT_LIMIT,
    Argument,
    Arguments,
    Dni,
    Email,
    FullName,
    Lenient,
    RecordId,
    parse_json,
    short_text,
    text,
)
from tools.confirmation import Plan, fingerprint, next_of, require_room
from tools.errors import NeedsInput, Refused
from tools.identity import Proof
from tools.tool import Label, Result, ToolContext, tool
from tools.wording import ORDER_STATUS

DELIVERY_TIME = timedelta(days=5)  # of what the business does not say it of
WHOSE_NAME = "¿Me decís tu nombre y apellido completos?"


def _price(value: Any) -> int:
    """In cents; also as it is written and said here: "$ 1.234,50", "1.234", "mil doscientos"."""
    price = 0 if value in (None, "") else cents_of(_said(value, PRICE_LENGTH))
    if price is None or price > PRICE_LIMIT_CENTS:
        raise ValueError("not a price")
    return price


def _quantity(value: Any) -> int | None:
    """Also as it is said: "un par", "media docena"."""
    return 1 if value in (None, "") else quantity_of(_said(value, QUANTITY_LENGTH))


def _said(value: Any, limit: int) -> str:
    """A number as it is written here: 1.234 in JSON, with three decimals, is no price and no quantity."""
    said = short_text(value, limit)
    return said if isinstance(value, str) else said.replace(".", ",")


def _items(value: Any) -> Any:
    items = parse_json(value) if isinstance(value, str) else value
    if isinstance(items, list) and len(items) > ITEMS_LIMIT:  # before thousands of them are checked one by one
        raise ValueError("too many")
    return items


class OrderProof(Arguments):
    """An order, and what is said to prove whose it is."""

    order_id: Annotated[RecordId, Argument("ID del pedido", ask="¿Cuál es el número del pedido?", example="1")]
    dni: Annotated[
        Dni,
        Argument(
            "Número de DNI del titular del pedido",
            ask="¿Me decís el DNI completo, número por número?",
            example="28456789",
        ),
    ] = None
    customer_name: Annotated[
        str | None,
        text(NAME_LIMIT),
        Argument("Nombre completo del titular del pedido", ask=WHOSE_NAME, example="María González"),
    ] = None

    rules = {"anyOf": [{"required": ["dni"]}, {"required": ["customerName"]}]}

    async def proven(self, call: ToolContext) -> Order:
        """The order, once the caller has proven it to be theirs. Raise Refused or NeedsInput."""
        return await call.identity.record(ORDERS, self.order_id, Proof(self.customer_name, self.dni))


class NewItem(Lenient):
    name: Annotated[str, text(TEXT_LIMIT)]
    quantity: Annotated[int, BeforeValidator(_quantity)] = Field(1, ge=1, le=QUANTITY_LIMIT)
    price_cents: Annotated[int, BeforeValidator(_price)] = Field(0, validation_alias="price")
    description: Annotated[str | None, text(NOTES_LIMIT)] = None


class NewOrder(Arguments):
    customer_name: Annotated[
        FullName, Argument("Nombre completo del cliente", ask=WHOSE_NAME, example="María González")
    ]
    customer_email: Annotated[
        Email, Argument("Email del cliente", ask="¿Cuál es tu correo electrónico?", example="maria@email.com")
    ]
    items: Annotated[
        tuple[NewItem, ...],
        BeforeValidator(_items),
        Field(min_length=1, max_length=ITEMS_LIMIT),
        Argument(
            "Lista de productos en el pedido",
            ask="¿Qué productos querés, cuántos y a qué precio?",
            example=[{"name": "Mouse", "quantity": 2, "price": 29.99}],
            schema={
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string"},
                        "quantity": {"type": "integer"},
                        "price": {"type": "number"},
                        "description": {"type": "string"},
                    },
                },
            },
        ),
    ]


@tool(
    "consultarOrder",
    "Consultar el estado y detalles de un pedido por ID."
    " Se requiere verificación de identidad con DNI o nombre completo.",
    label=Label(es="Consultar un pedido", en="Look up an order"),
    describe={"orderId": "ID del pedido a consultar"},
    proves=True,
    writes=False,
)
async def look_up(call: ToolContext, said: OrderProof) -> Result:
    order = await said.proven(call)
    return {"success": True, "order": shown(order), "message": _told(order, call.clock())}


@tool(
    "cancelarOrder",
    "Cancelar un pedido existente por ID. Se requiere verificación de identidad con DNI o nombre completo.",
    label=Label(es="Cancelar un pedido", en="Cancel an order"),
    describe={"orderId": "ID del pedido a cancelar"},
    proves=True,
    writes=True,
)
async def cancel(call: ToolContext, said: OrderProof) -> Plan:
    order = await said.proven(call)
    change = cancel_order(order, call.clock())
    agreed = fingerprint(call.tool, order.id, order.version)
    result = {
        "success": True,
        "message": f"Pedido #{order.id} cancelado exitosamente",
        "speak": f"Listo, cancelé el pedido {order.id}.",
        "orderId": order.id,
    }

    async def carry_out(tool_use_id: str) -> Result:
        return await call.commit(change, tool_use_id, agreed, result)

    told = f"Cancelar el pedido {order.id}: {_items_told(order)}."
    return Plan(agreed, told, carry_out, CANCELLING, AN_ORDER)


@tool(
    "crearOrder",
    "Crear un nuevo pedido con items y datos del cliente",
    label=Label(es="Crear un pedido", en="Create an order"),
    proves=False,
    writes=True,
)
async def place(call: ToolContext, wanted: NewOrder) -> Plan:
    facts = await call.store.facts()
    items = await asyncio.to_thread(_sold, facts, wanted.items)  # hundreds of products, word by word
    sold = {item.name for item in items}
    days = [each.delivery_days for each in facts.products if each.name in sold and each.delivery_days is not None]
    delivery = timedelta(days=max(days, default=DELIVERY_TIME.days))
    intent = fingerprint(
        call.tool,
        plain(wanted.customer_name),
        wanted.customer_email,
        [(plain(item.name), item.quantity, item.price_cents) for item in items],
    )
    receipts = await call.store.receipts(call.call_id)
    require_room(call.tool, receipts)
    agreed, twin = next_of(intent, receipts)

    async def carry_out(tool_use_id: str) -> Result:
        def build(order_id: str) -> tuple[Record, IdempotencyRecord]:
            order = _new(order_id, wanted, items, call.clock(), delivery)
            return order, call.receipt(tool_use_id, agreed, _created(order))

        _, done = await create(call.store, Order, build)
        return dict(done.result) if done else {}

    draft = _new("", wanted, items, call.clock(), delivery)
    one = "un pedido"
    if twin:
        one = f"otro pedido, porque en esta llamada ya se creó el pedido {twin.result['orderId']}, igual a este,"
    proposal = (
        f"Crear {one} a nombre de {wanted.customer_name}, correo {spelled(wanted.customer_email)}:"
        f" {_items_told(draft)}. Total: {money(draft.total_cents)}."
    )
    return Plan(agreed, proposal, carry_out, PLACING, AN_ORDER)


def _sold(facts: Facts, items: tuple[NewItem, ...]) -> tuple[OrderItem, ...]:
    return tuple(_item(facts, item, str(number)) for number, item in enumerate(items, 1))


def _item(facts: Facts, wanted: NewItem, item_id: str) -> OrderItem:
    """The item as the business sells it: by its own name, at its own price. A business that has no products sells what
    is asked for, at the price that is named."""
    if not facts.products:
        if not wanted.price_cents:
            raise NeedsInput("price_needed", f"¿A qué precio es {clean(wanted.name, NAME_LIMIT)}?")
        return OrderItem(wanted.name, wanted.quantity, wanted.price_cents, wanted.description or "", item_id)
    product = facts.product(wanted.name)
    if product is None:
        known = listed([each.name for each in nearest(facts.products, wanted.name)], "o")
        raise Refused("unknown_product", f"No tengo {clean(wanted.name, NAME_LIMIT)}. Lo más parecido es {known}.")
    if product.price_cents is None:
        raise Refused("not_for_sale", f"{product.name} no se vende por teléfono, porque no tengo su precio.")
    return OrderItem(product.name, wanted.quantity, product.price_cents, wanted.description or "", item_id)


def _new(order_id: str, wanted: NewOrder, items: tuple[OrderItem, ...], now: datetime, delivery: timedelta) -> Order:
    return Order(
        id=order_id,
        customer_name=wanted.customer_name,
        customer_email=wanted.customer_email,
        items=items,
        status=OrderStatus.PENDING,
        created_at=now,
        updated_at=now,
        estimated_delivery=now + delivery,
    )


def _created(order: Order) -> Result:
    return {
        "success": True,
        "message": f"Pedido #{order.id} creado exitosamente",
        "speak": f"Listo, tu pedido es el {order.id}. {_arrival(order)}",
        "orderId": order.id,
        "total": _number(order.total_cents),
        "estimatedDelivery": local_iso(order.estimated_delivery),
    }


def shown(order: Order) -> Result:
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


def _told(order: Order, now: datetime) -> str:
    said = f"El pedido {order.id} está {ORDER_STATUS[order.status]}"
    if order.estimated_delivery and order.status not in (OrderStatus.DELIVERED, OrderStatus.CANCELLED):
        said += f"; la entrega estimada es el {day(order.estimated_delivery, now)}"
    return f"{said}."


def _arrival(order: Order) -> str:
    return f"Llega el {day(order.estimated_delivery)}." if order.estimated_delivery else ""


def _items_told(order: Order) -> str:
    return listed([f"{item.quantity} {clean(item.name, TEXT_LIMIT)}" for item in order.items])


def _number(cents: int) -> int | float:
    number = amount(cents)
    return int(number) if number == int(number) else float(number)
