"""Products, and which one a caller means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from common.spanish.names import plain
from common.spanish.numbers import numerals

SAID_LIMIT = 120  # characters of what is looked for
_ARTICLES = frozenset(("un", "una"))  # which are numbers, too
_SMALL = frozenset(("a", "al", "con", "de", "del", "el", "en", "la", "las", "lo", "los", "para", "por", "y"))
_ALIKE = 0.7  # of two words that one speaker meant: "logitec" and "logitech" have 0.82, "camara" and "carcasa" 0.57
_WORDS_LIMIT = 8


@dataclass(frozen=True, slots=True)
class Product:
    name: str
    also: tuple[str, ...] = ()  # other names
    price_cents: int | None = None  # None: it is not told, and not sold by phone
    delivery_days: int | None = None
    names: tuple[frozenset[str], ...] = field(init=False, repr=False, compare=False)  # the words of each, and of all

    def __post_init__(self) -> None:
        names = [_words(name) for name in (self.name, *self.also)]
        object.__setattr__(self, "names", (*names, frozenset[str]().union(*names)))


def find(products: Sequence[Product], said: str) -> Product | None:
    """Return the one product that is meant: its name or another of its names, in whatever number, case, accents and
    order of words; or some words of a name that no other product has. None for no product, or for several."""
    words = _words(said[:SAID_LIMIT])
    if not words:
        return None
    for fits in (_is_called, _has, _has_alike):
        found = [product for product in products if any(fits(name, words) for name in product.names)]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def nearest(products: Sequence[Product], said: str, count: int = 3) -> list[Product]:
    """Return the products that come closest to what was said, the closest first."""
    words = _words(said[:SAID_LIMIT])
    return sorted(products, key=lambda product: -max(_nearness(name, words) for name in product.names))[:count]


def _is_called(name: frozenset[str], words: frozenset[str]) -> bool:
    return name == words


def _has(name: frozenset[str], words: frozenset[str]) -> bool:
    return words <= name and not all(word.isdecimal() for word in words)


def _has_alike(name: frozenset[str], words: frozenset[str]) -> bool:
    return all(any(_alike(word, each) >= _ALIKE for each in name) for word in words)


def _nearness(name: frozenset[str], words: frozenset[str]) -> float:
    return sum(max((_alike(word, each) for each in name), default=0.0) for word in words)


def _alike(one: str, other: str) -> float:
    """0 to 1: how many pairs of letters they share (Dice). Numbers and very short words are alike only if they are the
    same."""
    if one == other or one.isdecimal() or other.isdecimal() or min(len(one), len(other)) < 4:
        return float(one == other)
    pairs, others = _pairs(one), _pairs(other)
    return 2 * len(pairs & others) / (len(pairs) + len(others))


@lru_cache(10_000)
def _pairs(word: str) -> frozenset[str]:
    padded = f" {word} "
    return frozenset(padded[n : n + 2] for n in range(len(padded) - 1))


def _words(name: str) -> frozenset[str]:
    """The words that tell a name, in the singular, numbers as digits."""
    counted = " ".join(word for word in plain(name).split() if word not in _ARTICLES)
    words = re.findall(r"\d+|[^\W\d_]+", numerals(counted))
    return frozenset([_singular(word) for word in words if word not in _SMALL][:_WORDS_LIMIT])


def _singular(word: str) -> str:
    """The same for `cable` and `cables`, `monitor` and `monitores`, `lapiz` and `lapices`; not always a word."""
    if word.endswith("ces"):
        return word[:-3] + "z"
    return word.removesuffix("s").removesuffix("e") if len(word) > 3 else word
