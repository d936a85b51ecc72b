"""Who may call over SIP at all, before anything is answered. Sans-IO.

    an address of SIP_ALLOW, or the trunk's                      its calls are taken
    anybody else, with SIP_USERS                                 an INVITE is challenged; all else is passed over
    anybody else                                                 nothing is read, nothing is answered

What a stranger sends costs a look at its address, and with SIP_USERS at most STRANGERS_PER_S messages are read.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from enum import Enum, auto
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address

from telephony.rate_guards import Bucket

STRANGERS_PER_S = 50  # messages, of all of them
STRANGERS_AT_ONCE = 200
GUESSES = 5  # wrong passwords from one address, and one more each GUESS_S
GUESS_S = 60.0
LOCKED_S = 600.0  # after one more: nothing of its is read
_REMEMBERED = 1024  # addresses

type Network = IPv4Network | IPv6Network


class Standing(Enum):
    """What an address may do."""

    KNOWN = auto()
    STRANGER = auto()  # may prove a password
    NOBODY = auto()


class Callers:
    """`has_users`: somebody may call from anywhere with a password."""

    def __init__(self, networks: Iterable[Network], *, has_users: bool) -> None:
        self._networks = tuple(networks)
        self._has_users = has_users
        self._trunk: frozenset[str] = frozenset()
        self._strangers = Bucket(STRANGERS_PER_S, STRANGERS_AT_ONCE)
        self._guesses: OrderedDict[str, Bucket] = OrderedDict()
        self._locked: OrderedDict[str, float] = OrderedDict()  # until when
        self._is_allowed = lru_cache(_REMEMBERED)(self._lies_in_network)

    def trunk_is(self, addresses: Iterable[str]) -> None:
        """Calls come from the trunk that we register with, too."""
        self._trunk = frozenset(addresses)

    def is_trunk(self, host: str) -> bool:
        return host in self._trunk

    def standing(self, host: str) -> Standing:
        if host in self._trunk or self._is_allowed(host):
            return Standing.KNOWN
        return Standing.STRANGER if self._has_users else Standing.NOBODY

    def may_be_read(self, host: str, now: float) -> bool:
        """Whether a message of this address is read at all. `now` in seconds of a monotonic clock."""
        match self.standing(host):
            case Standing.KNOWN:
                return True
            case Standing.STRANGER:
                return self._locked.get(host, 0.0) <= now and not self._strangers.push(1, now)
        return False

    def guessed_wrong(self, host: str, now: float) -> None:
        """An address sent a wrong password; one that goes on guessing is not read for a while."""
        if self._guesses.setdefault(host, Bucket(1 / GUESS_S, GUESSES)).push(1, now):
            self._locked[host] = now + LOCKED_S
        for remembered in (self._guesses, self._locked):
            while len(remembered) > _REMEMBERED:
                remembered.popitem(last=False)

    def _lies_in_network(self, host: str) -> bool:
        try:
            address = ip_address(host.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self._networks)
