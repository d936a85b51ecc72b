"""The log's file, beside a terminal that shows people's lines only."""

from __future__ import annotations

import os
from pathlib import Path

MAX_BYTES = 10 * 1024 * 1024  # bytes of the file; a full one is kept once, as `NAME.1`


class LogFile:
    """Appends lines. Each write opens the file anew, so that several processes may share it, and a file that somebody
    moves away is made again."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        """Raise OSError where the file cannot be had."""
        self.path = path
        self._max_bytes = max_bytes
        path.parent.mkdir(parents=True, exist_ok=True)
        self.write("")

    def write(self, text: str) -> None:
        """Append `text` as it is. Raise OSError."""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8", errors="replace") as file:
            file.write(text)
            is_full = file.tell() >= self._max_bytes
        if is_full:
            os.replace(self.path, self.path.with_name(f"{self.path.name}.1"))
