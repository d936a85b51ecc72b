"""What may be seen of personal data outside the store: the one place that says so.

    DNI      **.***.*78       seven or eight digits, however they are separated
    phone    ***567           nine digits and more
    e-mail   ***@***          written, or spoken: "ana arroba email punto com"
    keys     ***              four and more that were pressed at once, as the start of a DNI
    numbers  ***              four numbers in a row and more, in words or figures, and millions
    names    ***              in fields that hold one, and in free text where the call has come to know it
    notes    ***              and whatever else a record declares to be personal

Which fields these are the records say themselves, `customer_name: Annotated[str, Personal.NAME]` in a class under
`@holds_personal_data`; the fields are known by their names from then on, in Python's spelling and in JSON's.

Ids of calls and streams, UUIDs and ISO times stay readable. It errs on the side of hiding: other long numbers go too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, get_type_hints

HIDDEN = "***"


class Personal(Enum):
    """How a field is hidden; put it into the field's `Annotated`."""

    NAME = "a person's name: hidden, and hidden in free text from then on"
    NUMBER = "a DNI or a phone number: the last digits stay"
    TEXT = "whatever else is nobody's business: hidden"


_declared: dict[str, Personal] = {}  # by the field's name without case and underscores


def holds_personal_data[T](cls: type[T]) -> type[T]:
    """Class decorator, outside of `@dataclass`: from now on the fields marked `Annotated[..., Personal...]` are hidden
    wherever a field of their name is shown. Fields of one name are marked alike; TypeError if not."""
    for name, hint in get_type_hints(cls, include_extras=True).items():
        for mark in getattr(hint, "__metadata__", ()):
            if isinstance(mark, Personal) and _declared.setdefault(_bare(name), mark) is not mark:
                raise TypeError(f"{cls.__name__}.{name} is {mark}, and {_declared[_bare(name)]} elsewhere")
    return cls


def personal(field: str) -> Personal | None:
    """Return how the field of this name is hidden, in whichever spelling: `customer_name`, `customerName`."""
    return _declared.get(_bare(field))


def _bare(field: str) -> str:
    return field.replace("_", "").lower()


_TIME = r"[T ][0-2]\d:[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?"
_KEEP = (
    r"(?P<keep>\b[A-Z]{2}[0-9a-f]{32}\b"
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
    rf"|(?<!\d)(?:19|20)\d\d-[01]\d-[0-3]\d(?:{_TIME})?(?!\d))"
)
_PART = r"[^\s@<>\"(),;:]"
_EMAIL = rf"(?P<email>(?<!{_PART}){_PART}+@{_PART}+)"
_JOINED = r"(?:\s+(?:punto|gui[oó]n(?:\s+(?:bajo|medio))?)\s+\S+){0,8}"
_NUMBER = r"(?P<number>\+?\d(?:[\s().,/_-]{0,3}\d){6,})"
_ONES = "cero|una?|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve"
_TEENS = "diez|once|doce|trece|catorce|quince|dieci\\w+|veint\\w+"
_TENS = "treinta|cuarenta|cincuenta|sesenta|setenta|ochenta|noventa"
_MORE = "cien(?:to)?|\\w*cient[oa]s|quinient[oa]s|mil|mill[oó]n(?:es)?"
_WORD = rf"(?:{_ONES}|{_TEENS}|{_TENS}|{_MORE})"
_TOKEN = rf"(?:\d+|{_WORD})(?!\w)"
_SPOKEN_EMAIL = rf"(?P<spoken>(?<!\S)\S+{_JOINED}(?:\s+{_TOKEN}){{0,4}}\s+arroba\s+\S+{_JOINED})"
_SEPARATOR = r"[\s,.;-]+(?:y\s+)?"
# A speech recogniser mixes figures and words: "28 millones 456,789".
_MILLIONS = rf"{_TOKEN}\s+mill[oó]n(?:es)?\b(?:{_SEPARATOR}{_TOKEN})*"
_WORDS = rf"(?P<words>(?<!\w)(?:{_MILLIONS}|{_TOKEN}(?:{_SEPARATOR}{_TOKEN}){{3,}}))"
_KEYS = r"(?P<keys>(?<=\[DTMF\] )\d{4,6}(?!\d))"  # part of a DNI: whole ones look like numbers
_PERSONAL = re.compile("|".join((_KEEP, _KEYS, _EMAIL, _SPOKEN_EMAIL, _NUMBER, _WORDS)), re.IGNORECASE)


class Names:
    """The names that have come up in a call; whatever is written about the call hides them."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, name: str) -> None:
        """Hide this name from now on, as a whole and each of its words of three letters and more."""
        whole = " ".join(_fold(name).split())
        words = {whole, *(word for word in re.findall(r"[^\W\d_]+", whole) if len(word) > 2)} - {""}
        if not words <= self._known:
            self._known |= words
            longest_first = sorted(self._known, key=len, reverse=True)
            alternatives = "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in longest_first)
            self._pattern = re.compile(rf"(?<![^\W\d_])(?:{alternatives})(?![^\W\d_])")

    def learn_from(self, value: Any) -> None:
        """Learn every name in a JSON value's fields."""
        for name in _names_in(value):
            self.learn(name)

    def mask(self, text: str) -> str:
        if self._pattern is None:
            return text
        folded, masked, end = _fold(text), [], 0
        for match in self._pattern.finditer(folded):
            masked += [text[end : match.start()], HIDDEN]
            end = match.end()
        return "".join([*masked, text[end:]])


NO_NAMES = Names()


def mask_text(text: str, names: Names = NO_NAMES) -> str:
    """Return free text with what is personal hidden."""
    return names.mask(_PERSONAL.sub(_masked, text))


def mask_value(value: Any, names: Names = NO_NAMES) -> Any:
    """Return a JSON value with what is personal hidden: by the field's name, or by how a text looks."""
    if isinstance(value, Mapping):
        return {key: _mask_field(str(key), item, names) for key, item in value.items()}
    if isinstance(value, str):
        return mask_text(value, names)
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [mask_value(item, names) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1_000_000:
        return mask_number(str(value))
    return value


def mask_number(number: str) -> str:
    """Return a DNI or a phone number masked by its number of digits."""
    digits = re.sub(r"\D", "", number)
    if len(digits) in (7, 8):
        return f"**.***.*{digits[-2:]}"
    return f"{HIDDEN}{digits[-3:]}" if len(digits) > 8 else HIDDEN


def _mask_field(key: str, value: Any, names: Names) -> Any:
    match personal(key):
        case None:
            return mask_value(value, names)
        case Personal.NUMBER if not isinstance(value, Mapping | list | tuple):
            return None if value is None else mask_number(str(value))
        case _:
            return None if value is None else HIDDEN


def _masked(match: re.Match[str]) -> str:
    match match.lastgroup:
        case "keep":
            return match[0]
        case "email":
            return "***@***"
        case "number":
            return mask_number(match[0])
        case _:
            return HIDDEN


def _names_in(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts_in(item) if personal(str(key)) is Personal.NAME else _names_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _names_in(item)


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts_in(item)


def _fold(text: str) -> str:
    """Return the text in lower case without accents, character by character: positions stay."""
    return "".join(unicodedata.normalize("NFKD", char)[0].lower()[0] for char in text)
