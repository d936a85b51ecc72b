"""Exceptions in the log: what they are, and nothing of what they were raised over."""

from __future__ import annotations

import ast
import json
import logging
import sqlite3
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError
from loguru import logger
from pydantic import BaseModel, TypeAdapter

from agent.sonic.errors import INVALID_INPUT
from agent.sonic.wire.aws_errors import connection_error, service_error
from api.schemas import NewOrder
from common.log import error_text
from data.errors import Unavailable
from tests.support.logs import captured

ROOT = Path(__file__).parents[2]
PRODUCT = ("agent", "api", "carlos", "common", "data", "telephony", "tools")
ALLOWED = ("error_text(error)", "type(error).__name__", "error.strerror")
SAID = "Zulema"


class Guest(BaseModel):
    name: int


def pydantic_model() -> None:
    Guest.model_validate({"name": SAID, SAID: 1})


def pydantic_body() -> None:
    NewOrder.model_validate({"customerName": 3, "customerEmail": SAID, SAID: SAID})


def pydantic_json() -> None:
    TypeAdapter(int).validate_json(f'"{SAID}"')


def sqlite_constraint() -> None:
    db = sqlite3.connect(":memory:")
    try:
        db.execute(f"CREATE TABLE guests (name TEXT CHECK (name <> '{SAID}'))")
        db.execute("INSERT INTO guests VALUES (?)", (SAID,))
    finally:
        db.close()


def sqlite_syntax() -> None:
    db = sqlite3.connect(":memory:")
    try:
        db.execute(f"SELECT {SAID}")
    finally:
        db.close()


def botocore_refusal() -> None:
    told = {"Code": "ValidationException", "Message": f"The value {SAID} is not valid"}
    raise ClientError({"Error": told}, "TransactWriteItems")  # type: ignore[typeddict-item]


def botocore_parameters() -> None:
    raise ParamValidationError(report=f"Invalid type for parameter Item.name, value: {SAID}")


def from_another() -> None:
    try:
        int(SAID)
    except ValueError as error:
        raise Unavailable("sqlite: OperationalError") from error


def several() -> None:
    raise ExceptionGroup(SAID, [KeyError(SAID), ExceptionGroup(SAID, [ValueError(SAID)])])


KINDS: dict[str, Callable[[], Any]] = {
    "ValidationError: 1 in Guest": pydantic_model,
    "ValidationError: 4 in NewOrder": pydantic_body,
    "ValidationError: 1 in int": pydantic_json,
    "IntegrityError: SQLITE_CONSTRAINT_CHECK": sqlite_constraint,
    "OperationalError: SQLITE_ERROR": sqlite_syntax,
    "ClientError: ValidationException": botocore_refusal,
    "ParamValidationError": botocore_parameters,
    "Unavailable: sqlite: OperationalError <- ValueError": from_another,
    "ExceptionGroup: KeyError; ExceptionGroup: ValueError": several,
    "KeyError": lambda: dict[str, str]()[SAID],
    "JSONDecodeError": lambda: json.loads(SAID),
    "UnicodeDecodeError": lambda: (SAID.encode() + b"\xff").decode(),
    "FileNotFoundError: No such file or directory": lambda: Path(f"/nowhere/{SAID}").read_text(),
    "AttributeError: 'str' object has no attribute 'sting'": lambda: SAID.sting,  # type: ignore[attr-defined]
}


def raised(kind: str) -> Exception:
    try:
        KINDS[kind]()
    except Exception as error:  # the very kinds that are asked about
        return error
    raise AssertionError(f"{kind} was not raised")


@pytest.mark.parametrize("kind", KINDS)
def test_an_exception_is_told_without_what_it_was_raised_over(kind: str) -> None:
    error = raised(kind)
    with captured() as out:
        logger.opt(exception=error).error("in a line of ours")
        logger.opt(exception=error).error(f"Uncaught exception: {error}")  # pipecat's way
        logger.bind(error=error).warning("bound")
        logging.getLogger("uvicorn.error").error("Exception in ASGI application\n", exc_info=error)
        logging.getLogger("elsewhere").error("failed: %s", error, exc_info=error)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert error_text(error) == kind
    assert len(lines) == 5
    assert SAID not in out.getvalue()
    assert all(kind.partition(" <- ")[0] in json.dumps(line) for line in lines)
    assert "test_log_errors.py" in lines[0]["exception"], "where it was raised is told"


