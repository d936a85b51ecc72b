"""Connection overrides: `#rc=2&rp=ct,rt,5xx` at the end of a webhook's URL.

https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides: connect time-out `ct` (100..10000 ms, 5000),
read time-out `rt` and total time `tt` (100..15000 ms, 15000), retries `rc` (0..5, 1) and on what, `rp` (ct, rt, 4xx,
5xx or all; by default ct: the connection itself). The fragment is neither sent nor signed. A bad `rp` is 11243; the
codes of the others were not seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, urldefrag

from sandbox.twilio.errors import Code, WebhookFault

Failure = Literal["ct", "rt", "4xx", "5xx"]
POLICIES = frozenset({"ct", "rt", "4xx", "5xx", "all"})
BOUNDS: Mapping[str, tuple[int, int, int]] = {  # least, most, default
    "ct": (100, 10_000, 5_000),
    "rt": (100, 15_000, 15_000),
    "tt": (100, 15_000, 15_000),
    "rc": (0, 5, 1),
}
IGNORED = {"sni", "e"}  # TLS and the edge that requests leave from: nothing of the kind on loopback


@dataclass(frozen=True, slots=True)
class Overrides:
    connect_s: float
    read_s: float
    total_s: float
    retries: int
    policy: frozenset[str]

    def retry(self, failure: Failure) -> bool:
        return bool(self.policy & {failure, "all"})


def split(url: str) -> tuple[str, Overrides]:
    """A URL without its fragment, and what that asks for. Raises WebhookFault."""
    bare, fragment = urldefrag(url)
    given = dict(parse_qsl(fragment, keep_blank_values=True))
    numbers = {name: _number(given, name) for name in BOUNDS}
    policy = frozenset(given.get("rp", "ct").split(","))
    if not policy <= POLICIES:
        raise WebhookFault(Code.INVALID_RETRY_POLICY, f"rp={given['rp']!r} in {url}")
    if unknown := given.keys() - {*BOUNDS, "rp", *IGNORED}:
        raise WebhookFault(Code.INVALID_URL, f"unknown connection overrides {sorted(unknown)} in {url}")
    read = Overrides(numbers["ct"] / 1000, numbers["rt"] / 1000, numbers["tt"] / 1000, numbers["rc"], policy)
    return bare, read


def _number(given: Mapping[str, str], name: str) -> int:
    least, most, default = BOUNDS[name]
    value = given.get(name, str(default))
    if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
        raise WebhookFault(Code.INVALID_URL, f"{name}={value!r} is no whole number from {least} to {most}")
    return int(value)
