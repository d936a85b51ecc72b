"""API keys as ADMIN_API_KEYS names them: whose each is, what it opens, and its hash."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

READ, WRITE, CALLS = "read", "write", "calls"
ALL = frozenset({READ, WRITE, CALLS})
HASHED = "sha256="

_NAME = re.compile(r"[\w.@-]{1,64}")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key by its SHA-256: keys are long and random, so a plain hash cannot be turned back."""

    name: str
    scopes: frozenset[str]
    digest: bytes

    @classmethod
    def parse(cls, entry: str) -> ApiKey:
        """Return the key of `name:scopes:sha256=<hex>`, or of `name:scopes:key` with the key in clear. Raise
        ValueError, whose text quotes nothing of the entry."""
        name, _, rest = entry.partition(":")
        scopes_text, _, key = rest.partition(":")
        scopes = frozenset(scopes_text.split("+"))
        hexadecimal = key.removeprefix(HASHED)
        if not _NAME.fullmatch(name) or not key or not scopes <= ALL:
            raise ValueError("is not name:scopes:sha256=<hash>, with scopes of read, write and calls joined by +")
        if hexadecimal == key:
            return cls(name, scopes, digest(key))
        if not _SHA256.fullmatch(hexadecimal):
            raise ValueError("has a hash that is not 64 hexadecimal digits")
        return cls(name, scopes, bytes.fromhex(hexadecimal))


def digest(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="surrogateescape")).digest()


def check_entries(entries: tuple[str, ...], *, hashed: bool) -> None:
    """Raise ValueError with what to do about the entries that do not hold, a line each; `hashed` allows no key in
    clear."""
    faults: list[str] = []
    for number, entry in enumerate(entries, 1):
        try:
            ApiKey.parse(entry)
            if hashed and f":{HASHED}" not in entry:
                raise ValueError("holds a key in clear, which a server that others reach must not keep")
        except ValueError as error:
            how = "`carlos key ana --scopes read+calls` makes a key and its entry"
            faults.append(f"ADMIN_API_KEYS: entry {number} {error}. {how}")
    if faults:
        raise ValueError("\n".join(faults))
