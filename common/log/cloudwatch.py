"""Call records and call events, straight to a CloudWatch log group.

The event loop only puts JSON lines into a bounded queue; a task delivers them in batches from a thread, one stream
per process and day. When the queue is full, events make room for records, and what was dropped is counted.

Limits of PutLogEvents (API reference): 10,000 events and 1,048,576 bytes a batch, each event counted with 26 bytes
more, in time order, spanning 24 hours at most; sequence tokens are not needed any more.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from loguru import logger

from common import metrics

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient

MAX_QUEUED_LINES = 10_000  # lines waiting
BATCH_EVENTS, BATCH_BYTES, OVERHEAD = 10_000, 1_048_576, 26
MAX_LINE_BYTES = 250_000  # bytes of one line; longer ones are cut short
SEND_INTERVAL_S = 2.0
RETRY_S, TRIES = 0.5, 4
FLUSH_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    at_ms: int
    text: str
    is_record: bool

    @property
    def size(self) -> int:
        return len(self.text.encode()) + OVERHEAD

    @property
    def day(self) -> str:
        return datetime.fromtimestamp(self.at_ms / 1000, UTC).date().isoformat()


class CallLogGroup:
    """`event` and `record` never wait and never fail. Use `start` and `close`; `close` delivers what is left."""

    def __init__(
        self, client: CloudWatchLogsClient, group: str, *, queue: int = MAX_QUEUED_LINES, retry_s: float = RETRY_S
    ) -> None:
        self.waiting: deque[_Line] = deque()
        self._client = client
        self._group = group
        self._limit = queue
        self._retry_s = retry_s
        self._process = f"{socket.gethostname()}-{os.getpid()}"
        self._streams: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._delivering = asyncio.Lock()

    def event(self, event: Mapping[str, Any]) -> None:
        """Queue one thing that happened in a call; masked already."""
        self._put(event, is_record=False)

    def record(self, record: Mapping[str, Any]) -> None:
        """Queue a call's record; masked already."""
        self._put(record, is_record=True)

    async def start(self) -> None:
        self._task = asyncio.create_task(self._deliver_now_and_then(), name="call log group")

    async def close(self) -> None:
        """Deliver what waits, for `FLUSH_TIMEOUT_S` at most."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            await asyncio.wait_for(self.flush(), FLUSH_TIMEOUT_S)
        except TimeoutError:
            logger.error("{} lines of calls were not delivered in time", len(self.waiting))
        self._count_dropped(list(self.waiting))

    async def flush(self) -> None:
        """Deliver what waits now."""
        async with self._delivering:
            while self.waiting:
                batch = self._next_batch()
                if not await self._deliver(batch):
                    return

    def _put(self, body: Mapping[str, Any], *, is_record: bool) -> None:
        text = json.dumps(body, ensure_ascii=False, default=str)
        if len(text.encode()) > MAX_LINE_BYTES:
            text = json.dumps(
                {"call_id": body.get("call_id"), "type": body.get("type"), "cut": text[: MAX_LINE_BYTES // 8]}
            )
        line = _Line(time.time_ns() // 1_000_000, text, is_record)
        if len(self.waiting) >= self._limit and not self._make_room(line):
            self._count_dropped([line])
            return
        self.waiting.append(line)

    def _make_room(self, line: _Line) -> bool:
        """Drop the oldest event for a record; events are not worth that much."""
        if not line.is_record:
            return False
        victim = next((waiting for waiting in self.waiting if not waiting.is_record), None)
        if victim is None:
            return False
        self.waiting.remove(victim)
        self._count_dropped([victim])
        return True

    def _count_dropped(self, lines: list[_Line]) -> None:
        for line in lines:
            metrics.LOG_DROPPED.add(kind="record" if line.is_record else "event")

    async def _deliver_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(SEND_INTERVAL_S)
            await self.flush()

    def _next_batch(self) -> list[_Line]:
        """The longest run of waiting lines of one day that one request may hold; they stay until delivered."""
        batch: list[_Line] = []
        size = 0
        for line in self.waiting:
            size += line.size
            if batch and (size > BATCH_BYTES or len(batch) == BATCH_EVENTS or line.day != batch[0].day):
                break
            batch.append(line)
        return batch

    async def _deliver(self, batch: list[_Line]) -> bool:
        """False when they stay in the queue: the service cannot be reached."""
        for attempt in range(TRIES):
            try:
                await asyncio.to_thread(self._send, batch)
            except Exception as error:
                # botocore's errors are made at run time; whatever it is, the call must not notice.
                logger.warning("calls not delivered to the log group, try {}: {}", attempt + 1, type(error).__name__)
                await asyncio.sleep(self._retry_s * 2**attempt)
            else:
                delivered = {id(line) for line in batch}
                self.waiting = deque(line for line in self.waiting if id(line) not in delivered)
                return True
        return False

    # On a thread.

    def _send(self, batch: list[_Line]) -> None:
        stream = f"calls/{self._process}/{batch[0].day}"
        if stream not in self._streams:
            self._create(stream)
        ordered = sorted(batch, key=lambda line: line.at_ms)
        self._client.put_log_events(
            logGroupName=self._group,
            logStreamName=stream,
            logEvents=[{"timestamp": line.at_ms, "message": line.text} for line in ordered],
        )

    def _create(self, stream: str) -> None:
        try:
            self._client.create_log_stream(logGroupName=self._group, logStreamName=stream)
        except self._client.exceptions.ResourceAlreadyExistsException:
            logger.debug("the log stream is there already")
        self._streams.add(stream)


def open_log_group(group: str, region: str, endpoint: str | None) -> CallLogGroup:
    """Credentials come from the AWS chain. boto3 is loaded here and not before: it is slow."""
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1})
    return CallLogGroup(boto3.client("logs", region_name=region, endpoint_url=endpoint, config=config), group)
