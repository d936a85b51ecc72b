"""What happens in a call, told as it happens: to listeners, to those who follow it live, and to the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import datetime
from typing import Any

from loguru import logger

from common.log.sink import Scope
from data.models import CallRecord
from tools import catalogue, follow_up

type CallEvent = dict[str, Any]  # {"type", "at_ms", ...}, JSON

FOLLOWER_BACKLOG = 256  # a follower that reads slower than a call talks is dropped


class CallEvents:
    """One call's. `scope` is what the log needs of the call; `age_s` gives the seconds since it began."""

    def __init__(self, call_id: str, scope: Scope, age_s: Callable[[], float]) -> None:
        self._call_id = call_id
        self._scope = scope
        self._age_s = age_s
        self._ended = False
        self._followers: set[asyncio.Queue[CallEvent]] = set()
        self.past: list[CallEvent] = []
        self.listeners: list[Callable[[CallEvent], None]] = []

    def tell(self, kind: str, **facts: Any) -> None:
        """This has happened just now. "ended" is the last that a follower is told."""
        event: CallEvent = {"type": kind, "at_ms": int(self._age_s() * 1000), **facts}
        self.past.append(event)
        self._ended |= kind == "ended"
        self._log(kind, facts)
        for listener in self.listeners:
            listener(event)
        for queue in list(self._followers):
            if queue.full():
                self._followers.discard(queue)
            else:
                queue.put_nowait(event)

    async def follow(self) -> AsyncGenerator[CallEvent]:
        """Everything so far, then everything as it happens, to the call's end."""
        queue: asyncio.Queue[CallEvent] = asyncio.Queue(FOLLOWER_BACKLOG)
        past, ended = list(self.past), self._ended
        self._followers.add(queue)
        try:
            for event in past:
                yield event
            if ended:
                return
            while queue in self._followers or not queue.empty():
                event = await queue.get()
                yield event
                if event["type"] == "ended":
                    return
        finally:
            self._followers.discard(queue)

    def _log(self, kind: str, facts: Mapping[str, Any]) -> None:
        """The log tells that something was said, never what."""
        told = {key: value for key, value in facts.items() if key not in ("text", "arguments", "result", "name")}
        if kind in ("heard", "said"):
            told["characters"] = len(facts["text"])
        elif kind == "tool":
            told |= {"tool": known_tool(facts["name"]), "code": facts["result"].get("code")}
        logger.bind(call_id=self._call_id, call=self._scope, event=kind, **told).info("call: {}", kind)


def retold(record: CallRecord) -> list[CallEvent]:
    """What a follower was told of the conversation, as far as the record has it."""
    told: list[tuple[datetime, CallEvent]] = []
    for turn in record.turns:
        kind = {"type": "heard"} if turn.role == "caller" else {"type": "said", "interrupted": turn.interrupted}
        told.append((turn.at, {**kind, "text": turn.text}))
    for tool in record.tools:
        facts = {"arguments": dict(tool.arguments), "result": dict(tool.result), "ok": tool.ok, "ms": tool.elapsed_ms}
        told.append((tool.at, {"type": "tool", "use": tool.tool_use_id, "name": tool.name, **facts}))
    return [
        {"at_ms": int((at - record.started_at).total_seconds() * 1000), **event}
        for at, event in sorted(told, key=lambda each: each[0])
    ]


def known_tool(name: str) -> str:
    """A tool's name is the model's text: what is none of ours goes into no label."""
    return name if name in catalogue.NAMES or name == follow_up.NAME else "unknown"
