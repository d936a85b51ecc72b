"""Numbers, dates and texts that cost more than they are long are turned away before anything is made of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.spanish.dates import parse_when
from common.spanish.errors import Unclear
from data import items
from data.backends.encoding import encode
from data.errors import Malformed
from data.items import MOST_DIGITS, cents, whole
from data.records import ORDERS, to_item
from data.samples import sample_orders
from tools.arguments import PRICE_LIMIT_CENTS, parse_object, read
from tools.business.orders import NewOrder, OrderProof
from tools.errors import NeedsInput

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
HUGE = st.builds("{}{}e{}".format, st.sampled_from(["", "-", "+"]), st.integers(0, 99), st.integers(100, 9_999_999))
LONG = st.builds(lambda digit, length: digit * length, st.sampled_from("0179"), st.integers(1, 19_000))
ABSURD = st.one_of(
    HUGE, LONG, st.text(max_size=400), st.floats(), st.integers(), st.sampled_from(["NaN", "-Infinity", "sNaN", "٣"])
)


class Sized(Decimal):
    """Refuses to become an int of many digits: that is the work that stopped the process."""

    def __int__(self) -> int:
        assert self.adjusted() <= MOST_DIGITS + 2, "an int of that many digits takes minutes"
        return super().__int__()

    def __mul__(self, other: Any) -> Sized:
        return Sized(super().__mul__(other))

    def to_integral_value(self, *arguments: Any, **more: Any) -> Sized:
        return Sized(super().to_integral_value(*arguments, **more))


@pytest.fixture(autouse=True, scope="module")
def _sized() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(items, "Decimal", Sized)
        yield


def order(price: Any) -> dict[str, Any]:
    item = {"name": "Teclado", "quantity": 1, "price": price}
    return {"customerName": "Ana Pérez", "customerEmail": "ana@mail.com", "items": [item]}


@given(ABSURD)
def test_a_price_is_asked_for_or_within_its_limit(price: Any) -> None:
    try:
        wanted = read(NewOrder, order(price))
    except NeedsInput:
        return
    assert 0 <= wanted.items[0].price_cents <= PRICE_LIMIT_CENTS


@pytest.mark.parametrize(
    "price", ["1e999990", "9" * 5000, "1" + "0" * 30, "-1", "NaN", "1e3", "٣", float("inf"), 1e300]
)
def test_a_price_that_is_none_is_asked_for(price: Any) -> None:
    with pytest.raises(NeedsInput):
        read(NewOrder, order(price))


@pytest.mark.parametrize(
    ("said", "in_cents"),
    [("1.234", 123_400), ("1.234,50", 123_450), ("$ 899,99", 89_999), ("899.99", 89_999), (899.99, 89_999), (7, 700)],
)
def test_a_price_is_read_as_it_is_written_here(said: Any, in_cents: int) -> None:
    assert read(NewOrder, order(said)).items[0].price_cents == in_cents


@given(ABSURD)
def test_an_id_is_asked_for_or_short(said: Any) -> None:
    try:
        proof = read(OrderProof, {"orderId": said, "dni": said})
    except NeedsInput:
        return
    assert 0 < int(proof.order_id) < 10_000_000


@pytest.mark.parametrize("said", ["-3", -3, 3.7, "3.7", "3,7", "+3", "- 3"])
def test_what_only_looks_like_an_id_is_none(said: Any) -> None:
    with pytest.raises(NeedsInput, match="order_id_needed"):
        read(OrderProof, {"orderId": said})


@given(ABSURD)
def test_a_date_is_understood_or_asked_for(said: Any) -> None:
    text = str(said)[:120] if not isinstance(said, int) else "1"
    try:
        parse_when(text, NOW)
    except Unclear:
        return


def test_a_date_at_the_end_of_time_does_not_exist() -> None:
    with pytest.raises(Unclear, match="no_such_date"):
        parse_when("9999-12-31T23:59-12:00", NOW)


@given(ABSURD)
def test_a_stored_number_is_read_or_malformed(value: Any) -> None:
    item = to_item(sample_orders(NOW.date())[0])
    for field in ("price", "quantity"):
        line = {**item["items"][0], field: value}
        try:
            ORDERS.read({**item, "items": [line]})
        except Malformed:
            continue


@pytest.mark.parametrize("read_number", [cents, whole])
@pytest.mark.parametrize("value", [Decimal("1e999990"), Decimal("0e999990"), "1" * 65, "Infinity", "one"])
def test_a_number_beyond_its_digits_is_refused(read_number: Any, value: Any) -> None:
    with pytest.raises(ValueError, match=r"number"):
        read_number(value)


def test_an_item_with_such_a_number_is_not_written() -> None:
    with pytest.raises(ValueError, match="more digits"):
        encode({"PK": "A", "SK": "A", "n": Decimal("1e999990")})


@given(st.recursive(ABSURD, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_arguments_are_an_object_or_refused(value: Any) -> None:
    try:
        text = value if isinstance(value, str) else json.dumps(value)
    except ValueError:  # an int longer than Python prints
        return
    try:
        assert isinstance(parse_object(text), dict)
    except (ValueError, RecursionError):
        return
