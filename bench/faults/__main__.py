"""`python -m bench.faults`: every fault, ours beside stock pipecat on one stand-in. The last line is a JSON object."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from rich.console import Console

from bench.faults import report
from bench.faults.matrix import rows
from bench.faults.processes import Processes

JOBS = 10  # calls at a time; each uses a tenth of a core


def wanted(only: Sequence[str], kinds: Sequence[str]) -> list[tuple[str, str]]:
    """Rows whose name has one of `only` in it, all without any, on each kind of server that they are meant for."""
    chosen = [row for row in rows() if not only or any(part in row.name for part in only)]
    return [(row.name, kind) for row in chosen for kind in kinds if kind == "ours" or row.concerns_stock]


def main() -> None:
    parser = argparse.ArgumentParser("python -m bench.faults", description="What a caller hears when things break.")
    parser.add_argument("--only", action="append", default=[], help="rows whose name has this in it; may be repeated")
    parser.add_argument("--ours", action="store_true", help="without stock pipecat")
    parser.add_argument("--jobs", type=int, default=JOBS, help="calls at a time")
    parser.add_argument("--page", type=Path, help="put the table into this page")
    parser.add_argument("--loud", action="store_true", help="show the servers' warnings")
    options = parser.parse_args()
    if options.page is not None and not options.page.exists():
        parser.error(f"there is no page {options.page}")
    began = monotonic()
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    kinds = ("ours",) if options.ours else ("ours", "stock")
    processes = Processes(console, options.loud)
    result = report.result(processes.run(wanted(options.only, kinds), options.jobs))
    print(report.table(result))
    if options.page is not None:
        report.publish(result, options.page)
    console.print(f"{monotonic() - began:.0f} s")
    print(json.dumps(result))
    sys.exit(1 if result["ours_failed"] else 0)


if __name__ == "__main__":
    main()
