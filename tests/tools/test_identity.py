"""Who may open what, and what guessing costs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from common.times import Clock
from data.errors import Conflict
from data.models import Line
from data.records import APPOINTMENTS, ORDERS
from data.store import Change, Store
from tests.support.seeded import fill
from tools.errors import NeedsInput, Refused, ToolError
from tools.identity import (
    FAILURES_PER_CALL,
    FAILURES_PER_NUMBER,
    FAILURES_PER_RECORD,
    MAX_WAIT_S,
    CallContext,
    Identity,
    Proof,
    same_name,
)

RIGHT = Proof(dni="28456789")
PHONE = "+541155550000"


@pytest.mark.parametrize(
    "given",
    [
        "Juan Pérez", "juan perez", "PEREZ JUAN", "  juan   pérez ", "Pérez, Juan", "Sr. Juan Pérez",
        "JUAN PE\u0301REZ", "Ｊｕａｎ Ｐｅｒｅｚ", "Juan Peres", "Juan del Pérez", "Juan P. Pérez",
    ],
)  # fmt: skip
def test_a_name_matches_however_it_is_written(given: str) -> None:
    assert same_name(given, "Juan Pérez")


@pytest.mark.parametrize(
    "given", ["Juan", "Pérez", "", "Juan Juan", "Juan Gómez", "Juan Pérez Gómez", "Juan Per", "J. Pérez", "señor"]
)
def test_another_name_or_half_a_name_does_not(given: str) -> None:
    assert not same_name(given, "Juan Pérez")


def test_given_names_may_come_in_any_order() -> None:
    assert same_name("Carlos Juan Pérez", "Juan Carlos Pérez")


def test_a_name_of_one_word_is_never_a_full_name() -> None:
    assert not same_name("Cher", "Cher")


class Caller:
    """Calls one after the other from one number or address; what it is told, and how long it had to wait."""

    def __init__(self, store: Store, number: str | None = PHONE, address: str | None = None) -> None:
        self._store = store
        self._number = number
        self._address = address
        self._calls = count(1)
        self.waits: list[float] = []
        self.hang_up()

    def hang_up(self) -> None:
        line = Line.BROWSER if self._address else Line.PHONE
        context = CallContext(f"{self._number}-{next(self._calls)}", line, self._number, self._address)
        self.identity = Identity(self._store, context, self._sleep)

    async def order(self, order_id: str, proof: Proof) -> str:
        return await told(self.identity.record(ORDERS, order_id, proof))

    async def appointment(self, appointment_id: str, name: str | None) -> str:
        return await told(self.identity.record(APPOINTMENTS, appointment_id, Proof(name)))

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


async def told(opening: object) -> str:
    try:
        await opening  # type: ignore[misc]
    except ToolError as error:
        return error.code
    return "opened"


@pytest.fixture
async def seeded(store: Store, clock: Clock) -> Store:
    return await fill(store, clock().date())


@pytest.fixture
def caller(seeded: Store) -> Caller:
    return Caller(seeded)


@pytest.mark.parametrize(
    "proof",
    [
        Proof(dni="28.456.789"), Proof(dni="28 456 789"), Proof(name="gonzalez maria"),
        Proof(name="María González", dni="28456789"),
    ],
)  # fmt: skip
async def test_the_right_proof_opens_a_record(caller: Caller, proof: Proof) -> None:
    assert await caller.order("1", proof) == "opened"


@pytest.mark.parametrize(
    "proof",
    [
        Proof(dni="28456780"), Proof(name="María"), Proof(name="María Gómez"),
        Proof(name="María González", dni="28456780"), Proof(name="María Gómez", dni="28456789"),
        Proof(dni="31204578"),
    ],
)  # fmt: skip
async def test_any_wrong_proof_opens_nothing(caller: Caller, proof: Proof) -> None:
    assert await caller.order("1", proof) == "not_verified"


async def test_a_wrong_proof_opens_nothing_on_a_proven_record_either(caller: Caller) -> None:
    assert await caller.order("1", RIGHT) == "opened"
    assert await caller.order("1", Proof(dni="31204578")) == "not_verified"


async def test_a_proven_record_stays_open_for_the_call_and_only_that_record(caller: Caller) -> None:
    assert await caller.order("1", Proof()) == "identity_needed"
    assert await caller.order("1", RIGHT) == "opened"
    assert await caller.order("1", Proof()) == "opened"
    assert await caller.order("2", Proof()) == "identity_needed"
    caller.hang_up()
    assert await caller.order("1", Proof()) == "identity_needed"


async def test_missing_and_foreign_records_are_refused_alike(caller: Caller) -> None:
    with pytest.raises(Refused) as missing:
        await caller.identity.record(ORDERS, "99", RIGHT)
    with pytest.raises(Refused) as foreign:
        await caller.identity.record(ORDERS, "2", RIGHT)
    assert (missing.value.code, missing.value.sentence) == (foreign.value.code, foreign.value.sentence)


async def test_missing_and_foreign_records_cost_the_same_reads_and_writes(
    seeded: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cost(order_id: str) -> list[str]:
        used: list[str] = []
        with monkeypatch.context() as patched:
            for name in ("get", "query", "add", "transact"):
                patched.setattr(seeded.backend, name, counted(name, getattr(seeded.backend, name), used))
            await Caller(seeded, "+541155550009").order(order_id, Proof(dni="11111111"))
        return used

    assert await cost("99") == await cost("2")


def counted(name: str, method: Callable[..., object], used: list[str]) -> Callable[..., object]:
    def call(*arguments: object, **named: object) -> object:
        used.append(name)
        return method(*arguments, **named)

    return call


async def test_an_order_without_a_dni_cannot_be_opened_by_one(seeded: Store, caller: Caller) -> None:

    order = await seeded.order("1")
    assert order is not None
    await seeded.commit(Change(order, replace(order, dni=None)))
    assert await caller.order("1", RIGHT) == "not_verified"
    assert await caller.order("1", Proof(name="María González")) == "opened"


async def test_three_failures_lock_the_call_for_everything_and_the_next_call_is_free(caller: Caller) -> None:
    assert await caller.order("1", Proof(dni="11111111")) == "not_verified"
    assert await caller.appointment("1", "Nadie Nunca") == "not_verified"
    assert await caller.order("99", Proof(name="Nadie Nunca")) == "call_locked"
    assert await caller.order("1", RIGHT) == "call_locked"
    assert caller.identity.locked
    caller.hang_up()
    assert await caller.order("1", RIGHT) == "opened"


async def test_a_near_miss_is_asked_again_and_is_no_failure_of_the_call(caller: Caller) -> None:
    assert await caller.appointment("1", "María Gonzálvez") == "not_verified"
    assert await caller.appointment("1", "Mario González") == "not_verified"
    assert await caller.order("1", Proof(dni="11111111")) == "not_verified"
    assert await caller.order("1", Proof(dni="22222222")) == "not_verified"
    assert await caller.appointment("1", "María Gonsales") == "opened"


async def test_from_the_third_near_miss_on_each_is_a_failure(caller: Caller) -> None:
    for letter in "aeio":
        assert await caller.appointment("1", f"María Gonzálvez{letter}") == "not_verified"
    assert await caller.appointment("1", "María Gonzálvezu") == "call_locked"


async def test_a_near_miss_is_answered_like_any_wrong_proof_and_counts_for_number_and_record(
    seeded: Store, caller: Caller
) -> None:
    with pytest.raises(Refused) as near:
        await caller.identity.record(ORDERS, "1", Proof(name="María Gonzálvez"))
    with pytest.raises(Refused) as missing:
        await caller.identity.record(ORDERS, "99", Proof(name="María Gonzálvez"))
    assert (near.value.code, near.value.sentence) == (missing.value.code, missing.value.sentence)
    for letter in "abcd":
        caller.hang_up()
        await caller.order("1", Proof(name=f"María Gonzále{letter}a"))
    caller.hang_up()
    assert await caller.order("1", RIGHT) == "number_locked"


async def test_a_near_name_beside_a_wrong_dni_is_a_failure(caller: Caller) -> None:
    for digit in "123":
        told = await caller.order("1", Proof(name="María Gonzálvez", dni=digit * 8))
    assert told == "call_locked"


async def test_another_process_knows_the_near_misses(seeded: Store, caller: Caller) -> None:
    for letter in "aei":
        await caller.appointment("1", f"María Gonzálvez{letter}")
    context = CallContext("resumed", caller_number=PHONE)
    resumed = Identity(seeded, context, memory=caller.identity.memory)
    assert await told(resumed.record(ORDERS, "2", Proof(dni="11111111"))) == "not_verified"
    assert await told(resumed.record(ORDERS, "2", Proof(dni="22222222"))) == "call_locked"


async def test_600_guesses_in_one_call_are_three(seeded: Store) -> None:
    for caller in (Caller(seeded, None), Caller(seeded, None, "192.0.2.1"), Caller(seeded, "+541155550007")):
        answers = [await caller.order(str(guess % 7 + 1), Proof(dni=f"11111{guess:03d}")) for guess in range(600)]
        assert answers.count("not_verified") == FAILURES_PER_CALL - 1
        assert set(answers[FAILURES_PER_CALL - 1 :]) == {"call_locked"}


@pytest.mark.parametrize(
    ("stored", "said"), [("07123456", "7123456"), ("7123456", "07123456"), ("7.123.456", "7123456")]
)
async def test_a_leading_zero_of_a_dni_makes_no_difference(
    seeded: Store, caller: Caller, stored: str, said: str
) -> None:
    order = await seeded.order("1")
    assert order is not None
    await seeded.commit(Change(order, replace(order, dni=stored)))
    assert await caller.order("1", Proof(dni=said)) == "opened"


async def test_the_lock_says_what_the_caller_can_do_and_offers_no_person_that_nobody_can_pass_him_to(
    caller: Caller,
) -> None:
    for digit in "123":
        refused = caller.identity.record(ORDERS, "1", Proof(dni=digit * 8))
        with pytest.raises(Refused) as refusal:
            await refused
    assert "Volvé a llamar" in refusal.value.sentence
    assert "persona" not in refusal.value.sentence


async def test_the_same_wrong_guess_again_counts_once(caller: Caller) -> None:
    for _ in range(5):
        assert await caller.order("1", Proof(dni="11111111")) == "not_verified"
    assert await caller.order("1", RIGHT) == "opened"


async def test_a_number_that_failed_too_often_waits_and_then_may_try_again(
    seeded: Store, caller: Caller, clock: Clock
) -> None:
    for guess in range(FAILURES_PER_NUMBER):
        if guess % 2 == 0:
            caller.hang_up()
        await caller.order(str(guess % 7 + 1), Proof(dni=f"1111111{guess}"))
    caller.hang_up()
    assert await caller.order("1", RIGHT) == "number_locked"
    assert await Caller(seeded, "+541155550001").order("1", RIGHT) == "opened"
    clock.advance(minutes=30)  # type: ignore[attr-defined]
    assert await caller.order("1", RIGHT) == "opened"


@pytest.mark.parametrize("withheld", ["anonymous", "Anonymous", "+266696687", "+7378742833", "+2562533", "unknown", ""])
async def test_callers_who_withhold_their_number_do_not_lock_each_other_out(seeded: Store, withheld: str) -> None:
    for stranger in range(3):
        caller = Caller(seeded, withheld)
        for guess in range(3):
            await caller.order("1", Proof(dni=f"1111{stranger}{guess:03d}"))
    assert await Caller(seeded, withheld).order("6", Proof(dni="35012678")) == "opened"


async def test_trying_while_locked_does_not_make_it_longer(seeded: Store, caller: Caller, clock: Clock) -> None:
    for guess in range(FAILURES_PER_NUMBER):
        caller.hang_up()
        await caller.order("1", Proof(dni=f"1111111{guess}"))
    for _ in range(20):
        caller.hang_up()
        clock.advance(minutes=1)  # type: ignore[attr-defined]
        assert await caller.order("1", RIGHT) == "number_locked"
    clock.advance(minutes=10)  # type: ignore[attr-defined]
    assert await caller.order("1", RIGHT) == "opened"


async def test_the_right_proof_costs_a_number_nothing(seeded: Store, caller: Caller) -> None:
    for _ in range(FAILURES_PER_NUMBER * 2):
        caller.hang_up()
        assert await caller.order("1", RIGHT) == "opened"


async def test_parallel_calls_cannot_guess_past_the_limit_of_a_number(seeded: Store) -> None:
    callers = [Caller(seeded) for _ in range(20)]
    answers = await asyncio.gather(
        *(caller.order("1", Proof(dni=f"111111{n:02d}")) for n, caller in enumerate(callers))
    )
    assert answers.count("not_verified") <= FAILURES_PER_NUMBER
    assert set(answers) == {"not_verified", "number_locked"}


async def test_guessing_at_a_record_makes_it_slower_but_never_closes_it(seeded: Store) -> None:
    waited: list[float] = []
    for guess in range(40):
        thief = Caller(seeded, f"+54115555{guess:04d}")
        await thief.order("1", Proof(dni=f"111111{guess:02d}"))
        waited += thief.waits
    assert waited == sorted(waited)
    assert waited[0] < waited[-1] == MAX_WAIT_S
    owner = Caller(seeded)
    assert await owner.order("1", RIGHT) == "opened"
    assert owner.waits == [MAX_WAIT_S]


async def test_600_guesses_of_browsers_at_many_addresses_are_ten_and_the_owner_calls_by_phone(seeded: Store) -> None:
    told: list[str] = []
    for guess in range(600):
        thief = Caller(seeded, None, f"192.0.2.{guess % 250}")
        told.append(await thief.order("1", Proof(dni=f"11111{guess:03d}")))
    assert told[:FAILURES_PER_RECORD] == ["not_verified"] * FAILURES_PER_RECORD
    assert set(told[FAILURES_PER_RECORD:]) == {"record_locked"}
    assert await Caller(seeded, None, "198.51.100.1").order("1", RIGHT) == "record_locked"
    assert await Caller(seeded, "anonymous").order("1", RIGHT) == "record_locked"
    assert await Caller(seeded).order("1", RIGHT) == "opened"
    assert await Caller(seeded, "anonymous").order("6", Proof(dni="35012678")) == "opened"


async def test_a_record_opens_to_browsers_again_when_the_guesses_have_aged(seeded: Store, clock: Clock) -> None:
    for guess in range(FAILURES_PER_RECORD):
        await Caller(seeded, None, f"192.0.2.{guess}").order("1", Proof(dni=f"1111111{guess}"))
    browser = Caller(seeded, None, "198.51.100.1")
    assert await browser.order("1", RIGHT) == "record_locked"
    clock.advance(hours=24)  # type: ignore[attr-defined]
    assert await browser.order("1", RIGHT) == "opened"


async def test_a_missing_record_is_locked_like_another(seeded: Store) -> None:
    for guess in range(FAILURES_PER_RECORD):
        await Caller(seeded, None, f"192.0.2.{guess}").order("99", Proof(dni=f"1111111{guess}"))
    assert await Caller(seeded, None, "198.51.100.1").order("99", RIGHT) == "record_locked"


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("fe80::1%eth0", "fe80::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("testclient", "testclient", True),
    ],
)
async def test_a_browser_is_limited_by_its_address_across_calls_and_records(
    seeded: Store, clock: Clock, first: str, second: str, same: bool
) -> None:
    browser = Caller(seeded, None, first)
    for guess in range(FAILURES_PER_NUMBER):
        browser.hang_up()
        assert await browser.order(str(guess % 7 + 1), Proof(dni=f"1111111{guess}")) == "not_verified"
    another = Caller(seeded, None, second)
    assert await another.order("1", RIGHT) == ("address_locked" if same else "opened")
    clock.advance(minutes=30)  # type: ignore[attr-defined]
    assert await another.order("1", RIGHT) == "opened"


async def test_the_right_proof_costs_an_address_and_a_record_nothing(seeded: Store) -> None:
    browser = Caller(seeded, None, "192.0.2.1")
    for _ in range(FAILURES_PER_RECORD * 2):
        browser.hang_up()
        assert await browser.order("1", RIGHT) == "opened"


async def test_parallel_browsers_cannot_guess_past_the_limit_of_a_record(seeded: Store) -> None:
    callers = [Caller(seeded, None, f"192.0.2.{n}") for n in range(30)]
    told = await asyncio.gather(*(caller.order("1", Proof(dni=f"111111{n:02d}")) for n, caller in enumerate(callers)))
    assert told.count("not_verified") <= FAILURES_PER_RECORD
    assert set(told) == {"not_verified", "record_locked"}


async def test_ten_numbers_against_one_record_leave_the_owner_free(seeded: Store) -> None:
    for number in range(10):
        thief = Caller(seeded, f"+54115555{number:04d}")
        for guess in range(5):
            thief.hang_up()
            assert await thief.order("1", Proof(dni=f"1111{number}{guess:03d}")) != "opened"
    assert await Caller(seeded, "+541144440000").order("1", RIGHT) == "opened"


async def test_waiting_ends_when_the_guessing_has_aged(seeded: Store, clock: Clock) -> None:
    for guess in range(5):
        await Caller(seeded, number=None).order("1", Proof(dni=f"1111111{guess}"))
    clock.advance(hours=24)  # type: ignore[attr-defined]
    owner = Caller(seeded)
    assert await owner.order("1", RIGHT) == "opened"
    assert owner.waits == []


async def test_a_browser_call_is_locked_like_a_phone_call(seeded: Store) -> None:
    visitor = Caller(seeded, number=None, address="192.0.2.1")
    for guess in range(3):
        await visitor.order("1", Proof(dni=f"1111111{guess}"))
    assert await visitor.order("1", RIGHT) == "call_locked"


async def test_another_process_goes_on_where_the_call_was(seeded: Store, caller: Caller) -> None:
    await caller.order("1", RIGHT)
    await caller.order("2", Proof(dni="11111111"))
    await caller.order("2", Proof(dni="22222222"))
    context = CallContext("resumed", caller_number=PHONE)
    resumed = Identity(seeded, context, memory=caller.identity.memory)
    assert await told(resumed.record(ORDERS, "1", Proof())) == "opened"
    assert await told(resumed.record(ORDERS, "2", Proof(dni="33333333"))) == "call_locked"


async def test_memory_holds_no_personal_data(caller: Caller) -> None:
    await caller.order("1", RIGHT)
    await caller.order("2", Proof(name="María González", dni="87654321"))
    assert not any(secret in str(caller.identity.memory) for secret in ("González", "28456789", "87654321"))


def test_questions_and_refusals_are_tool_errors() -> None:
    assert issubclass(NeedsInput, ToolError)
    assert not issubclass(Refused, Conflict)
    assert timedelta(seconds=MAX_WAIT_S) < timedelta(seconds=4)
