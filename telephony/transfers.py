"""Callers on their way to a person, in whichever process: the table of `telephony.transfer`, over the store.

Each method is asked by the carrier, may be asked twice, and goes on where another process has died: what it finds in
the store decides, and what it writes is written only if nobody else has. What has to be done outside follows the
write, and is done again when the caller's music asks for more and it has not been.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from loguru import logger

from agent.passing_on import NOTE, TRANSFERRED, TRANSFERRING
from common.tasks import TaskSet
from common.times import BUENOS_AIRES, Clock, utcnow
from common.transfer_targets import TransferTarget, for_reason, reasons_of
from data.errors import DataError
from data.models import CallRecord
from data.store import Store
from telephony.briefing import briefing
from telephony.person_line import NotRung, PersonLine
from telephony.transfer import Due, Event, State, Transfer

PLACE_S = 60.0  # for a caller who is to be with Carlos again, when no place is free
_ANSWERED = frozenset({"completed", "answered"})  # carriers' words for a leg that ended after an answer
_TRIES = 8  # of a write that others come between
_PERSON_IN_VAIN = frozenset({Event.LATE, Event.CALLER_LEFT, Event.CALLER_FREE})  # their leg does not end of itself


class Transfers:
    """Those of one carrier's calls. `line` None: a carrier that can ring nobody itself, as for cold ones. `caller_id`
    is the number that people see in a cold one; None for the caller's."""

    def __init__(
        self,
        store: Store,
        people: Sequence[TransferTarget],
        line: PersonLine | None,
        *,
        ring_s: float = 25.0,
        cold: bool = False,
        caller_id: str | None = None,
        clock: Clock = utcnow,
    ) -> None:
        self._store = store
        self._people = people
        self._line = line
        self._ring_s = ring_s
        self.cold = cold
        self.caller_id = caller_id
        self._clock = clock
        self._tasks = TaskSet(_on_crash)

    async def close(self) -> None:
        await self._tasks.cancel()

    async def settled(self) -> None:
        """Wait until what was begun is done."""
        await self._tasks.wait()

    # --- what the caller's leg tells ---------------------------------------------------------------------------

    async def begun(self, call_id: str, resumes: int) -> Transfer | None:
        """Return the transfer that a call's stream ended with, or came back from; None for a call that is not being
        passed on. One for whom nobody is there is returned at once."""
        record = await self._store.call(call_id)
        if record is None or record.outcome != TRANSFERRING:
            return None
        asked = record.details.get(NOTE, {})
        for _ in range(_TRIES):
            before, version = await self._read(call_id)
            if before is not None and before.number >= asked.get("number", 1):
                return before
            begun = self._new(call_id, asked, resumes, before)
            if await self._store.save_transfer(call_id, begun.memory(), version):
                logger.info("call {} is passed on: {}", call_id, begun.cause)
                return begun
        return None

    async def waits(self, call_id: str, from_number: str) -> Transfer | None:
        """The caller hears music, and it is asked for again: do what is due."""
        transfer, version = await self._read(call_id)
        if transfer is None:
            return None
        match transfer.due(self._clock()):
            case Due.DIAL:
                dialling = transfer.dialling(self._clock())
                if await self._store.save_transfer(call_id, dialling.memory(), version):
                    self._tasks.create(self._dial(dialling, from_number))
            case Due.GIVE_UP:
                return await self._move(call_id, Event.LATE, why="no-answer") or transfer
            case Due.BRING_BACK:
                self._tasks.create(self._bring_back(transfer))
        return transfer

    async def left_the_room(self, call_id: str, *, ago_s: float = 0.0) -> Transfer | None:
        """The caller's part in the room, or in a cold transfer, was over so many seconds ago, and the caller is
        there."""
        transfer, _ = await self._read(call_id)
        if transfer is None:
            return None
        event = transfer.end_of_the_room(self._clock() - timedelta(seconds=ago_s))
        why = "hung-up" if event is Event.LEFT_AT_ONCE else "failed"
        await self._move(call_id, event, why=why, bring_back=False)
        return (await self._read(call_id))[0]

    async def dialled(self, call_id: str, status: str, *, talked: bool) -> Transfer | None:
        """A cold transfer is over: `status` is the carrier's word for how."""
        if talked:
            await self._move(call_id, Event.ACCEPTED)
        why = "hung-up" if status in _ANSWERED else status
        await self._move(call_id, Event.CALLER_FREE, why=why, bring_back=False)
        return (await self._read(call_id))[0]

    async def caller_left(self, call_id: str) -> None:
        """The caller's call is over. Where the store cannot be had, a person who answers meanwhile finds nobody."""
        try:
            await self._move(call_id, Event.CALLER_LEFT)
        except DataError as error:
            logger.error("the transfer of call {} is not ended: {!r}", call_id, error)

    async def came_back(self, call_id: str) -> Transfer | None:
        """Return the transfer that nobody took, for a call whose caller is with Carlos again."""
        transfer, _ = await self._read(call_id)
        return transfer if transfer is not None and transfer.state is State.RETURNED else None

    def may_wait(self, back: Transfer) -> bool:
        """Whether a caller whom nobody took may be left in the music until Carlos has a place for them."""
        waited = self._clock() - back.moved_at
        return self._line is not None and not self.cold and waited < timedelta(seconds=PLACE_S)

    async def count(self, call_id: str) -> int:
        """Return how often the call was passed on."""
        transfer, _ = await self._read(call_id)
        return transfer.number if transfer else 0

    # --- what the person's leg tells ---------------------------------------------------------------------------

    async def answered(self, call_id: str, leg: int, person_id: str) -> Sequence[str] | None:
        """Return what the person is told before deciding, None where nobody is waiting for them."""
        transfer = await self._move(call_id, Event.ANSWERED, leg=leg, person_id=person_id)
        if transfer is None:
            transfer, _ = await self._read(call_id)
        if transfer is None or transfer.state is not State.BRIEFING or transfer.leg != leg:
            return None
        record = await self._store.call(call_id)
        return None if record is None else briefing(record, await self._store.receipts(call_id), transfer)

    async def machine(self, call_id: str, leg: int, person_id: str) -> None:
        """It was no person who answered."""
        await self._move(call_id, Event.MACHINE, leg=leg, person_id=person_id, why="machine")

    async def pressed(self, call_id: str, leg: int, person_id: str, *, takes_it: bool) -> Transfer | None:
        """Return the transfer for a person who is to be put through to the caller, who is waiting."""
        event = Event.ACCEPTED if takes_it else Event.DECLINED
        await self._move(call_id, event, leg=leg, person_id=person_id, why="declined")
        transfer, _ = await self._read(call_id)
        put_through = transfer is not None and transfer.leg == leg and transfer.state is State.BRIDGED
        return transfer if takes_it and put_through else None

    async def person_ended(self, call_id: str, leg: int, person_id: str, status: str) -> None:
        """The person's leg is over: never answered, for which `status` is the carrier's word, or hung up."""
        event = Event.PERSON_LEFT if status == "completed" else Event.FAILED
        await self._move(
            call_id, event, leg=leg, person_id=person_id, why="hung-up" if status == "completed" else status
        )

    # --- inside ------------------------------------------------------------------------------------------------

    async def _read(self, call_id: str) -> tuple[Transfer | None, int]:
        found = await self._store.transfer(call_id)
        return (Transfer.of(found[0]), found[1]) if found else (None, 0)

    async def _move(
        self,
        call_id: str,
        event: Event,
        *,
        leg: int | None = None,
        person_id: str = "",
        why: str = "",
        bring_back: bool = True,
    ) -> Transfer | None:
        """Move a transfer, and do what follows. None where nothing was moved: by another leg than the present one, or
        where the table has no such move."""
        for _ in range(_TRIES):
            before, version = await self._read(call_id)
            if before is None or (leg is not None and before.leg != leg):
                return None
            known = replace(before, person_id=person_id or before.person_id)
            after = known.after(event, self._clock(), why)
            if after is None:
                return None
            if await self._store.save_transfer(call_id, after.memory(), version):
                logger.info("the transfer of call {} is {}", call_id, " ".join([after.state, after.came_to]).strip())
                await self._follow(known, after, event, bring_back=bring_back)
                return after
        return None

    async def _follow(self, before: Transfer, after: Transfer, event: Event, *, bring_back: bool) -> None:
        """What a move entails outside of the table."""
        taken = State.BRIDGED in (before.state, after.state) and after.state is not State.RETURNED
        if taken:
            await self._amend(after, TRANSFERRED)
        elif after.state is State.OVER:
            await self._amend(after, "caller_left")
        elif after.state is State.RETURNED:
            await self._amend(after, TRANSFERRING)
            if bring_back:
                self._tasks.create(self._bring_back(after))
        if event in _PERSON_IN_VAIN and before.person_id and self._line is not None:
            self._tasks.create(self._line.let_go(before.person_id))

    async def _amend(self, transfer: Transfer, outcome: str) -> None:
        """The call's record tells what came of it. One that cannot be written now is behind, and no caller waits."""

        def change(record: CallRecord) -> CallRecord:
            details = {**record.details, NOTE: {**record.details.get(NOTE, {}), **transfer.note}}
            is_ours = record.outcome in (TRANSFERRING, TRANSFERRED)
            return replace(record, details=details, outcome=outcome if is_ours else record.outcome)

        try:
            await self._store.amend_call(transfer.call_id, change)
        except DataError as error:
            logger.error("what came of the transfer of call {} is not kept: {!r}", transfer.call_id, error)

    def _new(self, call_id: str, asked: dict[str, Any], resumes: int, before: Transfer | None) -> Transfer:
        now = self._clock()
        reason = str(asked.get("reason", ""))
        target = who_is_there(self._people, self._clock, self._holiday, reason)
        transfer = Transfer(
            call_id,
            int(asked.get("number", 1)),
            target.address if target else "",
            reason,
            str(asked.get("cause", "")),
            resumes,
            self._ring_s,
            now,
            now,
            leg=before.leg if before else 0,
        )
        return transfer if target else replace(transfer, state=State.RETURNED, came_to="closed")

    def _holiday(self) -> bool:
        return is_holiday(self._store, self._clock)

    async def _dial(self, transfer: Transfer, from_number: str) -> None:
        try:
            if self._line is None:
                raise NotRung("the carrier has no way to", final=True)
            person_id = await self._line.ring(transfer, from_number)
        except NotRung as refused:
            logger.warning("the person for call {} was not rung: {}", transfer.call_id, refused)
            if refused.final:
                await self._move(transfer.call_id, Event.FAILED, leg=transfer.leg, why="failed")
            return
        await self._keep_person(transfer, person_id)

    async def _keep_person(self, transfer: Transfer, person_id: str) -> None:
        """Note whose leg it is. A caller who is gone by now needs nobody."""
        for _ in range(_TRIES):
            now, version = await self._read(transfer.call_id)
            if now is None or now.leg != transfer.leg or now.state in (State.RETURNED, State.OVER):
                if self._line is not None:
                    await self._line.let_go(person_id)
                return
            if now.person_id or await self._store.save_transfer(
                transfer.call_id, replace(now, person_id=person_id).memory(), version
            ):
                return

    async def _bring_back(self, transfer: Transfer) -> None:
        if self._line is not None and not await self._line.bring_back(transfer):
            logger.warning("call {} is not brought back yet", transfer.call_id)


