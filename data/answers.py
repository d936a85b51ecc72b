"""What a business answers its callers, from its facts alone: nothing is guessed, and what they do not say is None.

The owner's own questions come first, then what a question names (a doctor, a plan, a product), then what it is about.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from common.spanish.emergency import is_emergency
from common.spanish.names import doctor_words, plain
from common.spanish.wording import MONTHS, WEEKDAYS, day, listed, money
from data.facts import Doctor, Facts
from data.opening import days_from, moment
from data.products import Product
from data.told import hours_told, plural, week_told

QUESTION_LIMIT = 300  # characters that are looked at
_MOST = 6  # things in a sentence
_ALIKE = 0.6  # of a question and a way of asking it: the share of words that they have in common (Dice)
_ELLIPSIS = 6  # words of a question that leaves out what it is about: "¿y los sábados?"
_STEM = 5  # letters in which "pagar", "pago" and "pagan" are nearly one
_HOLIDAYS_AHEAD = timedelta(days=200)

type _Teller = Callable[[Facts, str, date], str | None]


def answer(facts: Facts, question: str, today: date) -> str | None:
    """Return a sentence to say, None for what the facts do not answer."""
    asked = plain(question[:QUESTION_LIMIT])
    if is_emergency(asked):
        return facts.emergency
    told = (tell(facts, asked, today) for tell in _tellers(asked))
    return next((sentence for sentence in told if sentence), None)


def for_prompt(facts: Facts) -> str:
    """Return the little that the model has to know at once: who it speaks for, hours, and an emergency's sentence."""
    lines = [f"Negocio: {facts.name}."]
    if facts.address:
        lines.append(f"Dirección: {facts.address}.")
    if hours := _hours(facts, "", date.min):
        lines.append(hours)
    lines.append(f"Ante una emergencia de salud, decí primero exactamente esto: {facts.emergency}")
    lines.append("Sobre el negocio respondé solo lo que diga consultarInformacion.")
    return "\n".join(lines)


def _tellers(asked: str) -> Iterator[_Teller]:
    yield _own
    yield _named_doctor
    yield _plan
    yield _product
    yield from (tell for about, tell in _TOPICS if about.search(asked))
    yield _speciality
    if len(asked.split()) <= _ELLIPSIS:
        yield _hours_of_a_day


# The owner's own questions.


def _own(facts: Facts, asked: str, today: date) -> str | None:
    words = _stems(asked)
    ways = [(_likeness(words, _stems(plain(way))), each.answer) for each in facts.questions for way in each.asked]
    likeness, best = max(ways, default=(0.0, ""), key=lambda way: way[0])
    return best if likeness >= _ALIKE else None


_IDLE = frozenset(
    ("a", "al", "con", "de", "del", "el", "en", "es", "esta", "hay", "la", "las", "lo", "los", "me", "para", "por",
     "puede", "puedo", "que", "se", "si", "su", "te", "tienen", "tenes", "tiene", "un", "una", "ustedes", "y", "hola",
     "quiero", "queria", "saber", "como", "decime", "gracias", "favor", "consulta", "pregunta")
)  # fmt: skip


def _stems(text: str) -> frozenset[str]:
    return frozenset(word[:_STEM] for word in re.findall(r"\w+", text) if word not in _IDLE)


def _likeness(words: frozenset[str], way: frozenset[str]) -> float:
    """One word in common is enough only if the way has no other: "¿qué productos hay?" is not "¿cambian productos?"."""
    common = len(words & way)
    return 2 * common / (len(words) + len(way)) if common > 1 or (common and way <= words) else 0.0


# What is named.


def _named_doctor(facts: Facts, asked: str, today: date) -> str | None:
    if not re.search(r"\b(doctor|doctora|dr|dra)\b", asked):
        return None
    words = set(doctor_words(asked))
    found = [each for each in facts.doctors if words & set(doctor_words(each.name))]
    return _doctor_told(facts, found[0]) if len(found) == 1 else None


def _doctor_told(facts: Facts, doctor: Doctor) -> str:
    who = f"{doctor.name}, de {doctor.speciality}," if doctor.speciality else doctor.name
    hours = week_told(doctor.days or facts.hours)
    plans = doctor.plans or facts.plans
    told = f"{who} atiende {hours}." if hours else f"{who} por ahora no atiende."
    return f"{told} Atiende por {listed(plans[:_MOST])}." if plans else told


def _plan(facts: Facts, asked: str, today: date) -> str | None:
    names = [plan for plan in facts.plans if re.search(rf"\b{re.escape(plain(plan))}\b", asked)]
    if names:
        return f"Sí, atendemos por {listed(names)}."
    about_plans = re.search(
        r"\b(obras? social|obras sociales|prepagas?|mutual|cobertura|planes?|atienden por)\b", asked
    )
    return f"Atendemos por {listed(facts.plans[:_MOST])}." if about_plans and facts.plans else None


_SELLING = re.compile(
    r"\b(cuanto|cuanta|cuantos|precios?|cuesta[n]?|sale[n]?|vale[n]?|cobran|venden|vendes|stock|disponible|tienen|tenes|hay)\b"
)
_AROUND = re.compile(
    rf"{_SELLING.pattern}|\b(a|carlos|decime|decis|en|es|hola|me|por favor|que|queria|quiero|saber|ustedes)\b"
)


def _product(facts: Facts, asked: str, today: date) -> str | None:
    if not (facts.products and _SELLING.search(asked)):
        return None
    found = facts.product(" ".join(_AROUND.sub(" ", re.sub(r"[^\w\s/.-]", " ", asked)).split()))
    return _product_told(found) if found else None


