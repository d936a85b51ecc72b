"""`/customers`: what is kept of one person, to hand over or to erase."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from api.callbacks import callback_json
from api.calls import CallQueries
from api.envelope import ApiError, encoded, encoded_list, enveloped, success
from api.schemas import CustomerBody, CustomerJson, EraseBody, Erased, Found, failures, record_json
from data.privacy import Customer, CustomerData, erase, export
from data.records import record_types


def customer_routes(queries: CallQueries) -> APIRouter:
    """Both take the customer in the body, so that nobody's address is in a log of URLs."""
    router = APIRouter(prefix="/customers", tags=["customers"])

    @router.post("/export", response_model=Found[CustomerJson], responses=failures(422))
    async def export_customer(body: CustomerBody) -> Response:
        """Orders, appointments and calls of a customer, and the call-backs asked for in these calls."""
        found = await export(queries.store, _customer(body))
        parts = {each.nouns: await encoded_list(found.of(each.kind), record_json) for each in record_types()}
        parts["calls"] = await encoded_list(found.calls, lambda call: queries.json(call, masked=False))
        parts["callbacks"] = await encoded_list(found.callbacks, callback_json)
        data = b",".join(encoded(name) + b":" + part for name, part in parts.items())
        return enveloped(b"{" + data + b"}", _exported(found))

    @router.post("/erase", response_model=Found[Erased], responses=failures(409, 422))
    async def erase_customer(body: EraseBody) -> JSONResponse:
        """Delete all of that for good, recordings included: those of other servers within the hour. With `dryRun`, only
        say whose and how many."""
        found = await export(queries.store, _customer(body))
        if not body.dry_run:
            await erase(queries.store, queries.recordings, found)
        told = {"people": found.people, **found.counts, "erased": not body.dry_run}
        return success(told, "Nothing was erased" if body.dry_run else "Customer erased successfully")

    return router


def _customer(body: CustomerBody) -> Customer:
    customer = Customer(body.email, body.phone)
    if body.phone and not customer.phone:
        raise ApiError(422, "Invalid request", "phone: this stands for a withheld number, which is nobody's")
    if not (customer.email or customer.phone):
        raise ApiError(422, "Invalid request", "Name the customer by email or by phone")
    return customer


def _exported(found: CustomerData) -> str:
    said = "Customer exported successfully"
    return f"{said}; {len(found.unreadable)} calls cannot be read" if found.unreadable else said
