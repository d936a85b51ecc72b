"""A call on a terminal, as it happens: who said what, which tools ran, what Twilio would complain about."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from sandbox.twilio.call import CallEvent, Ran, Streaming, Warned
from sandbox.twilio.errors import Code
from sandbox.twilio.events import Bridged, Joined, Pressed, Progressed
from sandbox.twilio.script import Script, Turn
from sandbox.twilio.verbs import Conference, Connect, Dial, Play, Redirect, Say

USUAL = {Code.SERVER_CLOSED}  # logged at every hang-up by the server: no news
PROGRESS = {  # CallStatus of a person's call
    "ringing": "the phone rings",
    "in-progress": "answers",
    "busy": "is busy",
    "no-answer": "does not answer",
    "failed": "cannot be called",
    "completed": "the call is over",
}


class Show:
    """Prints to a rich console. Caller lines are the script's words; the rest is what the server reports."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = time.monotonic()
        self._answered = False
        self._with_music = False  # its verbs, over and over, are no news

    def notice(self, text: str) -> None:
        self._console.print(Text(text, style="dim"), soft_wrap=True)

    def dialling(self, script: Script) -> None:
        self._started = time.monotonic()
        self._line("☎", f"{script.name}: {script.says} ({script.number})", "bold")

    def turn(self, turn: Turn) -> None:
        self._line("caller", turn.say if turn.audio else f"[keys] {turn.digits}", "cyan")

    def twilio(self, event: CallEvent) -> None:
        match event:
            case Streaming():
                self._line("☎", "back with Carlos" if self._answered else "answered", "dim")
                self._answered, self._with_music = True, False
            case Joined():
                self._line("☎", "waits with music", "dim")
                self._with_music = True
            case Bridged():
                self._line("☎", "talks to the person", "dim")
                self._with_music = False
            case Warned(code, detail) if code not in USUAL:
                self._line("twilio", f"{code} {detail}", "red")
            case Ran(Say(text)):
                self._line("twilio", text, "blue")
            case Ran(Play() | Redirect()) if self._with_music:
                pass
            case Ran(Connect() | Dial(targets=Conference())):
                pass  # what comes of it is told
            case Ran(verb):
                self._line("☎", f"<{type(verb).__name__}>", "dim")

    def person(self, event: CallEvent) -> None:
        """What happens at the phone of a person whom the server has called."""
        match event:
            case Ran(Say(text)):
                self._line("person", f"hears: {text}", "blue")
            case Progressed(status) if status in PROGRESS:
                self._line("person", PROGRESS[status], "dim")
            case Pressed(digits):
                self._line("person", f"presses {digits}", "blue")
            case Bridged():
                self._line("person", "takes the call", "blue")
            case Warned(code, detail):
                self._line("person", f"{code} {detail}", "red")

    def server(self, event: Mapping[str, Any]) -> None:
        """One live event of the server; of a kind not known here, nothing."""
        match event.get("type"):
            case "said":
                cut = " —" if event.get("interrupted") else ""
                self._line("Carlos", f"{event.get('text', '')}{cut}", "green")
            case "heard":
                self._line("", f"heard: {event.get('text', '')}", "dim")
            case "tool":
                arguments = json.dumps(event.get("arguments", {}), ensure_ascii=False)
                result = "ok" if event.get("ok") else "refused"
                self._line("tool", f"{event.get('name')} {arguments} {result}, {event.get('ms')} ms", "yellow")
            case "interrupted":
                self._line("", "the caller interrupts", "magenta")
            case "notice" | "fault":
                self._line("server", str(event.get("text", "")), "red")
            case "ended" if event.get("outcome") == "transferring":
                self._line("☎", "the caller is passed on to a person", "dim")
            case "ended":
                self._line("☎", f"the call has ended: {event.get('outcome')}", "dim")

    def _line(self, who: str, text: str, style: str) -> None:
        seconds = time.monotonic() - self._started
        self._console.print(Text(f"{seconds:6.1f} s  {who:>7}  "), Text(text, style=style), sep="", soft_wrap=True)
