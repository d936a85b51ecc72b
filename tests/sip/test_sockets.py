"""SIP's sockets on loopback: streams are cut into messages, TLS is spoken, strangers are shown the door."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from common.settings.sip import SipListener
from telephony.errors import RemoteProtocolError
from telephony.sip.callers import Callers
from telephony.sip.framing import Framing
from telephony.sip.message import MAX_MESSAGE_BYTES, Peer
from telephony.sip.sockets import MAX_STRANGERS, SipSockets
from tests.sip.stage import OFFER, text
from tests.support.waiting import bounded, until

INVITE, OPTIONS = text("INVITE", body=OFFER), text("OPTIONS")


async def test_a_peer_is_told_the_address_that_it_reaches_us_under() -> None:
    async with listening("udp", host="0.0.0.0") as (sockets, heard):
        port = sockets.bound["udp"][1]
        assert sockets.contact(Peer("udp", "127.0.0.1", 5060)) == ("127.0.0.1", port)
        sockets._advertised = "198.51.100.4"
        assert sockets.contact(Peer("udp", "127.0.0.1", 5060)) == ("198.51.100.4", port)


@pytest.mark.parametrize("size", [1, 7, 100, 5000])
def test_messages_are_found_in_a_stream_however_it_is_cut(size: int) -> None:
    framing, found = Framing(), []
    stream = b"\r\n\r\n" + INVITE + b"\r\n\r\n" + OPTIONS + INVITE
    for start in range(0, len(stream), size):
        found += framing.push(stream[start : start + size])
    assert found == [INVITE, OPTIONS, INVITE]


@pytest.mark.parametrize(
    "stream",
    [
        text("OPTIONS", content_length=None),
        text("OPTIONS", content_length="-1"),
        text("OPTIONS", content_length="99999999"),
        text("OPTIONS", content_length=str(MAX_MESSAGE_BYTES)),
        b"x" * (MAX_MESSAGE_BYTES + 1),
    ],
)
def test_a_stream_whose_messages_have_no_end_is_given_up(stream: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        Framing().push(stream)


class Heard:
    """Answers each message with itself."""

    def __init__(self) -> None:
        self.messages: list[tuple[bytes, Peer]] = []
        self.sockets: SipSockets | None = None

    def receive(self, data: bytes, peer: Peer) -> None:
        self.messages.append((data, peer))
        assert self.sockets is not None
        self.sockets.send(data, peer)


@asynccontextmanager
async def listening(
    *transports: str,
    allow: str = "127.0.0.1",
    has_users: bool = False,
    certificate: tuple[Path, Path] | None = None,
    host: str = "127.0.0.1",
) -> AsyncIterator[tuple[SipSockets, Heard]]:
    heard = Heard()
    sockets = heard.sockets = SipSockets(Callers([ip_network(allow)], has_users=has_users), heard.receive, None)
    await sockets.open([SipListener(each, host, 0) for each in transports], certificate)
    try:
        async with bounded():
            yield sockets, heard
    finally:
        await sockets.close()


async def test_a_connection_is_answered_on_itself() -> None:
    async with listening("tcp") as (sockets, heard):
        reader, writer = await asyncio.open_connection(*sockets.bound["tcp"])
        writer.write(INVITE + OPTIONS)
        assert await reader.readexactly(len(INVITE + OPTIONS)) == INVITE + OPTIONS
        assert [peer.transport for _, peer in heard.messages] == ["tcp", "tcp"]
        assert sockets.contact(heard.messages[0][1]) == sockets.bound["tcp"]
        peer = heard.messages[0][1]
        writer.close()
        await until(lambda: not sockets._connections)
        sockets.send(b"nobody hears it", peer)


async def test_a_connection_that_speaks_something_else_is_ended() -> None:
    async with listening("tcp") as (sockets, heard):
        reader, writer = await asyncio.open_connection(*sockets.bound["tcp"])
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await reader.read() == b""
        writer.close()
        assert heard.messages == []


async def test_strangers_may_open_few_connections_and_without_users_none() -> None:
    async with listening("tcp", allow="10.1.2.3", has_users=True) as (sockets, _):
        opened = [await asyncio.open_connection(*sockets.bound["tcp"]) for _ in range(MAX_STRANGERS + 1)]
        await until(lambda: len(sockets._connections) == MAX_STRANGERS)
        for _, writer in opened:
            writer.close()
        await until(lambda: not sockets._connections)


async def test_tls_is_spoken(tmp_path: Path) -> None:
    certificate = made_certificate(tmp_path)
    async with listening("tls", certificate=certificate) as (sockets, heard):
        context = ssl.create_default_context(cafile=str(certificate[0]))
        reader, writer = await asyncio.open_connection(*sockets.bound["tls"], ssl=context, server_hostname="127.0.0.1")
        writer.write(OPTIONS)
        assert await reader.readexactly(len(OPTIONS)) == OPTIONS
        assert heard.messages[0][1].transport == "tls"
        writer.close()
        await writer.wait_closed()


def has_ipv6() -> bool:
    with closing(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)) as probe, suppress(OSError):
        probe.bind(("::1", 0))
        return True
    return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
async def test_the_other_family_of_addresses_is_spoken_too() -> None:
    async with listening("udp", allow="::1", host="::1") as (sockets, heard):
        loop = asyncio.get_running_loop()
        told: asyncio.Future[bytes] = loop.create_future()

        class Client(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
                told.set_result(data)

        client, _ = await loop.create_datagram_endpoint(Client, remote_addr=sockets.bound["udp"])
        client.sendto(OPTIONS)
        assert await told == OPTIONS
        assert heard.messages[0][1].host == "::1"
        client.close()


def made_certificate(folder: Path) -> tuple[Path, Path]:
    """For 127.0.0.1, by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "carlos")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private
