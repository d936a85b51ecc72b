"""Doctors, as callers name them and as Carlos does."""

from __future__ import annotations

from collections.abc import Sequence

from common.spanish.names import doctor_words, plain
from common.spanish.wording import listed
from common.text import clean
from data.store import Store
from tools.arguments import NAME_LIMIT
from tools.errors import NeedsInput, Refused

NO_DOCTORS = "En este momento no hay profesionales con agenda abierta."
_TITLES = {"dr": "el doctor", "dra": "la doctora"}


async def all_doctors(store: Store) -> Sequence[str]:
    """The doctors who take appointments: those of the facts, or of the records where the facts name none."""
    facts = await store.facts()
    return [doctor.name for doctor in facts.doctors] or await store.doctors()


async def doctor_on_record(store: Store, said: str) -> str:
    """The doctor's name as it is on record: "el doctor Rodríguez" is enough if there is only one. Raise NeedsInput or
    Refused."""
    doctors = await store.doctors()
    words = set(doctor_words(said))
    found = [name for name in doctors if words and words <= set(doctor_words(name))]
    if len(found) == 1:
        return found[0]
    if found:
        raise NeedsInput("doctor_ambiguous", f"¿Con {listed(found, 'o')}?")
    if not doctors:
        raise Refused("no_doctors", NO_DOCTORS)
    raise Refused("unknown_doctor", f"No tengo a ese profesional. Atienden {listed(doctors)}.")


def spoken_doctor(name: str) -> str:
    """`la doctora López` for `Dra. Ana López`; a name without a title, or of more words, stays whole."""
    title, *names = clean(name, NAME_LIMIT).split()
    article = _TITLES.get(plain(title).strip("."))
    if article is None or not names:
        return clean(name, NAME_LIMIT)
    return f"{article} {names[-1] if len(names) == 2 else ' '.join(names)}"
