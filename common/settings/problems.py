"""What is wrong with the settings, a line each, for people."""

from __future__ import annotations

from pydantic import ValidationError


def problems(error: ValidationError) -> list[str]:
    """Return a line for each value that does not hold and for each combination that is refused; no value is in them."""
    lines: list[str] = []
    for problem in error.errors(include_url=False, include_input=False):
        where = ".".join(str(part) for part in problem["loc"]).upper()
        told = problem["msg"].removeprefix("Value error, ")
        lines += [f"{where}: {line}" if where else line for line in told.splitlines()]
    return lines
