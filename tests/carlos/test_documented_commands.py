"""What the pages tell somebody to type can be typed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from carlos.cli import app

ROOT = Path(__file__).parent.parent.parent
PAGES = [str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))]
ROW = re.compile(r"^\| (?P<original>[^|]+) \| (?P<here>[^|]+) \|$", re.M)


def commands() -> dict[str, set[str]]:
    """Every command with its options."""
    known = typer.main.get_group(app).commands
    return {name: {option for each in command.params for option in each.opts} for name, command in known.items()}


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_option_of_a_page_exists(page: str) -> None:
    known = commands()
    for command, rest in re.findall(r"`carlos ([a-z][a-z-]+)([^`\n]*)`", (ROOT / page).read_text()):
        assert command in known, f"carlos {command}"
        assert set(re.findall(r"--[a-z-]+", rest)) <= known[command], f"carlos {command}{rest}"


def test_every_script_of_the_original_has_its_counterpart() -> None:
    page = (ROOT / "docs" / "from-the-original.md").read_text()
    table = page.partition("## Commands")[2].partition("\n## ")[0]
    rows = {row["original"]: row["here"] for row in ROW.finditer(table)}
    for script in ("seed-data.js", "run-migration.sh", "test-migration.py", "diagnose-tables.py", "setup-backend.sh",
                   "npm run plan", "npm run seed"):  # fmt: skip
        assert any(script in original for original in rows), script
    assert all(re.search(r"`(carlos|make|terraform)\b|unset", here) for name, here in rows.items() if "`" in name)
