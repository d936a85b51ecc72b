"""A tool's arguments at the border: forgiving of a voice model in form, strict in content and length.

`read` answers what is missing or unclear with `Asked`, so that Carlos asks the caller instead of guessing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from data.items import cents
from data.models import AppointmentType
from data.names import name_words, plain
from tools.errors import Asked
from tools.numbers import digits_of
from tools.wording import clean

NAME_LIMIT, EMAIL_LIMIT, TEXT_LIMIT, NOTES_LIMIT = 80, 120, 120, 300
ARGUMENTS_LIMIT = 20_000  # characters of JSON
ITEMS_LIMIT, QUANTITY_LIMIT, PRICE_LIMIT_CENTS = 20, 100, 100_000_000

_TYPES = {
    AppointmentType.CONSULTATION: ("consultation", "consulta", "primera consulta", "consulta general"),
    AppointmentType.FOLLOW_UP: ("follow-up", "follow up", "followup", "seguimiento"),
    AppointmentType.EMERGENCY: ("emergency", "emergencia", "urgencia", "urgente", "guardia"),
    AppointmentType.ROUTINE: ("routine", "rutina", "control", "control de rutina", "chequeo"),
}
_TYPE_BY_WORD = {word: type_ for type_, words in _TYPES.items() for word in words}
_SIGN_OR_FRACTION = re.compile(r"\s*(?:[-+].*|[0-9]+[.,][0-9]{1,2}\s*)", re.DOTALL)  # "-3", "3.7"; "1.234" is an id
_PRICE = re.compile(r"[0-9]{1,9}(?:\.[0-9]+)?")
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+")
_DURATIONS = {"media hora": 30, "una hora": 60, "1 hora": 60, "una hora y media": 90, "dos horas": 120}


def _text(limit: int) -> BeforeValidator:
    def validate(value: Any) -> Any:
        if isinstance(value, str):
            if len(value) > limit:
                raise ValueError("too long")
            return clean(value, limit) or None
        return value

    return BeforeValidator(validate)


def _record_id(value: Any) -> str | None:
    """ "pedido 3", "#003", "tres", 3 -> "3". Ids are short: at most seven digits."""
    said = _short(value, 60)
    if _SIGN_OR_FRACTION.fullmatch(said):
        raise ValueError("not an id")
    digits = digits_of(said)
    if not digits or not 0 < int(digits[:8]) < 10_000_000 or len(digits) > 8:
        raise ValueError("not an id")
    return str(int(digits))


def _dni(value: Any) -> str | None:
    if value is None or value == "":
        return None
    digits = digits_of(_short(value, 120))
    if digits is None or len(digits) not in (7, 8):
        raise ValueError("not a DNI")
    return digits


def _email(value: Any) -> Any:
    """Also as it is spoken: "ana punto pérez arroba email punto com"."""
    spoken = plain(_short(value, EMAIL_LIMIT))
    for word, sign in (("arroba", "@"), ("punto", "."), ("guion bajo", "_"), ("guion", "-")):
        spoken = re.sub(rf"\s*\b{word}\b\s*", sign, spoken)
    address = spoken.replace(" ", "")
    if not re.fullmatch(r"[a-z0-9._%+-]+@[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}", address):
        raise ValueError("not an e-mail address")
    return address


def _full_name(value: Any) -> str:
    name = clean(_short(value, NAME_LIMIT), NAME_LIMIT)
    if len(name_words(name)) < 2 or re.search(r"[^\w\s.'’,-]|[\d_]", name):
        raise ValueError("not a full name")
    return name


def _type(value: Any) -> AppointmentType:
    word = "consultation" if value in (None, "") else plain(_short(value, 40))
    if word not in _TYPE_BY_WORD:
        raise ValueError("not a type of appointment")
    return _TYPE_BY_WORD[word]


def _duration(value: Any) -> int:
    if value in (None, ""):
        return 30
    said = plain(_short(value, 40))
    if said in _DURATIONS:
        return _DURATIONS[said]
    number = digits_of(re.sub(r"\b(minutos?|min)\b", " ", said))
    if not number or len(number) > 4:
        raise ValueError("not a duration")
    return int(number)


def _price(value: Any) -> int:
    """In cents; also as it is written here: "$ 1.234,50", and "1.234" for a text, where points part the thousands."""
    written = "0" if value in (None, "") else _short(value, 20).replace("$", "").strip()
    if "," in written or (isinstance(value, str) and _THOUSANDS.fullmatch(written)):
        written = written.replace(".", "").replace(",", ".")
    if not _PRICE.fullmatch(written):
        raise ValueError("not a number")
    price = cents(written)
    if price > PRICE_LIMIT_CENTS:
        raise ValueError("not a price")
    return price


def _items(value: Any) -> Any:
    items = _json(value) if isinstance(value, str) else value
    if isinstance(items, list) and len(items) > ITEMS_LIMIT:  # before thousands of them are checked one by one
        raise ValueError("too many")
    return items


def _json(text: str) -> Any:
    """ValueError for whatever is no JSON that can be held."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("too deep") from error


