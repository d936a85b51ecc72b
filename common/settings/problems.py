"""What is wrong with the settings, a line each, for people."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from common.settings import Settings


def problems(error: ValidationError, read: Callable[..., Settings] = Settings) -> list[str]:
    """Return a line for each value that does not hold and for each combination that is refused; no value is in them.

    pydantic looks at combinations only where each value holds. So they are `read` once more, with the default in place
    of each bad value; what would then be said about one of those is left out.
    """
    lines = _lines(error)
    bad = {str(problem["loc"][0]) for problem in _errors(error) if problem["loc"]}.intersection(Settings.model_fields)
    if not bad:
        return lines
    try:
        read(**{name: Settings.model_fields[name].get_default() for name in bad})
    except ValidationError as combined:
        told_already = [name.upper() for name in bad]
        lines += [line for line in _lines(combined) if not any(name in line for name in told_already)]
    return lines


def _errors(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_input=False)


def _lines(error: ValidationError) -> list[str]:
    lines: list[str] = []
    for problem in _errors(error):
        where = ".".join(str(part) for part in problem["loc"]).upper()
        told = problem["msg"].removeprefix("Value error, ")
        lines += [f"{where}: {line}" if where else line for line in told.splitlines()]
    return lines
