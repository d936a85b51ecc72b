"""Noting that a caller is to be called back, where no person can be had."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator

from common.spanish.numbers import digits_of
from data.callbacks import CallBack
from tools.arguments import NOTES_LIMIT, Argument, Arguments, short_text, text
from tools.confirmation import Plan, fingerprint
from tools.errors import NeedsInput
from tools.tool import Label, Result, ToolContext, tool

ASK_CALLBACK = "pedirLlamado"
SHORTEST, LONGEST = 8, 15  # digits; E.164 has 15 at most
_SPOKEN_LIMIT = 120  # characters of a number as it is said
_GROUP = 3  # digits that are read in one breath
_DIALLED = re.compile(r"\+?[0-9 ().-]+")
_CALLING = ("llamar", "anotar", "pedir", "agendar")
_A_CALL = ("llamado", "llamada", "numero", "telefono")


def _phone(value: Any) -> str | None:
    if value in (None, ""):
        return None
    said = short_text(value, _SPOKEN_LIMIT).strip()
    digits = re.sub(r"\D", "", said) if _DIALLED.fullmatch(said) else digits_of(said)
    if digits is None or not SHORTEST <= len(digits) <= LONGEST:
        raise ValueError("not a phone number")
    return f"+{digits}" if said.startswith("+") else digits


class AskedCallback(Arguments):
    phone: Annotated[
        str | None,
        BeforeValidator(_phone),
        Argument(
            "Teléfono al que hay que llamar, con la característica; vacío si es el mismo desde el que llama",
            ask="¿A qué número te llamamos? Decímelo con la característica, número por número.",
            example="1150310001",
        ),
    ] = None
    about: Annotated[
        str,
        text(NOTES_LIMIT),
        Argument(
            "Por qué quiere que lo llamen, con sus palabras", ask="¿Por qué tema te llamamos?", example="Una duda"
        ),
    ]


@tool(
    ASK_CALLBACK,
    "Anotar un llamado para que una persona del negocio llame al cliente más tarde."
    " No se requiere verificación de identidad.",
    label=Label(es="Pedir un llamado", en="Ask for a call-back"),
    proves=False,
    writes=True,
    when_locked=True,
)
async def ask(call: ToolContext, said: AskedCallback) -> Plan:
    phone = said.phone or _own(call.identity.caller_number)
    agreed = fingerprint(call.tool, phone, said.about)

    async def carry_out(tool_use_id: str) -> Result:
        callback = CallBack(call.call_id, phone, said.about, call.clock())
        done = await call.store.ask_callback(callback, call.receipt(tool_use_id, agreed, dict(_NOTED)))
        return dict(done.result)

    return Plan(agreed, f"Anotar que te llamen al {read_back(phone)}.", carry_out, _CALLING, _A_CALL)


_NOTED = {"success": True, "message": "Llamado anotado", "speak": "Listo, quedó anotado: te va a llamar una persona."}


def _own(number: str | None) -> str:
    """The caller's own number, where it is one that can be called. Raise NeedsInput."""
    if number is None or not re.fullmatch(r"\+?[0-9]{8,15}", number):
        raise NeedsInput("phone_needed", AskedCallback.declared()["phone"].ask)
    return number


def read_back(phone: str) -> str:
    """Figure by figure, in groups: "1 1 5, 0 3 1, 0 0 0 1"."""
    digits = phone.removeprefix("+")
    cuts = [*range(0, len(digits) - 1, _GROUP)]
    groups = [digits[start:end] for start, end in zip(cuts, [*cuts[1:], len(digits)], strict=True)]
    return ", ".join(" ".join(group) for group in groups)
