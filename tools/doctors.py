"""Doctors, as callers name them and as Carlos does."""

from __future__ import annotations

from common.spanish.names import doctor_words, plain
from common.spanish.wording import listed
from common.text import clean
from data.rules import doctors
from data.store import Store
from tools.arguments import NAME_LIMIT
from tools.errors import NeedsInput, Refused

NO_DOCTORS = "En este momento no hay profesionales con agenda abierta."
MOST_TOLD = 8  # in a sentence
_TITLES = {"dr": "el doctor", "dra": "la doctora"}


async def doctor_on_record(store: Store, said: str) -> str:
    """The doctor's name as it is on record: "el doctor Rodríguez" is enough if there is only one, and so is
    "el cardiólogo". Raise NeedsInput or Refused."""
    known = await doctors(store)
    words = set(doctor_words(said))
    found = [name for name in known if words and words <= set(doctor_words(name))]
    found = found or [doctor.name for doctor in (await store.facts()).doctors_for(said)]
    if len(found) == 1:
        return found[0]
    if found:
        raise NeedsInput("doctor_ambiguous", f"¿Con {listed(found, 'o')}?")
    if not known:
        raise Refused("no_doctors", NO_DOCTORS)
    raise Refused("unknown_doctor", f"No tengo a ese profesional. Atienden {listed(known[:MOST_TOLD])}.")


def spoken_doctor(name: str) -> str:
    """`la doctora López` for `Dra. Ana López`; a name without a title, or of more words, stays whole."""
    title, *names = clean(name, NAME_LIMIT).split()
    article = _TITLES.get(plain(title).strip("."))
    if article is None or not names:
        return clean(name, NAME_LIMIT)
    return f"{article} {names[-1] if len(names) == 2 else ' '.join(names)}"
