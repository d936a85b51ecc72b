"""Where recordings lie, and until when."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Recordings:
    """The WAV files of calls below CARLOS_HOME."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "recordings"

    def path(self, call_id: str, part: int = 0) -> Path:
        """Return where a call's recording goes; each stream that resumes the call has a `part` of its own. Raise
        ValueError for an id that cannot be a file's name."""
        if not _SAFE_ID.fullmatch(call_id):
            raise ValueError("not the id of a call")
        return self._folder / (f"{call_id}.{part}.wav" if part else f"{call_id}.wav")

    def find(self, call_id: str) -> Path | None:
        """Return the recording, if there is one: its first part."""
        if not _SAFE_ID.fullmatch(call_id):
            return None
        path = self.path(call_id)
        return path if path.is_file() else None

    def erase(self, call_ids: Iterable[str]) -> int:
        """Delete all parts of the recordings of these calls. Return how many files were deleted."""
        wanted = set(call_ids)
        paths = [path for path in self._folder.glob("*.wav") if path.name.partition(".")[0] in wanted] if wanted else []
        for path in paths:
            path.unlink(missing_ok=True)
        return len(paths)

    def sweep(self, keep_days: int) -> int:
        """Delete the recordings that are older. Return how many; another process may be deleting the same ones."""
        limit, deleted = time.time() - keep_days * 86_400, 0
        for path in self._folder.glob("*.wav"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < limit:
                    path.unlink()
                    deleted += 1
        return deleted
