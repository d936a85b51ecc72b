"""What is on the screen at once."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from carlos.start import first_word

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["serve"], True),
        (["serve", "--verbose"], True),
        (["call", "book"], True),
        (["call", "--list"], False),
        (["call", "--json"], False),
        (["serve", "--help"], False),
        (["check"], False),
        ([], False),
    ],
)
def test_only_a_command_that_takes_a_while_says_something_first(arguments: list[str], says: bool) -> None:
    assert (first_word(arguments) is not None) is says


def test_it_is_said_before_anything_is_imported() -> None:
    text = (ROOT / "carlos" / "start.py").read_text()
    imported = [line.split()[1] for line in text.splitlines() if line.startswith(("import ", "from "))]
    assert set(imported) == {"__future__", "sys", "collections.abc"}
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]["carlos"] == "carlos.start:main"
