"""A process for each trial, forked from one that has imported everything: no row can disturb another."""

from __future__ import annotations

import logging
import multiprocessing
import os
import sys
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection

import uvloop
from loguru import logger
from rich.console import Console

from bench.faults.matrix import rows
from bench.faults.phone import CALL_S
from bench.faults.report import Outcome
from bench.faults.trial import SETTLE_S, START_S, trial
from bench.stage import KEYS

PROCESS_S = CALL_S + SETTLE_S + START_S
PRELOADED = ["bench.faults.trial", "bench.servers.ours", "bench.servers.stock"]
QUIET = {"LOGURU_LEVEL": "ERROR", "PYTHONWARNINGS": "ignore"}  # while all that is imported


class Processes:
    """Processes for trials."""

    def __init__(self, console: Console, loud: bool = False) -> None:
        """`loud` lets the servers' warnings through."""
        self._console, self._loud = console, loud
        os.environ |= QUIET
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(PRELOADED)

    def run(self, wanted: Sequence[tuple[str, str]], jobs: int) -> dict[tuple[str, str], Outcome]:
        """The outcomes of rows on kinds of server, `jobs` at a time."""
        with ThreadPoolExecutor(jobs) as pool:
            outcomes = list(pool.map(self._one, wanted))
        return dict(zip(wanted, outcomes, strict=True))

    def _one(self, wanted: tuple[str, str]) -> Outcome:
        """One trial. A process that dies or hangs has no outcome, which is the worst of all."""
        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_trial, args=(*wanted, theirs, self._loud), daemon=True)
        process.start()
        theirs.close()
        try:
            outcome: Outcome = ours.recv() if ours.poll(PROCESS_S) else None
        except EOFError:
            outcome = None
        process.join(SETTLE_S if outcome else 0.0)
        process.kill()
        process.join()
        self._console.print(f"{wanted[1]:5}  {wanted[0]:45} {outcome or '[red]died or hung[/]'}")
        return outcome


def _trial(name: str, kind: str, told: Connection, loud: bool) -> None:
    warnings.simplefilter("ignore")
    os.environ |= KEYS
    logger.remove()
    logging.disable(logging.NOTSET if loud else logging.CRITICAL)
    if loud:
        logger.add(sys.stderr, level="WARNING")
    row = next(row for row in rows() if row.name == name)
    told.send(uvloop.run(trial(row, kind)))
