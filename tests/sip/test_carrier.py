"""The carrier between its sockets and whoever handles its calls."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from aiosipua import SipMessage, SipRequest, SipResponse
from pydantic import ValidationError

from common.settings import Settings
from common.settings import sip as sip_settings
from common.settings.sip import SipRegistrar
from telephony.carrier import CarrierHandler, Listening
from telephony.carriers import carriers_of
from telephony.sip.carrier import Sip
from telephony.sip.message import answer_to
from tests.sip.stage import text
from tests.sip.test_sip_call import Calls
from tests.support.waiting import bounded


def settings(**given: Any) -> Settings:
    return Settings(_env_file=None, **({"sip_listen": "udp:127.0.0.1:0"} | given))


def test_without_a_listener_there_is_no_sip() -> None:
    carriers = carriers_of(settings(sip_listen=""))
    assert not any(isinstance(carrier, Listening) for carrier in carriers)
    assert any(isinstance(carrier, Sip) for carrier in carriers_of(settings()))


def test_people_are_rung_where_a_voice_can_tell_them_who_is_calling() -> None:
    person = {"transfer_targets": "+541150310001|*|24h"}
    assert Sip(settings(sip_voice="Mia", **person)).person_line is not None
    assert Sip(settings(transfer_mode="cold", **person)).person_line is None
    for lines in ({}, {"sip_voice": "Mia", "twilio_auth_token": "a-token"}):  # whose callers nobody could be rung for
        with pytest.raises(ValidationError, match="SIP_VOICE"):
            settings(**person, **lines)


async def test_nothing_of_the_stack_is_imported_where_sip_is_not_set() -> None:
    code = (
        "import sys; import carlos.app; from common.settings import Settings;"
        "from telephony.carriers import carriers_of; carriers_of(Settings(_env_file=None));"
        "sys.exit(any(name.startswith(('aiosipua', 'aiortp', 'telephony.sip')) for name in sys.modules))"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    assert await process.wait() == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"sip_listen": "sctp:127.0.0.1:5060"},
        {"sip_listen": "udp:127.0.0.1"},
        {"sip_listen": "udp:127.0.0.1:70000"},
        {"sip_listen": "tls:127.0.0.1:5061"},
        {"sip_listen": "udp:127.0.0.1:5060", "processes": 2},
        {"sip_allow": "pbx.example"},
        {"sip_allow": "10.0.0.1/24"},
        {"sip_users": "pbx"},
        {"sip_registrar": "trunk.example:x", "sip_user": "me"},
        {"sip_registrar": "trunk.example"},
        {"sip_registrar": "sctp:trunk.example", "sip_user": "me"},
        {"sip_registrar": "tcp:trunk.example:0", "sip_user": "me"},
        {"sip_registrar": "trunk.example", "sip_user": "me", "sip_listen": "tcp:127.0.0.1:0"},
        {"sip_registrar": "tcp:trunk.example", "sip_user": "me", "sip_listen": ""},
        {"sip_rtp_ports": "20000"},
        {"sip_rtp_ports": "20010-20000"},
        {"sip_rtp_ports": "80-90"},
        {"sip_advertised_address": "carlos.example"},
        {"sip_codecs": "opus"},
        {"sip_digests": "sha-1"},
        {"sip_replaces": True},
        {"sip_replaces": True, "sip_voice": "Mia", "sip_listen": ""},
        {"sip_replaces": True, "sip_voice": "Mia", "transfer_mode": "cold"},
    ],
)
def test_settings_that_cannot_be_are_refused_in_a_sentence(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"SIP_|is no|is neither|is none|known are|not user|does not appear"):
        settings(**wrong)


def test_settings_are_read_as_they_are_meant() -> None:
    read = settings(
        sip_listen="udp:0.0.0.0:5060, tls:[::1]:5061",
        sip_tls_cert_file="a",
        sip_tls_key_file="b",
        sip_allow="203.0.113.7,10.0.0.0/24",
        sip_users="pbx:with:colon,other:x",
        sip_rtp_ports="20001-20006",
        sip_codecs="PCMU",
        sip_digests="md5,SHA-256",
    )
    assert [(each.transport, each.host, each.port) for each in read.sip_listeners] == [
        ("udp", "0.0.0.0", 5060),
        ("tls", "::1", 5061),
    ]
    assert read.sip_passwords == {"pbx": "with:colon", "other": "x"}
    assert list(read.sip_port_range) == [20002, 20004]
    assert read.sip_codecs == ("pcmu",)
    assert read.sip_digests == ("sha-256", "md5"), "the strongest first, however they are written"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("trunk.example", SipRegistrar("udp", "trunk.example", 5060)),
        ("udp:trunk.example:5062", SipRegistrar("udp", "trunk.example", 5062)),
        ("tcp:[::1]", SipRegistrar("tcp", "[::1]", 5060)),
        ("tls:trunk.example", SipRegistrar("tls", "trunk.example", 5061)),
    ],
    ids=["a host alone", "udp with a port", "tcp over IPv6", "tls"],
)
def test_a_registrar_is_read_with_its_transport_and_port(written: str, read: SipRegistrar) -> None:
    found = settings(sip_registrar=written, sip_user="me").sip_registrar_read
    assert found == read
    assert found is not None
    assert found.address == written.removeprefix("udp:").removeprefix("tcp:").removeprefix("tls:")


def test_without_its_packages_sip_says_which_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sip_settings, "PACKAGES", ("aiosipua", "a_package_that_is_nowhere"))
    with pytest.raises(ValidationError, match=r"carlos\[sip\]"):
        settings()


def test_wideband_without_its_package_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sip_settings, "WIDEBAND_PACKAGE", "a_package_that_is_nowhere")
    assert settings(sip_codecs="pcma").sip_codecs == ("pcma",)
    with pytest.raises(ValidationError, match="SIP_CODECS with g722"):
        settings(sip_codecs="g722,pcma")


class Trunk(asyncio.DatagramProtocol):
    """A registrar that challenges once."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[SipRequest] = asyncio.Queue()
        self.answers: asyncio.Queue[SipResponse] = asyncio.Queue()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = SipMessage.parse(data)
        if isinstance(message, SipResponse):
            self.answers.put_nowait(message)
            return
        self.asked.put_nowait(message)
        if message.get_header("authorization"):
            answer = answer_to(message, 200, "trunk", {"Expires": "300"})
        else:
            challenge = 'Digest realm="trunk", nonce="n1", qop="auth"'
            answer = answer_to(message, 401, "trunk", {"WWW-Authenticate": challenge})
        self.send(bytes(answer), addr)

    def send(self, data: bytes, to: tuple[str, int]) -> None:
        assert self._transport is not None
        self._transport.sendto(data, to)

    async def registered(self) -> SipRequest:
        """The REGISTER that is taken, behind the one that is challenged."""
        assert (await self.asked.get()).get_header("authorization") is None
        return await self.asked.get()


@asynccontextmanager
async def trunk() -> AsyncIterator[tuple[Trunk, int]]:
    transport, here = await asyncio.get_running_loop().create_datagram_endpoint(Trunk, local_addr=("127.0.0.1", 0))
    try:
        yield here, transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


async def test_a_trunk_is_registered_with_may_call_and_is_told_when_we_go() -> None:
    async with bounded(), trunk() as (there, port):
        sip = Sip(settings(sip_registrar=f"127.0.0.1:{port}", sip_user="carlos", sip_password="secret"))
        async with sip.serve(cast(CarrierHandler, Calls())):
            assert sip.sockets is not None
            host, ours = sip.sockets.bound["udp"]
            taken = await there.registered()
            assert taken.get_header("contact") == f"<sip:carlos@{host}:{ours}>"
            there.send(text("OPTIONS", via=f"SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK-1"), (host, ours))
            assert (await there.answers.get()).status_code == 200
        assert (await there.registered()).get_header("expires") == "0"


async def test_a_call_is_hung_up_by_its_id_and_no_other_one() -> None:
    sip = Sip(settings())
    assert not await sip.hang_up("nobody")
    async with sip.serve(cast(CarrierHandler, Calls())):
        assert not await sip.hang_up("nobody")
