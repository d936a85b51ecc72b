"""sipp and baresip are installed by `make setup-test`; without them their tests are left out loudly, and fail in CI."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest
from loguru import logger

from sandbox.sip.baresip import find_baresip
from sandbox.sip.sipp import find_sipp


@pytest.fixture(autouse=True)
def _needs_sip_clients(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("sip") is None or (find_sipp() and find_baresip()):
        return
    if os.environ.get("CI") == "true":
        pytest.fail("sipp and baresip are not installed: make sip-setup")
    pytest.skip("NOT RUN, the SIP line with real phones: sipp and baresip are not installed (make sip-setup)")


class _Kept(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._lines = lines
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))


@pytest.fixture
def no_error_is_logged() -> Iterator[None]:
    """By us or by a library, exceptions of tasks and callbacks included."""
    lines: list[str] = []
    ours = logger.add(lines.append, format="{message} {exception}", level="ERROR")
    theirs = _Kept(lines)
    logging.getLogger().addHandler(theirs)
    yield
    logging.getLogger().removeHandler(theirs)
    logger.remove(ours)
    assert lines == []
