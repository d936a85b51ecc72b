"""Which phone numbers are somebody's."""

from __future__ import annotations

import pytest

from common.phones import known_number

WITHHELD = (
    "", " ", "anonymous", "Anonymous", "ANONYMOUS", "restricted", "unavailable", "unknown", "+266696687", "266696687",
    "+7378742833", "+2562533", "+86282452253", "sip:anonymous@anonymous.invalid", "client:Anonymous",
)  # fmt: skip


@pytest.mark.parametrize("number", [None, *WITHHELD])
def test_a_withheld_number_is_nobodys(number: str | None) -> None:
    assert known_number(number) is None


@pytest.mark.parametrize("number", ["+5491155550100", "sip:ana@office.example", "client:ana", "+26669668", "9" * 9999])
def test_any_other_number_is_kept_as_it_was_given(number: str) -> None:
    assert known_number(number) == number
