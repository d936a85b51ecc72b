"""`carlos call`: what it prints, what it leaves behind, how it fails."""

from __future__ import annotations

import base64
import io
import json
import os
import sys
import wave
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from common.running import RunningServer, announced
from sandbox.twilio.account import Account
from sandbox.twilio.command import _url, register
from sandbox.twilio.errors import ServerUnavailable
from sandbox.twilio.feed import CallFeed
from sandbox.twilio.phone import Summary, call_server, find_running, health_of, place
from sandbox.twilio.script import Script, Turn
from sandbox.twilio.server import ServerProcess, free_port
from sandbox.twilio.show import Show
from tests.twilio.phoned_server import PUBLIC, PhonedServer, Socket

pytestmark = pytest.mark.slow

SCRIPT = Script("probe", "Says one thing.", "+5491155550101", (Turn("Hola", b"\x10" * 1600),))
RECORD = {
    "outcome": "completed",
    "turns": [
        {"role": "carlos", "text": "Hola, soy Carlos.", "at_ms": 100},
        {"role": "caller", "text": "hola", "at_ms": 900},
    ],
    "tools": [
        {
            "name": "consultarOrder",
            "arguments": {"orderId": "1", "dni": "28456789"},
            "ok": True,
            "ms": 3,
            "at_ms": 1,
        }
    ],
    "interruptions": 1,
}
EVENTS: list[dict[str, Any]] = [
    {"type": "said", "text": "Hola, soy Carlos.", "interrupted": True},
    {"type": "heard", "text": "hola"},
    {"type": "tool", "name": "consultarOrder", "arguments": {"orderId": "1"}, "ok": True, "ms": 3},
    {"type": "something-new"},
    {"type": "ended", "outcome": "completed"},
]


async def greet_and_wait(socket: Socket) -> None:
    """A server that greets, hears one utterance to its end and hangs up."""
    await socket.until("media")
    await socket.send("media", media={"payload": base64.b64encode(b"\x20" * 800).decode()})
    spoke = False
    while (message := await socket.receive()) is not None:
        if message["event"] != "media":
            continue
        speaks = base64.b64decode(message["media"]["payload"])[0] == 0x10
        if spoke and not speaks:
            return
        spoke = speaks


async def dialled(server: PhonedServer, out: Path, screen: io.StringIO) -> Summary:
    show = Show(Console(file=screen, width=200, color_system=None))
    async with server.double() as twilio:
        # The SID is made up while dialling: the feed of any call is the same here.
        feed = CallFeed(server.address)
        return await place(twilio, feed, SCRIPT, out, show)


def publish(server: PhonedServer) -> None:
    stream = "".join(f"data: {json.dumps(event)}\n\n" for event in EVENTS)
    server.suffixes["/events"] = ("text/event-stream", stream.encode())
    server.prefixes["/calls/"] = ("application/json", json.dumps({"data": RECORD}).encode())


async def test_a_call_is_shown_recorded_and_summed_up(server: PhonedServer, tmp_path: Path) -> None:
    server.talk = greet_and_wait
    publish(server)
    screen = io.StringIO()
    summary = await dialled(server, tmp_path, screen)
    first_audio_ms = summary["first_audio_ms"]
    assert summary == {
        "outcome": "completed",
        "caller": ["hola"],
        "carlos": ["Hola, soy Carlos."],
        "tools": [
            {
                "name": "consultarOrder",
                "arguments": {"orderId": "1", "dni": "28456789"},
                "ok": True,
                "ms": 3,
            }
        ],
        "interruptions": 1,
        "first_audio_ms": first_audio_ms,
        "wav": summary["wav"],
    }
    assert first_audio_ms is not None
    with wave.open(summary["wav"], "rb") as file:
        assert file.getnchannels() == 2
        assert file.getnframes() > 1600 + 800
    shown = screen.getvalue()
    for words in ("caller  Hola", "Carlos  Hola, soy Carlos. —", "heard: hola", "consultarOrder", "has ended"):
        assert words in shown
    assert "something-new" not in shown


async def test_a_caller_who_is_cut_off_is_not_completed(server: PhonedServer, tmp_path: Path) -> None:
    publish(server)
    summary = await dialled(server, tmp_path, io.StringIO())
    assert summary["outcome"] == "unfinished"


async def test_a_server_without_a_webhook_has_failed(server: PhonedServer, tmp_path: Path) -> None:
    server.documents.clear()
    publish(server)
    screen = io.StringIO()
    assert (await dialled(server, tmp_path, screen))["outcome"] == "failed"
    assert "11200" in screen.getvalue()


