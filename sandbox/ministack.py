"""A local AWS on loopback: ministack, in its own venv because it pins another botocore.

`MINISTACK_PYTHON` names its interpreter; by default it is the one of `.venv-ministack`, which the Makefile makes.
It keeps everything in memory and forgets it when stopped.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

from sandbox.hang import HANG_S

REGION = "us-east-1"
CREDENTIALS = ("local", "local")  # it checks nothing
_ATTEMPTS = 3
_ROOT = Path(__file__).resolve().parent.parent


class MinistackError(Exception):
    """ministack is not installed, or did not start."""


def python() -> Path:
    """The interpreter that has ministack. Raises MinistackError when there is none."""
    path = Path(os.environ.get("MINISTACK_PYTHON") or _ROOT / ".venv-ministack" / "bin" / "python")
    if not path.exists():
        raise MinistackError(f"no ministack at {path}: run `make ministack`, or set MINISTACK_PYTHON")
    return path


@contextmanager
def ministack(*services: str) -> Iterator[str]:
    """Run it with the given services (all by default) and yield its endpoint, `http://127.0.0.1:<port>`."""
    with TemporaryDirectory(prefix="ministack-", ignore_cleanup_errors=True) as folder:  # it leaves its own there
        for attempt in range(1, _ATTEMPTS + 1):
            port = _free_port()
            process = _start(port, services, folder)
            endpoint = f"http://127.0.0.1:{port}"
            if _answers(process, endpoint):
                break
            _stop(process)
            if attempt == _ATTEMPTS:
                raise MinistackError("ministack did not start")
        try:
            yield endpoint
        finally:
            _stop(process)


def _free_port() -> int:
    """Free a moment ago; ministack cannot bind port 0, so a start that lost the race is tried again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _start(port: int, services: tuple[str, ...], folder: str) -> subprocess.Popen[bytes]:
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "TMPDIR": folder,
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "LOG_LEVEL": "ERROR",
        "SERVICES": ",".join(services),
    }
    return subprocess.Popen(  # noqa: S603 - our own command
        [str(python()), "-m", "ministack"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _answers(process: subprocess.Popen[bytes], endpoint: str) -> bool:
    deadline = time.monotonic() + HANG_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(f"{endpoint}/_ministack/health", timeout=HANG_S):  # noqa: S310 - loopback
                return True
        except (URLError, OSError):
            time.sleep(0.05)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(HANG_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main() -> None:
    """`python -m sandbox.ministack`: run until interrupted."""
    with ministack() as endpoint:
        print(f"a local AWS (ministack, not AWS) at {endpoint}, region {REGION}; Ctrl-C stops it")
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            sys.exit(0)


if __name__ == "__main__":
    main()
