"""A call on a terminal, as it happens: who said what, which tools ran, what Twilio would complain about."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from sandbox.twilio.call import CallEvent, Ran, Streaming, Warned
from sandbox.twilio.errors import Code
from sandbox.twilio.events import Bridged, Joined, Pressed, Progressed
from sandbox.twilio.script import Script, Turn
from sandbox.twilio.verbs import Conference, Connect, Dial, Hangup, Play, Redirect, Say

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
    """Prints to a rich console. Caller lines are the script's words; the rest is what the server reports. The time of a
    line is when what it tells began: Carlos's words are reported when they are over, so what is printed of them is when
    the caller first heard the answer, and how long he waited for it."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic, *, plays: bool = False) -> None:
        self._console = console
        self.plays = plays  # on this machine's loudspeaker, where there is one
        self._clock = clock
        self._started = clock()
        self._began: float | None = None  # the answer that is being spoken
        self._after_ms: int | None = None
        self._answered = False
        self._with_music = False  # its verbs, over and over, are no news

    def notice(self, text: str) -> None:
        self._console.print(Text(text, style="dim"), soft_wrap=True)

    def dialling(self, script: Script) -> None:
        self._started = self._clock()
        self._line("☎", f"{script.name}: {script.says} ({script.number})", "bold")

    def turn(self, turn: Turn) -> None:
        self._line("caller", turn.say if turn.audio else f"[keys] {turn.digits}", "cyan")

    def answer(self, after_ms: int) -> None:
        """The caller hears the first sound of an answer."""
        self._began, self._after_ms = self._seconds(), after_ms

    def recorded(self, wav: Path) -> None:
        self._console.print(Text("recording  (left: the caller, right: Carlos)", style="dim"))
        self._console.print(Text(str(wav)), soft_wrap=True)

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
            case Ran(Connect() | Dial(targets=Conference()) | Hangup()):
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
                self._carlos(f"{event.get('text', '')}{' —' if event.get('interrupted') else ''}")
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

    def _carlos(self, text: str) -> None:
        """What has just been spoken. A part that follows another of the same answer began where that one ended."""
        waited = "" if self._after_ms is None else f"  [began after {self._after_ms / 1000:.1f} s]"
        began = self._began
        self._began, self._after_ms = self._seconds(), None
        self._line("Carlos", text, "green", began, waited)

    def _seconds(self) -> float:
        return self._clock() - self._started

    def _line(self, who: str, text: str, style: str, at_s: float | None = None, note: str = "") -> None:
        seconds = self._seconds() if at_s is None else at_s
        head, words = Text(f"{seconds:6.1f} s  {who:>7}  "), Text.assemble((text, style), (note, "dim"))
        if not self._console.is_terminal:
            self._console.print(head, words, sep="", soft_wrap=True)
            return
        line = Table.grid(Column(width=len(head), no_wrap=True), Column(overflow="fold"))
        line.add_row(head, words)
        self._console.print(line)
