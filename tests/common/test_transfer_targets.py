"""TRANSFER_TARGETS: who takes callers, for what, and when."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from common.settings import Settings
from common.times import BUENOS_AIRES
from common.transfer_targets import for_reason, parse_targets, reasons_of

DESK = "+541150310001|turnos,pedidos|lun-vie 9-18, sáb 9:30-13"
GUARD = "sip:guardia@clinica.example;transport=tls|*|24h"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BUENOS_AIRES)


def test_entries_are_addresses_with_reasons_and_hours() -> None:
    desk, guard = parse_targets(f"{DESK}; {GUARD}")
    assert (desk.address, desk.reasons) == ("+541150310001", frozenset({"turnos", "pedidos"}))
    assert (guard.address, guard.reasons, guard.hours) == ("sip:guardia@clinica.example;transport=tls", None, None)
    assert reasons_of((desk, guard)) == ("pedidos", "turnos")


@pytest.mark.parametrize("joint", [";", "; ", ";\n", " ; "])
def test_entries_are_told_apart_however_they_are_joined(joint: str) -> None:
    assert len(parse_targets(joint.join([DESK, GUARD, DESK]) + ";")) == 3


@pytest.mark.parametrize(
    ("when", "there"),
    [
        ("2026-11-27T08:59", False),  # a Friday
        ("2026-11-27T09:00", True),
        ("2026-11-27T17:59", True),
        ("2026-11-27T18:00", False),
        ("2026-11-28T09:29", False),  # a Saturday
        ("2026-11-28T09:30", True),
        ("2026-11-29T12:00", False),
    ],
)
def test_somebody_is_there_in_their_hours(when: str, *, there: bool) -> None:
    assert parse_targets(DESK)[0].is_there(at(when)) is there


def test_a_holiday_closes_whoever_is_not_there_around_the_clock() -> None:
    desk, guard = parse_targets(f"{DESK}; {GUARD}")
    noon = at("2026-11-27T12:00")
    assert not desk.is_there(noon, holiday=True)
    assert guard.is_there(noon, holiday=True)


def test_days_may_go_round_the_weekend() -> None:
    (target,) = parse_targets("+541150310001|*|vie-lun 0-24")
    assert [target.is_there(at(f"2026-11-{day}T23:59")) for day in (26, 27, 28, 29, 30)] == [False, *4 * [True]]


def test_who_is_there_for_a_reason_comes_before_who_is_there_for_all() -> None:
    targets = parse_targets(f"{GUARD}; {DESK}")
    assert for_reason(targets, "turnos") == targets[1]
    assert for_reason(targets, "otro") == targets[0]
    assert for_reason(targets[1:], "otro") is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("+541150310001", "entry 1 has 1 parts"),
        ("0115031|*|24h", "entry 1: the address"),
        ("+541150310001||24h", "entry 1: reasons"),
        ("+541150310001|turnos!|24h", "entry 1: reasons"),
        ("+541150310001|*|", "entry 1: hours"),
        ("+541150310001|*|lun-xyz 9-18", "entry 1: hours"),
        ("+541150310001|*|lun 18-9", "entry 1: hours"),
        ("+541150310001|*|lun 9-25", "entry 1: hours"),
        ("+541150310001|*|lun 9:75-18", "entry 1: hours"),
        ("sip:x@y|*|24h; tel:1|*|24h", "entry 2: the address"),
        ("+541150310001|*|24h;" * 60, "60 entries"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_targets(text)


def test_all_problems_are_named_at_once() -> None:
    with pytest.raises(ValueError, match=r"entry 1: the address.*entry 2: reasons.*entry 2: hours"):
        parse_targets("x|*|24h; +541150310001|1|x")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert len(parse_targets(text)) <= len(text)


def test_a_server_does_not_start_with_what_cannot_be_read() -> None:
    with pytest.raises(ValidationError, match="entry 1"):
        Settings(_env_file=None, transfer_targets="nobody")


def test_people_can_be_rung_only_with_an_account() -> None:
    with pytest.raises(ValidationError, match="TRANSFER_TARGETS needs"):
        Settings(_env_file=None, transfer_targets=GUARD)
    account: dict[str, Any] = {"twilio_account_sid": "AC1", "twilio_auth_token": (SecretStr("t"),)}
    assert Settings(_env_file=None, transfer_targets=GUARD, **account).people == parse_targets(GUARD)
    assert Settings(_env_file=None, transfer_targets=GUARD, transfer_mode="cold").people == parse_targets(GUARD)


@pytest.mark.parametrize("number", ["hola", "01150310001", "+54 11 5031 0001", "+541150310001\n"])
def test_the_number_that_people_see_must_be_one(number: str) -> None:
    with pytest.raises(ValidationError, match="is no number"):
        Settings(_env_file=None, transfer_from=number)
    assert Settings(_env_file=None, transfer_from="+541143210000").transfer_from == "+541143210000"
    assert not Settings(_env_file=None, transfer_from="").transfer_from, "unset"
