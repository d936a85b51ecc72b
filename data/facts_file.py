"""The facts of a business as a YAML text, which an owner writes: read with every fault named, by line and key.

The keys are those of the classes in data.facts; docs/facts.md tells them. Days of the week are English words or a
range (`monday-friday`), hours are `8:00-12:30, 16:00-20:00` or `closed`, dates are `2026-12-24`, or `12-24` for every
year.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

import yaml

from common.text import clean
from data.errors import DataError
from data.facts import EMERGENCY, LONGEST_MINUTES, SHORTEST_MINUTES, Doctor, Facts, Question
from data.models import SLOT_MINUTES
from data.opening import DAY_MINUTES, Day, Holidays, Hours, Week
from data.products import Product

TEXT_LIMIT = 100_000  # characters of a file: a DynamoDB item has 400 KB
NAME_LIMIT, SENTENCE_LIMIT = 80, 600
LIST_LIMIT, PRODUCT_LIMIT = 200, 500
MOST_CENTS = 100_000_000
_DEEPEST = 16  # levels; ours have four
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOURS = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})", re.ASCII)
_PRICE = re.compile(r"(\d{1,9}|\d{1,3}(?:\.\d{3})+(?=,))(?:[.,](\d{1,2}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Fault:
    line: int
    key: str  # "doctors[2].days"
    wrong: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.key}: {self.wrong}" if self.key else f"line {self.line}: {self.wrong}"


class FactsError(DataError):
    """A text that cannot be taken, with all its faults, from top to bottom."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = faults


@lru_cache(maxsize=8)
def read(text: str) -> Facts:
    """Return the facts in a text. Raise FactsError. A text is parsed once, for reading YAML takes its time."""
    faults: list[Fault] = []
    facts = _read_facts(_parsed(text), _Place("", faults))
    if faults:
        raise FactsError(tuple(sorted(faults, key=lambda fault: fault.line)))
    return facts  # type: ignore[no-any-return]


def to_yaml(facts: Facts) -> str:
    """Return the text that reads as these facts; what is as usual is left out."""
    return dumped(sections(facts))


def dumped(document: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(document), allow_unicode=True, sort_keys=False, width=120)


def sections(facts: Facts) -> dict[str, Any]:
    """Return the document that reads as these facts, in texts, numbers, lists and maps; what is as usual is left
    out."""
    holidays = facts.holidays
    told: dict[str, Any] = {
        "name": facts.name,
        "address": facts.address,
        "hours": _week_told(facts.hours),
        "holidays": {
            "national": holidays.national,
            "closed": dict(holidays.closed),
            "open": {day: _day_told(hours) for day, hours in holidays.open.items()},
        },
        "plans": list(facts.plans),
        "doctors": [_doctor_told(each) for each in facts.doctors],
        "products": [_product_told(each) for each in facts.products],
        "delivery": facts.delivery,
        "emergency": facts.emergency if facts.emergency != EMERGENCY else None,
        "questions": [{"asked": list(each.asked), "answer": each.answer} for each in facts.questions],
    }
    return _without_nothing(told)


# The text as nodes: every scalar is the text that was written, so that no `no` is False and no `8:00` is 480.


class _Loader(yaml.SafeLoader):
    """Without aliases, by which a few lines can stand for a million."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise self._refused("write it out instead of an alias")
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._refused("too deep")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def _refused(self, problem: str) -> yaml.MarkedYAMLError:
        return yaml.MarkedYAMLError(problem=problem, problem_mark=self.get_mark())


def _parsed(text: str) -> yaml.Node:
    if len(text) > TEXT_LIMIT:
        raise FactsError((Fault(1, "", f"more than {TEXT_LIMIT} characters"),))
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise FactsError((Fault(mark.line + 1 if mark else 1, "", error.problem or "no YAML"),)) from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise FactsError((Fault(1, "", "no YAML: a character that it does not allow, or too deep"),)) from None
    if node is None:
        raise FactsError((Fault(1, "name", "is missing"),))
    return node


# What may stand where. A reader returns the value of a node, and notes its faults: then the value means nothing.


@dataclass(frozen=True, slots=True)
class _Place:
    key: str
    faults: list[Fault]

    def at(self, key: str) -> _Place:
        return _Place(f"{self.key}.{key}" if self.key else key, self.faults)

    def item(self, number: int) -> _Place:
        return _Place(f"{self.key}[{number}]", self.faults)

    def wrong(self, node: yaml.Node, wrong: str) -> None:
        self.faults.append(Fault(node.start_mark.line + 1, self.key, wrong))


type _Reader = Callable[[yaml.Node, _Place], Any]


def _scalar(read: Callable[[str], Any]) -> _Reader:
    """A text that `read` makes something of; its ValueError says what is wrong."""

    def reader(node: yaml.Node, place: _Place) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            return place.wrong(node, "should be one value")
        try:
            return read(node.value.strip())
        except ValueError as error:
            return place.wrong(node, str(error))

    return reader


def _pairs(node: yaml.Node, place: _Place) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    """The keys of a mapping, each with its own node and its value's."""
    found: dict[str, tuple[yaml.Node, yaml.Node]] = {}
    if not isinstance(node, yaml.MappingNode):
        place.wrong(node, "should be keys with values")
        return found
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            place.wrong(key, "a key should be one word")
        elif key.value in found:
            place.at(key.value).wrong(key, "is there twice")
        else:
            found[key.value] = key, value
    return found


