"""A conversation as data: what a caller says, and what must come of it.

    - name: cancel-an-order                       # unique; the test's id
      given: {order 6: processing}                # statuses before the call, where they are not the seed's
      turns:
        - say: "Quiero cancelar el pedido seis."  # a list: said in several breaths; "": a noise without words
          answer: "¿Me decís tu DNI"              # one text or some, each in Carlos's answer; "a | b" is either
        - keys: "35012678#"
        - say: "Sí."
          interrupt_ms: 300                       # that long after Carlos began, instead of when he has finished
      never: ["Smartwatch"]                       # what Carlos says nowhere in the call
      tools:                                      # every use of the seven, in order
        - cancelarOrder: {orderId: "6", dni: "35012678"}
          gives: proposal                         # or done, or the code of a question or a refusal
        - cancelarOrder: {orderId: "6", dni: "35012678"}
          gives: done
      opens: [order 6]                          # instead of `tools`: what he proves to be his, however it is found
      store: {order 6: {status: cancelled}}       # all that differs afterwards; `order 8` may be a new one
      outcome: completed                          # the call's
      interruptions: 0
      hostile: true                             # somebody or something tries to have done what must not be
      needs: [buscarRegistros]                  # tools without which it cannot go like that: left out until they exist

The caller talks with the stand-in's own dialogue. Where a turn has `model`, a scripted model answers in its place:
`{say: ...}` or `{tool: name, arguments: {...}}`, which may have `raw` text for arguments and an `id` of its own.

The records are the seed's, whose dates move with the day, and so do these: two days from now, `{spoken +2}` is
"martes veinticuatro de noviembre", `{day +2}` "24 de noviembre", `{weekday +2}` "martes" and `{iso +2}`
"2026-11-24", `{short +2}` "24/11"; `{iso thursday}` is the next Thursday after today.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from common.spanish.wording import MONTHS, WEEKDAYS
from sandbox.dialogue.digits import find_runs
from sandbox.dialogue.speech import say_date
from sandbox.dialogue.words import read_words
from tools.catalogue import NAMES

HERE = Path(__file__).parent
_ENGLISH = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NUMBERS = ("orderId", "order_id", "appointmentId")
_WHEN = re.compile(r"\{(\w+) (\+\d+|\w+day)\}")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(_Strict):
    """What a scripted model does."""

    say: str | None = None
    tool: str | None = None
    arguments: Mapping[str, Any] = Field(default_factory=dict)
    raw: str | None = None
    id: str | None = None


class Turn(_Strict):
    say: str | tuple[str, ...] | None = None
    keys: str | None = None
    interrupt_ms: int | None = None
    answer: str | tuple[str, ...] = ()
    model: tuple[Step, ...] | None = None

    @property
    def breaths(self) -> tuple[str, ...]:
        return (self.say,) if isinstance(self.say, str) else self.say or ()

    @property
    def answers(self) -> tuple[str, ...]:
        return (self.answer,) if isinstance(self.answer, str) else self.answer


@dataclass(frozen=True, slots=True)
class ToolUse:
    name: str
    arguments: Mapping[str, Any]
    gives: str

    @property
    def record(self) -> str:
        """The record that it is about ("order 6"), whichever way its number is written."""
        kind = "order" if self.name.lower().endswith("order") else "appointment"
        number = next((str(self.arguments[key]) for key in _NUMBERS if key in self.arguments), "")
        runs = find_runs(read_words(number))
        return f"{kind} {int(runs[0].digits) if runs else number}"


class Scenario(_Strict):
    name: str
    given: Mapping[str, str] = Field(default_factory=dict)
    greeting: tuple[Step, ...] = (Step(say="Hola."),)
    turns: tuple[Turn, ...]
    never: tuple[str, ...] = ()
    tools: tuple[Mapping[str, Any], ...] = ()
    opens: tuple[str, ...] | None = None
    store: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    outcome: str = "completed"
    interruptions: int = 0
    hostile: bool = False
    needs: tuple[str, ...] = ()

    @property
    def opened(self) -> set[str]:
        """The records whose owner the caller proves to be: those that a tool is to open, or those of `opens`."""
        if self.opens is not None:
            return set(self.opens)
        return {use.record for use in self.uses if use.gives in ("done", "proposal")}

    @property
    def can_be_placed(self) -> bool:
        return set(self.needs) <= NAMES

    @property
    def is_scripted(self) -> bool:
        return any(turn.model is not None for turn in self.turns)

    @property
    def uses(self) -> list[ToolUse]:
        return [_use(dict(tool)) for tool in self.tools]

    def on(self, today: date) -> Scenario:
        """With the dates that it means when the call is placed on this day."""
        return Scenario.model_validate(_dated(self.model_dump(), today))


def _use(tool: dict[str, Any]) -> ToolUse:
    gives = tool.pop("gives")
    ((name, arguments),) = tool.items()
    return ToolUse(name, arguments, gives)


def load_scenarios() -> list[Scenario]:
    return [
        Scenario.model_validate(body)
        for path in sorted(HERE.glob("*.yaml"))
        for body in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]


def _dated(value: Any, today: date) -> Any:
    match value:
        case str():
            return _WHEN.sub(lambda match: _said(match[1], _day(match[2], today)), value)
        case dict():
            return {_dated(key, today): _dated(each, today) for key, each in value.items()}
        case list() | tuple():
            return [_dated(each, today) for each in value]
        case _:
            return value


def _day(when: str, today: date) -> date:
    if when.startswith("+"):
        return today + timedelta(days=int(when))
    return today + timedelta(days=(_ENGLISH.index(when) - today.weekday() - 1) % 7 + 1)


def _said(form: str, day: date) -> str:
    forms = {
        "spoken": say_date(day),
        "day": f"{day.day} de {MONTHS[day.month - 1]}",
        "weekday": WEEKDAYS[day.weekday()],
        "iso": day.isoformat(),
        "short": f"{day.day}/{day.month}",
    }
    return forms[form]
