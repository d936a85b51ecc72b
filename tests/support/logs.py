"""What the log said, for a conftest to import."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from loguru import logger

from common import log


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Every line that is logged, with all that is bound to it."""
    lines: list[str] = []
    sink = logger.add(lines.append, format="{message} {extra} {exception}", level="TRACE")
    yield lines
    logger.remove(sink)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@contextmanager
def captured(level: str = "DEBUG", file: Path | None = None, *, terminal: bool = False) -> Iterator[io.StringIO]:
    """Everything the configured log writes to stdout."""
    out, before = Terminal() if terminal else io.StringIO(), sys.stdout
    handlers, root_level = logging.root.handlers[:], logging.root.level
    sys.stdout = out
    try:
        log.configure(level, file)
        yield out
    finally:
        sys.stdout = before
        log.configure(level)  # and no file any more
        logger.remove()
        logger.add(sys.stderr)
        logging.root.handlers[:] = handlers
        logging.root.setLevel(root_level)
