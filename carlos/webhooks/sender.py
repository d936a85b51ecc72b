"""Sends one receiver what is due to it: of all processes that share the store, one at a time.

Which one says a lease in the receiver's own item (data.webhooks), renewed every BEAT_S and good for LEASE_S: a process
that dies is followed within LEASE_S + SKEW_S, on the same host at once. Two that both believe to hold it, after a long
stall, send the same message twice, under one id, and lose none.

Nothing of a call waits for any of this. A receiver that is down is tried once in PROBE_EVERY (schedule.Circuit); what
is due to it stays in the store.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from loguru import logger

from carlos.webhooks.schedule import ATTEMPTS, MAX_WAIT, Answer, Circuit, Verdict, due_again, retry_after
from common import metrics
from common.tasks import TaskSet
from common.times import Clock, utcnow
from data.errors import DataError
from data.webhooks import Delivery, Letter, Receiver, ReceiverState, Webhooks

BEAT_S = 10.0
LEASE_S = 30.0
SKEW_S = 2.0  # by which clocks may differ
POLL_S = 2.0  # between two looks for what other processes have written
OLD_EVERY = timedelta(minutes=1)  # between two looks for what has waited too long, while nothing is sent
AGE_EVERY = timedelta(minutes=1)  # between two looks at how long the oldest has waited
_OLD_AT_ONCE = 50  # letters that are given up at one of them

type Send = Callable[[Letter], Awaitable[Answer]]


class Sender:
    """`send` posts a letter once, and never raises but DataError. `name` is this process; `is_gone` says of another's
    name that it is dead for sure."""

    def __init__(
        self,
        receiver: Receiver,
        webhooks: Webhooks,
        send: Send,
        name: str,
        *,
        is_gone: Callable[[str], bool] = lambda name: False,
        clock: Clock = utcnow,
        chance: random.Random | None = None,
    ) -> None:
        self.receiver = receiver
        self._webhooks = webhooks
        self._send = send
        self._name = name
        self._is_gone = is_gone
        self._clock = clock
        self._chance = chance or random.Random()  # noqa: S311 - jitter
        self._circuit = Circuit()
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._taken: set[str] = set()  # ids that are still in the store: it was away when they had been taken
        self._tasks = TaskSet()
        self._news = asyncio.Event()
        self._state: ReceiverState | None = None  # as it was written or read last; None before the first look
        self._holds = False
        self._beat_at: datetime | None = None  # when the lease is to be looked at next
        self._recent: list[Delivery] = []  # not in the store yet: of a beat, or of as long as the store is away
        self._turned_off = False  # it has answered 410, which is not in the store yet
        self._took_some = False  # since this process sends
        self._old_at: datetime | None = None  # when to look for what has waited too long
        self._age_at: datetime | None = None  # when to measure how long the oldest has waited

    def wake(self) -> None:
        """There may be something to send."""
        self._news.set()

    async def run(self) -> None:
        """Send until cancelled; what is under way then goes on."""
        while True:
            self._news.clear()
            await self.step()
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._news.wait()

    async def step(self) -> None:
        """Begin what is due now, if this process is the one that sends."""
        try:
            if await self._hold():
                await self._begin()
                await self._measure()
            else:
                self._tell_age(0.0)  # another process knows
        except DataError as error:
            logger.warning("webhooks to {} wait for the store: {!r}", self.receiver.id, error)

    async def settled(self) -> None:
        """Wait for what is under way."""
        await self._tasks.wait()

    async def close(self, within_s: float) -> None:
        """Send what is due, for so long at most, and let another process go on."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._drain()
        await self._tasks.cancel()
        self._tell_age(0.0)
        with suppress(DataError):
            await self._give_back()

    async def _drain(self) -> None:
        while True:
            await self.step()
            if not self._under_way:
                return
            await asyncio.wait(self._under_way.values(), return_when=asyncio.FIRST_COMPLETED)

    # The lease.

    async def _hold(self) -> bool:
        """Return whether this process is the one that sends; renew the lease when its time has come."""
        now = self._clock()
        if self._beat_at is not None and now < self._beat_at and not self._turned_off:
            return self._holds
        self._holds = False  # until it is written
        stored = await self._webhooks.state(self.receiver.id)
        self._beat_at = now + timedelta(seconds=BEAT_S)
        if not self._may_hold(stored, now):
            self._state = stored
            return False
        await self._keep(stored, self._name, now + timedelta(seconds=LEASE_S))
        return self._holds

    def _may_hold(self, stored: ReceiverState, now: datetime) -> bool:
        if stored.holder in ("", self._name) or stored.until is None or self._is_gone(stored.holder):
            return True
        return stored.until < now - timedelta(seconds=SKEW_S)

    async def _keep(self, stored: ReceiverState, holder: str, until: datetime | None) -> None:
        """Write the lease, and what is new about the receiver."""
        news, turned_off = list(self._recent), self._turned_off
        now = self._clock()
        failing = None if self._took_some else stored.failing_since
        if self._circuit.failures:
            failing = stored.failing_since or now
        disabled = (stored.disabled_at or now) if turned_off else stored.disabled_at
        state = replace(
            stored.with_recent(news), holder=holder, until=until, failing_since=failing, disabled_at=disabled
        )
        if not await self._webhooks.keep_state(state):
            self._beat_at = None  # somebody else has written: look again at once
            return
        self._recent = self._recent[len(news) :]
        self._turned_off = self._turned_off and not turned_off
        self._state = replace(state, version=state.version + 1)
        self._holds = holder == self._name

    async def _give_back(self) -> None:
        if self._holds and self._state is not None:
            await self._keep(self._state, "", None)

    # Letters.

    async def _begin(self) -> None:
        now = self._clock()
        off = self._turned_off or self._state is None or self._state.disabled_at is not None
        places = 0 if off else self._circuit.places(now, len(self._under_way))
        if not places:
            await self._give_old_up(now)
            return
        known = len(self._under_way) + len(self._taken)
        for letter in await self._webhooks.due(self.receiver.id, known + places):
            if letter.id in self._under_way:
                continue
            if letter.id in self._taken:
                await self._forget(letter)
            elif places:
                places -= 1
                self._under_way[letter.id] = self._tasks.create(self._deliver(letter), f"webhook {letter.id}")

    async def _give_old_up(self, now: datetime) -> None:
        """While nothing is sent, what has waited too long."""
        if self._under_way or (self._old_at is not None and now < self._old_at):
            return
        self._old_at = now + OLD_EVERY
        for letter in await self._webhooks.due(self.receiver.id, _OLD_AT_ONCE):
            if letter.due < now - MAX_WAIT:
                await self._bury(letter, letter.attempts, letter.reason or "the receiver was away, or had said 410")

    async def _measure(self) -> None:
        """How long the oldest has waited, while this process sends."""
        now = self._clock()
        if self._age_at is not None and now < self._age_at:
            return
        self._age_at = now + AGE_EVERY
        oldest = await self._webhooks.oldest(self.receiver.id)
        self._tell_age((now - oldest).total_seconds() if oldest else 0.0)

    def _tell_age(self, seconds: float) -> None:
        metrics.WEBHOOK_AGE.set(seconds, receiver=self.receiver.id)

    async def _deliver(self, letter: Letter) -> None:
        began, is_settled = asyncio.get_running_loop().time(), False
        try:
            answer = await self._send(letter)
            ms = round((asyncio.get_running_loop().time() - began) * 1000)
            await self._settle(letter, answer, ms)
            is_settled = True
        except DataError as error:
            logger.warning("webhook {} waits for the store: {!r}", letter.id, error)
        finally:
            if not is_settled:
                self._circuit.failed(self._clock())  # it is still due: not over and over at once
            del self._under_way[letter.id]
            self.wake()  # there is a place

    async def _settle(self, letter: Letter, answer: Answer, ms: int) -> None:
        now, attempt = self._clock(), letter.attempts + 1
        reason = "" if answer.verdict is Verdict.TAKEN else answer.told
        self._recent.append(Delivery(letter.id, letter.type, now, answer.status, attempt, ms, reason))
        if answer.verdict is Verdict.TAKEN:
            metrics.WEBHOOKS.add(outcome="delivered")
            self._circuit.taken()
            self._took_some = True
            self._taken.add(letter.id)
            await self._forget(letter)
            return
        metrics.WEBHOOKS.add(outcome="failed")
        self._circuit.failed(now, retry_after(answer.retry_after, now))
        if answer.verdict is Verdict.GONE and not self._turned_off:
            self._turned_off = True
            logger.error("webhooks to {} are off: it answers 410, as who wants no more", self.receiver.id)
        due = due_again(attempt, now, self._chance.uniform(-1, 1))
        if due is None:
            await self._bury(letter, attempt, reason)
        else:
            logger.info("webhook {} was not taken, try {} of {}: {}", letter.id, attempt, ATTEMPTS, reason)
            await self._webhooks.put_off(letter, due, reason)

    async def _forget(self, letter: Letter) -> None:
        await self._webhooks.delivered(letter)
        self._taken.discard(letter.id)

    async def _bury(self, letter: Letter, attempts: int, reason: str) -> None:
        logger.error("webhook {} is given up after {} tries: {}", letter.id, attempts, reason)
        if await self._webhooks.bury(letter, attempts, reason):
            metrics.WEBHOOKS.add(outcome="given_up")
