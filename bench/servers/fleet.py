"""`carlos serve` with PROCESSES as the environment says, on the cores that its arguments name.

What it writes goes to stderr, for nobody reads its stdout; and it stands in its own folder, where no `.env` is.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from common import log
from common.settings import Settings


def main() -> None:
    os.sched_setaffinity(0, set(map(int, sys.argv[1:])))
    home = Path(os.environ["CARLOS_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    os.chdir(home)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    settings = Settings()
    log.configure(settings.loglevel)
    if settings.processes > 1:
        from carlos.processes.supervisor import serve
    else:
        from carlos.server import serve  # after the log: pipecat talks while it is imported
    serve(settings)


if __name__ == "__main__":
    main()
