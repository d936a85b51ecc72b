"""A line that is being typed, while other lines come in: sans-IO.

The terminal's own editing would lose the line at the first word of Carlos's, and readline keeps its thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

MAX_CHARACTERS = 1000  # the server takes no more in a text

ENTER, BACKSPACE = "\r\n", "\b\x7f"
CTRL_D, CTRL_U, CTRL_W, ESCAPE = "\x04", "\x15", "\x17", "\x1b"


@dataclass(frozen=True, slots=True)
class Entered:
    text: str


@dataclass(frozen=True, slots=True)
class Left:
    """Ctrl-D on an empty line."""


class _Keys(Enum):
    """Where in a key's characters we are: an arrow is ESC [ A."""

    PLAIN = auto()
    ESCAPED = auto()
    SEQUENCE = auto()


class LineEditor:
    """`text` is what is typed and not entered yet."""

    def __init__(self) -> None:
        self.text = ""
        self._keys = _Keys.PLAIN

    def feed(self, characters: str) -> tuple[Entered | Left, ...]:
        """Take what was typed; return what it completes. Keys without a character, such as arrows, do nothing."""
        done = (self._press(character) for character in characters)
        return tuple(each for each in done if each is not None)

    def _press(self, character: str) -> Entered | Left | None:
        if self._keys is not _Keys.PLAIN or character == ESCAPE:
            self._keys = self._after(character)
        elif character in ENTER:
            entered, self.text = self.text.strip(), ""
            return Entered(entered) if entered else None
        elif character == CTRL_D:
            return None if self.text else Left()
        elif character in BACKSPACE:
            self.text = self.text[:-1]
        elif character == CTRL_U:
            self.text = ""
        elif character == CTRL_W:
            self.text = self.text.rstrip().rpartition(" ")[0]
            self.text += " " if self.text else ""
        elif character.isprintable() and len(self.text) < MAX_CHARACTERS:
            self.text += character
        return None

    def _after(self, character: str) -> _Keys:
        if character == ESCAPE:
            return _Keys.ESCAPED
        if self._keys is _Keys.ESCAPED:
            return _Keys.SEQUENCE if character in "[O" else _Keys.PLAIN
        return _Keys.PLAIN if "@" <= character <= "~" else _Keys.SEQUENCE


def visible(prompt: str, text: str, columns: int) -> str:
    """Return the prompt and as much of the line's end as fits into one row, with a place for the cursor."""
    room = max(1, columns - len(prompt) - 1)
    return prompt + (text if len(text) <= room else "…" + text[len(text) - room + 1 :])
