"""Recordings in an S3 bucket. Everything here waits for the network: call it from a thread.

boto3 is imported and its client made when first used: both are slow. botocore retries what may be tried again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import batched
from pathlib import Path
from typing import Any

from data.errors import Unavailable

CONNECT_S, READ_S, TRIES = 3, 20, 4
DELETED_AT_ONCE = (
    1000  # keys of one DeleteObjects: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
)
READ_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Stored:
    """An object being read: its size in bytes, and the bytes."""

    size: int
    pieces: Iterator[bytes]


@dataclass
class RecordingBucket:
    """A bucket's part below `prefix`, where each file lies under its own name. Every method raises Unavailable.
    Credentials come from the AWS chain unless given."""

    bucket: str
    prefix: str = ""
    region: str = "us-east-1"
    endpoint: str | None = None
    credentials: tuple[str, str] | None = field(default=None, repr=False)

    def put(self, path: Path) -> None:
        """Store a file; one that is there already is replaced."""
        with _told("stored"):
            self._client.upload_file(
                str(path), self.bucket, self._key(path.name), ExtraArgs={"ContentType": "audio/wav"}
            )

    def get(self, name: str) -> Stored | None:
        """Return a file, if it is there."""
        with _told("read"):
            try:
                found = self._client.get_object(Bucket=self.bucket, Key=self._key(name))
            except self._client.exceptions.NoSuchKey:
                return None
            return Stored(found["ContentLength"], found["Body"].iter_chunks(READ_BYTES))

    def delete(self, names: Iterable[str]) -> None:
        """Delete these files, as far as they are there."""
        for some in batched(names, DELETED_AT_ONCE):
            with _told("deleted"):
                keys = {"Objects": [{"Key": self._key(name)} for name in some], "Quiet": True}
                failed = self._client.delete_objects(Bucket=self.bucket, Delete=keys).get("Errors", ())
            if failed:
                raise Unavailable(f"{len(failed)} recordings not deleted: {failed[0].get('Code')}")

    def look(self) -> None:
        """Ask for the name of one file, be there any or not."""
        with _told("listed"):
            self._client.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix, MaxKeys=1)

    def older(self, days: int) -> list[str]:
        """The names of the files that were stored so long ago."""
        limit = datetime.now(UTC) - timedelta(days=days)
        with _told("listed"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix)
            found = [each for page in pages for each in page.get("Contents", ()) if each["LastModified"] < limit]
        names = [each["Key"].removeprefix(self.prefix) for each in found]
        return [name for name in names if name.endswith(".wav") and "/" not in name]

    def _key(self, name: str) -> str:
        return self.prefix + name

    @cached_property
    def _client(self) -> Any:
        import boto3
        from botocore.config import Config

        config = Config(
            connect_timeout=CONNECT_S, read_timeout=READ_S, retries={"total_max_attempts": TRIES, "mode": "standard"}
        )
        key_id, secret = self.credentials or (None, None)
        return boto3.client(
            "s3",
            region_name=self.region,
            endpoint_url=self.endpoint,
            config=config,
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
        )


@contextmanager
def _told(done: str) -> Iterator[None]:
    """Raise Unavailable for what botocore and its helpers raise."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise Unavailable(f"recordings cannot be {done}: {error.response.get('Error', {}).get('Code')}") from None
    except (BotoCoreError, Boto3Error) as error:
        raise Unavailable(f"recordings cannot be {done}: {type(error).__name__}") from None
