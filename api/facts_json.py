"""The JSON of the facts: the keys of the file (docs/facts.md), checked for their shapes here and by data.facts_file for
all the rest.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, FailFast, Field

from api.schemas import MOST_FIELDS, FaultJson, Few
from data.facts_file import LIST_LIMIT, PRODUCT_LIMIT, SENTENCE_LIMIT, TEXT_LIMIT

_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")  # in YAML, or in UTF-8
_WORDS_LIMIT = 2 * SENTENCE_LIMIT  # characters that are looked at; what is too long is told by data.facts_file


def _writable(text: str) -> str:
    if _UNWRITABLE.search(text):
        raise ValueError("must be printable text")
    return text


def _at_most(most: int) -> BeforeValidator:
    """Refuses a map at once that has more keys: each of them may be a complaint of its own."""

    def count(value: Any) -> Any:
        if isinstance(value, dict) and len(value) > most:
            raise ValueError(f"must have at most {most} keys")
        return value

    return BeforeValidator(count)


# Of a list the first entry that is wrong is named: a body can hold tens of thousands.
Words = Annotated[str, Field(max_length=_WORDS_LIMIT), AfterValidator(_writable)]
Many = Annotated[list[Words], Field(max_length=LIST_LIMIT), FailFast()]
Week = Annotated[dict[Words, Words], Field(max_length=MOST_FIELDS), _at_most(MOST_FIELDS)]
Days = Annotated[dict[Words, Words], Field(max_length=LIST_LIMIT), _at_most(LIST_LIMIT)]


class _Part(Few):
    model_config = ConfigDict(extra="forbid")


class HolidaysJson(_Part):
    national: bool = Field(True, description="Argentina's are kept.")
    closed: Days = Field({}, description="`2026-12-24`, or `12-24` for every year, each with its name.")
    open: Days = Field({}, description="Days unlike others, each with its hours.")


class DoctorJson(_Part):
    name: Words = Field(description="As on record: `Dra. Ana López`.")
    speciality: Words | None = Field(None, description="`traumatología`; null: not told.")
    days: Week | None = Field(
        None, description="As `hours`, and only within those; null: whenever the business is open."
    )
    off: Many = Field([], description="Days away: `2026-12-24`, or `2026-12-24 to 2027-01-06`.")
    slot_minutes: Annotated[list[int], Field(max_length=LIST_LIMIT), FailFast()] = Field(
        [], description="How long an appointment may be, the usual length first; empty: 10 to 120, usually 30."
    )
    plans: Many = Field([], description="Health plans, where they differ from those of the business.")


class ProductJson(_Part):
    name: Words = Field(description="As Carlos says it.")
    also: Many = Field([], description="Other names that callers use.")
    price: Words | None = Field(
        None, description="Pesos: `1234`, `1234.50` or `1.234,50`; null: not told, and not sold by phone."
    )
    delivery_days: int | None = Field(None, description="Days from the order; null: five.")


class QuestionJson(_Part):
    asked: Many = Field(description="Ways in which it is asked.")
    answer: Words = Field(description="What callers hear.")


class FactsJson(_Part):
    """The facts of the business. What is null or empty is as usual, or not told."""

    name: Words = Field(description="Of the business.")
    address: Words | None = Field(None, description="As part of a sentence.")
    hours: Week | None = Field(
        None,
        description="`monday` to `sunday` or a range, each with `8:00-12:30, 16:00-20:00` or `closed`; null: Monday to"
        " Saturday, 8 to 20.",
    )
    holidays: HolidaysJson | None = Field(None, description="Null: Argentina's are kept.")
    plans: Many = Field([], description="Health plans that are taken.")
    doctors: Annotated[list[DoctorJson], Field(max_length=LIST_LIMIT), FailFast()] = Field(
        [], description="Who takes appointments; empty: the doctors of the records."
    )
    products: Annotated[list[ProductJson], Field(max_length=PRODUCT_LIMIT), FailFast()] = Field(
        [], description="What is sold, at its price; empty: whatever is asked for, at the price that is named."
    )
    delivery: Words | None = Field(None, description="A sentence about delivery.")
    emergency: Words | None = Field(None, description="What whoever is in danger hears first.")
    questions: Annotated[list[QuestionJson], Field(max_length=LIST_LIMIT), FailFast()] = Field(
        [], description="What callers ask, with its answers."
    )

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "Consultorio Sol",
                "address": "Avenida Corrientes 1234, primer piso",
                "hours": {"monday-friday": "8:00-12:30, 16:00-20:00", "saturday": "9:00-13:00"},
                "doctors": [{"name": "Dra. Ana López", "speciality": "traumatología", "slot_minutes": [30, 45]}],
                "questions": [{"asked": ["¿Tienen estacionamiento?"], "answer": "Sí, a media cuadra."}],
            }
        }
    )

    def document(self) -> dict[str, Any]:
        """What is told, as the file would have it."""
        return self.model_dump(exclude_none=True)


class TextBody(_Part):
    """All facts as the text of a file."""

    text: Annotated[str, Field(description=f"At most {TEXT_LIMIT} characters."), AfterValidator(_writable)]

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"text": "name: Consultorio Sol\naddress: Avenida Corrientes 1234, primer piso\n"}
        }
    )


class AnswerBody(_Part):
    """An answer to a question that the facts did not answer."""

    answer: Words = Field(description="What callers hear.")
    asked: Annotated[list[Words], Field(min_length=1, max_length=LIST_LIMIT), FailFast()] | None = Field(
        None, description="Ways in which it is asked; left out, the caller's."
    )

    model_config = ConfigDict(json_schema_extra={"example": {"answer": "Sí, pedí la clave en recepción."}})


class UnansweredJson(BaseModel):
    """A question that the facts did not answer. It is kept for 90 days from when it was asked last."""

    id: str = Field(description="The same however it is punctuated.")
    question: str = Field(description="Without who asked; longer numbers and addresses are hidden.")
    times: int = Field(description="How often it was asked.")
    last: datetime = Field(description="When it was asked last.")


class KeptFactsJson(BaseModel):
    facts: FactsJson = Field(description="As they are in force.")
    kept: Literal["file", "store"] = Field(
        description="`file`: facts.yaml of this server alone; `store`: shared by all servers on the store."
    )
    text: str = Field(description="The YAML; empty where nothing is written down.")
    faults: list[FaultJson] = Field(description="Of the text; where there are any, it is not in force.")
