"""What a person hears before taking a caller: made from the call's record and its receipts, and from nothing else.

No model writes it. It says who calls and how that was proven, what was done and told, and what is open; each fact in it
stands in the store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agent.passing_on import NOTHING_IN_PARTICULAR, Cause
from common.masking import Personal, personal
from common.text import clean
from data.changes import IdempotencyRecord
from data.models import CallRecord, ToolCall
from telephony.transfer import Transfer
from tools.business.callbacks import read_back
from tools.catalogue import TOOLS

TAKES_IT = "1"
KEY_TIMEOUT_S = 8  # for a key, after the last word
CHOICE = "Para atender la llamada, apretá uno. Si no podés, apretá dos."
DECLINED = "Gracias. Le avisamos a la persona que llama."
NOBODY_WAITS = "La persona que llamaba ya no está en línea. Gracias."
MOST_SENTENCES = 8
_LONGEST = 160  # characters of what was told or done
_BY_NAME = {tool.name: tool for tool in TOOLS}
_CAUSES = {
    Cause.ASKED: "Pide hablar con una persona.",
    Cause.KEYPAD: "Pide hablar con una persona.",
    Cause.LOCKED: "No pudo probar su identidad, y la llamada quedó bloqueada.",
    Cause.MISUNDERSTOOD: "El asistente no le entendió.",
    Cause.MODEL_DOWN: "El asistente tuvo un problema técnico.",
}


def briefing(record: CallRecord, receipts: Sequence[IdempotencyRecord], transfer: Transfer) -> list[str]:
    """Return the sentences, most important first."""
    sentences = [
        "Llamada del asistente telefónico.",
        _CAUSES.get(Cause(transfer.cause), "") if transfer.cause in Cause else "",
        f"Tema: {transfer.reason}." if transfer.reason not in ("", NOTHING_IN_PARTICULAR) else "",
        _who(record),
        *_done(record, receipts),
        _open(record),
        f"Llama desde el {read_back(number)}." if (number := _dialled(record.caller_number)) else "",
    ]
    return [sentence for sentence in sentences if sentence][:MOST_SENTENCES]


def _who(record: CallRecord) -> str:
    """Whom the caller proved to be, the last time they did."""
    for tool in reversed(record.tools):
        if tool.ok and tool.name in _BY_NAME and _BY_NAME[tool.name].proves:
            name = next(_names_in(tool.arguments), None) or next(_names_in(tool.result), None)
            how = "con su DNI" if tool.arguments.get("dni") else "con su nombre completo"
            return f"Probó {how} que es {clean(name, 80)}." if name else f"Probó quién es {how}."
    return "No probó quién es."


def _done(record: CallRecord, receipts: Sequence[IdempotencyRecord]) -> list[str]:
    """What was written in this call, and else what was told of records, in the words of the results."""
    order = {tool.tool_use_id: number for number, tool in enumerate(record.tools)}
    written = sorted(receipts, key=lambda receipt: order.get(receipt.tool_use_id, len(order)))
    done = [f"Hecho: {_sentence(receipt.result)}" for receipt in written if receipt.result.get("message")]
    told = [f"Se le dijo: {_sentence(tool.result)}" for tool in record.tools if _tells(tool)]
    return [*done[-3:], *told[-1:]]


def _tells(tool: ToolCall) -> bool:
    known = _BY_NAME.get(tool.name)
    return known is not None and not known.writes and tool.ok and bool(tool.result.get("message"))


def _open(record: CallRecord) -> str:
    """What was proposed last and never answered with a yes."""
    for tool in reversed(record.tools):
        if tool.result.get("confirmation_required"):
            return f"Quedó sin confirmar: {clean(str(tool.result.get('proposal', '')), _LONGEST)}"
        if tool.name in _BY_NAME and _BY_NAME[tool.name].writes and tool.ok:
            return ""
    return ""


def _sentence(result: Mapping[str, Any]) -> str:
    told = clean(str(result.get("message", "")), _LONGEST)
    return told if told.endswith((".", "…", "?", "!")) else f"{told}."


def _names_in(value: Any) -> Iterator[str]:
    """The people's names in arguments or a result, by the fields that hold one."""
    if isinstance(value, Mapping):
        for field, each in value.items():
            if isinstance(each, str) and each and personal(str(field)) is Personal.NAME:
                yield each
            else:
                yield from _names_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _names_in(each)


def _dialled(number: str | None) -> str:
    """A caller's number, if it is one; who calls by SIP may have any text in its place."""
    bare = (number or "").removeprefix("+")
    return bare if bare.isascii() and bare.isdecimal() and len(bare) <= 15 else ""
