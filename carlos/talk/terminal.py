"""Where a typed conversation is read from and shown: a terminal with a prompt, or plain lines of a script."""

from __future__ import annotations

import asyncio
import codecs
import os
import shutil
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from carlos.talk.conversation import Shown, Who
from carlos.talk.line_editor import Entered, LineEditor, visible

PROMPT = "you: "
CLEAR_ROW = "\r\x1b[K"
STYLES = {Who.CARLOS: "1", Who.HEARD: "2", Who.TOOL: "36", Who.SERVER: "33"}  # ANSI: bold, dim, cyan, yellow
READ_BYTES = 4096

type Lines = asyncio.Queue[str | None]  # what was entered; None at the end


class Screen(Protocol):
    def show(self, line: Shown) -> None: ...

    def note(self, text: str) -> None:
        """Show a line of the command's own."""


class PlainScreen:
    """One line each, without colours: for files and other programs."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, line: Shown) -> None:
        self.note(f"{line.who.value}: {line.text}")

    def note(self, text: str) -> None:
        print(text, file=self._out, flush=True)


class PromptScreen:
    """A terminal: what comes is written above the line that is being typed, which stays."""

    def __init__(self, out: TextIO, columns: Callable[[], int] = lambda: shutil.get_terminal_size().columns) -> None:
        self.editor = LineEditor()
        self._out = out
        self._columns = columns

    def show(self, line: Shown) -> None:
        self.note(f"\x1b[{STYLES[line.who]}m{line.who.value}: {printable(line.text)}\x1b[0m")

    def note(self, text: str) -> None:
        self._write(f"{CLEAR_ROW}{text}\n")
        self.prompt()

    def prompt(self) -> None:
        self._write(CLEAR_ROW + visible(PROMPT, self.editor.text, self._columns()))

    def type(self, characters: str) -> list[str | None]:
        """Take what was typed; return the lines that were entered, and None for the end. They stay to be read."""
        lines: list[str | None] = []
        for done in self.editor.feed(characters):
            lines.append(done.text if isinstance(done, Entered) else None)
            if isinstance(done, Entered):
                self._write(f"{CLEAR_ROW}{PROMPT}{done.text}\n")
        self.prompt()
        return lines

    def leave(self) -> None:
        """Take the prompt away."""
        self._write(CLEAR_ROW)

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def printable(text: str) -> str:
    """Return a text without what a terminal would obey."""
    return "".join(character if character.isprintable() else " " for character in text)


@contextmanager
def keys(fd: int, screen: PromptScreen, lines: Lines) -> Iterator[None]:
    """While inside, a terminal's keys go through the screen, and what they enter into `lines`."""
    loop = asyncio.get_running_loop()
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    before = termios.tcgetattr(fd)

    def read() -> None:
        typed = os.read(fd, READ_BYTES)
        for line in screen.type(decoder.decode(typed)) if typed else [None]:
            lines.put_nowait(line)
        if not typed:
            loop.remove_reader(fd)

    tty.setcbreak(fd)
    loop.add_reader(fd, read)
    try:
        screen.prompt()
        yield
    finally:
        loop.remove_reader(fd)
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
        screen.leave()


@contextmanager
def script(source: TextIO, lines: Lines) -> Iterator[None]:
    """While inside, a pipe's or a file's lines go into `lines`. Nobody waits for its end: the thread is a daemon."""
    loop = asyncio.get_running_loop()
    left = threading.Event()

    def put(line: str | None) -> None:
        if not left.is_set():
            lines.put_nowait(line)

    def read() -> None:
        try:
            for line in source:
                if left.is_set():
                    return
                if line.strip():
                    loop.call_soon_threadsafe(put, line.strip())
            loop.call_soon_threadsafe(put, None)
        except RuntimeError:
            return  # the loop is closed: the conversation ended first

    threading.Thread(target=read, name="script", daemon=True).start()
    try:
        yield
    finally:
        left.set()


def is_terminal() -> bool:
    """Whether somebody sits there, with a terminal for both directions."""
    return sys.stdin.isatty() and sys.stdout.isatty()