def _product_told(product: Product) -> str:
    told = f"{product.name} sale {money(product.price_cents)}" if product.price_cents else f"Tenemos {product.name}"
    return f"{told}{'' if product.delivery_days is None else f', y la entrega tarda {product.delivery_days} días'}."


def _speciality(facts: Facts, asked: str, today: date) -> str | None:
    for word in re.findall(r"\w{5,}", asked):
        if found := facts.doctors_for(word):
            return f"De {found[0].speciality} atiende {listed([each.name for each in found[:_MOST]])}."
    return None


# What it is about.


def _delivery(facts: Facts, asked: str, today: date) -> str | None:
    return facts.delivery


def _address(facts: Facts, asked: str, today: date) -> str | None:
    return f"Estamos en {facts.address}." if facts.address else None


def _hours(facts: Facts, asked: str, today: date) -> str | None:
    for number, name in enumerate(WEEKDAYS):
        if re.search(rf"\b{plain(name)}s?\b", asked):
            hours = facts.hours[number]
            return (
                f"Los {plural(number)} atendemos {hours_told(hours)}."
                if hours
                else f"Los {plural(number)} no atendemos."
            )
    for word, days in (("hoy", 0), ("pasado manana", 2), ("(?<!la )manana", 1)):
        if re.search(rf"\b{word}\b", asked):
            return _day_told(facts, today + timedelta(days=days))
    if then := _date_in(asked, today):
        return _day_told(facts, then)
    told = week_told(facts.hours)
    return f"Atendemos {told}." if told else None


def _hours_of_a_day(facts: Facts, asked: str, today: date) -> str | None:
    """ "¿Y los sábados?", "¿y el 8 de diciembre?" """
    named = any(re.search(rf"\b{plain(name)}s?\b", asked) for name in WEEKDAYS) or _date_in(asked, today)
    return _hours(facts, asked, today) if named else None


def _day_told(facts: Facts, then: date) -> str:
    """`El martes 8 de diciembre no atendemos: Día de la Inmaculada Concepción de María.`"""
    on, hours, holiday = f"El {day(moment(then, 0))}", facts.hours_on(then), facts.holidays.name_of(then)
    if holiday:
        return f"{on} no atendemos: {holiday}."
    return f"{on} atendemos {hours_told(hours)}." if hours else f"{on} no atendemos."


def _date_in(asked: str, today: date) -> date | None:
    """The next "8 de diciembre"."""
    found = re.search(rf"\b(\d{{1,2}}) de ({'|'.join(MONTHS)})\b", asked)
    if found is None:
        return None
    month, number = MONTHS.index(found[2]) + 1, int(found[1])
    ahead = (then for then in days_from(today, 366) if (then.month, then.day) == (month, number))
    return next(ahead, None)


def _holidays(facts: Facts, asked: str, today: date) -> str | None:
    if then := _date_in(asked, today):
        return _day_told(facts, then)
    ahead = [then for then in days_from(today, _HOLIDAYS_AHEAD.days) if facts.holidays.name_of(then)]
    if not ahead:
        return "Los feriados atendemos como siempre." if not facts.holidays.national else None
    told = [f"el {day(moment(then, 0))}, {facts.holidays.name_of(then)}" for then in ahead[:3]]
    return f"Los feriados no atendemos. Los próximos son {'; '.join(told)}."


def _doctors(facts: Facts, asked: str, today: date) -> str | None:
    return f"Atienden {_some([_with_speciality(each) for each in facts.doctors])}." if facts.doctors else None


def _with_speciality(doctor: Doctor) -> str:
    return f"{doctor.name}, de {doctor.speciality}" if doctor.speciality else doctor.name


def _specialities(facts: Facts, asked: str, today: date) -> str | None:
    known = sorted({each.speciality for each in facts.doctors if each.speciality})
    if told := _speciality(facts, asked, today):
        return told
    return f"Tenemos {_some(known)}." if known else None


def _products(facts: Facts, asked: str, today: date) -> str | None:
    return f"Vendemos {_some([each.name for each in facts.products])}." if facts.products else None


def _prices(facts: Facts, asked: str, today: date) -> str | None:
    priced = [f"{each.name}, {money(each.price_cents)}" for each in facts.products if each.price_cents]
    return f"Algunos precios: {'; '.join(priced[:3])}." if priced else None


def _emergency(facts: Facts, asked: str, today: date) -> str | None:
    return facts.emergency


def _some(names: list[str]) -> str:
    return "; ".join(names[:_MOST]) + (f" y {len(names) - _MOST} más" if len(names) > _MOST else "")


_TOPICS: tuple[tuple[re.Pattern[str], _Teller], ...] = tuple(
    (re.compile(rf"\b(?:{words})"), tell)
    for words, tell in (
        (r"emergencia|urgencia|guardia\b", _emergency),
        (r"entrega|envio|envia|mandan|llegan?\b|demora|tarda", _delivery),
        (r"feriado", _holidays),
        (
            r"donde (?:queda|esta|es|atienden|los encuentro|tengo que ir)|direccion|ubica|como llego|en que calle",
            _address,
        ),
        (r"especialidad|especialista", _specialities),
        (r"(?:que|cuales|quienes|lista).*(?:medic|doctor|profesional)|quien(?:es)? atiende", _doctors),
        (r"horario|que hora|abren|abris|abre\b|abiert|cierran|cerrad|atienden|atendes|que dias|trabajan", _hours),
        (r"lista de precios|que precios|cuales son los precios|precios tienen", _prices),
        (r"que (?:venden|productos|tienen)|catalogo|productos", _products),
        (r"medicos|doctores|profesionales", _doctors),
    )
)
