"""`python -m bench.webhook_receiver SECRET`: a receiver of webhooks that counts what it gets.

It verifies each message, keeps each event once by its id, and tells by which record and version events are whether one
was told twice under two ids. `--kept FILE` appends a line for each message that was taken, so that the count goes on
across processes. At the end, on SIGINT or SIGTERM, the last line is a JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from common.webhooks import ID, Unverified, key_of, verify

MAX_BODY_BYTES = 256 * 1024
type Told = tuple[str, str, int]  # type, record and version


@dataclass
class WebhookReceiver:
    """`answers` are the statuses of its first answers; then it takes everything. `kept` is read, and appended to."""

    secret: str
    answers: list[int] = field(default_factory=list)
    kept: Path | None = None
    messages: Counter[str] = field(default_factory=Counter)  # how often each id was taken
    events: dict[str, dict[str, Any]] = field(default_factory=dict)  # by id, as they came first
    refused: int = 0  # that nobody has signed for us
    url: str = ""

    def __post_init__(self) -> None:
        if self.kept is not None and self.kept.exists():
            for line in self.kept.read_text(encoding="utf-8").splitlines():
                message_id, event = json.loads(line)
                self._take(message_id, event)

    def told(self) -> Counter[Told]:
        """How many events, by id, told of each version of each record; each should be one."""
        return Counter((event["type"], event["data"]["id"], event["data"]["version"]) for event in self.events.values())

    def missed(self, expected: Iterable[Told]) -> list[Told]:
        return sorted(set(expected) - self.told().keys())

    def summary(self) -> dict[str, int]:
        """`repeated` are messages that came again under their id, as at-least-once allows; `doubled` are events that
        came under two ids, which nothing allows."""
        return {
            "messages": self.messages.total(),
            "events": len(self.events),
            "repeated": self.messages.total() - len(self.messages),
            "doubled": sum(count - 1 for count in self.told().values()),
            "refused": self.refused,
        }

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            verify([key_of(self.secret)], headers, body, time.time())
        except Unverified as error:
            self.refused += 1
            return web.Response(status=401, text=str(error))
        if self.answers and (status := self.answers.pop(0)) >= 300:
            return web.Response(status=status)
        event = json.loads(body)
        if self.kept is not None:
            with self.kept.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps([headers[ID], event], ensure_ascii=False) + "\n")
        self._take(headers[ID], event)
        return web.Response(status=204)

    def _take(self, message_id: str, event: dict[str, Any]) -> None:
        self.messages[message_id] += 1
        self.events.setdefault(message_id, event)


@asynccontextmanager
async def receiving(receiver: WebhookReceiver, port: int = 0) -> AsyncIterator[WebhookReceiver]:
    """Listen on loopback; `receiver.url` says where."""
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.router.add_post("/", receiver.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        yield receiver
    finally:
        await runner.cleanup()


async def _run(receiver: WebhookReceiver, port: int) -> None:
    over, loop = asyncio.Event(), asyncio.get_running_loop()
    for sig in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sig, over.set)
    async with receiving(receiver, port):
        print(receiver.url, flush=True)
        await over.wait()
    print(json.dumps(receiver.summary()), flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser("python -m bench.webhook_receiver", description=__doc__)
    parser.add_argument("secret", help="whsec_…, as in WEBHOOK_SECRETS")
    parser.add_argument("--port", type=int, default=0, help="by default any that is free")
    parser.add_argument("--kept", type=Path, help="a file of the messages that were taken")
    parser.add_argument("--answers", default="", help="statuses of the first answers, as 500,503")
    given = parser.parse_args(arguments)
    answers = [int(each) for each in given.answers.split(",") if each]
    asyncio.run(_run(WebhookReceiver(given.secret, answers, given.kept), given.port))


if __name__ == "__main__":
    main()
