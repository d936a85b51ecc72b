"""Values of tool results and of slots, as Carlos says them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from typing import Any

from common.spanish.emails import spelled
from common.spanish.numbers import spell
from common.spanish.wording import MONTHS, WEEKDAYS, listed
from common.times import BUENOS_AIRES
from sandbox.dialogue.lines import DOCTORS

# Hours from each of these on: (first hour, what is said after the hour).
_HALVES = ((20, "de la noche"), (13, "de la tarde"), (12, "del mediodía"), (6, "de la mañana"), (1, "de la madrugada"))


def say_id(record_id: str) -> str:
    """ "31" -> "treinta y uno"; what is no number is left as it is."""
    return spell(int(record_id)) if record_id.isdecimal() and len(record_id) < 10 else record_id


def say_date(day: date) -> str:
    """ "lunes veinticuatro de noviembre"."""
    return f"{WEEKDAYS[day.weekday()]} {_day_number(day.day)} de {MONTHS[day.month - 1]}"


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


# In this order: what is left of one is read by the next.
_FOR_THE_EAR: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"\bla cita\b"), lambda said: "el turno"),
    (re.compile(r"\buna cita\b"), lambda said: "un turno"),
    (re.compile(r"[\w.+-]+@[\w.-]+\w"), lambda said: spelled(said[0])),
    (re.compile(r"\ba las (\d\d?):(\d\d)\b"), lambda said: say_time(time(int(said[1]), int(said[2])))),
    (re.compile(rf"\b(\d\d?) de ({'|'.join(MONTHS)})\b"), lambda said: f"{_day_number(int(said[1]))} de {said[2]}"),
    (re.compile(r"\bde (20\d\d)\b"), lambda said: f"de {spell(int(said[1]))}"),
    (re.compile(r"\b(\d+)(?:,(\d\d))? pesos\b"), lambda said: say_money(float(f"{said[1]}.{said[2] or 0}"))),
    (re.compile(r"\b([Pp]edido|[Cc]ita|[Tt]urno) (\d{1,9})\b"), lambda said: f"{said[1]} {say_id(said[2])}"),
    (re.compile(r"\b(\d\d?) minutos\b"), lambda said: f"{spell(int(said[1]))} minutos"),
    (re.compile(r"(?<=[:,y]) (\d{1,4}) (?=([^\W\d]+))"), lambda said: f" {_some(int(said[1]), said[2])} "),
    (re.compile(r"\b(Dra?\. \w+(?: \w+)?)"), lambda said: say_doctor(said[1])),
)


def say_aloud(text: str) -> str:
    """A sentence of the server's, for the ear: its figures, addresses and titles in words, products as they are."""
    for pattern, words in _FOR_THE_EAR:
        text = pattern.sub(words, text)
    return text


def say_proposal(proposal: str) -> str:
    """ "Cancelar la cita 6, …" -> "Voy a cancelar el turno seis, …", without what a visit is unless told otherwise."""
    shorter = proposal.replace(" de consulta de 30 minutos", "")
    return say_aloud(f"Voy a {shorter[0].lower()}{shorter[1:]}") if shorter[:1].isupper() else say_aloud(shorter)


def slowly(text: str) -> str:
    """The line in short pieces, with a pause after each."""
    return re.sub(r",? (?=(?:para|con|a las?|el|al|y) \w+ \w)", "… ", text)


def _some(number: int, noun: str) -> str:
    """How many of a product: "una" is said of what ends in "a"."""
    if number != 1:
        return spell(number)
    return "una" if noun.endswith("a") else "un"


def _day_number(day: int) -> str:
    return "primero" if day == 1 else spell(day)