@dataclass(frozen=True, slots=True)
class WhoIsThere:
    """The reasons for which somebody could take a caller now (agent.passing_on.Reasons)."""

    people: Sequence[TransferTarget]
    store: Store
    clock: Clock = utcnow

    def __call__(self) -> Sequence[str] | None:
        there = those_there(self.people, self.clock, lambda: is_holiday(self.store, self.clock))
        return reasons_of(there) if there else None


def those_there(
    people: Sequence[TransferTarget], clock: Clock, holiday: Callable[[], bool]
) -> tuple[TransferTarget, ...]:
    closed = bool(people) and holiday()
    return tuple(each for each in people if each.is_there(clock(), holiday=closed))


def who_is_there(
    people: Sequence[TransferTarget], clock: Clock, holiday: Callable[[], bool], reason: str
) -> TransferTarget | None:
    """Return who takes a caller with a reason; whoever is there, if nobody is for that one."""
    there = those_there(people, clock, holiday)
    return for_reason(there, reason) or next(iter(there), None)


def is_holiday(store: Store, clock: Clock) -> bool:
    """Whether the facts of the business, as they were last read, close it today."""
    return store.last_facts.holidays.name_of(clock().astimezone(BUENOS_AIRES).date()) is not None


def _on_crash(task: asyncio.Task[Any], error: BaseException) -> None:
    logger.opt(exception=error).error("a task of a transfer failed")
