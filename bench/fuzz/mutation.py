"""Inputs that are nearly right, or absurd, made from a small corpus by a seeded generator."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

# JSON as text: numbers and depths that Python would not write.
TOKENS = (
    "null", "true", "-1", "0", "-0", "3.7", "1e999990", "-1e999990", "1e300", "NaN", "-Infinity", "9" * 40, "9" * 4301,
    "0." + "1" * 5000, '""', '" "', '"1e999990"', '"-3"', '"NaN"', r'"\ud800"', r'"\udfff\ud800"',
    r'"\u0000\u001b[2J\u0085"', r'"\u202e\u200b"', '"\u0663"', '"' + "9" * 5000 + '"', '"' + "a" * 600 + '"',
    '"' + "\ufdfa" * 120 + '"', '"a' + "\u0301" * 119 + '"', '"' + r"\ud83d" * 2000 + '"', '"a@' + "a." * 59 + '"',
    '"' + "mil " * 30 + '"', '"' + "el " * 40 + '"', '"' + "1.234." * 20 + '"', '"9999-12-31T23:59-12:00"',
    '"0001-01-01T00:00:00+14:00"', '"2026-02-30"', '"el 31 de febrero a las 25"', '"en 999 semanas a las 3"', "[]",
    "{}", "[[[[[]]]]]", "[" * 900 + "]" * 900, '{"a":' * 900 + "1" + "}" * 900, '{"__proto__":{},"PK":1}',
    '"UklGRg"', '"AAA"', '"=="',
)  # fmt: skip
BIG_TOKENS = (
    "1" + "0" * 60_000, '"' + "a" * 60_000 + '"', "[" * 30_000 + "]" * 30_000, '{"a":' * 6000 + "1" + "}" * 6000,
    "[" + "0," * 9000 + "0]", "[" + "{}," * 9000 + "{}]", '"' + "A" * 60_000 + '"',
    "{" + ",".join(f'"{number}":0' for number in range(9000)) + "}",
)  # fmt: skip
BYTES = (
    b"\x00", b"\xff", b"\xc3", b"\xe2\x82", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\xef\xbb\xbf", b'"', b"\\", b"{", b"}",
    b"[", b",", b'"event":1,', b'"event":{},', b"\r\n\r\n", b"\x00" * 64, b"\x7f" * 9, b"9" * 300,
)  # fmt: skip
KEYS = ("event", "", "\ud800", "k" * 3000, "contentId", "price")
MARK = "the next token"  # stands for it until the rest is written


def changed(random: Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    """`data` with one to three changes: in its JSON, where it has any, or in its bytes."""
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        data = (changed_json if random.random() < 0.75 else changed_bytes)(random, data, corpus)
    return data


def changed_bytes(random: Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    """One change without any regard for what the bytes mean."""
    at = random.randrange(len(data) + 1)
    to = min(len(data), at + random.choice((1, 1, 2, 8, 64)))
    match random.randrange(6):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + data[to:]
        case 2:
            return data[:to] + data[at:]
        case 3:
            return data[:at] + random.choice(BYTES) + data[at:]
        case 4:
            other = random.choice(corpus)
            return data[:at] + other[random.randrange(len(other) + 1) :]
        case _:
            return data[:at] + random.randbytes(to - at) + data[to:]


def changed_json(random: Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    """One change to a value, a name or the number of values; to the bytes of what is no JSON object or list."""
    try:
        value = json.loads(data)
        holders = _holders(value)
    except (ValueError, RecursionError):
        holders = []
    if not holders:
        return changed_bytes(random, data, corpus)
    holder = random.choice(holders)
    key = random.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    token = ""
    match random.randrange(8):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[random.choice(KEYS)] = holder.pop(key)
        case 2 if isinstance(holder[key], str):
            holder[key] = changed_bytes(random, holder[key].encode(errors="replace"), corpus).decode(errors="replace")
        case 3:
            holder[key] = [holder[key]] * random.choice((0, 1, 2, 50))
        case _:
            token = random.choice(TOKENS if random.random() < 0.95 else BIG_TOKENS)
            holder[key] = MARK
    try:
        text = json.dumps(value, ensure_ascii=random.random() < 0.5)
    except (ValueError, RecursionError):
        return changed_bytes(random, data, corpus)
    if token and random.random() < 0.1:  # the same name twice
        text = text.replace(f'"{MARK}"', f'{token}, "{key}": {token}', 1)
    return text.replace(f'"{MARK}"', token).encode(errors="surrogatepass")


def _holders(value: Any) -> list[Any]:
    """The lists and objects that have something in them, the whole included; the first few hundred."""
    found: list[Any] = []
    waiting = [value]
    while waiting and len(found) < 300:
        each = waiting.pop()
        if isinstance(each, dict | list) and each:
            found.append(each)
            waiting += each.values() if isinstance(each, dict) else each
    return found
