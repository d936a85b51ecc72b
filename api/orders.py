"""`/orders`: the original's two lists, and the rest of what its README promised."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse

from api.envelope import ApiError, NotFound, success
from api.http import (
    Cursor,
    Day,
    IfMatch,
    Limit,
    begins,
    check_match,
    ends,
    etag,
    is_id,
    next_page,
    read_cursor,
    read_day,
)
from api.schemas import (
    Email,
    Found,
    NewOrder,
    OrderEdit,
    OrderJson,
    OrderStatusText,
    failures,
    order_items,
    order_json,
)
from data.edits import edit_order
from data.models import Order, OrderStatus
from data.rules import create
from data.store import Change, Store
from data.times import Clock, from_iso, utcnow


def order_routes(store: Store, clock: Clock = utcnow) -> APIRouter:
    """Everything under /orders."""
    router = APIRouter(prefix="/orders", tags=["orders"])

    async def find(order_id: str) -> Order:
        order = await store.order(order_id) if is_id(order_id) else None
        if order is None:
            raise NotFound("Order", order_id)
        return order

    @router.get("", response_model=Found[list[OrderJson]], responses=failures())
    async def list_orders(
        request: Request,
        from_: Annotated[Day, Query(alias="from")] = None,
        to: Day = None,
        status: OrderStatusText | None = None,
        email: Annotated[Email | None, Query()] = None,
        limit: Limit = None,
        cursor: Cursor = None,
    ) -> JSONResponse:
        """All orders, newest first; those made from one day to another, both included."""
        first, last = read_day("from", from_), read_day("to", to)
        page = await store.orders(
            since=begins(first) if first else None,
            until=ends(last) if last else None,
            status=OrderStatus(status) if status else None,
            email=email,
            limit=limit,
            after=read_cursor(cursor),
        )
        message = f"Retrieved {len(page.items)} orders successfully"
        return success([order_json(order) for order in page.items], message, next_page(request, page.next))

    @router.get("/", include_in_schema=False)
    async def no_order() -> JSONResponse:
        raise ApiError(400, "Order ID is required", "Please provide a valid order ID")

    @router.get("/{order_id}", response_model=Found[OrderJson], responses=failures(404))
    async def get_order(order_id: str) -> JSONResponse:
        """One order; its `ETag` is its version."""
        order = await find(order_id)
        return success(order_json(order), "Order retrieved successfully", etag(order.version))

    @router.post("", status_code=201, response_model=Found[OrderJson], responses=failures(409, 422))
    async def create_order(body: NewOrder) -> JSONResponse:
        """A new order, pending; it gets the next id."""
        now = clock()

        def make(order_id: str) -> tuple[Order, None]:
            delivery = from_iso(body.estimated_delivery) if body.estimated_delivery else None
            return (
                Order(
                    order_id,
                    body.customer_name,
                    body.customer_email,
                    order_items(body.items),
                    OrderStatus.PENDING,
                    now,
                    now,
                    delivery,
                    body.tracking_number,
                    body.dni,
                ),
                None,
            )

        order, _ = await create(store, Order, make)
        assert isinstance(order, Order)  # noqa: S101 - as it was made
        location = f"/orders/{order.id}"
        return success(order_json(order), "Order created successfully", etag(1) | {"Location": location}, 201)

    @router.put("/{order_id}", response_model=Found[OrderJson], responses=failures(404, 409, 412, 422))
    async def update_order(order_id: str, body: OrderEdit, if_match: IfMatch = None) -> JSONResponse:
        """Change the fields that are given. With `If-Match`, only the version that was read."""
        before = await find(order_id)
        check_match(if_match, before.version)
        change = edit_order(before, clock(), **body.fields())
        await store.commit(change)
        assert isinstance(change.after, Order)  # noqa: S101 - as it was made
        order = replace(change.after, version=before.version + 1)
        return success(order_json(order), "Order updated successfully", etag(order.version))

    @router.delete("/{order_id}", response_model=Found[OrderJson], responses=failures(404, 409, 412))
    async def delete_order(order_id: str, if_match: IfMatch = None) -> JSONResponse:
        """Delete an order for good, and return what it was. To cancel one, update its status."""
        order = await find(order_id)
        check_match(if_match, order.version)
        await store.commit(Change(order, None))
        return success(order_json(order), "Order deleted successfully")

    return router
