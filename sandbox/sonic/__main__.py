"""`python -m sandbox.sonic`: the stand-in as a child process.

Prints one line of JSON when it is ready, and lives until SIGTERM, the end of its stdin (when that is a pipe)
or the death of the process that started it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import signal
import stat
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sandbox.brain import Brain
from sandbox.sonic.behaviour import Behaviour, Manners
from sandbox.sonic.script import ScriptError, load_script, scripted
from sandbox.sonic.server import STREAMS, SonicServer
from sandbox.sonic.signature import Keys

PARENT_CHECK_S = 1.0


def main() -> int:
    options = _parser().parse_args()
    try:
        factory, about = _brain(options)
    except (OSError, ScriptError) as error:
        print(f"sandbox.sonic: {error}", file=sys.stderr)
        return 2
    asyncio.run(_serve(options, factory, about))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m sandbox.sonic", description="A stand-in for Amazon Nova 2 Sonic.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--home", type=Path, required=True, help="folder for the CA and its key")
    parser.add_argument("--max-streams", type=int, default=STREAMS)
    parser.add_argument("--time-scale", type=float, default=1.0, help="how long a second of the service lasts")
    parser.add_argument("--stt-model", type=Path, help="a Whisper folder for the local brain")
    parser.add_argument("--manners", choices=[each.name for each in Manners], default=Manners.NOVA_2.name)
    brain = parser.add_mutually_exclusive_group(required=True)
    brain.add_argument("--script", type=Path, help="a YAML file, see sandbox/sonic/script.py")
    brain.add_argument("--brain", choices=["local"])
    return parser


def _brain(options: argparse.Namespace) -> tuple[Callable[[], Brain], dict[str, Any]]:
    if options.script is not None:
        return scripted(load_script(options.script)), {"brain": "scripted", "hears": False}
    from sandbox import local  # its speech packages may be missing; a script needs none of them

    about = {"brain": "local"} | asdict(local.describe(options.stt_model))
    return lambda: local.make_brain(options.stt_model), about


async def _serve(options: argparse.Namespace, factory: Callable[[], Brain], about: dict[str, Any]) -> None:
    keys = Keys("AKIDSTANDIN", secrets.token_urlsafe(30))
    server = SonicServer(
        factory,
        credentials=keys,
        ca_dir=options.home,
        behaviour=Behaviour(uneven_audio=0, manners=Manners[options.manners]),
        time_scale=options.time_scale,
        max_streams=options.max_streams,
        keep_audio=False,
    )
    await server.start(options.port)
    stopped = _stop_event()
    ready = {
        "endpoint": server.endpoint,
        "ca_file": str(server.ca_file.resolve()),
        "access_key_id": keys.access_key_id,
        "secret_access_key": keys.secret_access_key,
    }
    print(json.dumps(ready | about), flush=True)
    try:
        await _until(stopped)
    finally:
        await server.stop()


def _stop_event() -> asyncio.Event:
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    mode = os.fstat(0).st_mode
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        loop.add_reader(0, _read_stdin, loop, stopped)
    return stopped


def _read_stdin(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    if not os.read(0, 4096):
        loop.remove_reader(0)
        stopped.set()


async def _until(stopped: asyncio.Event) -> None:
    parent = os.getppid()
    while not stopped.is_set() and os.getppid() == parent:
        try:
            async with asyncio.timeout(PARENT_CHECK_S):
                await stopped.wait()
        except TimeoutError:
            continue


if __name__ == "__main__":
    sys.exit(main())
