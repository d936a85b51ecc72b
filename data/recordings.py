"""Where recordings lie, and until when: files below CARLOS_HOME, and, with RECORDINGS=s3, a bucket behind them.

A call is recorded to a file in either case. With a bucket the file goes there when it is complete; one that does not
get there stays, and the next sweep tries again. What is here touches disks and the network: call it from a thread.
"""

from __future__ import annotations

import re
import time
from collections.abc import Container, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from loguru import logger

from common.settings import Settings
from data.errors import DataError
from data.recording_bucket import RecordingBucket, Stored

MOST_PARTS = 10  # of one call's recording
LEFT_S = 300.0  # a file that nothing was written to for so long is nobody's any more: a recording writes each second
_SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Recordings:
    """The WAV files of calls."""

    def __init__(self, home: Path, bucket: RecordingBucket | None = None) -> None:
        self._folder = home / "recordings"
        self._bucket = bucket

    @classmethod
    def of(cls, settings: Settings) -> Recordings:
        """Return those that the settings name."""
        if settings.recordings == "file":
            return cls(settings.carlos_home)
        bucket = RecordingBucket(
            settings.recordings_bucket or "",
            settings.recordings_prefix,
            settings.aws_default_region,
            settings.recordings_endpoint,
        )
        return cls(settings.carlos_home, bucket)

    def path(self, call_id: str, part: int = 0) -> Path:
        """Return where a call is recorded; each stream that resumes the call has a `part` of its own. Raise ValueError
        for an id that cannot be a file's name."""
        if not _SAFE_ID.fullmatch(call_id) or not 0 <= part < MOST_PARTS:
            raise ValueError("not the id of a call, or of a part of it")
        return self._folder / _name(call_id, part)

    def find(self, call_id: str) -> Path | None:
        """Return the file on this host, if there is one: the first part."""
        if not _SAFE_ID.fullmatch(call_id):
            return None
        path = self.path(call_id)
        return path if path.is_file() else None

    def exists(self, call_id: str, said: object) -> bool:
        """Return True for a call that has a recording; `said` is what its record says of it. A bucket is not asked."""
        return self.find(call_id) is not None or (self._bucket is not None and said == "on")

    def read(self, call_id: str) -> Stored | None:
        """Return the first part from the bucket, if it is there. Raise Unavailable if that cannot be reached."""
        if self._bucket is None or not _SAFE_ID.fullmatch(call_id):
            return None
        return self._bucket.get(_name(call_id))

    def look(self) -> None:
        """Raise Unavailable where there is a bucket that cannot be listed."""
        if self._bucket is not None:
            self._bucket.look()

    def keep(self, path: Path) -> bool:
        """A recording is complete: bring it where it belongs. Return False if it stays here until the next sweep."""
        if self._bucket is None:
            return True
        try:
            self._bucket.put(path)
        except DataError as error:
            logger.error("a recording stays on this host for now: {}", error)
            return False
        path.unlink(missing_ok=True)
        return True

    def erase(self, call_ids: Iterable[str]) -> int:
        """Delete all parts of the recordings of these calls, here and in the bucket. Return how many files were deleted
        here. Raise Unavailable if the bucket may still have some."""
        wanted = set(call_ids)
        paths = [path for path in self._files() if path.name.partition(".")[0] in wanted] if wanted else []
        for path in paths:
            path.unlink(missing_ok=True)
        if self._bucket is not None:
            safe = sorted(call_id for call_id in wanted if _SAFE_ID.fullmatch(call_id))
            self._bucket.delete(_name(call_id, part) for call_id in safe for part in range(MOST_PARTS))
        return len(paths)

    def sweep(self, keep_days: int) -> int:
        """Delete the recordings that are older. Return how many; another process may be deleting the same ones. Raise
        Unavailable if those in the bucket could not be."""
        limit, deleted = time.time() - keep_days * 86_400, 0
        for path in self._files():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < limit:
                    path.unlink()
                    deleted += 1
        if self._bucket is not None and (old := self._bucket.older(keep_days)):
            self._bucket.delete(old)
            deleted += len(old)
        return deleted

    def bring_left(self, erased: Container[str]) -> int:
        """Bring to the bucket what did not get there: of calls that are over, and were not erased. Return how many."""
        limit, brought = time.time() - LEFT_S, 0
        for path in self._files() if self._bucket is not None else ():
            with suppress(FileNotFoundError):
                is_left = path.stat().st_mtime < limit and path.name.partition(".")[0] not in erased
                brought += is_left and self.keep(path)
        return brought

    def _files(self) -> Iterator[Path]:
        return self._folder.glob("*.wav")


def _name(call_id: str, part: int = 0) -> str:
    return f"{call_id}.{part}.wav" if part else f"{call_id}.wav"
