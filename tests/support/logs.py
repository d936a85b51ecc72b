"""What the log said, for a conftest to import."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from loguru import logger


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Every line that is logged, with all that is bound to it."""
    lines: list[str] = []
    sink = logger.add(lines.append, format="{message} {extra} {exception}", level="TRACE")
    yield lines
    logger.remove(sink)