async def test_a_server_without_records_is_told_of_in_words(server: PhonedServer, tmp_path: Path) -> None:
    server.talk = greet_and_wait
    server.suffixes["/events"] = ("text/event-stream", b"")
    screen = io.StringIO()
    summary = await dialled(server, tmp_path, screen)
    assert (summary["outcome"], summary["caller"]) == ("no_record", [])
    assert "no record of the call" in screen.getvalue()


async def test_a_running_server_is_phoned_with_the_credentials_of_the_settings(
    server: PhonedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", server.account.sid)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", server.account.auth_token)
    monkeypatch.setenv("TWILIO_API_BASE", "https://api.twilio.com")
    monkeypatch.setenv("PUBLIC_BASE_URL", PUBLIC)
    monkeypatch.setenv("ADMIN_API_KEYS", "ana:read:sha256=" + "0" * 64)
    server.talk = greet_and_wait
    publish(server)
    screen = io.StringIO()
    show = Show(Console(file=screen, width=200, color_system=None))
    summary = await call_server(server.address, SCRIPT, tmp_path, show)
    assert summary["outcome"] == "completed"
    assert [post.signed for post in server.posts if post.path == "/twilio/voice"] == [True]
    assert "will not see the server's hang-up" in screen.getvalue()


# A server of one's own.

TINY_SERVER = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(os.environ["TWILIO_ACCOUNT_SID"].encode())
    def log_message(self, *args): pass
server = http.server.HTTPServer(("127.0.0.1", int(os.environ["WS_PORT"])), Handler)
print("open   http://localhost/", file=sys.stderr, flush=True)
print("Sonic is a stand-in", file=sys.stderr, flush=True)
print("a log line", flush=True)
server.serve_forever()
"""


async def test_a_server_is_started_with_the_doubles_credentials_and_stopped(tmp_path: Path) -> None:
    lines: list[str] = []
    account = Account()
    log = tmp_path / "calls" / "server.log"
    command = (sys.executable, "-c", TINY_SERVER)
    process = ServerProcess(free_port(), account, "http://127.0.0.1:9", log, lines.append, command)
    async with process as server, aiohttp.ClientSession() as http, http.get(server.base_url) as response:
        assert await response.text() == account.sid
    assert lines == ["Sonic is a stand-in"]
    assert process.returncode not in (None, 0)
    assert log.read_text() == "a log line\n"


async def test_a_server_that_runs_is_found_and_rung_as_it_is(server: PhonedServer, tmp_path: Path) -> None:
    assert await find_running(tmp_path) is None
    with announced(tmp_path, RunningServer("http://localhost:9", os.getpid())):
        assert await find_running(tmp_path) is None, "nobody answers there"
    server.files["/health"] = ("application/json", b"{}")
    here = RunningServer(server.address, os.getpid())
    with announced(tmp_path, here):
        assert await find_running(tmp_path) == here


async def test_a_port_where_nobody_answers_is_told_in_a_sentence() -> None:
    with pytest.raises(ServerUnavailable) as told:
        await health_of("http://localhost:9")
    assert str(told.value) == "nobody answers at http://localhost:9: connection refused"


async def test_a_server_that_does_not_start_is_told_of_with_its_last_words(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "import sys; sys.exit('SONIC is missing')")
    process = ServerProcess(free_port(), Account(), "http://127.0.0.1:9", tmp_path / "log", print, command)
    with pytest.raises(ServerUnavailable, match=r"stopped with 1:\nSONIC is missing"):
        async with process:
            pytest.fail("it is not ready")


# The command line.


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    register(app)
    return app


def test_the_list_of_callers_ends_with_json(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["--list", "--json"])
    assert result.exit_code == 0
    callers = json.loads(result.stdout.splitlines()[-1])["callers"]
    assert {"name", "says"} == set(callers[0])
    assert "order-status-dni" in [caller["name"] for caller in callers]


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("localhost:8081", "http://localhost:8081"),
        ("http://localhost:8081/", "http://localhost:8081"),
        ("https://carlos.example", "https://carlos.example"),
        ("127.0.0.1", "http://127.0.0.1"),
        ("[::1]:8081", "http://[::1]:8081"),
    ],
)
def test_a_servers_address_may_be_written_as_in_a_browser(text: str, url: str) -> None:
    assert _url(text) == url


@pytest.mark.parametrize(
    "text", ["", ":8081", "localhost:http", "localhost:99999", "ftp://localhost", "http://", "[::1"]
)
def test_what_is_no_address_is_told_in_a_sentence(app: typer.Typer, text: str) -> None:
    result = CliRunner().invoke(app, ["--server", text], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert "is no address of a server" in result.stderr


def test_nobody_at_the_address_is_told_in_a_sentence(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["--server", "localhost:9"])
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == "nobody answers at http://localhost:9: connection refused"


def test_an_unknown_caller_is_an_error_in_words(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["nobody"])
    assert result.exit_code == 1
    assert "there is no caller 'nobody'" in result.stderr
