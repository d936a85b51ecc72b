"""`python -m bench.lambda_start`: the CPU of a Lambda's cold start, from nothing to its first answer.

The package of `infra/package-api` is unpacked, and its handler imported and given an event of API Gateway in a process
that has nothing but the package; with the bytecode that it brings, and without it, in turns. DynamoDB is a stand-in on
loopback, in this process, whose tables are empty. What is told is CPU time, so that other work on the machine matters
little; a Lambda of 1,769 MB has one vCPU, and one of 1,024 MB more than half of one. The last line is a JSON object.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from threading import Thread
from typing import Any

from common.keys import digest
from sandbox.hang import HANG_S

AIM_S = 1.5  # of CPU, for import and first request together, with bytecode
ROUNDS = 5
KEY = "bench"
EVENT = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/orders",
    "rawQueryString": "",
    "headers": {"host": "bench.execute-api.us-east-1.amazonaws.com", "x-api-key": KEY},
    "requestContext": {
        "http": {"method": "GET", "path": "/orders", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
        "domainName": "bench.execute-api.us-east-1.amazonaws.com",
        "requestId": "bench",
        "stage": "$default",
    },
    "body": None,
    "isBase64Encoded": False,
}
# Run in the package's folder, which `-c` puts first on the path.
CHILD = """
import json, sys, time
from pathlib import Path
event = json.loads(sys.argv[1])
begun = time.process_time()
from api.lambda_handler import handler
imported = time.process_time()
first = handler(event, None)
answered = time.process_time()
handler(event, None)
warm = time.process_time()
seconds = [imported - begun, answered - imported, warm - answered]
Path(sys.argv[2]).write_text(json.dumps({"status": first["statusCode"], "seconds": seconds}))
"""


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds of CPU."""

    imported: float
    first_request: float
    warm_request: float

    @property
    def cold(self) -> float:
        return self.imported + self.first_request


class EmptyTables(BaseHTTPRequestHandler):
    """DynamoDB to whom every question has no answer."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b'{"Items":[],"Count":0,"ScannedCount":0}'
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@contextmanager
def empty_dynamodb() -> Iterator[str]:
    """Run it, and yield its endpoint."""
    with ThreadingHTTPServer(("127.0.0.1", 0), EmptyTables) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def start(package: Path, endpoint: str) -> Start:
    """Start the unpacked package once, in a process of its own. Raise RuntimeError if it does not answer."""
    environment = {
        "ADMIN_API_KEYS": f"bench:read:sha256={digest(KEY).hex()}",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_EC2_METADATA_DISABLED": "true",
        "DYNAMODB_ENDPOINT": endpoint,
        "PATH": "",
        "STORE": "dynamodb",
    }
    with tempfile.TemporaryDirectory(prefix="carlos-lambda-") as home:
        told = Path(home) / "told.json"
        # No site-packages, no user's packages, and as on a Lambda nothing is written beside the code.
        command = [sys.executable, "-S", "-s", "-B", "-c", CHILD, json.dumps(EVENT), str(told)]
        environment["CARLOS_HOME"] = home
        done = subprocess.run(
            command, cwd=package, env=environment, capture_output=True, text=True, timeout=HANG_S, check=False
        )
        answer: dict[str, Any] = json.loads(told.read_text()) if told.exists() else {"status": None}
    if answer["status"] != 200:
        raise RuntimeError(f"the package answers {answer['status']}:\n{done.stdout}{done.stderr}")
    return Start(*answer["seconds"])


def without_bytecode(package: Path, copy: Path) -> Path:
    """Return a copy of the package that brings none."""
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def medians(starts: list[Start]) -> dict[str, float]:
    told = {name: round(median(asdict(each)[name] for each in starts), 4) for name in asdict(starts[0])}
    return {"cold_s": round(median(each.cold for each in starts), 3)} | {f"{k}_s": v for k, v in told.items()}


def measure(zipped: Path, rounds: int) -> dict[str, dict[str, float]]:
    """Return the medians with bytecode and without it."""
    with tempfile.TemporaryDirectory(prefix="carlos-package-") as folder, empty_dynamodb() as endpoint:
        package = Path(folder) / "with"
        with zipfile.ZipFile(zipped) as archive:
            archive.extractall(package)  # noqa: S202 - our own
        packages = {"bytecode": package, "no_bytecode": without_bytecode(package, Path(folder) / "without")}
        starts: dict[str, list[Start]] = {name: [] for name in packages}
        for _ in range(rounds):
            for name, each in packages.items():
                starts[name].append(start(each, endpoint))
    return {name: medians(each) for name, each in starts.items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.lambda_start", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--package", type=Path, help="a zip that is there; by default one is made")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="carlos-zip-") as folder:
        zipped = options.package or Path(folder) / "api.zip"
        if options.package is None:
            subprocess.run([Path(__file__).parents[1] / "infra" / "package-api", zipped], check=True)
        told = measure(zipped, options.rounds)
    for name, found in told.items():
        parts = ", ".join(f"{key.removesuffix('_s').replace('_', ' ')} {value:.3f} s" for key, value in found.items())
        print(f"{name.replace('_', ' '):12} {parts}")
    print(json.dumps(told | {"aim_s": AIM_S, "held": told["bytecode"]["cold_s"] <= AIM_S}))


if __name__ == "__main__":
    main()
