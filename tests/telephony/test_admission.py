"""The door: which calls are let in, and why the others are not, on a clock of our own."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from agent.caller_limits import CallerLimits
from agent.capacity import MAX_RUNG_CALLS, Admission, CallCapacity
from common.settings import Settings
from common.times import BUENOS_AIRES
from data.facts import Doctor, Facts
from data.opening import Holidays, Hours, Week
from telephony import admission
from telephony.admission import Door, DoorPolicy
from telephony.closed_line import is_open, opening, sentences
from tests.support.clocks import Clock, Seconds
from tests.telephony import phone_doubles

ANA, BETO, STRANGER = "+5491155550100", "+5491155550101", "+18765550100"
ALWAYS: Week = (((Hours(0, 1440)),),) * 7


def at(day: int, hour: int, minute: int = 0, second: int = 0, month: int = 12, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, second, tzinfo=BUENOS_AIRES)


def settings(**changes: Any) -> Settings:
    return Settings(_env_file=None, **changes)


class Stage:
    """A door to two places, with facts and clocks that a test moves."""

    def __init__(self, places: int = 2, limits: CallerLimits | None = None, **changes: Any) -> None:
        self.clock, self.seconds, self.facts = Clock(), Seconds(1000.0), Facts("Carlos")
        self.asked = 0
        self.capacity = CallCapacity(places, clock=self.seconds, limits=limits or CallerLimits())
        self.door = Door(DoorPolicy.of(settings(**changes)), self.capacity, self.look, self.clock)

    async def look(self) -> Facts:
        self.asked += 1
        return self.facts

    async def rings(self, *calls: str, number: str = ANA) -> list[str]:
        return [(await self.door.admit(call, number)).name for call in calls]


async def test_with_nothing_set_every_call_is_let_in_at_any_hour_and_no_fact_is_looked_at() -> None:
    stage = Stage(4)
    stage.clock.now = at(25, 3)
    for call, number in zip("abcd", [ANA, STRANGER, "anonymous", "sip:ana@pbx.example"], strict=True):
        assert await stage.rings(call, number=number) == ["ACCEPTED"]
    assert await stage.rings("e") == ["FULL"]
    assert stage.asked == 0


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        ("+5491155550100", "BLOCKED"),
        ("+5491155550101", "ACCEPTED"),
        ("+549115555010", "ACCEPTED"),
        ("+88216123456", "BLOCKED"),
        ("+8801234567", "ACCEPTED"),
        ("sip:ana@pbx.example:5061;transport=tls", "BLOCKED"),
        ("sip:anabel@pbx.example", "ACCEPTED"),
        ("sip:+5491155550100@pbx.example", "BLOCKED"),
        ("client:robot-7", "BLOCKED"),
        ("anonymous", "ACCEPTED"),
    ],
)
async def test_a_blocked_caller_is_refused_and_nobody_beside(number: str, answer: str) -> None:
    blocked = "+54 9 11 5555-0100, +882*, sip:Ana@pbx.example, client:*"
    assert await Stage(blocked_numbers=blocked).rings("a", number=number) == [answer]


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        ("+5491155550100", "ACCEPTED"),
        ("+59899123456", "ACCEPTED"),
        ("+56221234567", "FOREIGN"),
        ("+12125550100", "ACCEPTED"),
        ("+13055550100", "FOREIGN"),
        ("+18765550100", "FOREIGN"),
        ("+882161234567", "FOREIGN"),
        ("sip:+56221234567@pbx.example", "FOREIGN"),
        ("sip:ana@pbx.example", "ACCEPTED"),
        ("anonymous", "ACCEPTED"),
        ("1155550100", "ACCEPTED"),
    ],
)
async def test_numbers_of_other_countries_are_refused(number: str, answer: str) -> None:
    assert await Stage(allowed_countries="ar, UY,+1212").rings("a", number=number) == [answer]


@pytest.mark.parametrize("number", ["anonymous", "+266696687", "", "1155550100"])
async def test_withheld_numbers_are_refused_where_that_is_set(number: str) -> None:
    stage = Stage(anonymous="reject")
    assert await stage.rings("a", number=number) == ["WITHHELD"]
    assert await stage.rings("b") == ["ACCEPTED"]


async def test_a_number_has_so_many_calls_a_minute_and_the_next_minute_again() -> None:
    stage = Stage(99, CallerLimits(calls_per_minute=3))
    assert await stage.rings(*"abcd") == ["ACCEPTED", "ACCEPTED", "ACCEPTED", "TOO_OFTEN"]
    assert await stage.rings("b", number=ANA) == ["ACCEPTED"], "a webhook that comes twice is no second call"
    assert await stage.rings("e", number=BETO) == ["ACCEPTED"]
    stage.seconds.now += 59.9
    assert await stage.rings("f") == ["TOO_OFTEN"]
    stage.seconds.now += 0.1
    assert await stage.rings(*"ghij") == ["ACCEPTED", "ACCEPTED", "ACCEPTED", "TOO_OFTEN"]


async def test_a_number_holds_two_places_and_is_let_in_when_one_is_free() -> None:
    stage = Stage(99, CallerLimits(seats=2))
    assert await stage.rings(*"abc") == ["ACCEPTED", "ACCEPTED", "SEATED"]
    assert stage.capacity.start("a")
    assert await stage.rings("d", number=f"sip:{ANA}@pbx.example;user=phone") == ["SEATED"], "the same number"
    assert await stage.rings("e", number=BETO) == ["ACCEPTED"]
    stage.seconds.now += 60.0
    assert await stage.rings("f") == ["ACCEPTED"], "b never began"
    assert await stage.rings("g") == ["SEATED"]
    stage.capacity.release("a")
    assert await stage.rings("g") == ["ACCEPTED"]


async def test_withheld_numbers_share_no_limit() -> None:
    stage = Stage(99, CallerLimits(seats=1, calls_per_minute=1))
    for number in ("anonymous", "+266696687", "", "1155550100"):
        assert await stage.rings(f"a{number}", f"b{number}", number=number) == ["ACCEPTED", "ACCEPTED"]


async def test_calls_that_are_told_why_they_are_refused_count_so_that_a_dialler_is_rejected_unbilled() -> None:
    stage = Stage(99, CallerLimits(seats=1, calls_per_minute=3))
    assert await stage.rings(*"abcd") == ["ACCEPTED", "SEATED", "SEATED", "TOO_OFTEN"]
    full = Stage(0, CallerLimits(calls_per_minute=2))
    assert await full.rings(*"abc") == ["FULL", "FULL", "TOO_OFTEN"]
    closed = Stage(99, CallerLimits(seats=1, calls_per_minute=2), closed="message")
    closed.clock.now = at(6, 12)
    assert await closed.rings(*"abc") == ["CLOSED", "CLOSED", "TOO_OFTEN"]
    assert closed.capacity.taken == 0, "a closed line takes no place"


def test_what_is_remembered_of_callers_is_bounded() -> None:
    capacity = CallCapacity(3, clock=Seconds(), limits=CallerLimits(seats=1))
    assert capacity.admit("first", ANA) is Admission.ACCEPTED
    assert capacity.start("first")
    for n in range(1500):
        capacity.admit(f"call {n}", f"+54911{n:08}")
    assert len(capacity._rang) == MAX_RUNG_CALLS + 3
    assert capacity.admit("again", ANA) is Admission.SEATED, "a live call is not forgotten"


async def test_a_call_that_has_its_place_is_asked_nothing_again() -> None:
    stage = Stage(1, CallerLimits(seats=1, calls_per_minute=1), closed="message", anonymous="reject")
    stage.clock.now = at(7, 19, 59)
    assert await stage.rings("a") == ["ACCEPTED"]
    assert stage.capacity.start("a")
    stage.clock.now = at(7, 20)
    stage.capacity.drain()
    assert await stage.rings("a", number="anonymous") == ["ACCEPTED"]
    assert await stage.rings("b") == ["TOO_OFTEN"]
    assert await stage.rings("c", number=BETO) == ["CLOSED"]
    assert stage.capacity.live == 1


async def test_without_the_facts_the_line_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never() -> Facts:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    monkeypatch.setattr(admission, "FACTS_LIMIT_S", 0.01)
    closed = DoorPolicy.of(settings(closed="message"))
    door = Door(closed, CallCapacity(1, clock=Seconds()), never, Clock(at(6, 3)))
    assert await door.admit("a", ANA) is Admission.ACCEPTED


async def test_facts_that_do_not_come_in_time_are_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    async def once() -> Facts:
        asked.append(1)
        if len(asked) > 1:
            await asyncio.Event().wait()
        return Facts("Consultorio Norte")

    closed = DoorPolicy.of(settings(closed="message"))
    door = Door(closed, CallCapacity(1, clock=Seconds()), once, Clock(at(6, 3)))
    assert await door.admit("a", ANA) is Admission.CLOSED
    monkeypatch.setattr(admission, "FACTS_LIMIT_S", 0.01)
    assert await door.admit("b", ANA) is Admission.CLOSED
    assert "Consultorio Norte" in (await door.closed_line()).said


async def test_a_change_of_the_facts_counts_for_the_next_call() -> None:
    stage = Stage(closed="message")
    stage.clock.now = at(6, 12)  # a Sunday
    assert await stage.rings("a") == ["CLOSED"]
    stage.facts = Facts("Carlos", hours=ALWAYS)
    assert await stage.rings("a") == ["ACCEPTED"]


SIESTA: Week = (*(((Hours(480, 750), Hours(960, 1200)),) * 5), (Hours(540, 780),), ())
FACTS = Facts("Consultorio Norte", hours=SIESTA, holidays=Holidays(closed={"12-24": "Nochebuena"}))


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (at(1, 7, 59, 59), "hoy a las 8"),
        (at(1, 8), None),
        (at(1, 12, 29, 59), None),
        (at(1, 12, 30), "hoy a las 4 de la tarde"),
        (at(1, 15, 59, 59), "hoy a las 4 de la tarde"),
        (at(1, 16), None),
        (at(1, 19, 59, 59), None),
        (at(1, 20), "mañana, miércoles 2 de diciembre, a las 8"),
        (at(1, 23, 59, 59), "mañana, miércoles 2 de diciembre, a las 8"),
        (at(2, 0), "hoy a las 8"),
        (at(4, 20), "mañana, sábado 5 de diciembre, a las 9"),
        (at(5, 13), "el lunes 7 de diciembre a las 8"),
        (at(7, 20), "el miércoles 9 de diciembre a las 8"),  # the 8th is a national holiday
        (at(8, 12), "mañana, miércoles 9 de diciembre, a las 8"),
        (at(23, 20), "el sábado 26 de diciembre a las 9"),  # Nochebuena is its own, Christmas the nation's
        (at(31, 20), "el sábado 2 de enero de 2027 a las 9"),
        (datetime(2026, 12, 1, 11, 0, tzinfo=UTC), None),  # 8 o'clock in Buenos Aires, in every month
        (datetime(2026, 7, 1, 11, 0, tzinfo=UTC), None),
        (datetime(2026, 7, 1, 10, 59, 59, tzinfo=UTC), "hoy a las 8"),
    ],
)
def test_a_closed_line_says_when_it_opens_next(moment: datetime, expected: str | None) -> None:
    assert is_open(FACTS, moment) is (expected is None)
    if expected is not None:
        opens = FACTS.next_open(moment)
        assert opens is not None
        assert opening(opens, moment) == expected
        assert sentences(FACTS, moment) == (
            f"Gracias por llamar a Consultorio Norte. En este momento está cerrado. Abrimos {expected}."
        )


@pytest.mark.parametrize("moment", [at(1, 0), at(1, 23, 59, 59), at(2, 0), at(25, 12)])
def test_a_line_without_hours_of_its_own_day_and_night_is_never_closed(moment: datetime) -> None:
    assert is_open(Facts("Guardia", hours=ALWAYS, holidays=Holidays(national=False)), moment)


def test_the_year_is_named_where_it_is_another_one() -> None:
    assert opening(at(1, 8, month=1, year=2027), at(31, 20)) == "mañana, viernes 1 de enero de 2027, a las 8"


def test_a_business_that_opens_on_a_holiday_is_open_in_its_hours_of_that_day() -> None:
    facts = Facts("Carlos", holidays=Holidays(open={"2026-12-08": (Hours(540, 780),)}))
    assert [is_open(facts, at(8, hour)) for hour in (8, 9, 12, 13)] == [False, True, True, False]


def test_a_business_that_does_not_open_in_sight_says_no_day() -> None:
    facts = Facts("Carlos", hours=((),) * 7)
    assert sentences(facts, at(1, 12)) == "Gracias por llamar a Carlos. En este momento está cerrado."


def test_a_doctors_line_says_what_to_do_in_an_emergency() -> None:
    facts = Facts("Consultorio", doctors=(Doctor("Dra. Ana López"),))
    assert sentences(facts, at(6, 12)).endswith("Si es una emergencia, cortá y llamá ya al 107, o al 911.")


@pytest.mark.parametrize(
    ("set_to", "on_loopback", "in_public"),
    [
        ({}, CallerLimits(0, 0), CallerLimits(2, 6)),
        ({"seats_per_number": 0, "calls_per_number_per_minute": 0}, CallerLimits(0, 0), CallerLimits(0, 0)),
        ({"seats_per_number": 3, "calls_per_number_per_minute": 9}, CallerLimits(3, 9), CallerLimits(3, 9)),
    ],
)
def test_a_public_host_limits_numbers_and_loopback_only_where_that_is_set(
    set_to: dict[str, Any], on_loopback: CallerLimits, in_public: CallerLimits
) -> None:
    assert CallerLimits.of(settings(**set_to)) == on_loopback
    assert CallerLimits.of(phone_doubles.settings(**set_to)) == in_public


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (
            {"blocked_numbers": "+5491155550100,1155550100,*,+54*11,sip"},
            "nor sip:… or client:…: 1155550100, *, +54*11, sip",
        ),
        ({"allowed_countries": "AR,XX,Uruguay,54,+"}, "nor a prefix, +54: XX, URUGUAY, 54, +"),
        ({"webhook_overrides": "#rc=2"}, "is not of the form"),
        ({"webhook_overrides": "rc=2&"}, "is not of the form"),
        ({"webhook_overrides": "rc=2&rp=ct rt"}, "is not of the form"),
        ({"closed": "later"}, "'answer', 'message', 'voicemail' or 'callback'"),
        ({"closed": "callback", "callbacks": "false"}, "CLOSED=callback needs CALLBACKS=true"),
    ],
)
def test_what_cannot_be_meant_is_named(changes: dict[str, str], named: str) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(**changes)
    assert named in str(refused.value)


@pytest.mark.parametrize("overrides", ["", "rc=2", "rc=2&rp=ct,rt,5xx&ct=2000&rt=6000", "e=ashburn&sni=y"])
def test_connection_overrides_are_taken_as_they_are(overrides: str) -> None:
    assert settings(webhook_overrides=overrides).webhook_overrides == overrides
