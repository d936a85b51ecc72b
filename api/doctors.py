"""`/doctors`: who takes appointments, as callers are told."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from api.envelope import retrieved, success
from api.schemas import Found, failures
from data.facts import Facts
from data.rules import doctors
from data.store import Store


class TakesAppointmentsJson(BaseModel):
    name: str = Field(description="To be given as `doctorName`.")
    speciality: str | None = Field(description="Null: the facts tell none.")
    slotMinutes: list[int] = Field(
        description="How long an appointment may be, the usual length first; empty: 10 to 120 minutes."
    )


def doctor_routes(store: Store) -> APIRouter:
    router = APIRouter(prefix="/doctors", tags=["doctors"])

    @router.get("", response_model=Found[list[TakesAppointmentsJson]], responses=failures())
    async def list_doctors() -> JSONResponse:
        """The doctors who take appointments: those of the facts, or of the records where the facts name none."""
        names, facts = await doctors(store), await store.facts()
        return success([_doctor_json(name, facts) for name in names], retrieved("doctors", len(names), 0))

    return router


def _doctor_json(name: str, facts: Facts) -> dict[str, Any]:
    known = facts.doctor(name)
    return {
        "name": name,
        "speciality": known.speciality if known else None,
        "slotMinutes": list(known.slot_minutes) if known else [],
    }