def _short(value: Any, limit: int) -> str:
    """Numbers and texts as text; a whole float ("3.0") as its digits."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("neither text nor number")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value)
    if len(text) > limit:
        raise ValueError("too long")
    return text


_Id = Annotated[str, BeforeValidator(_record_id)]
_FullName = Annotated[str, BeforeValidator(_full_name)]
_Email = Annotated[str, BeforeValidator(_email)]


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class OrderProof(_Arguments):
    """An order, and what is said to prove whose it is."""

    order_id: _Id = Field(validation_alias=AliasChoices("orderId", "order_id"))
    dni: Annotated[str | None, BeforeValidator(_dni)] = None
    customer_name: Annotated[str | None, _text(NAME_LIMIT)] = Field(None, validation_alias="customerName")


class AppointmentProof(_Arguments):
    appointment_id: _Id = Field(validation_alias=AliasChoices("appointmentId", "appointment_id"))
    patient_name: Annotated[str | None, _text(NAME_LIMIT)] = Field(None, validation_alias="patientName")


class Move(AppointmentProof):
    new_date: Annotated[str | None, _text(TEXT_LIMIT)] = Field(None, validation_alias="newDate")
    new_time: Annotated[str | None, _text(TEXT_LIMIT)] = Field(None, validation_alias="newTime")


class NewItem(_Arguments):
    name: Annotated[str, _text(TEXT_LIMIT)]
    quantity: int = Field(1, ge=1, le=QUANTITY_LIMIT)
    price_cents: Annotated[int, BeforeValidator(_price)] = Field(0, validation_alias="price")
    description: Annotated[str | None, _text(NOTES_LIMIT)] = None


class NewOrder(_Arguments):
    customer_name: _FullName = Field(validation_alias="customerName")
    customer_email: _Email = Field(validation_alias="customerEmail")
    items: Annotated[tuple[NewItem, ...], BeforeValidator(_items), Field(min_length=1, max_length=ITEMS_LIMIT)]


class NewAppointment(_Arguments):
    patient_name: _FullName = Field(validation_alias="patientName")
    patient_email: _Email = Field(validation_alias="patientEmail")
    doctor_name: Annotated[str, _text(NAME_LIMIT)] = Field(validation_alias="doctorName")
    date: Annotated[str, _text(TEXT_LIMIT)]
    duration: Annotated[int, BeforeValidator(_duration)] = 30
    type: Annotated[AppointmentType, BeforeValidator(_type)] = AppointmentType.CONSULTATION
    notes: Annotated[str | None, _text(NOTES_LIMIT)] = None


_QUESTIONS = {
    "orderId": "¿Cuál es el número del pedido?",
    "appointmentId": "¿Cuál es el número de la cita?",
    "dni": "¿Me decís el DNI completo, número por número?",
    "customerName": "¿Me decís tu nombre y apellido completos?",
    "patientName": "¿Me decís el nombre y apellido completos del paciente?",
    "customerEmail": "¿Cuál es tu correo electrónico?",
    "patientEmail": "¿Cuál es el correo electrónico del paciente?",
    "items": "¿Qué productos querés, cuántos y a qué precio?",
    "doctorName": "¿Con qué profesional querés el turno?",
    "date": "¿Para qué día y a qué hora?",
    "newDate": "¿Para qué día?",
    "newTime": "¿A qué hora?",
    "duration": "¿De cuántos minutos es la cita?",
    "type": "¿Es una consulta, un seguimiento, una urgencia o un control de rutina?",
    "notes": "¿Me lo decís más corto?",
}


def parse_object(arguments: str) -> Mapping[str, Any]:
    """The model's arguments as a JSON object; ValueError for anything else."""
    if len(arguments) > ARGUMENTS_LIMIT:
        raise ValueError("too long")
    value = _json(arguments or "{}")
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def read[T: _Arguments](model: type[T], arguments: Mapping[str, Any]) -> T:
    """Raise Asked with the question for the first argument that is missing or does not hold."""
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        field = str(error.errors(include_url=False, include_input=False, include_context=False)[0]["loc"][0])
        name = {"order_id": "orderId", "appointment_id": "appointmentId"}.get(field, field)
        raise Asked(f"{_snake(name)}_needed", _QUESTIONS[name]) from None


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower()
