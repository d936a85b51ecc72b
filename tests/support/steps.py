"""A pytest plugin: the steps of asyncio's event loops that took more CPU than the budget of 20 ms, named at the end.

It only records. What a step costs is CPU of its thread, not time on the clock, so a busy machine does not make steps
long; but a test's own code, imports that happen in it, and a round of the garbage collector are steps' work as well, so
no test fails for it. That the product keeps the budget is shown by counts of work (tests/carlos/test_largest_inputs.py)
and by `make fuzz`. Servers that tests start as processes are not seen: LOGLEVEL=DEBUG names their steps.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

import pytest

BUDGET_S = 0.02
SHOWN = 10

type Step = tuple[float, str, str]  # ms of CPU, the step, the test

STEPS = pytest.StashKey[list[Step]]()


def name_of(handle: asyncio.Handle) -> str:
    """A task's coroutine, or the callback."""
    callback = handle._callback  # type: ignore[attr-defined]
    task = getattr(callback, "__self__", None)
    named = task.get_coro() if isinstance(task, asyncio.Task) else callback
    return getattr(named, "__qualname__", None) or repr(named)


def pytest_configure(config: pytest.Config) -> None:
    steps = config.stash[STEPS] = []
    run = asyncio.Handle._run

    def measured(handle: asyncio.Handle) -> None:
        began = time.thread_time()
        run(handle)
        used = time.thread_time() - began
        if used > BUDGET_S:
            test = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0]
            steps.append((round(used * 1000, 1), name_of(handle), test))

    patch = pytest.MonkeyPatch()
    patch.setattr(asyncio.Handle, "_run", measured)
    config.add_cleanup(patch.undo)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """A worker of pytest-xdist tells its own."""
    node.config.stash[STEPS] += map(tuple, getattr(node, "workeroutput", {}).get("steps", []))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["steps"] = longest(session.config.stash[STEPS])


def longest(steps: list[Step]) -> list[Step]:
    """The longest of each name."""
    by_name = {name: (ms, name, test) for ms, name, test in sorted(steps)}
    return sorted(by_name.values(), reverse=True)[:SHOWN]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if steps := longest(config.stash[STEPS]):
        terminalreporter.section(f"steps of the event loop over {BUDGET_S * 1000:g} ms of CPU")
        for ms, name, test in steps:
            terminalreporter.write_line(f"{ms:8.1f} ms  {name}  in {test}")
