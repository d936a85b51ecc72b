"""The SIP line: a trunk, a PBX or a SIP phone that reaches Carlos without Twilio."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from common.settings.concern import Concern, Unsafe

SIP_PORT, SIP_TLS_PORT = 5060, 5061
CODECS = ("pcma", "pcmu")
WIDEBAND, WIDEBAND_PACKAGE = "g722", "G722"
DIGESTS = ("sha-256", "md5")  # the strongest first
PACKAGES = ("aiosipua", "aiortp")
_LISTEN = re.compile(r"(udp|tcp|tls):(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+):(\d{1,5})")
_REGISTRAR = re.compile(r"(?:(udp|tcp|tls):)?([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?")
_MOST_PORT = 65535


@dataclass(frozen=True, slots=True)
class SipListener:
    """Where SIP is listened for. Port 0: any that is free."""

    transport: str  # udp, tcp, tls
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class SipRegistrar:
    """A trunk's registrar. `host` is a name or an address, IPv6 in brackets."""

    transport: str  # udp, tcp, tls
    host: str
    port: int

    @property
    def address(self) -> str:
        """Host and port, where that is not the transport's own."""
        return self.host if self.port == _port_of(self.transport) else f"{self.host}:{self.port}"


class SipSettings(Concern):
    TITLE: ClassVar[str] = "SIP"
    UNSAFE: ClassVar[tuple[Unsafe, ...]] = (
        (
            lambda all_: bool(all_.sip_listen) and any(find_spec(package) is None for package in PACKAGES),
            "SIP_LISTEN needs packages that are not installed: pip install 'carlos[sip]'",
        ),
        (
            lambda all_: bool(all_.sip_listen) and WIDEBAND in all_.sip_codecs and find_spec(WIDEBAND_PACKAGE) is None,
            "SIP_CODECS with g722 needs a package that is not installed: pip install 'carlos[sip]'",
        ),
        (
            lambda all_: bool(all_.sip_listen) and all_.processes > 1,
            "SIP_LISTEN needs PROCESSES=1, not {processes}: no process can hand a SIP call to another",
        ),
        (
            lambda all_: (
                any(entry.startswith("tls:") for entry in all_.sip_listen)
                and not (all_.sip_tls_cert_file and all_.sip_tls_key_file)
            ),
            "SIP_LISTEN with tls needs SIP_TLS_CERT_FILE and SIP_TLS_KEY_FILE",
        ),
        (
            lambda all_: (
                all_.sip_registrar_read is not None
                and all_.sip_registrar_read.transport == "udp"
                and not any(entry.startswith("udp:") for entry in all_.sip_listen)
            ),
            "SIP_REGISTRAR over UDP needs a udp address in SIP_LISTEN",
        ),
        (
            lambda all_: bool(all_.sip_registrar) and not (all_.sip_user and all_.sip_listen),
            "SIP_REGISTRAR needs SIP_USER and SIP_LISTEN",
        ),
        (
            lambda all_: (
                all_.sip_replaces and not (all_.sip_listen and all_.sip_voice and all_.transfer_mode == "warm")
            ),
            "SIP_REPLACES needs SIP_LISTEN and SIP_VOICE, and TRANSFER_MODE=warm: nobody else is put through by Carlos",
        ),
    )

    sip_listen: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Where SIP is listened for: `udp:0.0.0.0:5060,tcp:0.0.0.0:5060,tls:0.0.0.0:5061`. Empty: no SIP"
        " line. It needs the extra `carlos[sip]`.",
    )
    sip_allow: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Addresses and networks whose calls are taken, `203.0.113.7,10.0.0.0/24`. Whoever else sends"
        " anything gets no answer, but for SIP_USERS. Empty: only SIP_REGISTRAR and SIP_USERS call.",
    )
    sip_users: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="Callers from anywhere who prove a password: `user:password` each. Empty: none."
    )
    sip_digests: Annotated[tuple[str, ...], NoDecode] = Field(
        ("md5",),
        description="How SIP_USERS prove their passwords: `md5`, which all phones know, `sha-256`, which newer ones do,"
        " or both, `sha-256,md5` (RFC 8760): some that know MD5 alone give up where there is another beside it.",
    )
    sip_registrar: str | None = Field(
        None,
        description="The trunk that Carlos registers with, `host` or `host:port`; over TCP `tcp:host`, over TLS"
        " `tls:host`, and its calls come back on that connection.",
    )
    sip_user: str | None = Field(None, description="The account there.")
    sip_password: SecretStr | None = Field(None, description="Its password.")
    sip_rtp_ports: str = Field(
        "20000-20199", description="UDP ports for audio, two a call. A firewall opens them for whoever calls."
    )
    sip_advertised_address: str | None = Field(
        None, description="The IP address that others reach this server under, where that is another: behind NAT."
    )
    sip_codecs: Annotated[tuple[str, ...], NoDecode] = Field(
        CODECS,
        description="Codecs in the order of preference: `pcma` is Argentina's own, `pcmu` North America's, and `g722`,"
        " before or behind them, is what a PBX's phones speak with twice the sound: `g722,pcma,pcmu`.",
    )
    sip_hold_max_s: float = Field(
        300.0,
        gt=0,
        description="Seconds that a caller may be on hold at a time; then he is hung up on, since he keeps a place and"
        " a stream to Sonic. `MAX_CALL_SECONDS` goes on meanwhile.",
    )
    sip_voice: str | None = Field(
        None,
        description="The voice of Amazon Polly that reads aloud what no recording has: a closed line's hours, and to"
        " a person who is calling. `Mia` or `Andres` (es-MX), `Lupe` or `Pedro` (es-US). Empty: the hours are left out,"
        " and callers are passed on as with TRANSFER_MODE=cold.",
    )
    sip_voice_engine: Literal["standard", "neural", "long-form", "generative"] = Field(
        "neural", description="Polly's engine; not each has each voice, nor is it in each Region."
    )
    sip_replaces: bool = Field(
        False,
        description="Ask the PBX to connect a caller and the person who has taken him without Carlos (REFER with"
        " Replaces, RFC 3891). Until it has, and where it does not, the two hear each other through him.",
    )
    sip_tls_cert_file: Path | None = Field(None, description="Certificate chain for tls in SIP_LISTEN, PEM.")
    sip_tls_key_file: Path | None = Field(None, description="Its key.")
    sip_tls_ca_file: Path | None = Field(
        None, description="Certificates that the registrar's is checked with, PEM. Unset: the system's."
    )

    @field_validator("sip_listen")
    @classmethod
    def _listeners_hold(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        for entry in entries:
            found = _LISTEN.fullmatch(entry)
            if found is None or int(found[3]) > _MOST_PORT:
                raise ValueError(f"{entry!r} is none of udp:ADDRESS:PORT, tcp:… and tls:…")
        return entries

    @field_validator("sip_allow")
    @classmethod
    def _networks_hold(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        for entry in entries:
            try:
                ip_network(entry)
            except ValueError as error:
                raise ValueError(f"{entry!r} is neither an address nor a network: {error}") from None
        return entries

    @field_validator("sip_users")
    @classmethod
    def _users_hold(cls, entries: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for entry in entries:
            user, _, password = entry.get_secret_value().partition(":")
            if not user or not password:
                raise ValueError("an entry is not user:password")
        return entries

    @field_validator("sip_digests")
    @classmethod
    def _digests_are_known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        given = {name.lower() for name in names} or {"md5"}
        if unknown := sorted(given.difference(DIGESTS)):
            raise ValueError(f"{', '.join(unknown)}: known are {', '.join(DIGESTS)}")
        return tuple(name for name in DIGESTS if name in given)

    @field_validator("sip_registrar")
    @classmethod
    def _registrar_holds(cls, address: str | None) -> str | None:
        if address is not None:
            found = _REGISTRAR.fullmatch(address)
            if found is None or not 0 < int(found[3] or SIP_PORT) <= _MOST_PORT:
                raise ValueError("is neither HOST nor HOST:PORT, with tcp: or tls: before it or without")
        return address

    @field_validator("sip_rtp_ports")
    @classmethod
    def _ports_hold(cls, text: str) -> str:
        first, _, last = text.partition("-")
        if not (first.isdecimal() and last.isdecimal() and 1024 <= int(first) < int(last) <= _MOST_PORT):
            raise ValueError("is no range of ports between 1024 and 65535, such as 20000-20199")
        return text

    @field_validator("sip_advertised_address")
    @classmethod
    def _advertised_is_an_address(cls, text: str | None) -> str | None:
        return None if text is None else str(ip_address(text))

    @field_validator("sip_codecs")
    @classmethod
    def _codecs_are_known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        names = tuple(name.lower() for name in names) or CODECS
        known = (*CODECS, WIDEBAND)
        if unknown := [name for name in names if name not in known]:
            raise ValueError(f"{', '.join(unknown)}: known are {', '.join(known)}")
        return names

    @property
    def sip_listeners(self) -> tuple[SipListener, ...]:
        found = [match for entry in self.sip_listen if (match := _LISTEN.fullmatch(entry))]
        return tuple(SipListener(each[1], each[2].strip("[]"), int(each[3])) for each in found)

    @property
    def sip_registrar_read(self) -> SipRegistrar | None:
        found = _REGISTRAR.fullmatch(self.sip_registrar or "")
        if found is None:
            return None
        transport = found[1] or "udp"
        return SipRegistrar(transport, found[2], int(found[3] or _port_of(transport)))

    @property
    def sip_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return tuple(ip_network(entry) for entry in self.sip_allow)

    @property
    def sip_passwords(self) -> dict[str, str]:
        """Passwords by user."""
        entries = (entry.get_secret_value().partition(":") for entry in self.sip_users)
        return {user: password for user, _, password in entries}

    @property
    def sip_port_range(self) -> range:
        """The even ports, RTP's; RTCP has the odd one above each (RFC 3550, section 11)."""
        first, last = (int(port) for port in self.sip_rtp_ports.split("-"))
        return range(first + first % 2, last, 2)


def _port_of(transport: str) -> int:
    return SIP_TLS_PORT if transport == "tls" else SIP_PORT
