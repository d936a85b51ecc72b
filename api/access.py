"""Who may do what: keys, tokens and scopes. What no rule opens is closed.

    scope   opens
    read    GET of orders, appointments, doctors, facts of the business, calls (personal data in them masked) and days,
            webhooks and metrics
    write   creating, changing and deleting orders and appointments; the facts of the business, and answers; webhooks
            that were given up
    calls   calls as they are: live events, recordings, transcripts unmasked, hanging up; call-backs; who may ring and
            whom callers are passed on to

Exporting and erasing a customer's data needs `write` and `calls`.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from api.tokens import KeysUnavailable, Tokens
from common.keys import ALL, CALLS, READ, WRITE, ApiKey, digest
from common.settings import Settings, host_of, is_loopback
from data.records import record_types

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Rule:
    """The scopes that a request needs whose path is of this shape: all of them, or none for what is public."""

    safe_only: bool  # for SAFE_METHODS alone
    path: re.Pattern[str]
    scopes: frozenset[str]

    @classmethod
    def make(cls, methods: str, path: str, *scopes: str) -> Rule:
        return cls(methods == "safe", re.compile(path, re.DOTALL), frozenset(scopes))

    def covers(self, method: str, path: str) -> bool:
        return (method in SAFE_METHODS or not self.safe_only) and self.path.fullmatch(path) is not None


RULES = (  # the first that covers a request counts
    Rule.make("safe", r"/|/health|/ready|/favicon\.ico|/openapi\.json"),
    Rule.make("safe", r"/(docs|console|static)(/.*)?"),  # files without data
    Rule.make("all", r"(/demo)?/customers(/.*)?", WRITE, CALLS),
    Rule.make("all", r"(/demo)?/callbacks(/.*)?", CALLS),
    Rule.make("all", r"(/demo)?/line", CALLS),
    Rule.make("safe", r"(/demo)?/calls(\.csv|/.*)?(?<!/events)(?<!/audio)", READ),
    Rule.make("all", r"(/demo)?/calls(/.*)?", CALLS),
    Rule.make("safe", r".*", READ),
    Rule.make("all", r".*", WRITE),
)


class Denied(Exception):
    """`status` is 401 for a stranger, 403 for somebody without the right, 503 when nobody can tell who it is; `code`
    tells a person who sent no key from one whose key is wrong."""

    def __init__(self, status: int, message: str, code: str = "denied") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. `name` goes into the audit log."""

    name: str
    scopes: frozenset[str]


def _stranger(headers: Mapping[str, str]) -> Denied:
    if "x-api-key" in headers:
        return Denied(401, "This key is not one of ADMIN_API_KEYS; see that all of it was copied", "key_unknown")
    if "authorization" in headers:
        return Denied(401, "This bearer token is not valid here, or no longer", "token_invalid")
    return Denied(401, "Send a key as X-Api-Key, or a bearer token", "key_missing")


def needed(method: str, path: str) -> frozenset[str]:
    """Return the scopes a request needs; none for what is public."""
    return next(rule.scopes for rule in RULES if rule.covers(method, path))


def _record_paths() -> list[str]:
    return [f"/{record_type.nouns}" for record_type in record_types()]


def _is_in(path: str, folders: Sequence[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


class Access:
    """Decides on requests. `open_mode` lets everybody in, for a server on loopback without keys."""

    def __init__(
        self,
        keys: Sequence[ApiKey],
        tokens: Tokens | None = None,
        *,
        open_read: bool = False,
        open_mode: bool = False,
        allowed_origins: Sequence[str] = (),
        signed_folders: Sequence[str] = (),
    ) -> None:
        self.open_mode = open_mode
        self.open_read = open_read
        self.allowed_origins = frozenset(allowed_origins)
        self._signed_folders = tuple(signed_folders)
        self._keys = tuple(keys)
        self._tokens = tokens

    @classmethod
    def from_settings(cls, settings: Settings, signed_folders: Sequence[str] = ()) -> Access:
        """Raises ValueError for keys that are not well formed."""
        keys = [ApiKey.parse(key.get_secret_value()) for key in settings.admin_api_keys]
        tokens = Tokens.from_settings(settings)
        return cls(
            keys,
            tokens,
            open_read=settings.admin_open_read,
            open_mode=not (keys or tokens or settings.is_public),
            allowed_origins=settings.allowed_origins,
            signed_folders=signed_folders,
        )

    async def admit(self, method: str, path: str, headers: Mapping[str, str]) -> Principal:
        """Who asks, if they may. Raises Denied."""
        if self.is_signed(path):
            return Principal("public", frozenset())
        scopes = needed(method, path)
        if method not in SAFE_METHODS:
            self._check_origin(headers)
        if not scopes:
            return Principal("public", frozenset())
        if self.open_read and scopes == {READ} and _is_in(path.removeprefix("/demo"), _record_paths()):
            return Principal("open-read", scopes)  # whoever asks, and by whatever name of this server
        principal = await self._identify(headers)
        if principal is None:
            raise _stranger(headers)
        if not scopes <= principal.scopes:
            raise Denied(403, f"This needs the scope {' and '.join(sorted(scopes))}")
        return principal

    def is_signed(self, path: str) -> bool:
        """True where a carrier's own signature is checked, and no key asked for."""
        return path.startswith(self._signed_folders)

    def allows_origin(self, origin: str) -> bool:
        return origin in self.allowed_origins

    async def _identify(self, headers: Mapping[str, str]) -> Principal | None:
        if self.open_mode:
            return self._neighbour(headers)
        if (key := headers.get("x-api-key")) is not None:
            return self._owner(key)
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._tokens is not None:
            return await self._bearer(self._tokens, token)
        return None

    async def _bearer(self, tokens: Tokens, token: str) -> Principal | None:
        try:
            claims = await tokens.claims(token)
        except KeysUnavailable as error:
            raise Denied(503, "Tokens cannot be checked at the moment; try again later") from error
        if claims is None:
            return None
        return Principal(str(claims["sub"]), frozenset(str(claims.get("scope", "")).split()) & ALL)

    def _owner(self, key: str) -> Principal | None:
        """All keys are compared, in constant time: nothing is told by how long it takes."""
        given, owner = digest(key), None
        for known in self._keys:
            if hmac.compare_digest(given, known.digest):
                owner = Principal(known.name, known.scopes)
        return owner

    def _neighbour(self, headers: Mapping[str, str]) -> Principal:
        """Somebody on this machine: a page elsewhere whose name was made to point here has another Host."""
        if not is_loopback(host_of(f"//{headers.get('host', '')}")):
            raise Denied(403, "Without keys, this server is for localhost only")
        return Principal("loopback", ALL)

    def _check_origin(self, headers: Mapping[str, str]) -> None:
        origin = headers.get("origin")
        if origin is None or origin in self.allowed_origins:
            return
        if not host_of(origin) or urlsplit(origin).netloc != headers.get("host"):
            raise Denied(403, "This origin is not in ALLOWED_ORIGINS")
