"""The invoice of an order: a tool as somebody would add it to `tools/business`, in one file."""

from __future__ import annotations

from common.spanish.wording import day, money
from tools.business.orders import OrderProof
from tools.tool import Label, Result, ToolContext, tool


@tool(
    "consultarFactura",
    "Consultar la factura de un pedido. Se requiere verificación de identidad con DNI o nombre completo.",
    label=Label(es="Consultar una factura", en="Look up an invoice"),
    describe={"orderId": "ID del pedido de la factura"},
    proves=True,
    writes=False,
)
async def look_up_invoice(call: ToolContext, said: OrderProof) -> Result:
    order = await said.proven(call)
    told = f"La factura del pedido {order.id}, del {day(order.created_at)}, es de {money(order.total_cents)}."
    return {"success": True, "invoice": {"orderId": order.id, "total": money(order.total_cents)}, "message": told}
