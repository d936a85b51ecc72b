"""Run the built image as ECS would and phone it: `python infra/check/phone_image.py <image> <base> <folder>`.

As its user, with its command and environment, on a read-only root file system with two places to write. Outside it,
on loopback, run the Sonic stand-in and the Twilio double. Needs root, for the mounts.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
HANG_S = 180.0  # the only bound of every wait: it catches a hang
CALLER = "order-status-dni"

# $1 root file system, $2 user, $3 file to hand in, the rest: the command.
ENTER = """
set -e
mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"
mount -t tmpfs -o mode=1777 tmpfs "$1/tmp"
mount -t tmpfs -o mode=0750,uid=${2%:*},gid=${2#*:} tmpfs "$1/var/lib/carlos"
mount --rbind /dev "$1/dev" && mount -t proc proc "$1/proc"
cp "$3" "$1/tmp/sonic-ca.pem" && chmod 644 "$1/tmp/sonic-ca.pem"
root=$1 user=$2 && shift 3
exec chroot --userspec="$user" "$root" "$@"
"""


class Failed(Exception):
    """The image does not do what it should."""


@dataclass(frozen=True, slots=True)
class Image:
    root: Path
    user: str
    environment: Mapping[str, str]
    command: tuple[str, ...]
    health: tuple[str, ...]
    size: int

    def start(self, ca_file: Path, command: tuple[str, ...], **extra: Any) -> subprocess.Popen[bytes]:
        inside = ["unshare", "--mount", "sh", "-c", ENTER, "enter", str(self.root), self.user, str(ca_file), *command]
        return subprocess.Popen(inside, **extra)  # noqa: S603


def buildah(*arguments: str) -> str:
    done = subprocess.run(["buildah", *arguments], capture_output=True, text=True, check=True)  # noqa: S603, S607
    return done.stdout.strip()


@contextmanager
def mounted(name: str) -> Iterator[Image]:
    container = buildah("from", "--pull-never", name)
    try:
        config = json.loads(buildah("inspect", container))["Docker"]["config"]
        yield Image(
            root=Path(buildah("mount", container)),
            user=config["User"],
            environment=dict(entry.split("=", 1) for entry in config["Env"]),
            command=tuple(config["Cmd"]),
            health=tuple(config["Healthcheck"]["Test"][1:]),
            size=_size(name),
        )
    finally:
        buildah("rm", container)


def _size(name: str) -> int:
    """Bytes of the files in the image."""
    container = buildah("from", "--pull-never", name)
    try:
        used = subprocess.run(  # noqa: S603
            ["du", "-sxb", buildah("mount", container)],  # noqa: S607
            capture_output=True,
            text=True,
            check=True,
        )
        return int(used.stdout.split()[0])
    finally:
        buildah("rm", container)


@contextmanager
def standin(home: Path) -> Iterator[dict[str, str]]:
    """The Sonic stand-in, outside the container; what it says of itself."""
    command: list[str | Path] = [BIN / "python", "-m", "sandbox.sonic", "--home", home, "--brain", "local"]
    child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        assert child.stdout is not None  # noqa: S101 - it was asked for
        yield json.loads(child.stdout.readline())
    finally:
        _end(child)


@contextmanager
def running(
    image: Image, ca_file: Path, environment: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        server = image.start(ca_file, image.command, env=dict(environment), stdout=out, stderr=subprocess.STDOUT)
    try:
        yield server
    finally:
        _end(server)


def _end(child: subprocess.Popen[Any]) -> int:
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
    try:
        return child.wait(HANG_S)
    except subprocess.TimeoutExpired:
        child.kill()
        raise Failed("it did not stop on SIGTERM") from None


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> float:
    began = time.monotonic()
    while time.monotonic() < began + HANG_S and server.poll() is None:
        try:
            with urlopen(url, timeout=HANG_S) as answer:  # noqa: S310 - loopback
                if answer.status == 200:
                    return time.monotonic() - began
        except (URLError, OSError):
            time.sleep(0.1)
    raise Failed(f"{url} does not answer:\n{log.read_text()}")


def place_call(url: str, environment: Mapping[str, str], folder: Path) -> dict[str, Any]:
    command: list[str | Path] = [BIN / "carlos", "call", CALLER, "--server", url, "--json", "--out", folder]
    done = subprocess.run(  # noqa: S603
        command, env=dict(environment), cwd=ROOT, capture_output=True, text=True, timeout=HANG_S, check=False
    )
    if done.returncode or not done.stdout:
        raise Failed(f"the call failed:\n{done.stdout}{done.stderr}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def server_environment(said: Mapping[str, str], port: int) -> dict[str, str]:
    """A public server, as on ECS; only HOST stays on loopback."""
    return {
        "HOST": "127.0.0.1",
        "WS_PORT": str(port),
        "PUBLIC_BASE_URL": "https://carlos.example.com",
        "SONIC": "bedrock",
        "SONIC_ENDPOINT": said["endpoint"],
        "SONIC_CA_FILE": "/tmp/sonic-ca.pem",  # noqa: S108 - a tmpfs of the container's own
        "AWS_ACCESS_KEY_ID": said["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": said["secret_access_key"],
        "ADMIN_API_KEYS": "image:read+write+calls:sha256=" + "0" * 64,
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "image-test-token",
        "TWILIO_API_BASE": f"http://127.0.0.1:{free_port()}",
    }


def write_bill(image: Image, path: Path) -> str:
    """The image's bill of materials, written to `path`."""
    site_packages = next(image.root.glob("opt/carlos/lib/python3*/site-packages"))
    done = subprocess.run(  # noqa: S603
        [sys.executable, ROOT / "infra/check/sbom.py", site_packages], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Failed(f"no bill of materials:\n{done.stderr}")
    path.write_text(done.stdout)
    return f"{len(json.loads(done.stdout)['components'])} packages, {path}"


def check(name: str, base: str, folder: Path) -> None:
    with mounted(name) as image, standin(folder / "sonic") as said:
        ca_file, port, log = Path(said["ca_file"]), free_port(), folder / "server.log"
        settings = server_environment(said, port)
        environment = dict(image.environment) | settings
        url = f"http://127.0.0.1:{port}"
        print(f"size     {image.size / 1e6:.0f} MB, {(image.size - _size(base)) / 1e6:.0f} MB of it on top of its base")
        print(f"user     {image.user}")
        print(f"sbom     {write_bill(image, folder / 'sbom.cdx.json')}")
        with running(image, ca_file, environment, log) as server:
            print(f"ready    {wait_for(f'{url}/ready', server, log):.1f} s after its start, on a read-only root")
            probe = tuple(part.replace("8081", str(port)) for part in image.health)
            # As ECS does: three in a row must fail.
            healthy = any(image.start(ca_file, probe, env=environment).wait(HANG_S) == 0 for _ in range(3))
            print(f"health   {'healthy' if healthy else 'UNHEALTHY'}, by the image's own command")
            writes = image.start(ca_file, ("touch", "/opt/carlos/x"), env=environment, stderr=subprocess.DEVNULL)
            read_only = writes.wait(HANG_S) != 0
            summary = place_call(url, os.environ | settings, folder)
            print(f"call     {json.dumps(summary, ensure_ascii=False)}")
            stopped = _end(server)
        print(f"stop     exit status {stopped} on SIGTERM")
    done = summary["outcome"] == "completed" and [tool["ok"] for tool in summary["tools"]] == [True]
    if not (healthy and read_only and done and stopped == 0 and not image.user.startswith("0")):
        raise Failed("see above; the server's log is " + str(log))
    print("image-test passed")


if __name__ == "__main__":
    try:
        check(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
    except Failed as error:
        raise SystemExit(f"image-test FAILED: {error}") from None
