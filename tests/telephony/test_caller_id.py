"""Who a carrier's `From` names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.calling_codes import COUNTRIES, countries_of
from telephony.caller_id import NOBODY, CallerId, CallerKind, caller_id

NUMBER, ADDRESS = CallerKind.NUMBER, CallerKind.ADDRESS


@pytest.mark.parametrize(
    ("said", "kind", "meant"),
    [
        ("+5491155550100", NUMBER, "+5491155550100"),
        (" +5491155550100 ", NUMBER, "+5491155550100"),
        ("tel:+5491155550100", NUMBER, "+5491155550100"),
        ("sip:+5491155550100@pbx.example;user=phone", NUMBER, "+5491155550100"),
        ("sip:+5491155550100;phone-context=x@pbx.example:5060", NUMBER, "+5491155550100"),
        ("sip:Ana@PBX.example:5061;transport=tls", ADDRESS, "sip:ana@pbx.example"),
        ("sips:ana:secret@pbx.example", ADDRESS, "sip:ana@pbx.example"),
        ("sip:ana@[2001:db8::1]:5060", ADDRESS, "sip:ana@[2001:db8::1]"),
        ("sip:1001@10.0.0.1", ADDRESS, "sip:1001@10.0.0.1"),
        ("client:Ana", ADDRESS, "client:ana"),
    ],
)
def test_a_number_and_an_address_are_one_caller_however_they_are_written(
    said: str, kind: CallerKind, meant: str
) -> None:
    assert caller_id(said) == CallerId(kind, meant)


@pytest.mark.parametrize(
    "said",
    [
        "", " ", "anonymous", "Anonymous", "+266696687", "+7378742833", "+2562533", "sip:anonymous@anonymous.invalid",
        "client:Anonymous", "1155550100", "911", "+", "+0123456789", "+12345", "+1234567890123456", "+54 11 5555 0100",
        "sip:", "sip:@host", "client:", "Ana", "+54911٥٥٥٥٠١٠٠", "\x00",
    ],
)  # fmt: skip
def test_what_is_no_number_is_nobody(said: str) -> None:
    assert caller_id(said) == NOBODY


@given(st.text(max_size=300) | st.text(max_size=300).map("sip:".__add__) | st.text(max_size=300).map("client:".__add__))
def test_anything_is_read_and_what_is_kept_is_bounded(said: str) -> None:
    caller = caller_id(said)
    assert len(caller.id) <= 400
    assert (caller.kind is CallerKind.NONE) is (caller.id == "")


@pytest.mark.parametrize(
    ("number", "countries"),
    [
        ("+5491155550100", {"AR"}),
        ("+59899123456", {"UY"}),
        ("+56221234567", {"CL"}),
        ("+12125550100", {"US", "CA"}),
        ("+18095550100", {"DO"}),
        ("+18765550100", {"JM"}),
        ("+77011234567", {"KZ"}),
        ("+74951234567", {"RU"}),
        ("+390612345678", {"IT", "VA"}),
        ("+441481960194", {"GB", "GG", "IM", "JE"}),
        ("+882161234567", set()),
        ("+8001234567", set()),
        ("+9991234567", set()),
        ("", set()),
    ],
)
def test_the_longest_calling_code_says_the_country(number: str, countries: set[str]) -> None:
    assert countries_of(number) == countries


def test_every_country_is_written_as_iso_writes_it() -> None:
    assert all(len(code) == 2 and code.isascii() and code.isupper() for code in COUNTRIES)
    assert len(COUNTRIES) > 230
