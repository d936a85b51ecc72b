"""Invoices, a type of record of their own, and the tool that tells of one: in one file of `tools/business`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Annotated, Any

from common.masking import Personal, holds_personal_data
from common.spanish.wording import day, money
from common.times import BUENOS_AIRES, from_iso, to_iso
from data.backends.base import Item
from data.items import amount, cents, whole
from data.models import Record
from data.records import RecordType, declare
from data.tables import Index, TableName
from tools.arguments import NAME_LIMIT, Argument, Arguments, RecordId, text
from tools.identity import Proof
from tools.tool import Label, Result, ToolContext, tool


@holds_personal_data
@dataclass(frozen=True, slots=True)
class Invoice(Record):
    customer_name: Annotated[str, Personal.NAME]
    customer_email: Annotated[str, Personal.TEXT]
    total_cents: int
    issued: datetime


def _stored(invoice: Invoice) -> Item:
    return {
        "customerName": invoice.customer_name,
        "total": amount(invoice.total_cents),
        "createdAt": to_iso(invoice.issued),
    }


def _read(item: Mapping[str, Any]) -> Invoice:
    return Invoice(
        item["id"],
        item["customerName"],
        item["customerEmail"],
        cents(item["total"]),
        from_iso(item["createdAt"]),
        version=whole(item["version"]),
    )


def _samples(today: date) -> Sequence[Invoice]:
    issued = datetime.combine(today, time(10), BUENOS_AIRES)
    return (
        Invoice("1", "María González", "maria.gonzalez@email.com", 929_97, issued),
        Invoice("2", "Luis Fernández", "Luis.Fernandez@email.com", 349_99, issued),
    )


INVOICES = declare(
    RecordType(
        Invoice,
        TableName.ORDERS,
        by_email=Index("CustomerEmailIndex", "customerEmail", "createdAt"),
        name="customer_name",
        email="customer_email",
        to_fields=_stored,
        from_item=_read,
        spoken="esa factura",
        ask="Para verificar tu identidad, ¿me decís tu nombre completo?",
        samples=_samples,
    )
)


class InvoiceProof(Arguments):
    invoice_id: Annotated[RecordId, Argument("ID de la factura", ask="¿Cuál es el número de la factura?", example="1")]
    customer_name: Annotated[
        str | None,
        text(NAME_LIMIT),
        Argument("Nombre completo del titular", ask="¿Me decís tu nombre y apellido?", example="María González"),
    ] = None


@tool(
    "consultarFactura",
    "Consultar una factura por ID. Se requiere verificación de identidad con el nombre completo.",
    label=Label(es="Consultar una factura", en="Look up an invoice"),
    proves=True,
    writes=False,
)
async def look_up_invoice(call: ToolContext, said: InvoiceProof) -> Result:
    invoice = await call.identity.record(INVOICES, said.invoice_id, Proof(said.customer_name))
    told = f"La factura {invoice.id}, del {day(invoice.issued)}, es de {money(invoice.total_cents)}."
    shown = {"id": invoice.id, "customerName": invoice.customer_name, "total": money(invoice.total_cents)}
    return {"success": True, "invoice": shown, "message": told}
