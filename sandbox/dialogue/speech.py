"""Values of tool results and of slots, as Carlos says them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from common.spanish.wording import MONTHS, WEEKDAYS, listed
from common.times import BUENOS_AIRES
from sandbox.dialogue.lines import DOCTORS
from sandbox.dialogue.numbers import spell

# Hours from each of these on: (first hour, what is said after the hour).
_HALVES = ((20, "de la noche"), (13, "de la tarde"), (12, "del mediodía"), (6, "de la mañana"), (1, "de la madrugada"))


def say_id(record_id: str) -> str:
    """ "31" -> "treinta y uno"; what is no number is left as it is."""
    return spell(int(record_id)) if record_id.isdecimal() and len(record_id) < 10 else record_id


def say_date(day: date) -> str:
    """ "lunes veinticuatro de noviembre"."""
    number = "primero" if day.day == 1 else spell(day.day)
    return f"{WEEKDAYS[day.weekday()]} {number} de {MONTHS[day.month - 1]}"


def say_time(hour: time) -> str:
    """ "a las diez y media de la mañana"."""
    twelve = hour.hour % 12 or 12
    words = "a la una" if twelve == 1 else f"a las {spell(twelve)}"
    fractions = {0: "", 15: " y cuarto", 30: " y media"}
    half = next((words for first, words in _HALVES if hour.hour >= first), "de la noche")
    return f"{words}{fractions.get(hour.minute, f' y {spell(hour.minute)}')} {half}"


def say_doctor(name: str) -> str:
    """ "Dra. Ana López" -> "la doctora Ana López"."""
    if name in DOCTORS:
        return DOCTORS[name]
    for title, words in (("Dra.", "la doctora"), ("Dr.", "el doctor")):
        if name.startswith(f"{title} "):
            return f"{words} {name.removeprefix(title).strip()}"
    return name


def say_products(items: Sequence[Any]) -> str:
    """The `items` of an order: "Laptop Dell Inspiron 15 y dos unidades de Mouse inalámbrico Logitech"."""
    said = []
    for item in items:
        quantity = int(item.get("quantity") or 1)
        said.append(item["name"] if quantity == 1 else f"{spell(quantity)} unidades de {item['name']}")
    return listed(said)


def say_money(amount: float) -> str:
    """ "novecientos cincuenta y nueve pesos con noventa y siete"."""
    pesos, cents = divmod(round(amount * 100), 100)
    return f"{spell(pesos)} pesos con {spell(cents)}" if cents else f"{spell(pesos)} pesos"


def say_code(code: str) -> str:
    """A tracking code, sign by sign: "T R K siete ocho nueve"."""
    return " ".join(spell(int(sign)) if sign.isdecimal() else sign for sign in code if sign.isalnum())


def read_moment(value: object) -> datetime | None:
    """An ISO date or moment of a tool result, in Buenos Aires; the original's "-03:00Z" is one too."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(re.sub(r"([+-]\d\d:\d\d)Z$", r"\1", value))
    except ValueError:
        return None
    return moment.astimezone(BUENOS_AIRES) if moment.tzinfo else moment.replace(tzinfo=BUENOS_AIRES)
