"""Keeps call records in the store as calls go on: the newest state of each, one write at a time.

A record is written when its call begins, so that a crash leaves one without an end; `reconcile` and a carrier's word
that it is over finish those. Beside it lies, until the call is over, what another process needs to go on with the call.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from loguru import logger

from agent.transcript import CUT_OFF, LOST, CallTranscript, is_over
from common.settings.floor import LONGEST_CALL_S
from common.tasks import TaskSet
from common.times import utcnow
from data.calls import VOICEMAIL
from data.errors import DataError
from data.models import CallRecord, Line
from data.store import Store

RETRY_DELAY_S, LONGEST_DELAY_S = 1.0, 30.0  # between two tries, doubled each time
MAX_TRIES = 64  # half an hour: longer than an outage of a store lasts
LAST_TRIES = 3  # of a process that ends
MAX_WAITING = 2_000  # calls whose records wait for the store; of more the newest state is given up soon
KEPT_TIMEOUT_S = 1.0  # how long a call's end waits for its record
HOST = socket.gethostname()
PROCESS = f"{HOST}:{os.getpid()}"
MAX_CALL_AGE = timedelta(seconds=LONGEST_CALL_S + 300)
_PAGE = 100
_MAX_FACT_CHARACTERS = 64
_MAX_URL_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class CutOff:
    """A call that its process left without an end: its record so far, and the toolbox's memory."""

    record: CallRecord
    memory: Mapping[str, Any]


class CallRecordWriter:
    """Writes call records. `changed` never waits and never fails; `settled` waits until the newest state of each is in
    the store. While the store is down records wait for it, with what carriers say of their calls."""

    def __init__(self, store: Store, retry_s: float = RETRY_DELAY_S) -> None:
        self._store = store
        self._retry_s = retry_s
        self._dirty: dict[str, CallTranscript] = {}
        self._writers: dict[str, asyncio.Task[None]] = {}
        self._additions = TaskSet()  # of what carriers say
        self._pausing: dict[str, asyncio.Event] = {}  # what waits for its next try, and what ends the wait
        self._closing = False
        # Each record as it was kept last, and what lies beside it.
        self._kept: WeakKeyDictionary[CallTranscript, CallRecord] = WeakKeyDictionary()
        self._remembered: WeakKeyDictionary[CallTranscript, Mapping[str, Any]] = WeakKeyDictionary()

    def changed(self, log: CallTranscript) -> None:
        self._dirty[log.id] = log
        if (news := self._pausing.get(log.id)) is not None:
            news.set()
        if log.id not in self._writers:
            self._writers[log.id] = asyncio.create_task(self._write(log.id), name=f"keep {log.id}")

    async def settled(self) -> None:
        """Wait for every write under way."""
        while self._writers:
            await asyncio.gather(*self._writers.values(), return_exceptions=True)
        await self._additions.wait()

    async def close(self) -> None:
        """Keep what can be kept now, and give up what still waits for the store."""
        self._closing = True
        for each in self._pausing.values():
            each.set()
        await self.settled()

    async def kept(self, call_id: str) -> None:
        """Wait, for `KEPT_TIMEOUT_S` at most, until the newest state of this call is in the store."""
        if (writer := self._writers.get(call_id)) is not None:
            await asyncio.wait({writer}, timeout=KEPT_TIMEOUT_S)

    async def is_over(self, call_id: str, carrier: str) -> bool:
        """Return True for a call that ended as calls do, in whichever process, or that its carrier says is over. Raise
        DataError where the store cannot tell."""
        await self.kept(call_id)
        record = await self._store.call(call_id)
        return record is not None and (is_over(record) or carrier in record.details)

    async def was_answered(self, call_id: str, resumes: int) -> bool:
        """Return whether the call's line was ever answered, in whichever process, after it was opened anew so often.
        Raise DataError where the store cannot tell."""
        record = await self._store.call(call_id)
        return record is not None and int(record.details.get("resumed", 0)) >= resumes

    async def cut_off(self, call_id: str) -> CutOff | None:
        """Return what there is to go on with; None for a call that is over, never began, or has lain too long."""
        await self.kept(call_id)
        try:
            record, memory = await self._store.call(call_id), await self._store.recall(call_id)
        except DataError as error:
            logger.error("what was said in call {} cannot be had: {!r}", call_id, error)
            return None
        return None if record is None or memory is None or is_over(record) else CutOff(record, memory)

    async def carrier_said(
        self, call_id: str, log: CallTranscript | None, carrier: str, facts: Mapping[str, str]
    ) -> None:
        """Add what a carrier says of a call that is over; `log` if the call is still known to this process.

        It may come to any process, and after the one that held the call has died: then it ends the record. A call
        that was cut off here may have gone on elsewhere: what is known of it here is old.
        """
        facts = {name: fact[:_MAX_FACT_CHARACTERS] for name, fact in facts.items()}
        if log is not None and log.record().outcome not in CUT_OFF:
            log.note(**{carrier: {**log.notes.get(carrier, {}), **facts}})
            self.changed(log)
            return

        async def add() -> None:
            await self._store.amend_call(call_id, lambda record: _finished(record, carrier, facts))
            await self._store.forget(call_id)

        what = f"what {carrier} says of call {call_id}"
        try:
            await add()
        except DataError as error:
            logger.error("{} is not kept yet: {!r}", what, error)
            self._additions.create(self._until_kept(what, what, add), f"keep {what}")

    async def keep_voicemail(self, call_id: str, number: str, facts: Mapping[str, str]) -> None:
        """Note on the call's record, or on a new one, where a message lies that its caller left on a closed line. It
        may be told twice, and by more than one process. Raise DataError."""
        facts = {name: fact[:_MAX_URL_CHARACTERS] for name, fact in facts.items()}
        if await self._store.amend_call(call_id, lambda record: _with_voicemail(record, facts)) is None:
            now = utcnow()
            record = CallRecord(call_id, Line.PHONE, now, number, now, VOICEMAIL)
            await self._store.save_call(_with_voicemail(record, facts))

    async def reconcile(self, now: datetime | None = None) -> int:
        """End the records that no process keeps any more. Return how many. Only calls without an end are looked at."""
        now = now or utcnow()
        ended, after = 0, None
        while True:
            page = await self._store.open_calls(_PAGE, after)
            for record in (head.record for head in page.items):
                if _is_abandoned(record, now):
                    logger.bind(call_id=record.id).warning("call lost: its process is gone")
                    await self._store.amend_call(record.id, lambda record: _ended_if_abandoned(record, now))
                    ended += 1
            after = page.next
            if after is None:
                return ended

    async def _write(self, call_id: str) -> None:
        try:
            while (log := self._dirty.pop(call_id, None)) is not None:
                await self._save(log)
        finally:
            del self._writers[call_id]

    async def _save(self, log: CallTranscript) -> None:
        try:
            await self._until_kept(log.id, f"call record of {log.id}", lambda: self._save_once(log))
        except Exception as error:  # its text may hold some of the record
            where = traceback.extract_tb(error.__traceback__)[-1]
            fault = type(error).__name__
            logger.error("call record of {} not kept: {} at {}:{}", log.id, fault, where.name, where.lineno)

    async def _until_kept(self, key: str, what: str, keep: Callable[[], Awaitable[None]]) -> None:
        attempt = 0
        while attempt < MAX_TRIES:
            attempt += 1
            try:
                await keep()
            except DataError as error:
                logger.error("{} not kept, try {}: {!r}", what, attempt, error)
            else:
                return
            if attempt >= LAST_TRIES and (self._closing or len(self._writers) > MAX_WAITING):
                break
            if await self._pause(key, min(self._retry_s * 2 ** (attempt - 1), LONGEST_DELAY_S)):
                attempt = 0
        logger.error("{} is given up", what)

    async def _pause(self, key: str, seconds: float) -> bool:
        """Wait until the next try. Return True if there is something new to write, which does not wait. A process that
        ends is in a hurry."""
        if self._closing:
            await asyncio.sleep(min(seconds, self._retry_s))
            return False
        news = self._pausing.setdefault(key, asyncio.Event())
        try:
            async with asyncio.timeout(seconds):
                await news.wait()
        except TimeoutError:
            return False
        finally:
            self._pausing.pop(key, None)
        return not self._closing

    async def _save_once(self, log: CallTranscript) -> None:
        record = log.record()
        memory = log.memory() if log.memory and not is_over(record) else None
        news = memory if memory != self._remembered.get(log) else None
        self._kept[log] = await self._store.save_call(record, news, self._kept.get(log, log.base))
        if memory is not None:
            self._remembered[log] = memory
        elif log in self._remembered:
            await self._store.forget(log.id)
            del self._remembered[log]


