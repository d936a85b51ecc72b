"""A tool's arguments at the border: forgiving of a voice model in form, strict in content and length.

`read` answers what is missing or unclear with `NeedsInput`, so that Carlos asks the caller instead of guessing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import AliasChoices, AliasGenerator, BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from common.spanish.dni import dni_of
from common.spanish.emails import email_of
from common.spanish.names import name_words, plain
from common.spanish.numbers import digits_of
from common.text import clean
from data.bounds import EMAIL_LIMIT as EMAIL_LIMIT
from data.bounds import ID_DIGITS
from data.bounds import ITEMS_LIMIT as ITEMS_LIMIT
from data.bounds import NAME_LIMIT as NAME_LIMIT
from data.bounds import NOTES_LIMIT as NOTES_LIMIT
from data.bounds import PRICE_LIMIT_CENTS as PRICE_LIMIT_CENTS
from data.bounds import QUANTITY_LIMIT as QUANTITY_LIMIT
from data.bounds import TEXT_LIMIT as TEXT_LIMIT
from tools.errors import DeclarationError, NeedsInput

type Schema = dict[str, Any]

SPOKEN_EMAIL_LIMIT = 200  # characters: dictated letter by letter it is longer than written
ARGUMENTS_LIMIT = 20_000  # characters of JSON

# "-3", "3-7", "3.7", "3/7"; but "1.234" is an id, and so is "3, 7", figure by figure.
_NO_ID = re.compile(
    r"(?<!\w)[-+−–]\s*[0-9]|[0-9]\s*[^\w\s.,]\s*[0-9]|[0-9][.,](?![0-9]{3}(?![0-9]))[0-9]|[0-9]{4}[.,][0-9]|[0-9]\s*%"
)


def text(limit: int) -> BeforeValidator:
    """A text of one line, None for a blank one; ValueError for more than `limit` characters."""

    def validate(value: Any) -> Any:
        if isinstance(value, str):
            if len(value) > limit:
                raise ValueError("too long")
            return clean(value, limit) or None
        return value

    return BeforeValidator(validate)


BLANK_IS_NONE = BeforeValidator(lambda value: None if value == "" else value)  # for what may be left out


def _record_id(value: Any) -> str | None:
    """Return "3" for "pedido 3", "#003", "tres" and 3. Ids are short: at most seven digits."""
    said = short_text(value, 60)
    digits = None if _NO_ID.search(plain(said)) else digits_of(said)
    if not digits or len(digits) > ID_DIGITS + 1 or not 0 < int(digits) < 10**ID_DIGITS:
        raise ValueError("not an id")
    return str(int(digits))


def _dni(value: Any) -> str | None:
    if value is None or value == "":
        return None
    dni = dni_of(short_text(value, 120))
    if dni is None:
        raise ValueError("not a DNI")
    return dni


def _email(value: Any) -> Any:
    """Also as it is dictated: "ana punto pérez arroba email punto com"."""
    address = email_of(short_text(value, SPOKEN_EMAIL_LIMIT))
    if address is None or len(address) > EMAIL_LIMIT:
        raise ValueError("not an e-mail address")
    return address


def _full_name(value: Any) -> str:
    name = clean(short_text(value, NAME_LIMIT), NAME_LIMIT)
    if len(name_words(name)) < 2 or re.search(r"[^\w\s.'’`´ʼ‘,-]|[\d_]", name):
        raise ValueError("not a full name")
    return name


def short_text(value: Any, limit: int) -> str:
    """Numbers and texts as text; a whole float ("3.0") as its digits."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("neither text nor number")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value)
    if len(text) > limit:
        raise ValueError("too long")
    return text


RecordId = Annotated[str, BeforeValidator(_record_id)]
Dni = Annotated[str | None, BeforeValidator(_dni)]
FullName = Annotated[str, BeforeValidator(_full_name)]
Email = Annotated[str, BeforeValidator(_email)]


def _spellings(name: str) -> str | AliasChoices:
    """In camelCase; the original takes order_id and appointment_id, too."""
    return AliasChoices(to_camel(name), name) if name.endswith("_id") else to_camel(name)


@dataclass(frozen=True, slots=True)
class Argument:
    """What is said about an argument, in Spanish: to the model in `description`, to a caller who left it out in `ask`.

    `example` is one that holds for the seeded records; the tests of every tool use it. `schema` adds to a string's
    JSON Schema. `required` tells the model so, where a caller who leaves it out is asked later than here.
    """

    description: str
    ask: str
    example: Any
    schema: Schema = field(default_factory=dict)
    required: bool = False


class Lenient(BaseModel):
    """Fields that nobody asked for are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Arguments(Lenient):
    """What a tool takes: each field is `Annotated` with its `Argument`, and known to the model in camelCase.

    Raise DeclarationError, when the class is made, for a field without one.
    """

    model_config = ConfigDict(alias_generator=AliasGenerator(validation_alias=_spellings))
    rules: ClassVar[Schema] = {}  # what JSON Schema has to say of several arguments together

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        for name, info in cls.model_fields.items():
            if not any(isinstance(each, Argument) and each.ask for each in info.metadata):
                raise DeclarationError(
                    f"{cls.__name__}.{name} has no question: annotate it with Argument(description, ask=…, example=…)"
                )

    @classmethod
    def declared(cls) -> dict[str, Argument]:
        """Return the arguments by their published names."""
        fields = cls.model_fields.items()
        return {
            to_camel(name): next(each for each in info.metadata if isinstance(each, Argument)) for name, info in fields
        }

    @classmethod
    def schema_for_the_model(cls, described: Mapping[str, str]) -> Schema:
        """JSON Schema, draft 07; `described` replaces descriptions. Raise DeclarationError for one of no argument."""
        arguments = cls.declared()
        if unknown := described.keys() - arguments.keys():
            raise DeclarationError(f"{cls.__name__} has no {', '.join(sorted(unknown))} to describe")
        needed = {to_camel(name) for name, info in cls.model_fields.items() if info.is_required()}
        return {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": {
                name: {"type": "string", "description": described.get(name, argument.description), **argument.schema}
                for name, argument in arguments.items()
            },
            "required": [name for name, argument in arguments.items() if argument.required or name in needed],
            **cls.rules,
        }


def parse_json(text: str) -> Any:
    """Return the value of a JSON text. Raise ValueError for one that is no JSON, or cannot be held."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("too deep") from error


def parse_object(arguments: str) -> Mapping[str, Any]:
    """Return the model's arguments as a JSON object. Raise ValueError for anything else."""
    if len(arguments) > ARGUMENTS_LIMIT:
        raise ValueError("too long")
    value = parse_json(arguments or "{}")
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def read[A: Arguments](model: type[A], arguments: Mapping[str, Any]) -> A:
    """Raise NeedsInput with the question for the first argument that is missing or does not hold."""
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        place = error.errors(include_url=False, include_input=False, include_context=False)[0]["loc"]
        name = to_camel(str(place[0]))
        raise NeedsInput(f"{_snake(name)}_needed", model.declared()[name].ask) from None


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower()
