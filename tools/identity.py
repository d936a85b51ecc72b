"""Whose record is it? A state machine per call and record, moved by the server alone.

    unproven --right proof--> proven (for the rest of the call)
    unproven --wrong proof, or no such record--> unproven, one failure more
    any --third failure in the call--> locked (the call goes to a person)

Every proof that is given must be right, on a proven record too: a wrong DNI beside the right name opens nothing,
and a record without a DNI cannot be opened by one. "No such record" and "not yours" are one answer, with the
same reads and writes behind it.

What slows guessing down, and why it locks no owner out:

- A call ends in a lock after three failures; the next call starts afresh.
- A phone number that failed six times in the last quarter or half of an hour is refused until its failures
  have aged. Failures are counted before the comparison, so that parallel calls cannot guess past the limit.
  The owner of a guessed record calls from another number and is not touched; only someone who shares or fakes
  the owner's own number can cost them that half hour on that number, and any other phone opens the record.
- A browser has no number: its address counts as one.
- A record that was guessed at makes every further attempt on it wait, doubling up to two seconds, whoever
  calls. The wait is bounded and the right proof succeeds after it, so no number of guesses closes a record to
  a caller who shows a number.
- All callers without a number, browsers and withheld ones, together have ten failures at a record in half a day
  or a day: they cost nothing to be, and a new address is soon had. Then the record opens only to a phone that
  shows its number, which is what its owner is told.

Whoever knows no record's id proves more than a name (`search`): the full name, and a DNI or an e-mail address. Nobody
like that and somebody else are one answer, too, and its failures count as those at a record do, for the call and for
the number or address. In a record's place stand the name, the DNI and the address, each by itself: one name tried with
many DNIs waits like one DNI tried with many names. All callers without a number have fifty failed searches together in
half a day or a day, whomever they look for, and ten at one name, DNI or address.

What 10,000 tries gain who knows a customer's name and guesses the DNI, one of some 50 million: with no number shown, 50
comparisons in half a day, one chance in a million; with a number, three a call and six in a quarter of an hour, so 17
days on one line for one chance in 5,000, or 1,667 numbers. Guessing an id beside the name takes fewer tries than there
are records. Who knows somebody's name and address, or name and DNI, passes: these are what is asked for.

Names went through speech, so they match by their sound, and a second given name may be left out
(`common.spanish.names`). A near miss, a letter or two beside the name, gets the same answer as any wrong proof and is
counted as one for the number, the address and the record; two of them in a call are no failure of the call. What
somebody gains who guesses names:

- One guess stands for all spellings of a sound. Of 973 common names (tests/common/argentine_names.py) 86 pairs sound
  alike, of 238,548, and all of these are spellings of one name, such as Sosa and Zosa. A guess at a first and a last
  name covers 1.4 spellings on average, of some 234,000 pairs; who knows a name could say it in any spelling anyhow.
- Second names need not be guessed. That is as much as those records had that carry no second name.
- Five guesses in a call instead of three, if two are near; six in a quarter of an hour from a number as before. That
  one was near shows only in the call lasting longer, and opens nothing: the whole name must be said.

Numbers, addresses, names and record ids are stored as digests, and nothing is logged here but counts.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from loguru import logger

from common.phones import known_number
from common.spanish.dni import dni_of, same_dni
from common.spanish.names import Likeness, likeness, name_sounds
from data.addresses import network_of
from data.errors import Malformed
from data.models import Line, Record, dni_spellings, known_email
from data.records import RecordType
from data.store import Store
from tools.errors import NeedsInput, Refused

FAILURES_PER_CALL = 3
NEAR_MISSES_PER_CALL = 2  # that are no failure of the call
FAILURES_PER_NUMBER = 6
FAILURES_PER_RECORD = 10  # of all who show no number
NUMBER_WINDOW = timedelta(minutes=15)
RECORD_WINDOW = timedelta(hours=12)
FAILED_SEARCHES = 50  # of all who show no number, whomever they look for, within the same time
FREE_GUESSES_PER_RECORD = 2
FIRST_WAIT_S, MAX_WAIT_S = 0.25, 2.0

Sleep = Callable[[float], Awaitable[None]]

_NOT_MATCHING = "No encuentro {what} con esos datos. Revisemos el número y tus datos: ¿me los repetís, por favor?"
_LOCKED = "Por seguridad no puedo seguir con consultas en esta llamada. Volvé a llamar con tus datos a mano."
_SOURCE_LOCKED = "Por seguridad, desde {where} no puedo verificar datos durante un rato. Probá de nuevo en media hora."
_RECORD_LOCKED = (
    "Por seguridad, hoy no puedo abrir {what} sin ver desde qué número me hablás."
    " Llamá por teléfono desde un número que no sea privado."
)
_NOBODY = (
    "No encuentro pedidos ni turnos con esos datos."
    " ¿Me repetís tu nombre completo, y tu DNI o el correo que nos diste, por favor?"
)
_SEARCHES_LOCKED = (
    "Por seguridad, hoy no puedo buscar por tus datos sin ver desde qué número me hablás."
    " Llamá por teléfono desde un número que no sea privado."
)


@dataclass(frozen=True, slots=True)
class CallContext:
    """Who is on the line. `caller_number` is None for a withheld one and for browsers, whose `address` it is that
    counts; they count failures, they prove nothing."""

    call_id: str
    line: Line = Line.PHONE
    caller_number: str | None = None
    address: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "caller_number", known_number(self.caller_number))


@dataclass(frozen=True, slots=True)
class _Limit:
    """How many failures `who` may have in this window and the one before, and what is said then."""

    who: str
    most: int
    window: timedelta
    refused: Refused


def _limits(call: CallContext, key: str, what: str) -> list[_Limit]:
    """What bounds the guesses of this caller at this record."""
    if call.caller_number is not None:
        refused = Refused("number_locked", _SOURCE_LOCKED.format(where="este teléfono"))
        return [_Limit(call.caller_number, FAILURES_PER_NUMBER, NUMBER_WINDOW, refused)]
    refused = Refused("record_locked", _RECORD_LOCKED.format(what=what))
    limits = [_Limit(f"no number at {key}", FAILURES_PER_RECORD, RECORD_WINDOW, refused)]
    if call.address is not None:
        refused = Refused("address_locked", _SOURCE_LOCKED.format(where="esta conexión"))
        limits.append(_Limit(f"address {network_of(call.address)}", FAILURES_PER_NUMBER, NUMBER_WINDOW, refused))
    return limits


def _search_limits(call: CallContext, keys: Sequence[str]) -> list[_Limit]:
    """What bounds the searches of this caller for the person of these keys."""
    if call.caller_number is not None:
        return _limits(call, keys[0], "")
    refused = Refused("searches_locked", _SEARCHES_LOCKED)
    limits = [_Limit(f"no number at {key}", FAILURES_PER_RECORD, RECORD_WINDOW, refused) for key in keys]
    limits.append(_Limit("no number at any search", FAILED_SEARCHES, RECORD_WINDOW, refused))
    return limits + [limit for limit in _limits(call, keys[0], "") if limit.refused.code == "address_locked"]


@dataclass(frozen=True, slots=True)
class Proof:
    """What the caller said to prove whose record it is."""

    name: str | None = None
    dni: str | None = None

    def matches(self, name: str, dni: str | None = None) -> bool:
        """True if something was given and all of it is right."""
        name_right = self.name is None or same_name(self.name, name)
        return self != Proof() and name_right and self._has_no_other(dni)

    def nearly_matches(self, name: str, dni: str | None = None) -> bool:
        """True if only the name is wrong, by a letter or two of its sound."""
        near = self.name is not None and likeness(self.name, name) is Likeness.NEAR
        return near and self._has_no_other(dni)

    def _has_no_other(self, dni: str | None) -> bool:
        return self.dni is None or same_dni(self.dni, dni)

    def opens[R: Record](self, record_type: RecordType[R], record: R) -> bool:
        """True if it is right for this record's person."""
        return self.matches(record_type.name_of(record), record_type.dni_of(record))

    def nearly_opens[R: Record](self, record_type: RecordType[R], record: R) -> bool:
        return self.nearly_matches(record_type.name_of(record), record_type.dni_of(record))


