"""`carlos export` and `carlos erase` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from carlos.commands import customers, records

MARIA = ("--email", "MARIA.Gonzalez@Email.com")


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    """The commands, on the demo's records."""
    monkeypatch.setenv("CARLOS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STORE", "sqlite")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(customers._out, "width", 200)
    app = typer.Typer()
    records.register(app)
    customers.register(app)
    assert typed(app, "seed").exit_code == 0
    return app


def typed(app: typer.Typer, *words: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, words, input=answer)


def exported(app: typer.Typer) -> dict[str, list[str]]:
    found = json.loads(typed(app, "export", *MARIA).stdout)
    return {noun: [record["id"] for record in found[noun]] for noun in ("orders", "appointments")}


def test_erasing_says_whose_and_how_many_and_asks(app: typer.Typer) -> None:
    refused = typed(app, "erase", *MARIA, answer="n\n")
    assert refused.exit_code == 1
    assert refused.stdout.startswith("María González: 1 orders, 1 appointments, 0 calls\n")
    assert exported(app) == {"orders": ["1"], "appointments": ["1"]}
    assert typed(app, "erase", *MARIA, answer="y\n").exit_code == 0
    assert exported(app) == {"orders": [], "appointments": []}


def test_erasing_with_yes_does_not_ask_and_says_it_all_the_same(app: typer.Typer) -> None:
    done = typed(app, "erase", *MARIA, "--yes")
    assert (done.exit_code, done.stdout.partition("\n")[0]) == (0, "María González: 1 orders, 1 appointments, 0 calls")
    again = typed(app, "erase", *MARIA)
    assert (again.exit_code, again.stdout) == (0, "nobody by name: 0 orders, 0 appointments, 0 calls\n")


def test_a_customer_must_be_named(app: typer.Typer) -> None:
    assert typed(app, "erase", "--yes").exit_code == 2
