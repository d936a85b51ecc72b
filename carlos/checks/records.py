"""Is the store there, with its tables and indexes, and can recordings be written? What the store holds is
`carlos doctor`'s."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from carlos.checks.finding import Finding, failed, not_tried, ok
from common.settings import Settings
from data.errors import DataError
from data.open import SQLITE_FILE, open_store
from data.recordings import Recordings

STORE, RECORDINGS = "store", "recordings"
TIMEOUT_S = 30.0  # for AWS's credentials, and three tables


async def check_store(settings: Settings) -> Finding:
    """Nothing is made that is not there: a SQLite file is looked for first."""
    if settings.store == "sqlite" and not (settings.carlos_home / SQLITE_FILE).exists():
        if problem := await asyncio.to_thread(_unwritable, settings.carlos_home):
            return failed(STORE, f"{problem}; SQLite's file belongs there: see CARLOS_HOME")
        return ok(STORE, f"sqlite: {settings.carlos_home} can be written; `carlos serve` makes the file in it")
    where = str(settings.carlos_home / SQLITE_FILE) if settings.store == "sqlite" else settings.aws_default_region
    try:
        async with asyncio.timeout(TIMEOUT_S):
            looked_at = await _look(settings)
    except TimeoutError:
        return failed(STORE, f"{settings.store} at {where} did not answer within {TIMEOUT_S:g} s")
    except (DataError, OSError) as error:
        return failed(STORE, f"{error}, at {where}; {_ADVICE[settings.store]}")
    if bad := [f"{what}: {detail}" for what, detail in looked_at.items() if detail != "ok"]:
        return failed(STORE, f"{'; '.join(bad)}. {_ADVICE[settings.store]}")
    return ok(STORE, f"{settings.store} at {where}: {', '.join(looked_at)}")


async def check_recordings(settings: Settings) -> Finding:
    if not settings.record_calls:
        return not_tried(RECORDINGS, "RECORD_CALLS is off: none is made")
    folder = settings.carlos_home / "recordings"
    if problem := await asyncio.to_thread(_unwritable, folder):
        return failed(RECORDINGS, f"{problem}; set CARLOS_HOME to a folder of the server's user")
    if settings.recordings == "file":
        return ok(RECORDINGS, f"{folder} can be written")
    try:
        await asyncio.to_thread(Recordings.of(settings).look)
    except DataError as error:
        return failed(RECORDINGS, f"{error}, in {settings.recordings_bucket}; {_BUCKET_ADVICE}")
    return ok(
        RECORDINGS, f"{settings.recordings_bucket} can be listed, and was not written to; {folder} can be written"
    )


async def _look(settings: Settings) -> dict[str, str]:
    store = await open_store(settings)
    try:
        return dict(await store.backend.check())
    finally:
        await store.close()


def _unwritable(folder: Path) -> str | None:
    """Return why no file can be made in a folder; None if one can. A folder that is missing is asked of its parent."""
    there = next((each for each in (folder, *folder.absolute().parents) if each.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=there):
            return None
    except OSError as error:
        return f"{there} cannot be written: {error.strerror}"


_BUCKET_ADVICE = "see RECORDINGS_BUCKET, AWS_DEFAULT_REGION and the rights in docs/phone-line.md"
_ADVICE = {
    "sqlite": "`carlos doctor` looks closer",
    "dynamodb": "the role needs the tables of docs/deploy.md, their names are ORDERS_TABLE, APPOINTMENTS_TABLE and"
    " CALLS_TABLE; `carlos doctor` looks closer",
}
