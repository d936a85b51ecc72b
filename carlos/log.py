"""One sink for every log line: loguru's, the standard library's and uvicorn's."""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING

from loguru import logger

if TYPE_CHECKING:
    from loguru import Message

# Chatty at INFO without telling an operator anything: pipecat narrates each frame processor.
QUIET = ("pipecat", "botocore", "urllib3", "h2", "hpack", "websockets", "asyncio")


class _Intercept(logging.Handler):
    """Hands the standard library's records to loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname if record.levelname in logging.getLevelNamesMapping() else record.levelno
        named = logger.patch(lambda line: line.update({"name": record.name}))
        named.opt(exception=record.exc_info).log(level, record.getMessage())


def _json_line(message: Message) -> None:
    record = message.record
    line = {
        "time": record["time"].astimezone().isoformat(timespec="milliseconds"),
        "level": record["level"].name,
        "logger": record["name"],
        "message": record["message"],
        **record["extra"],
    }
    if record["exception"] is not None:
        line["exception"] = str(message).partition("\n")[2].strip()
    sys.stdout.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def configure(level: str) -> None:
    """Send everything to stdout: JSON lines, or short coloured ones on a terminal."""
    logger.remove()
    if sys.stdout.isatty():
        logger.add(sys.stdout, level=level, format="<dim>{time:HH:mm:ss}</dim> <level>{message}</level>", filter=_talks)
    else:
        logger.add(_json_line, level=level, filter=_talks)
    logging.basicConfig(handlers=[_Intercept()], level=logging.INFO, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _talks(record: object) -> bool:
    name = record["name"] or ""  # type: ignore[index]
    noisy = any(name == quiet or name.startswith(f"{quiet}.") for quiet in QUIET)
    return not noisy or bool(record["level"].no >= logging.WARNING)  # type: ignore[index]
