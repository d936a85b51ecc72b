"""`python -m tests.support.often 5`: run the whole suite again and again, in another order each time.

Every second run has every core kept busy by a loop of ours. What each run prints is kept in a file. The last line is
one JSON object: `{"runs", "failed_runs", "failures": {test: times}, "seconds": [..]}`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from tests.support.leftovers import processes

LONGEST_S = 30 * 60.0  # a run that takes longer hangs, and is killed
SUITE = (  # as `make test` has it
    "-m", "pytest", "-n", "5", "--dist", "loadfile", "--no-loadscope-reorder", "--durations=25", "-m", "not alone",
)  # fmt: skip
FAILURE = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)
MARK = "SUITE_RUN"  # in the environment of all that a run starts


@contextmanager
def busy_cores() -> Iterator[None]:
    """Nobody else finds a core idle meanwhile."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def run(command: Sequence[str], log: Path, longest_s: float = LONGEST_S) -> int:
    """The exit status of one run, which leaves no process behind; -9 for one that was killed."""
    mark = f"{MARK}={secrets.token_hex(8)}"
    name, _, value = mark.partition("=")
    with log.open("wb") as out:
        suite = subprocess.Popen([sys.executable, *command], env=os.environ | {name: value}, stdout=out, stderr=out)
        try:
            return suite.wait(longest_s)
        except subprocess.TimeoutExpired:
            return -signal.SIGKILL
        finally:
            suite.kill()
            suite.wait()
            while left := list(processes(mark)):  # one may have begun another meanwhile
                for pid, _ in left:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                time.sleep(0.05)


def failures(output: str) -> set[str]:
    """The tests that pytest's summary names."""
    return set(FAILURE.findall(output))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=int)
    parser.add_argument("suite", nargs="*", default=SUITE, help="another command for Python than the whole suite")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="carlos-often-"))
    failed: Counter[str] = Counter()
    failed_runs, seconds = 0, []
    for number in range(1, asked.runs + 1):
        log, seed, began = folder / f"run-{number}.log", secrets.randbelow(2**32), time.monotonic()
        with busy_cores() if number % 2 == 0 else nullcontext():
            status = run([*asked.suite, f"--randomly-seed={seed}"], log)
        seconds.append(round(time.monotonic() - began))
        failed_runs += status != 0
        if status:
            failed.update(failures(log.read_text(errors="replace")) or {f"the run itself ({status})"})
        print(f"run {number}: status {status}, {seconds[-1]} s, {log}", flush=True)
    told = {"runs": asked.runs, "failed_runs": failed_runs, "failures": dict(failed), "seconds": seconds}
    print(json.dumps(told, ensure_ascii=False))
    return min(failed_runs, 1)


if __name__ == "__main__":
    sys.exit(main())