@dataclass(frozen=True, slots=True)
class Person:
    """Who a caller says to be who knows no record's id, and so has to prove more than a name: the full name, and a DNI,
    an e-mail address, or both."""

    name: str
    dni: str | None = None
    email: str | None = None

    def owns[R: Record](self, record_type: RecordType[R], record: R) -> bool:
        """True if all is right that was said and that the record has, and more than the name is. An order without a DNI
        is proven by the address alone, an appointment never by a DNI."""
        has_email = self.email is not None and known_email(self.email) == known_email(record_type.email_of(record))
        if self.email is not None and not has_email:
            return False
        dni = self.dni if record_type.dni_of(record) or not has_email else None
        return (has_email or dni is not None) and Proof(self.name, dni).opens(record_type, record)

    @property
    def keys(self) -> tuple[str, ...]:
        """What failed searches for this person are counted under: the name, and each proof beside it."""
        said = {
            "name": " ".join(name_sounds(self.name)),
            "dni": self.dni and dni_spellings(self.dni)[0],
            "email": self.email and known_email(self.email),
        }
        return tuple(f"search {what} {value}" for what, value in said.items() if value)


def same_name(given: str, stored: str) -> bool:
    """All words of the name by their sound, in any order; one word alone is never a full name."""
    return likeness(given, stored) is Likeness.SAME


