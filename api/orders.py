"""`/orders`: the original's two lists, and the rest of what its README promised."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.envelope import ApiError
from api.http import MAX_PAGE_RECORDS, Cursor, From, IfMatch, Limit, RecordId, To, begins, ends, read_cursor, read_days
from api.resource import Resource
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
from common.times import Clock, from_iso, utcnow
from data.edits import edit_order
from data.models import Order, OrderStatus
from data.records import ORDERS
from data.store import Store


def order_routes(store: Store, clock: Clock = utcnow) -> APIRouter:
    """Everything under /orders."""
    router = APIRouter(prefix="/orders", tags=["orders"])

    orders = Resource(store, ORDERS, order_json)

    @router.get("", response_model=Found[list[OrderJson]], responses=failures())
    async def list_orders(
        request: Request,
        from_: From = None,
        to: To = None,
        status: OrderStatusText | None = None,
        email: Annotated[Email | None, Query()] = None,
        limit: Limit = None,
        cursor: Cursor = None,
    ) -> Response:
        """Orders, newest first; those made from one day to another, both included."""
        first, last = read_days(from_, to)
        page = await store.orders(
            since=begins(first),
            until=ends(last),
            status=OrderStatus(status) if status else None,
            email=email,
            limit=limit or MAX_PAGE_RECORDS,
            after=read_cursor(cursor),
        )
        return await orders.page(request, page)

    @router.get("/", include_in_schema=False)
    async def no_order() -> JSONResponse:
        raise ApiError(400, "Order ID is required", "Please provide a valid order ID")

    @router.get("/{order_id}", response_model=Found[OrderJson], responses=failures(404))
    async def get_order(order_id: RecordId) -> JSONResponse:
        """One order; its `ETag` is its version."""
        return orders.one(await orders.find(order_id))

    @router.post("", status_code=201, response_model=Found[OrderJson], responses=failures(409, 422))
    async def create_order(body: NewOrder) -> JSONResponse:
        """A new order, pending; it gets the next id."""
        now = clock()

        def make(order_id: str) -> Order:
            return Order(
                order_id,
                body.customer_name,
                body.customer_email,
                order_items(body.items),
                OrderStatus.PENDING,
                now,
                now,
                from_iso(body.estimated_delivery) if body.estimated_delivery else None,
                body.tracking_number,
                body.dni,
            )

        return await orders.create(make)

    @router.put("/{order_id}", response_model=Found[OrderJson], responses=failures(404, 409, 412, 422))
    async def update_order(order_id: RecordId, body: OrderEdit, if_match: IfMatch = None) -> JSONResponse:
        """Change the fields that are given. With `If-Match`, only the version that was read."""
        before = await orders.find(order_id, if_match)
        return await orders.update(before, edit_order(before, clock(), **body.fields()))

    @router.delete("/{order_id}", response_model=Found[OrderJson], responses=failures(404, 409, 412))
    async def delete_order(order_id: RecordId, if_match: IfMatch = None) -> JSONResponse:
        """Delete an order for good, and return what it was. To cancel one, update its status."""
        return await orders.delete(await orders.find(order_id, if_match))

    return router
