"""Where recordings lie: a folder, and a bucket behind it that may not answer."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from common.settings import Settings
from data.errors import Unavailable
from data.privacy import Customer, erase, export
from data.recording_bucket import RecordingBucket, Stored
from data.recordings import LEFT_S, MOST_PARTS, Recordings
from data.store import Store
from sandbox.ministack import CREDENTIALS, REGION, ministack
from tests.data.test_lists import a_call

WAV = b"RIFF" + bytes(200_000)


class FakeBucket(RecordingBucket):
    """Keeps what it is given in memory; `down` answers nothing."""

    def __init__(self) -> None:
        super().__init__("recordings")
        self.files: dict[str, bytes] = {}
        self.down = False

    def _ask(self) -> None:
        if self.down:
            raise Unavailable("down")

    def put(self, path: Path) -> None:
        self._ask()
        self.files[path.name] = path.read_bytes()

    def get(self, name: str) -> Stored | None:
        self._ask()
        found = self.files.get(name)
        return None if found is None else Stored(len(found), iter([found]))

    def delete(self, names: Iterable[str]) -> None:
        self._ask()
        for name in list(names):
            self.files.pop(name, None)

    def older(self, days: int) -> list[str]:
        self._ask()
        return list(self.files) if days < 0 else []


def recorded(recordings: Recordings, call_id: str, part: int = 0, age_s: float = 0.0) -> Path:
    path = recordings.path(call_id, part)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(WAV)
    os.utime(path, (time.time() - age_s, time.time() - age_s))
    return path


def test_a_complete_recording_goes_to_the_bucket_and_is_read_from_there(tmp_path: Path) -> None:
    bucket = FakeBucket()
    recordings = Recordings(tmp_path, bucket)
    path = recorded(recordings, "CA1")
    assert recordings.keep(path)
    assert not path.exists()
    assert recordings.exists("CA1", "on")
    assert not recordings.exists("CA1", "refused")
    found = recordings.read("CA1")
    assert found is not None
    assert (found.size, b"".join(found.pieces)) == (len(WAV), WAV)
    assert recordings.read("CA2") is None
    assert recordings.read("../CA1") is None


def test_what_does_not_get_there_stays_and_is_brought_by_a_later_sweep(tmp_path: Path) -> None:
    bucket = FakeBucket()
    recordings = Recordings(tmp_path, bucket)
    bucket.down = True
    left = recorded(recordings, "CA1", age_s=LEFT_S + 60)
    assert not recordings.keep(left)
    assert recordings.bring_left(()) == 0
    assert left.exists()
    bucket.down = False
    live = recorded(recordings, "CA2")
    gone = recorded(recordings, "CA3", age_s=LEFT_S + 60)
    assert recordings.bring_left({"CA3"}) == 1
    assert (left.exists(), live.exists(), gone.exists()) == (False, True, True), "one is live, one was erased"
    assert set(bucket.files) == {"CA1.wav"}


def test_files_alone_are_kept_where_they_are(tmp_path: Path) -> None:
    recordings = Recordings(tmp_path)
    path = recorded(recordings, "CA1", age_s=LEFT_S + 60)
    assert recordings.keep(path)
    assert recordings.bring_left(()) == 0
    assert path.exists()
    assert not recordings.exists("CA2", "on")


def test_all_parts_are_erased_here_and_in_the_bucket(tmp_path: Path) -> None:
    bucket = FakeBucket()
    recordings = Recordings(tmp_path, bucket)
    for part in range(MOST_PARTS):
        recordings.keep(recorded(recordings, "CA1", part))
    recordings.keep(recorded(recordings, "CA2"))
    here = recorded(recordings, "CA1", 1)
    assert recordings.erase(["CA1", "../x"]) == 1
    assert not here.exists()
    assert set(bucket.files) == {"CA2.wav"}


def test_a_part_beyond_those_that_are_erased_has_no_path(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="part"):
        Recordings(tmp_path).path("CA1", MOST_PARTS)


async def test_where_a_bucket_does_not_answer_nothing_of_a_customer_is_erased_and_it_is_told(
    store: Store, tmp_path: Path
) -> None:
    bucket = FakeBucket()
    recordings = Recordings(tmp_path, bucket)
    await store.save_call(a_call(1))
    recordings.keep(recorded(recordings, "CA1"))
    found = await export(store, Customer(phone="+5491155550001"))
    bucket.down = True
    with pytest.raises(Unavailable):
        await erase(store, recordings, found)
    assert await store.call("CA1") is not None
    bucket.down = False
    await erase(store, recordings, found)
    assert (bucket.files, await store.call("CA1")) == ({}, None)


async def test_a_refused_recording_is_remembered_for_other_servers_and_the_record_stays(store: Store) -> None:
    await store.save_call(a_call(1))
    await store.erase_recording("CA1")
    assert await store.erased_calls() == ("CA1",)
    assert await store.call("CA1") is not None


def test_s3_without_a_bucket_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="RECORDINGS_BUCKET"):
        Settings(_env_file=None, recordings="s3")
    settings = Settings(_env_file=None, recordings="s3", recordings_bucket="b", carlos_home=tmp_path)
    assert Recordings.of(settings).exists("CA1", "on")


# --- a local S3


@pytest.fixture(scope="module")
def s3() -> Iterator[Callable[[], str]]:
    with ministack("s3") as endpoint:
        yield lambda: endpoint


@pytest.mark.ministack
def test_a_bucket_stores_gives_lists_and_deletes(s3: Callable[[], str], tmp_path: Path) -> None:
    bucket = RecordingBucket("calls", "recordings/", REGION, s3(), CREDENTIALS)
    with pytest.raises(Unavailable, match="stored"):
        bucket.put(recorded(Recordings(tmp_path), "CA0"))
    with pytest.raises(Unavailable, match="listed"):
        bucket.look()
    bucket._client.create_bucket(Bucket="calls")
    bucket.look()
    recordings = Recordings(tmp_path, bucket)
    for call_id, part in (("CA1", 0), ("CA1", 1), ("CA2", 0)):
        assert recordings.keep(recorded(recordings, call_id, part))
    keys = [each["Key"] for each in bucket._client.list_objects_v2(Bucket="calls")["Contents"]]
    assert keys == ["recordings/CA1.1.wav", "recordings/CA1.wav", "recordings/CA2.wav"]
    found = recordings.read("CA1")
    assert found is not None
    assert (found.size, b"".join(found.pieces)) == (len(WAV), WAV)
    assert recordings.read("CA3") is None
    recordings.erase(["CA1"])
    assert recordings.read("CA1") is None
    assert bucket.older(1) == []
    assert sorted(bucket.older(-1)) == ["CA2.wav"]
    recordings.sweep(-1)
    assert recordings.read("CA2") is None


async def test_an_endpoint_that_nobody_listens_at_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.recording_bucket.TRIES", 1)
    bucket = RecordingBucket("calls", endpoint="http://127.0.0.1:9", credentials=CREDENTIALS)
    recordings = Recordings(tmp_path, bucket)
    path = recorded(recordings, "CA1")
    assert not await asyncio.to_thread(recordings.keep, path)
    path.unlink()
    for work in (lambda: recordings.read("CA1"), lambda: recordings.erase(["CA1"]), lambda: recordings.sweep(1)):
        with pytest.raises(Unavailable):
            await asyncio.to_thread(work)
