"""What the original client makes of a message: bubbles, the meter, the player, and the exceptions that it throws."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Any

from sandbox.browser.player import Player


class ScreenBroke(Exception):
    """`onmessage` threw: the original loses this message."""


@dataclass(slots=True)
class Bubble:
    role: str
    stage: str | None
    text: str = ""
    stop_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A row of the Events pane."""

    name: str
    body: dict[str, Any] = field(repr=False)
    at: float
    timestamp: int | None


@dataclass(slots=True)
class Screen:
    player: Player = field(default_factory=Player)
    bubbles: dict[str, Bubble] = field(default_factory=dict)
    rows: list[Shown] = field(default_factory=list)
    meter: dict[str, int] = field(default_factory=dict)
    interruptions: int = 0

    def show(self, message: str | bytes, now: float) -> Shown:
        """Take one message as `onmessage` does. Raises ScreenBroke where it would throw."""
        if not isinstance(message, str):
            raise ScreenBroke("a Blob is not JSON")
        try:
            parsed = json.loads(message)
            name = next(iter(parsed["event"]))
            body = parsed["event"][name]
            row = Shown(name, dict(body), now, parsed.get("timestamp"))
            self._act(row)
        except (ValueError, KeyError, TypeError, StopIteration) as error:
            raise ScreenBroke(f"{error!r} on {message[:200]}") from error
        self.rows.append(row)
        return row

    def _act(self, row: Shown) -> None:
        body = row.body
        match row.name:
            case "contentStart" if body["type"] == "TEXT":
                fields = body.get("additionalModelFields")
                stage = json.loads(fields).get("generationStage") if fields else None
                self.bubbles[body["contentId"]] = Bubble(body["role"], stage)
            case "textOutput":
                self._text(body, row.at)
            case "contentEnd" if body["type"] == "TEXT" and body["contentId"] in self.bubbles:
                self.bubbles[body["contentId"]].stop_reason = body["stopReason"]
            case "audioOutput":
                self.player.push(b64decode(body["content"], validate=True), row.at)
            case "usageEvent":
                self._count(body["details"]["total"])

    def _text(self, body: dict[str, Any], now: float) -> None:
        content = body["content"]
        if body["role"] == "ASSISTANT" and content.startswith("{") and json.loads(content).get("interrupted") is True:
            self.player.clear(now)
            self.interruptions += 1
        bubble = self.bubbles.get(body["contentId"])
        if bubble is not None:
            bubble.role, bubble.text = body["role"], content

    def _count(self, total: dict[str, dict[str, int]]) -> None:
        for side, tokens in total.items():
            for kind, count in tokens.items():
                if count:
                    self.meter[f"{side}.{kind}"] = count

    # For looking at it afterwards.

    def names(self) -> list[str]:
        return [row.name for row in self.rows]

    def bodies(self, name: str) -> list[dict[str, Any]]:
        return [row.body for row in self.rows if row.name == name]

    def texts(self, role: str, stage: str | None = None) -> list[str]:
        return [bubble.text for bubble in self.bubbles.values() if bubble.role == role and bubble.stage == stage]