def _record(make: Callable[..., Any], needed: tuple[str, ...], **fields: _Reader) -> _Reader:
    def reader(node: yaml.Node, place: _Place) -> Any:
        before, values = len(place.faults), {}
        pairs = _pairs(node, place)
        for name, (key, value) in pairs.items():
            if name not in fields:
                place.at(name[:NAME_LIMIT]).wrong(key, _unknown(name, fields))
            elif not _is_empty(value):
                values[name] = fields[name](value, place.at(name))
        for name in needed:
            if isinstance(node, yaml.MappingNode) and name not in values:
                place.at(name).wrong(node, "is missing")
        return make(**values) if len(place.faults) == before else None

    return reader


def _listed(each: _Reader, most: int = LIST_LIMIT) -> _Reader:
    """A list; one value that is no list is a list of one."""

    def reader(node: yaml.Node, place: _Place) -> tuple[Any, ...]:
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if len(nodes) > most:
            place.wrong(node, f"at most {most}")
            return ()
        return tuple(each(one, place.item(number)) for number, one in enumerate(nodes, 1))

    return reader


def _distinct(each: _Reader, same: Callable[[Any], object], most: int = LIST_LIMIT) -> _Reader:
    """A list in which no two are the same thing."""

    def reader(node: yaml.Node, place: _Place) -> tuple[Any, ...]:
        before = len(place.faults)
        values: tuple[Any, ...] = _listed(each, most)(node, place)
        if len(place.faults) == before:
            twins = Counter(map(same, values))
            for number, value in enumerate(values, 1):
                if twins[same(value)] > 1:
                    place.item(number).wrong(node.value[number - 1], f"{value.name} is there twice")
        return values

    return reader


def _by_day(read: _Reader) -> _Reader:
    """Days of the calendar, each with what `read` makes of its value."""

    def reader(node: yaml.Node, place: _Place) -> dict[str, Any]:
        pairs = _pairs(node, place)
        for day, (key, _) in pairs.items():
            if not _is_day(day):
                place.at(day[:NAME_LIMIT]).wrong(key, "should be a day, 2026-12-24, or 12-24 for every year")
        if len(pairs) > LIST_LIMIT:
            place.wrong(node, f"at most {LIST_LIMIT}")
        return {day: read(value, place.at(day)) for day, (_, value) in pairs.items()}

    return reader


def _week(node: yaml.Node, place: _Place) -> Week:
    """The days that are not named are closed."""
    week: list[Day | None] = [None] * 7
    for name, (key, value) in _pairs(node, place).items():
        here = place.at(name[:NAME_LIMIT])
        first, dash, last = (part.strip() for part in name.lower().partition("-"))
        if first not in _WEEKDAYS or (dash and last not in _WEEKDAYS[_WEEKDAYS.index(first) :]):
            here.wrong(key, "should be a day of the week or a range of them: monday, monday-friday")
            continue
        hours = _day(value, here)
        for number in range(_WEEKDAYS.index(first), _WEEKDAYS.index(last or first) + 1):
            if week[number] is not None:
                here.wrong(key, f"{_WEEKDAYS[number]} is there twice")
            week[number] = hours or ()
    return tuple(day or () for day in week)


def _day_of(text: str) -> Day:
    if text.lower() in ("", "closed"):
        return ()
    hours = tuple(sorted(_hours(part.strip()) for part in text.split(",")))
    if any(one.closes > other.opens for one, other in zip(hours, hours[1:], strict=False)):
        raise ValueError("hours that overlap")
    return hours


def _hours(text: str) -> Hours:
    found = _HOURS.fullmatch(text)
    if found is None:
        raise ValueError("should be hours, 8:00-20:00 or 8:00-12:30, 16:00-20:00, or closed")
    hour, minute, to_hour, to_minute = map(int, found.groups())
    opens, closes = hour * 60 + minute, to_hour * 60 + to_minute
    if minute % SLOT_MINUTES or to_minute % SLOT_MINUTES:
        raise ValueError(f"should be in steps of {SLOT_MINUTES} minutes")
    if max(minute, to_minute) > 59 or not opens < closes <= DAY_MINUTES:
        raise ValueError("should end after it begins, at 24:00 at the latest")
    return Hours(opens, closes)


