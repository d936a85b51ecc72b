"""Products of an order as they are said: "dos teclados y un mouse a 50 pesos"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from common.spanish.wording import listed
from sandbox.dialogue.digits import read_group, read_number
from sandbox.dialogue.numbers import spell
from sandbox.dialogue.words import Word, key_at, word_set

_LEAD = word_set(
    "quiero quisiera necesito pedir comprar encargar hacer un una pedido orden nuevo nueva compra de me gustaria "
    "anotame anota ponele poneme agrega agregame si bueno dale hola perdon eh este por favor quería queria para "
    "serian serían son mandame a ver y no mejor solo solamente puedo te"
)
_END = word_set("a nombre mi correo mail email soy para dni con gracias por favor y o pero")
_PRICE = frozenset({"pesos", "peso"})


@dataclass(frozen=True, slots=True)
class Item:
    name: str
    quantity: int = 1
    price: float = 0.0  # pesos for one; 0 unless the caller said it
    words: frozenset[int] = field(default=frozenset(), compare=False)

    def argument(self) -> dict[str, Any]:
        return {"name": self.name, "quantity": self.quantity, "price": self.price}


def read_items(words: Sequence[Word], *, asked: bool = False) -> tuple[Item, ...]:
    """Each quantity with the words after it; to the question for products, a bare word is one of it."""
    found, at = [], 0
    while at < len(words):
        hit = _item_at(words, at, asked)
        if hit:
            found.append(hit[0])
            at = hit[1]
        else:
            at += 1
    return tuple(found)


def say_items(items: Sequence[Item]) -> str:
    """ "dos teclados y un mouse"."""
    return listed([f"{_quantity(item)} {item.name}" for item in items])


def _quantity(item: Item) -> str:
    if item.quantity == 1:
        return "una" if item.name.split()[0].endswith("a") else "un"
    return spell(item.quantity)


def _item_at(words: Sequence[Word], at: int, asked: bool) -> tuple[Item, int] | None:
    quantity, start = _quantity_at(words, at)
    if quantity is None:
        if not asked or words[at].key in _LEAD | _END or not words[at].key.isalpha():
            return None
        quantity, start = 1, at
    end = start
    while end < len(words) and _continues(words, end, start):
        end += 1
    if end == start or words[start].key in ("pedido", "orden", "turno", "compra", "consulta"):
        return None
    price, after = _price_at(words, end)
    name = " ".join(word.raw for word in words[start:end])
    name = name.lower() if name[1:].islower() else name
    return Item(name, quantity, price, frozenset(range(at, after))), after


def _quantity_at(words: Sequence[Word], at: int) -> tuple[int | None, int]:
    if words[at].key in ("un", "una"):
        return 1, at + 1
    number = read_group(words, at)
    if number is None or not 0 < number[0] < 1000:
        return None, at
    return number[0], number[1] + (key_at(words, number[1]) == "unidades") + (key_at(words, number[1] + 1) == "de")


def _continues(words: Sequence[Word], at: int, start: int) -> bool:
    """Whether the word still belongs to the product: "cable USB-C de un metro" does, ", dos fundas" does not."""
    if at > start and (words[at - 1].pause or words[at].key in _END):
        return False
    return at > start or words[at].key not in _END


def _price_at(words: Sequence[Word], at: int) -> tuple[float, int]:
    """ "a 50 pesos", "por cien pesos cada uno"."""
    if key_at(words, at) not in ("a", "por"):
        return 0.0, at
    for end in range(at + 2, min(at + 9, len(words))):
        if words[end].key in _PRICE:
            price = read_number(words[at + 1 : end])
            return (float(price), end + 1) if price is not None else (0.0, at)
    return 0.0, at
