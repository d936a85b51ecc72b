"""`/customers`: what is kept of one person, to hand over or to erase."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import JSONResponse

from api.calls import CallQueries
from api.envelope import ApiError, success
from api.schemas import CustomerBody, CustomerJson, Erased, Found, appointment_json, failures, order_json
from data.privacy import Customer, CustomerData, erase, export


def customer_routes(queries: CallQueries) -> APIRouter:
    """Both take the customer in the body, so that nobody's address is in a log of URLs."""
    router = APIRouter(prefix="/customers", tags=["customers"])

    @router.post("/export", response_model=Found[CustomerJson], responses=failures(422))
    async def export_customer(body: CustomerBody) -> JSONResponse:
        """Orders, appointments and calls of a customer."""
        found = await export(queries.store, _customer(body))
        return success(_json(queries, found), "Customer exported successfully")

    @router.post("/erase", response_model=Found[Erased], responses=failures(409, 422))
    async def erase_customer(body: CustomerBody) -> JSONResponse:
        """Delete all of that for good, recordings included."""
        found = await erase(queries.store, queries.recordings, _customer(body))
        counts = {
            "orders": len(found.orders),
            "appointments": len(found.appointments),
            "calls": len(found.calls),
        }
        return success(counts, "Customer erased successfully")

    return router


def _customer(body: CustomerBody) -> Customer:
    customer = Customer(body.email, body.phone)
    if body.phone and not customer.phone:
        raise ApiError(422, "Invalid request", "phone: this stands for a withheld number, which is nobody's")
    if not (customer.email or customer.phone):
        raise ApiError(422, "Invalid request", "Name the customer by email or by phone")
    return customer


def _json(queries: CallQueries, found: CustomerData) -> dict[str, object]:
    return {
        "orders": [order_json(order) for order in found.orders],
        "appointments": [appointment_json(appointment) for appointment in found.appointments],
        "calls": [queries.json(call, masked=False) for call in found.calls],
    }