def _is_abandoned(record: CallRecord, now: datetime) -> bool:
    """Return True for a record without an end whose process was on this host and is gone, or that began longer ago than
    a call may last."""
    if record.ended_at is not None:
        return False
    if record.started_at < now - MAX_CALL_AGE:
        return True
    return is_gone(str(record.details.get("process", "")))


def is_gone(process: str) -> bool:
    """Return True for a process, named as `PROCESS`, that was on this host and is not alive, or was an earlier one with
    this one's number."""
    host, _, pid = process.rpartition(":")
    return host == HOST and not (pid.isdigit() and int(pid) != os.getpid() and _is_alive(int(pid)))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _finished(record: CallRecord, carrier: str, facts: Mapping[str, str]) -> CallRecord:
    known = record.details.get(carrier, {})
    record = replace(record, details={**record.details, carrier: {**known, **facts}})
    seconds = facts.get("duration_s", "")
    if record.ended_at is not None or not re.fullmatch(r"[0-9]{1,6}", seconds):
        return record
    return _lost(record, record.started_at + timedelta(seconds=int(seconds)))


def _ended_if_abandoned(record: CallRecord, now: datetime) -> CallRecord:
    return _lost(record, _last_sign(record)) if _is_abandoned(record, now) else record


def _with_voicemail(record: CallRecord, facts: Mapping[str, str]) -> CallRecord:
    known = record.details.get(VOICEMAIL, {})
    return replace(record, details={**record.details, VOICEMAIL: {**known, **facts}})


def _lost(record: CallRecord, ended_at: datetime) -> CallRecord:
    return replace(record, ended_at=ended_at, outcome=LOST)


def _last_sign(record: CallRecord) -> datetime:
    signs = [turn.at for turn in record.turns] + [tool.at for tool in record.tools]
    return max([record.started_at, *signs])
