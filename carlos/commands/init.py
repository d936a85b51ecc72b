"""`carlos init`: asks the few things that matter, writes `.env`, and says what is missing, all of it at once."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from common.keys import ALL, HASHED, ApiKey
from common.settings import Settings, host_of, is_loopback
from common.settings.doubts import doubts
from common.settings.env_example import default_text
from common.settings.problems import problems

type Answers = Mapping[str, str]

BEFORE = ".before"  # what is added to the name of a file that was there
_PLAIN = re.compile(r"[\w./:@+,=&?%*~^-]*")  # what a .env file needs no quotes for
_KEY = "ADMIN_API_KEYS"

_out = Console(highlight=False)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for a setting. An empty answer leaves it at its default, or missing, which is told at the end."""

    name: str
    words: str
    choices: tuple[str, ...] = ()
    secret: bool = False
    applies: Callable[[Answers], bool] = lambda answers: True


def _uses_aws(answers: Answers) -> bool:
    return answers.get("SONIC") == "bedrock" or answers.get("STORE") == "dynamodb"


def _is_public(answers: Answers) -> bool:
    url = answers.get("PUBLIC_BASE_URL", "")
    return bool(url) and not is_loopback(host_of(url))


QUESTIONS = (
    Question(
        "SONIC",
        "Who answers? local: a stand-in on this machine; bedrock: Amazon Nova Sonic",
        ("local", "bedrock"),
    ),
    Question("STORE", "Where are records kept? sqlite: in a file; dynamodb: in AWS", ("sqlite", "dynamodb")),
    Question("AWS_DEFAULT_REGION", "AWS Region", applies=_uses_aws),
    Question(
        "PUBLIC_BASE_URL",
        "https:// address at which Twilio reaches this server; none: it stays here",
    ),
    Question("TWILIO_ACCOUNT_SID", "Twilio account SID, AC…", applies=_is_public),
    Question("TWILIO_AUTH_TOKEN", "Twilio auth token (what you type is not shown)", secret=True, applies=_is_public),
    Question(
        "RECORD_CALLS", "Record calls, with the caller's consent? false or true", ("false", "true"), applies=_is_public
    ),
)


def register(app: typer.Typer) -> None:
    app.command()(init)


def init(
    file: Annotated[Path, typer.Option(help="The file to write.")] = Path(".env"),
    yes: Annotated[
        bool, typer.Option("--yes", help="Replace a file that is there; it is kept as FILE.before.")
    ] = False,
) -> None:
    """Ask the few things that matter, write them to .env, and say what is missing."""
    if file.exists() and not yes:
        typer.confirm(f"{file} is there already. Replace it? It is kept as {file.name}{BEFORE}", abort=True)
    _out.print("Enter takes what stands in brackets. All else has a default, see .env.example.")
    answers = asked(_ask)
    key = None
    if _is_public(answers):
        key, answers[_KEY] = _made_key()
    try:
        written(file, answers)
    except OSError as error:
        _out.print(f"[red]{escape(str(file))} cannot be written[/]: {error.strerror}")
        raise typer.Exit(1) from None
    _out.print(f"written: {escape(str(file))}, for your eyes only ({', '.join(answers) or 'all defaults'})")
    if key is not None:
        _out.print("the key of the console and of REST, shown this once:")
        typer.echo(key)
    _tell(file, answers)


def asked(ask: Callable[[Question, str], str]) -> dict[str, str]:
    """Return the answers that differ from a setting's default. `ask` is given a question and that default."""
    answers: dict[str, str] = {}
    for question in QUESTIONS:
        if question.applies(answers):
            default = "" if question.secret else default_text(Settings.model_fields[question.name.lower()])
            if (answer := ask(question, default).strip()) not in ("", default):
                answers[question.name] = answer
    return answers


def _ask(question: Question, default: str) -> str:
    words = question.words
    while True:
        answer = str(typer.prompt(words, default=default, hide_input=question.secret, show_default=bool(default)))
        if question.choices and answer.strip() not in question.choices:
            _out.print(f"{' or '.join(question.choices)}, please")
        elif "${" in answer:
            _out.print("a .env file takes ${ for the name of a variable: set this one in the environment instead")
        else:
            return answer


def _made_key() -> tuple[str, str]:
    """A key, and its entry in ADMIN_API_KEYS."""
    key = secrets.token_urlsafe(32)
    scopes = "+".join(sorted(ALL))
    digest = ApiKey.parse(f"owner:{scopes}:{key}").digest.hex()
    return key, f"owner:{scopes}:{HASHED}{digest}"


def written(file: Path, answers: Answers) -> None:
    """Write the file for its owner's eyes only; one that was there is kept beside it. Raise OSError."""
    lines = [f"{name}={_quoted(value)}" for name, value in answers.items()]
    text = "\n".join(["# Written by `carlos init`; .env.example has every setting.", *lines, ""])
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
    if file.exists():
        os.replace(file, file.with_name(file.name + BEFORE))
    os.replace(fresh, file)


def _quoted(value: str) -> str:
    """As a .env file has it: in single quotes nothing is special but a quote and a backslash."""
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _tell(file: Path, answers: Answers) -> None:
    """What is missing or doubtful, and what comes next."""
    if stronger := [name for name in answers if name in os.environ]:
        _out.print(f"[yellow]set in the environment, too, which goes before the file:[/] {', '.join(stronger)}")
    read = partial(Settings, _env_file=file)
    try:
        doubted = doubts(read())
    except ValidationError as error:
        missing = problems(error, read)
        _out.print(f"[yellow]before it can start, {len(missing)} to mend in {escape(str(file))}:[/]")
        for line in missing:
            _out.print(f"  {escape(line)}")
        return
    for line in doubted:
        _out.print(f"[yellow]doubtful:[/] {escape(line)}")
    _out.print("next: [bold]carlos check[/] looks at the accounts, [bold]make run[/] (or carlos serve) starts Carlos")