class Identity:
    """What one call has proven, and how often it failed. `memory` lets another process go on with the call."""

    def __init__(
        self,
        store: Store,
        call: CallContext,
        sleep: Sleep = asyncio.sleep,
        memory: Mapping[str, Any] | None = None,
    ) -> None:
        self._store = store
        self._call = call
        self._sleep = sleep
        memory = memory or {}
        self._proven: set[str] = set(memory.get("proven", ()))
        self._failed: set[str] = set(memory.get("failed", ()))
        self._failures = int(memory.get("failures", 0))
        self._near_misses = int(memory.get("near_misses", 0))

    @property
    def memory(self) -> dict[str, Any]:
        """A JSON object; wrong guesses are in it as digests."""
        return {
            "proven": sorted(self._proven),
            "failed": sorted(self._failed),
            "failures": self._failures,
            "near_misses": self._near_misses,
        }

    @property
    def locked(self) -> bool:
        return self._failures >= FAILURES_PER_CALL

    async def record[R: Record](self, record_type: RecordType[R], record_id: str, proof: Proof) -> R:
        """The record, once the caller has proven it to be theirs: by its person's full name, or by their DNI where the
        record has one. Raises Refused or NeedsInput."""
        self.require_unlocked()
        key = f"{record_type.noun} {record_id}"
        not_verified = Refused("not_verified", _NOT_MATCHING.format(what=record_type.spoken))
        if proof == Proof() and key not in self._proven:
            raise NeedsInput("identity_needed", record_type.ask)
        guess = _guess(key, proof)
        if guess in self._failed:
            raise not_verified
        if key in self._proven:
            record = await self._fetch(record_type, record_id)
            if record is not None and (proof == Proof() or proof.opens(record_type, record)):
                return record
        limits = _limits(self._call, key, record_type.spoken)
        await self._count_attempt(limits)
        await self._wait(key)
        record = await self._fetch(record_type, record_id)
        if record is None or not proof.opens(record_type, record):
            near = record is not None and proof.nearly_opens(record_type, record)
            await self._fail(key, guess, near=near)
            raise not_verified
        self._proven.add(key)
        for limit in limits:
            await self._store.record_failure(limit.who, limit.window, -1)
        return record

    async def search[T](self, person: Person, find: Callable[[], Awaitable[T | None]]) -> T:
        """What `find` finds of the person; None is a wrong proof, and counts as one. Raises Refused, or NeedsInput
        where nothing was said beside a name."""
        self.require_unlocked()
        if person.dni is None and person.email is None:
            raise NeedsInput("identity_needed", "¿Me decís también tu DNI, o el correo que nos diste?")
        nobody = Refused("not_verified", _NOBODY)
        guess = _guess("|".join(person.keys), Proof())
        if guess in self._failed:
            raise nobody
        limits = _search_limits(self._call, person.keys)
        await self._count_attempt(limits)
        await self._wait(*person.keys)
        found = await find()
        if found is None:
            for key in person.keys[1:]:
                await self._store.record_failure(key, RECORD_WINDOW)
            await self._fail(person.keys[0], guess)
            raise nobody
        for limit in limits:
            await self._store.record_failure(limit.who, limit.window, -1)
        return found

    def has_proven(self, record_type: RecordType[Any], records: Iterable[Record]) -> None:
        """The caller has been told of these records, found for a person that they proved to be."""
        self._proven |= {f"{record_type.noun} {record.id}" for record in records}

    @property
    def caller_number(self) -> str | None:
        """From which the caller calls: a hint, and no proof."""
        return self._call.caller_number

    def require_unlocked(self) -> None:
        if self.locked:
            raise Refused("call_locked", _LOCKED)

    async def _fetch[R: Record](self, record_type: RecordType[R], record_id: str) -> R | None:
        """A record that cannot be read cannot be proven; operators find it with `carlos doctor`."""
        try:
            return await self._store.record(record_type, record_id)
        except Malformed as error:
            logger.warning("a record cannot be read: {}", error)
            return None

    async def _count_attempt(self, limits: Sequence[_Limit]) -> None:
        """Count it as a failure beforehand. One that is refused counts for nothing."""
        for limit in limits:
            if await self._store.failure_count(limit.who, limit.window) >= limit.most:
                raise limit.refused
        for limit in limits:
            if await self._store.record_failure(limit.who, limit.window) > limit.most:
                raise limit.refused

    async def _wait(self, *keys: str) -> None:
        """As long as the one that was guessed at most takes."""
        guesses = max([await self._store.failure_count(key, RECORD_WINDOW) for key in keys])
        if guesses >= FREE_GUESSES_PER_RECORD:
            doublings = min(guesses - FREE_GUESSES_PER_RECORD, 10)
            await self._sleep(min(FIRST_WAIT_S * 2**doublings, MAX_WAIT_S))

    async def _fail(self, key: str, guess: str, *, near: bool = False) -> None:
        if near and self._near_misses < NEAR_MISSES_PER_CALL:
            self._near_misses += 1
        else:
            self._failures += 1
        self._failed.add(guess)
        await self._store.record_failure(key, RECORD_WINDOW)
        logger.bind(call_id=self._call.call_id).info("identity: failure {} of this call", self._failures)
        self.require_unlocked()


def _guess(key: str, proof: Proof) -> str:
    """The same wrong guess again, in any spelling, tells nobody anything new, and is not counted twice."""
    words = "|".join((key, " ".join(name_sounds(proof.name or "")), dni_of(proof.dni or "") or ""))
    return hashlib.sha256(words.encode()).hexdigest()[:16]