def _text(limit: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if len(text) > limit:
            raise ValueError(f"at most {limit} characters")
        if not (line := clean(text, limit)):
            raise ValueError("is empty")
        return line

    return read


def _name(text: str) -> str:
    if not re.search(r"\w", name := _text(NAME_LIMIT)(text)):
        raise ValueError("should have letters")
    return name


def _price(text: str) -> int:
    found = _PRICE.fullmatch(text.removeprefix("$").strip())
    if found is None:
        raise ValueError("should be pesos: 1234, 1234.50 or 1.234,50")
    cents = int(found[1].replace(".", "")) * 100 + int((found[2] or "0").ljust(2, "0"))
    if not 0 < cents <= MOST_CENTS:
        raise ValueError(f"should be above 0 and at most {MOST_CENTS // 100} pesos")
    return cents


def _number(least: int, most: int, step: int = 1) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text) if re.fullmatch(r"\d{1,4}", text, re.ASCII) else -1
        if not least <= number <= most or number % step:
            raise ValueError(f"should be a number from {least} to {most}" + (f", {step} by {step}" if step > 1 else ""))
        return number

    return read


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false", "yes", "no"):
        raise ValueError("should be true or false")
    return text.lower() in ("true", "yes")


def _days_off(text: str) -> tuple[date, date]:
    first, _, last = text.partition(" to ")
    try:
        days = date.fromisoformat(first.strip()), date.fromisoformat((last or first).strip())
    except ValueError:
        raise ValueError("should be 2026-12-24 or 2026-12-24 to 2027-01-06") from None
    if days[0] > days[1]:
        raise ValueError("should end after it begins")
    return days


def _is_day(text: str) -> bool:
    if not re.fullmatch(r"(\d{4}-)?\d{2}-\d{2}", text, re.ASCII):
        return False
    try:
        date.fromisoformat(text if len(text) == 10 else f"2024-{text}")  # a leap year
    except ValueError:
        return False
    return True


def _is_empty(node: yaml.Node) -> bool:
    """True for a key without a value, which says as much as no key."""
    return isinstance(node, yaml.ScalarNode) and node.style is None and node.value in ("", "~", "null")


def _unknown(name: str, fields: Mapping[str, _Reader]) -> str:
    near = get_close_matches(name[:NAME_LIMIT], fields, 1)
    return f"is not known here; did you mean {near[0]}?" if near else f"is not known here: {', '.join(fields)}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02d}"


def _day_told(day: Day) -> str:
    return ", ".join(f"{_clock(each.opens)}-{_clock(each.closes)}" for each in day) or "closed"


def _week_told(week: Week) -> dict[str, str]:
    return {name: _day_told(day) for name, day in zip(_WEEKDAYS, week, strict=True)}


def _doctor_told(doctor: Doctor) -> dict[str, Any]:
    return _without_nothing(
        {
            "name": doctor.name,
            "speciality": doctor.speciality,
            "days": None if doctor.days is None else _week_told(doctor.days),
            "off": [f"{first} to {last}" for first, last in doctor.off],
            "slot_minutes": list(doctor.slot_minutes),
            "plans": list(doctor.plans),
        }
    )


def _product_told(product: Product) -> dict[str, Any]:
    price = None if product.price_cents is None else f"{product.price_cents // 100}.{product.price_cents % 100:02d}"
    told = {"name": product.name, "also": list(product.also), "price": price, "delivery_days": product.delivery_days}
    return _without_nothing(told)


def _without_nothing(told: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in told.items() if value is not None and value != []}


def _product(
    name: str, also: tuple[str, ...] = (), price: int | None = None, delivery_days: int | None = None
) -> Product:
    return Product(name, also, price, delivery_days)


_day = _scalar(_day_of)
_names = _listed(_scalar(_name))
_sentence = _scalar(_text(SENTENCE_LIMIT))
_read_facts = _record(
    Facts,
    ("name",),
    name=_scalar(_name),
    address=_sentence,
    hours=_week,
    holidays=_record(Holidays, (), national=_scalar(_truth), closed=_by_day(_scalar(_name)), open=_by_day(_day)),
    plans=_names,
    doctors=_distinct(
        _record(
            Doctor,
            ("name",),
            name=_scalar(_name),
            speciality=_scalar(_name),
            days=_week,
            off=_listed(_scalar(_days_off)),
            slot_minutes=_listed(_scalar(_number(SHORTEST_MINUTES, LONGEST_MINUTES, SLOT_MINUTES))),
            plans=_names,
        ),
        lambda doctor: doctor.key,
    ),
    products=_distinct(
        _record(
            _product,
            ("name",),
            name=_scalar(_name),
            also=_names,
            price=_scalar(_price),
            delivery_days=_scalar(_number(0, 365)),
        ),
        lambda product: product.names[0],
        PRODUCT_LIMIT,
    ),
    delivery=_sentence,
    emergency=_sentence,
    questions=_listed(
        _record(
            Question,
            ("asked", "answer"),
            asked=_listed(_scalar(_text(SENTENCE_LIMIT))),
            answer=_sentence,
        )
    ),
)
