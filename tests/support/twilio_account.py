"""A Twilio account on loopback: its resources by path, and what was asked of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

SID, TOKEN = "AC" + "2" * 32, "a-made-up-auth-token"
NUMBER_SID = "PN" + "3" * 32


@dataclass
class TwilioAccount:
    """Answers with `answers[path below the account]`, a status and a JSON value; a number is changed by a POST."""

    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    base: str = ""

    def answer(self, method: str, path: str, query: Mapping[str, str], form: Mapping[str, str]) -> tuple[int, Any]:
        self.asked.append((method, path, form or query))
        status, body = self.answers.get(path, (404, {"code": 20404, "message": "not found", "status": 404}))
        if method == "POST" and status == 200:
            body.update({_snake(name): value for name, value in form.items()})
        return status, body


@contextmanager
def account() -> Iterator[TwilioAccount]:
    """Runs in a thread: the commands have an event loop of their own."""
    twilio = TwilioAccount()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("GET", {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            self._answer("POST", dict(parse_qsl(body, keep_blank_values=True)))

        def _answer(self, method: str, form: Mapping[str, str]) -> None:
            url = urlsplit(self.path)
            path = url.path.removeprefix(f"/2010-04-01/Accounts/{SID}").removesuffix(".json").strip("/")
            status, body = twilio.answer(method, path, dict(parse_qsl(url.query)), form)
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    twilio.base = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield twilio
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
