"""Products of an order as they are said: "dos teclados y un mouse a 50 pesos"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sandbox.dialogue.digits import read_group, read_number
from sandbox.dialogue.words import Word, fold, key_at, keys_of, word_set

_LEAD = word_set(
    "quiero quisiera necesito pedir comprar encargar hacer un una pedido orden nuevo nueva compra de me gustaria "
    "anotame anota ponele poneme agrega agregame si bueno dale hola perdon eh este por favor quería queria para "
    "serian serían son mandame a ver y no mejor solo solamente puedo te"
)
_END = word_set(
    "a nombre mi correo mail email soy para dni con gracias por favor y o pero lo que eso algo nada todo siempre solo "
    "sola mas cual como"
)
_ADDING = word_set(
    "agregale agregame agrega agregar agregue sumale sumame suma sumar tambien ademas otro otra ponele poneme"
)
_REMOVING = word_set("sacale sacame saca sacar quitale quitame quita quitar sin elimina eliminale borra borrale")
_CHANGING = word_set("cambia cambiale cambiame cambiar reemplaza reemplazame cambialo")
_BEFORE_NAME = word_set("el la los las al otro otra tambien ademas y le me a por favor")
_NO_PRODUCTS = word_set(
    "pedido orden turno compra consulta producto productos cosa cosas articulo articulos item items"
)
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


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be different about an order that is being taken."""

    added: tuple[Item, ...] = ()
    removed: tuple[str, ...] = ()  # names
    quantity: int | None = None  # of the one product, or of those in `added`
    sign: Literal[1, -1] = 1  # -1: those in `added` are taken away, so many of them

    def of(self, items: Sequence[Item]) -> tuple[Item, ...]:
        if self.quantity is not None:
            names = [item.name for item in self.added] or [item.name for item in items[-1:]]
            return tuple(
                replace(item, quantity=self.quantity) if any(_alike(item.name, name) for name in names) else item
                for item in items
            )
        left = [item for item in items if not any(_alike(item.name, name) for name in self.removed)]
        for item in self.added:
            same = next((old for old in left if _alike(old.name, item.name)), None)
            if same is not None:
                left[left.index(same)] = replace(same, quantity=same.quantity + self.sign * item.quantity)
            elif self.sign > 0:
                left.append(item)
        return tuple(item for item in left if item.quantity > 0)


def read_changes(words: Sequence[Word]) -> tuple[Change, ...]:
    """ "Agregale una funda", "sacale el mouse", "en vez de un mouse, una tablet", "que sean tres", "y uno más"."""
    keys = keys_of(words)
    starts = [0, *(at for at in range(1, len(words)) if keys[at - 1] == "y" and keys[at] in _ADDING | _REMOVING)]
    parts = [words[start:end] for start, end in zip(starts, [*starts[1:], len(words)], strict=True)]
    return tuple(change for part in parts if (change := _read_change(part)))


def _read_change(words: Sequence[Word]) -> Change | None:
    keys = keys_of(words)
    for at, key in enumerate(keys):
        rest = words[at + 1 :]
        if keys[at : at + 3] in (["en", "vez", "de"], ["en", "lugar", "de"]):
            return _instead(words[:at], words[at + 3 :])
        if key in _CHANGING and "por" in keys[at:]:
            by = keys.index("por", at)
            return Change(_named(words[by + 1 :]), tuple(item.name for item in _named(words[at + 1 : by])))
        if key in ("sea", "sean", "seran") and (number := read_group(words, at + 1)):
            return Change(_named(words[at + 1 :]), quantity=number[0])
        if (key in _REMOVING or keys[at - 1 : at + 1] == ["no", "quiero"]) and (gone := _named(rest)):
            counted = key_at(words, at + 1) in ("un", "una") or read_group(words, at + 1) is not None
            return Change(gone, sign=-1) if counted else Change(removed=tuple(item.name for item in gone))
        if key in _ADDING and (added := _named(rest)):
            return Change(added)
    one_more = bool(keys) and (keys[0] == "y" or keys[-1] == "mas")
    return Change(added) if one_more and (added := _named(words)) else None


def counted(items: Sequence[Item], said: Sequence[Item]) -> tuple[Item, ...]:
    """The order after "tres teclados": so many of them, where it has teclados and more; else what was said instead."""
    if not all(any(_alike(new.name, old.name) for old in items) for new in said):
        return tuple(said)
    return tuple(next((new for new in said if _alike(new.name, old.name)), old) for old in items)


def _instead(before: Sequence[Word], after: Sequence[Word]) -> Change | None:
    """ "En vez de dos, tres" and "tres en vez de dos" change how many; with names, which product."""
    said = [item for item in (*_named(after), *_named(before)) if item.name]
    numbers = [number[0] for at in range(len(after)) if (number := read_group(after, at))]
    if len(said) > 1:
        return Change((said[1],), (said[0].name,))
    if len(numbers) > 1 or (numbers and (first := _first_number(before))):
        return Change(tuple(said), quantity=numbers[1] if len(numbers) > 1 else first)
    return None


def _first_number(words: Sequence[Word]) -> int | None:
    return next((number[0] for at in range(len(words)) if (number := read_group(words, at))), None)


def _named(words: Sequence[Word]) -> tuple[Item, ...]:
    """The products in it; "el mouse", "otra funda" and "al mouse" are one each."""
    start = 0
    while key_at(words, start) in _BEFORE_NAME:
        start += 1
    return read_items(words[start:], asked=True)


def _alike(one: str, other: str) -> bool:
    """The same product, in one number or another: "mouse", "el mouse negro"; "teclados", "teclado"."""
    return bool(_stems(one) & _stems(other))


def _stems(name: str) -> set[str]:
    return {fold(word).rstrip("s").removesuffix("e") for word in name.split() if len(word) > 2}


def _item_at(words: Sequence[Word], at: int, asked: bool) -> tuple[Item, int] | None:
    quantity, start = _quantity_at(words, at)
    if quantity is None:
        if not asked or words[at].key in _LEAD | _END or not words[at].key.isalpha():
            return None
        quantity, start = 1, at
    end = start
    while end < len(words) and _continues(words, end, start):
        end += 1
    if end == start or words[start].key in _NO_PRODUCTS:
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
