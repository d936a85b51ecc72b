"""The benchmark's processes: pinned, told what to do in lines of JSON, answering in lines of JSON."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from bench.machine import pin

ANSWER_S = 120.0
STOP_S = 2.0  # no server has a call then
LINE = 256 * 1024 * 1024  # bytes: an answer may carry recorded audio

# Threads of BLAS on the server's core would fight with it, and warnings of the libraries are none of ours.
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}


class Child:
    """One process of ours, seen from the process that measures."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    @property
    def ended(self) -> bool:
        return self._process.returncode is not None

    async def ask(self, do: str, **arguments: Any) -> Any:
        """Have a command carried out, and wait for its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
        return await self.answer()

    async def answer(self) -> Any:
        assert self._process.stdout is not None
        while True:
            line = await asyncio.wait_for(self._process.stdout.readline(), ANSWER_S)
            if not line:
                raise RuntimeError(f"a process of the benchmark ended ({self._process.returncode}); see its messages")
            if line.startswith(b'{"bench":'):  # a server writes its log there, too
                return json.loads(line)["bench"]

    async def stop(self) -> None:
        if self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), STOP_S)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()


@asynccontextmanager
async def started(
    module: str, *arguments: str, core: int, log: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Child]:
    """Run a module on a core; what it writes to stderr goes to `log`."""
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **ENVIRONMENT, **(environment or {})},
            preexec_fn=lambda: _settle(core),
            limit=LINE,
        )
    child = Child(process)
    try:
        yield child
    finally:
        await child.stop()


def _settle(core: int) -> None:
    """Where it belongs, and with the priority of a server, which its parent has given up."""
    pin(core)
    with suppress(PermissionError):  # without it all children are alike still
        os.setpriority(os.PRIO_PROCESS, 0, 0)


def say(answer: Any) -> None:
    """Answer from inside a child."""
    sys.stdout.write(json.dumps({"bench": answer}) + "\n")
    sys.stdout.flush()


async def commands() -> AsyncIterator[dict[str, Any]]:
    """What a child is told, until its standard input ends."""
    reader = asyncio.StreamReader(limit=LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield json.loads(line)
