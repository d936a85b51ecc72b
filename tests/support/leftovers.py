"""A pytest plugin: a run that leaves something behind has failed, whatever its tests say.

Counted are processes that a test started, directly or not; files in the temporary folder, which each worker has for
itself; sockets and files that were dropped unclosed; and what asyncio complains of, such as a destroyed task.
"""

from __future__ import annotations

import gc
import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

# Files that onnxruntime and lark make once for a machine; and the SDK's task of an open that was cancelled, which the
# SDK itself forgets.
NOT_OURS = (".ses", ".lark_cache_*")
FORGOTTEN_BY_THE_SDK = "coro=<RequestPipeline._execute_request() done"


class Watch(logging.Handler):
    """From the start of a run to its end, in one process."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())  # pytest's own folders stay there
        self.folder = Path(tempfile.mkdtemp(prefix="carlos-tests-"))
        os.environ["TMPDIR"] = tempfile.tempdir = str(self.folder)
        self._complaints: list[str] = []
        logging.getLogger("asyncio").addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if FORGOTTEN_BY_THE_SDK not in record.getMessage():
            cause = f": {record.exc_info[1]!r}" if record.exc_info else ""
            self._complaints.append(f"asyncio said: {record.getMessage()}{cause}")

    def left(self) -> list[str]:
        """What is left, a line each. Removes the folder."""
        found = [*unclosed(), *self._complaints]
        found += [f"process {pid}: {command}" for pid, command in processes(f"TMPDIR={self.folder}", os.getpid())]
        names = sorted(path.name for path in self.folder.iterdir())
        ours = [name for name in names if not any(fnmatch(name, pattern) for pattern in NOT_OURS)]
        found += [f"in the temporary folder: {name}" for name in ours]
        shutil.rmtree(self.folder)
        return found


def unclosed() -> list[str]:
    """What the garbage collector warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gc.collect()
    return [str(warning.message) for warning in caught if warning.category is ResourceWarning]


def processes(mark: str, parent: int | None = None) -> Iterator[tuple[int, str]]:
    """Pid and command of each process with `mark` in its environment, however it came to be, and of those with this
    parent."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            its_parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            is_meant = its_parent == parent or mark.encode() in (process / "environ").read_bytes().split(b"\0")
            if is_meant and int(process.name) != os.getpid():
                words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                yield int(process.name), words or (process / "comm").read_text()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # gone meanwhile, or another user's


WATCH, LEFT = pytest.StashKey[Watch](), pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LEFT] = []
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):  # where tests run
        config.stash[WATCH] = Watch()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """A worker of pytest-xdist has told what it left."""
    node.config.stash[LEFT] += getattr(node, "workeroutput", {}).get("left", [])


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    if WATCH in config.stash:
        config.stash[LEFT] += config.stash[WATCH].left()
    if hasattr(config, "workeroutput"):
        config.workeroutput["left"] = config.stash[LEFT]
    elif config.stash[LEFT] and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if left := config.stash[LEFT]:
        terminalreporter.section("left behind", red=True)
        for line in left:
            terminalreporter.write_line(line)
