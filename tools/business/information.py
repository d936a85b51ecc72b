"""Answering what callers ask about the business, from its facts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from common.times import BUENOS_AIRES
from data.answers import QUESTION_LIMIT, answer
from data.facts import Doctor, Facts
from data.store import Store
from tools.arguments import Argument, Arguments, text
from tools.tool import Label, Result, ToolContext, tool

UNKNOWN = "No tengo ese dato."
NOTED_PER_CALL = 10  # questions; the owner reads them
_WINDOW = timedelta(hours=2)


class Asked(Arguments):
    question: Annotated[
        str,
        text(QUESTION_LIMIT),
        Argument(
            "La pregunta del cliente sobre el negocio, con sus palabras",
            ask="¿Qué querés saber?",
            example="¿Qué médicos atienden?",
        ),
    ]


@tool(
    "consultarInformacion",
    "Responder preguntas sobre el negocio: dirección, horarios, feriados, médicos, especialidades, obras sociales,"
    " productos, precios, entregas y otras. No se requiere verificación de identidad.",
    label=Label(es="Informar sobre el negocio", en="Tell about the business"),
    proves=False,
    writes=False,
)
async def inform(call: ToolContext, said: Asked) -> Result:
    """An answer from the facts alone. A question without one is noted for the owner."""
    facts, today = await _with_doctors(call.store), call.clock().astimezone(BUENOS_AIRES).date()
    told = await asyncio.to_thread(answer, facts, said.question, today)  # hundreds of products, word by word
    if told is None:
        await _note(call, said.question)
    return {"success": True, "found": told is not None, "message": told or UNKNOWN}


async def _with_doctors(store: Store) -> Facts:
    """The facts; with the doctors of the records, where they name none."""
    facts = await store.facts()
    return facts if facts.doctors else replace(facts, doctors=tuple(Doctor(name) for name in await store.doctors()))


async def _note(call: ToolContext, question: str) -> None:
    """Not without end: a model may ask in a loop."""
    if await call.store.record_failure(f"questions of {call.call_id}", _WINDOW) <= NOTED_PER_CALL:
        await call.store.note_question(question)
