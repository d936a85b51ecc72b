"""One sink for every log line: loguru's, the standard library's and uvicorn's.

A line is a JSON object: `time`, `level`, `logger`, `message`, and what was bound to it. What is personal is hidden
here, on the way out, whoever wrote the line. On a terminal people's lines are shown alone (common.log.people), and the
JSON goes to a file. Bind a call as `call=` (a `Scope`): its turn is then on each of its
lines, and the names it has come to know are hidden in them. A name that nobody knows yet cannot be: so no line says
what was said, and of exceptions only what `common.log.errors` lets through.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from loguru import logger

from common.log.errors import error_text, traceback_text
from common.log.file import LogFile
from common.log.people import people_line
from common.masking import NO_NAMES, Names, mask_text, mask_value

if TYPE_CHECKING:
    from loguru import Message, Record

# Chatty at INFO without telling an operator anything: pipecat narrates each frame processor, mangum each path.
QUIET_LOGGERS = ("pipecat", "botocore", "boto3", "urllib3", "h2", "hpack", "websockets", "asyncio", "mangum")
_VALUES = re.compile(r" result=| exception=|\((?!\))")  # what comes next in the `repr` of a task or a handle


class Scope(Protocol):
    """What a call puts on its lines."""

    names: Names

    @property
    def turn(self) -> int: ...


class _Intercept(logging.Handler):
    """Hands the standard library's records to loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname if record.levelname in logging.getLevelNamesMapping() else record.levelno
        named = logger.patch(lambda line: line.update({"name": record.name}))
        named.opt(exception=record.exc_info).log(level, "{}", _message(record))


def _message(record: logging.LogRecord) -> str:
    """asyncio shows tasks and callbacks with what they returned, failed with or were given: under its first line, and
    in its word about slow ones."""
    if record.name != "asyncio":
        return record.getMessage()
    said, took, seconds = record.getMessage().partition("\n")[0].rpartition(" took ")
    return _VALUES.split(said)[0] + took + seconds


_file: LogFile | None = None  # where the lines go that a terminal does not show


def configure(level: str, file: Path | None = None) -> None:
    """Send everything to stdout as JSON lines. On a terminal: people's lines there, and everything to `file`; without a
    file, or where it cannot be written, everything in short coloured lines."""
    global _file
    _file = _opened(file) if file is not None and sys.stdout.isatty() else None
    logger.remove()
    alone = _terminal_line if sys.stdout.isatty() else _json_line
    sink = alone if _file is None else _people_line
    logger.add(_guarded(sink), level=level, filter=_talks, format="{message}", backtrace=False, diagnose=False)
    logging.basicConfig(handlers=[_Intercept()], level=logging.INFO, force=True)
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


def current_file() -> Path | None:
    """Where the lines are that this process's terminal does not show."""
    return None if _file is None else _file.path


def _opened(path: Path) -> LogFile | None:
    try:
        return LogFile(path)
    except OSError as error:
        _write(f"{path} cannot be written ({error.strerror}): the whole log is shown here")
        return None


def _guarded(sink: Callable[[Message], None]) -> Callable[[Message], None]:
    """What loguru prints of a sink that fails is the record as it is."""

    def guarded(message: Message) -> None:
        try:
            sink(message)
        except Exception as error:
            name = message.record["name"]
            write_line({"level": "ERROR", "logger": name, "message": f"a line could not be told: {error_text(error)}"})

    return guarded


def write_line(line: Mapping[str, Any]) -> None:
    """Put a JSON object on stdout as it is, or into the file: for metrics, which hold nothing personal."""
    text = json.dumps(line, ensure_ascii=False, default=str)
    if _file is None:
        _write(text)
        return
    try:
        _file.write(f"{text}\n")
    except OSError:  # a full disk: what cannot be kept can still be read
        _write(text)


def _write(text: str) -> None:
    # With stdout gone there is nobody to tell; loguru would put the unmasked line on stderr.
    with suppress(OSError, ValueError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def safe(record: Record) -> dict[str, Any]:
    """Return the line to show for a record, with what is personal hidden."""
    extra = dict(record["extra"])
    scope: Scope | None = extra.pop("call", None)
    names = scope.names if scope else NO_NAMES
    error = record["exception"].value if record["exception"] is not None else None
    message = record["message"]
    if error is not None and str(error):  # others write it into their message, too
        message = message.replace(str(error), error_text(error))
    line: dict[str, Any] = {"message": mask_text(message, names)}
    if scope is not None:
        line["turn"] = scope.turn
    line |= mask_value({key: _plain(value) for key, value in extra.items()}, names)
    if error is not None:
        line["exception"] = mask_text(traceback_text(error), names)
    return line


def _plain(value: Any) -> Any:
    if isinstance(value, BaseException):
        return error_text(value)
    return value if isinstance(value, str | int | float | bool | list | tuple | dict | None) else str(value)


def _json_line(message: Message) -> None:
    _tell(message.record, safe(message.record))


def _tell(record: Record, line: Mapping[str, Any]) -> None:
    write_line(
        {
            "time": record["time"].astimezone().isoformat(timespec="milliseconds"),
            "level": record["level"].name,
            "logger": record["name"],
            **line,
        }
    )


def _people_line(message: Message) -> None:
    record = message.record
    line = safe(record)
    _tell(record, line)
    level = record["level"].no
    words = people_line(record["name"], level, line)
    if words is not None:
        colour = 31 if level >= logging.ERROR else 33 if level >= logging.WARNING else 0
        _write(f"{_clock(record)} \033[{colour}m{words}\033[0m")


def _clock(record: Record) -> str:
    return f"\033[2m{record['time']:HH:mm:ss}\033[0m"


def _terminal_line(message: Message) -> None:
    record = message.record
    line = safe(record)
    words = [_clock(record), record["level"].name.lower(), line.pop("message")]
    error = line.pop("exception", None)
    words += [f"\033[2m{key}={value}\033[0m" for key, value in line.items()]
    _write(" ".join(words) + (f"\n{error}" if error else ""))


def _talks(record: Record) -> bool:
    name = record["name"] or ""
    noisy = any(name == quiet or name.startswith(f"{quiet}.") for quiet in QUIET_LOGGERS)
    return not noisy or record["level"].no >= logging.WARNING
