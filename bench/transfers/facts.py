"""What a briefing says that the store does not. The store is read anew, and no code of the briefing is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from common.text import clean
from data.changes import IdempotencyRecord
from data.models import CallRecord, Order
from telephony.briefing import CHOICE
from tools.business.callbacks import read_back

LONGEST = 160  # characters of a result that are told; the rest is left out
SAID_WITHOUT_FACTS = (
    CHOICE,
    "Llamada del asistente telefónico.",
    "Pide hablar con una persona.",
    "Se le dijo:",
    "Hecho:",
    "Quedó sin confirmar:",
)


def unfounded(briefing: str, record: CallRecord, receipts: Sequence[IdempotencyRecord], proven: Order | None) -> str:
    """Return what is left of a briefing without all that stands in the store; `proven` is the order that the caller
    proved to be theirs, None for a caller who proved nothing."""
    left = briefing
    known = [fact for fact in (*_facts(record, receipts, proven), *SAID_WITHOUT_FACTS) if fact]
    for fact in sorted(known, key=len, reverse=True):
        left = left.replace(fact, " ")
    return " ".join(left.replace(".", " ").split())


def _facts(record: CallRecord, receipts: Sequence[IdempotencyRecord], proven: Order | None) -> Iterator[str]:
    yield f"Probó con su DNI que es {proven.customer_name}." if proven else "No probó quién es."
    yield f"Tema: {record.details.get('transfer', {}).get('reason', '')}."
    yield f"Llama desde el {read_back((record.caller_number or '').removeprefix('+'))}."
    for result in (*(tool.result for tool in record.tools if tool.ok), *(receipt.result for receipt in receipts)):
        yield from _told(result)


def _told(result: Any) -> Iterator[str]:
    for field in ("message", "proposal"):
        if told := result.get(field):
            yield clean(str(told), LONGEST)
