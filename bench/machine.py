"""The machine: cores, and what it and one process were doing, from /proc."""

from __future__ import annotations

import os
import platform
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Self

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


CORES = sorted(os.sched_getaffinity(0))  # before anything is pinned: a child inherits its parent's


def core_number(place: int) -> int:
    """The core at this place among those we may use; the only one where there is no other."""
    return CORES[place % len(CORES)]


def pin(core: int) -> None:
    """Keep this process, and all threads and processes it will make, on one core."""
    os.sched_setaffinity(0, {core})


def pinned(pid: int) -> set[int]:
    """The cores that the threads of a process may run on."""
    return {core for task in Path(f"/proc/{pid}/task").iterdir() for core in os.sched_getaffinity(int(task.name))}


@dataclass(frozen=True, slots=True)
class Reading:
    """Clock, CPU seconds of a process, and busy seconds of each core."""

    at: float
    process_s: float
    threads_s: dict[int, float]
    cores_s: dict[int, float]

    @classmethod
    def of(cls, pid: int) -> Self:
        threads = {
            int(task.name): _cpu_s(task / "stat") for task in Path(f"/proc/{pid}/task").iterdir() if task.exists()
        }
        return cls(monotonic(), _cpu_s(Path(f"/proc/{pid}/stat")), threads, busy_s())


def use_between(begin: Reading, end: Reading, pid: int, core: int) -> dict[str, Any]:
    """What the process used in between, in % of a core, and what others used of its core."""
    seconds = end.at - begin.at
    process = 100 * (end.process_s - begin.process_s) / seconds
    main = 100 * (end.threads_s.get(pid, 0.0) - begin.threads_s.get(pid, 0.0)) / seconds
    busy = 100 * (end.cores_s[core] - begin.cores_s[core]) / seconds
    return {
        "cpu": round(process, 1),
        "cpu_main_thread": round(main, 1),
        "others_on_core": round(max(0.0, busy - process), 1),
        "load_average": round(os.getloadavg()[0], 2),
    }


def rss_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 1e6


def thread_count(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def busy_s() -> dict[int, float]:
    """Seconds each core has not been idle since boot."""
    return dict(_cores(Path("/proc/stat").read_text().splitlines()))


def _cores(lines: Iterable[str]) -> Iterable[tuple[int, float]]:
    for line in lines:
        name, *ticks = line.split()
        if name.startswith("cpu") and name != "cpu":
            user, nice, system, _, _, irq, softirq, steal = map(int, ticks[:8])
            yield int(name[3:]), (user + nice + system + irq + softirq + steal) * TICK_S


def _cpu_s(stat: Path) -> float:
    try:
        fields = stat.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) * TICK_S


def describe() -> dict[str, Any]:
    """What was measured on."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "?"
    )
    return {
        "cpu": model,
        "cores": len(CORES),
        "system": platform.system(),
        "python": platform.python_version(),
        "profile_guided": "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or ""),
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