def test_what_asyncio_says_of_a_task_that_nobody_waited_for_quotes_nothing() -> None:
    error = ValueError(SAID)
    told = f"Task exception was never retrieved\nfuture: <Task finished name='Task-1' exception={error!r}>"
    kind = (ValueError, error, None)
    with captured() as out:
        logging.root.handle(logging.LogRecord("asyncio", logging.ERROR, __file__, 1, told, (), kind))
    line = json.loads(out.getvalue())
    assert (line["message"], line["exception"]) == ("Task exception was never retrieved", "ValueError")


@pytest.mark.parametrize(
    ("slow", "told"),
    [
        (f"<Task finished name='t' coro=<f() done, defined at x.py:1> result='{SAID}'>",
         "<Task finished name='t' coro=<f() done, defined at x.py:1>"),
        (f"<Task pending name='t' coro=<f() running at x.py:1> wait_for=<Future finished result=['{SAID}']>>",
         "<Task pending name='t' coro=<f() running at x.py:1> wait_for=<Future finished"),
        (f"<TimerHandle when=1 Call._type('{SAID}') at x.py:1 created at y.py:2>", "<TimerHandle when=1 Call._type"),
    ],
)  # fmt: skip
def test_what_asyncio_says_of_a_slow_step_has_no_values(slow: str, told: str) -> None:
    with captured() as out:
        asked = "Executing %s took %.3f seconds"
        logging.root.handle(logging.LogRecord("asyncio", logging.WARNING, __file__, 1, asked, (slow, 0.25), None))
    assert json.loads(out.getvalue())["message"] == f"Executing {told} took 0.250 seconds"


def test_a_line_that_cannot_be_told_is_not_printed_as_it_is(capfd: pytest.CaptureFixture[str]) -> None:
    endless: list[Any] = [SAID]
    endless.append(endless)
    with captured() as out:
        logger.bind(said=endless).info("bound")
    assert json.loads(out.getvalue())["message"] == "a line could not be told: RecursionError"
    assert SAID not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("name", "message", "status", "told"),
    [
        ("validationException", f"cannot take '{SAID}'", 400, "validationException: in words of its own (HTTP 400)"),
        ("validationException", INVALID_INPUT, 500, f"validationException: {INVALID_INPUT}"),
        ("modelStreamErrorException", f"System instability detected: {SAID}", 500,
         "modelStreamErrorException: System instability detected"),
        ("AccessDeniedException", "no such model", 403, "AccessDeniedException: no such model (HTTP 403)"),
    ],
)  # fmt: skip
def test_of_the_services_words_the_log_has_those_that_are_known(
    name: str, message: str, status: int, told: str
) -> None:
    error = service_error(name, message, status)
    assert (str(error), str(error.again())) == (told, told)
    assert message in error.detail, "the call's record has them all"
    assert error.again().detail == error.detail


def test_an_error_of_the_connection_is_told_by_its_kind() -> None:
    assert str(connection_error(ValueError(SAID))) == "ValueError"
    assert str(connection_error(ConnectionResetError(104, "Connection reset by peer"))) == (
        "ConnectionResetError: Connection reset by peer"
    )


@pytest.mark.slow
def test_no_line_of_ours_writes_out_an_exception_of_others() -> None:
    assert not [where for package in PRODUCT for path in (ROOT / package).rglob("*.py") for where in written_out(path)]


def written_out(path: Path) -> Iterator[str]:
    """Where a caught exception that is not ours goes into a log line as it is."""
    for handler in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(handler, ast.ExceptHandler) or handler.name is None:
            continue
        for call in ast.walk(handler):
            if isinstance(call, ast.Call) and ast.unparse(call.func).startswith("logger."):
                shown = [ast.unparse(argument) for argument in call.args]
                as_it_is = [text for text in shown if handler.name in text and text not in ALLOWED]
                if as_it_is and not is_ours(path, handler):
                    yield f"{path.relative_to(ROOT)}:{call.lineno}"


def is_ours(path: Path, handler: ast.ExceptHandler) -> bool:
    """Its types are ours, or the time-out, which has no words."""
    module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    kinds = eval(ast.unparse(handler.type or ast.Name("BaseException")), vars(module))  # noqa: S307
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    return all(kind is TimeoutError or kind.__module__.partition(".")[0] in PRODUCT for kind in kinds)
