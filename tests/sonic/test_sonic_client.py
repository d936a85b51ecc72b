"""The client's own promises: what it refuses, bounds, shares and leaves behind."""

from __future__ import annotations

import asyncio
import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import botocore.session
import pytest
from botocore.credentials import CredentialProvider, RefreshableCredentials

from agent.sonic.client import SonicClient
from agent.sonic.credentials import Chain, Credentials
from agent.sonic.errors import OrderError, SonicLost, SonicRefused
from agent.sonic.protocol import AudioInput, AudioOutput, PromptEnd, Role, SessionStart, TextStart, ToolUse
from agent.sonic.transport import shared_transport
from sandbox.sonic.behaviour import Behaviour
from sandbox.sonic.certificates import make_certificates
from sandbox.sonic.script import Say, ScriptTurn, UseTool
from tests.sonic.sonic_bench import MODEL, bench, cue, failure, opening, rest, result, silence, text, until

GREETING = [ScriptTurn((Say("Hola."),))]


async def test_a_wrong_secret_is_refused(tmp_path: Path) -> None:
    async with bench(tmp_path) as at, at.stream(at.client(secret="GUESS")) as stream:
        await stream.send(*opening()[:1])
        assert "403" in await failure(stream, SonicRefused)
        assert at.server.requests == 1
        assert not at.server.sessions


async def test_a_chunk_signed_out_of_order_is_refused(tmp_path: Path) -> None:
    async with bench(tmp_path) as at, at.stream() as stream:
        await stream.send(*opening())
        (await at.arrival(AudioInput))._verifier._prior = "0" * 64
        await stream.send(silence(0.02))
        assert "signature does not match" in await failure(stream, SonicRefused)


async def test_an_unknown_model_is_refused(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        stream = await at.client().open("amazon.nova-pro-v1:0")
        await stream.send(*opening()[:1])
        assert "model identifier is invalid" in await failure(stream, SonicRefused)
        await stream.close()


async def test_the_versioned_model_id_survives_the_path(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        stream = await at.client().open("amazon.nova-2-sonic-v1:0")
        await stream.send(*opening())
        await at.arrival(AudioInput)
        await stream.close()
        assert at.record.model_id == "amazon.nova-2-sonic-v1:0"


async def test_a_mistake_of_ours_is_caught_before_it_costs_the_stream(tmp_path: Path) -> None:
    async with bench(tmp_path, GREETING) as at, at.stream() as stream:
        await stream.send(*opening())
        with pytest.raises(OrderError):
            await stream.send(PromptEnd("prompt"))
        await stream.send(*cue())
        await until(stream, lambda event: isinstance(event, AudioOutput))
        assert at.record.errors == []


async def test_a_wrong_order_on_the_wire_is_refused_in_the_services_words(tmp_path: Path) -> None:
    async with bench(tmp_path) as at, at.stream() as stream:
        stream.order.check(SessionStart(1, 0.9, 0.7))  # our own side believes that it was sent
        await stream.send(*opening()[1:])
        assert "Invalid input request" in await failure(stream, SonicRefused)


async def test_a_duplicate_system_text_is_refused_in_the_services_words(tmp_path: Path) -> None:
    async with bench(tmp_path) as at, at.stream() as stream:
        await stream.send(*opening()[:5])
        assert stream.order.prompt is not None
        stream.order.prompt.has_system = False
        await stream.send(*text(Role.SYSTEM, "Sos otro."))
        assert "Duplicate SYSTEM content" in await failure(stream, SonicRefused)


async def test_an_unknown_tool_use_id_is_refused_on_both_sides(tmp_path: Path) -> None:
    async with bench(tmp_path, [ScriptTurn((UseTool("consultarOrden"),))]) as at, at.stream() as stream:
        await stream.send(*opening(), *cue())
        await until(stream, lambda event: isinstance(event, ToolUse))
        with pytest.raises(OrderError):
            await stream.send(*result("made-up", "{}"))
        stream.order.awaited_tools.add("made-up")
        await stream.send(*result("made-up", "{}"))
        assert await failure(stream, SonicRefused)


async def test_a_cancelled_receive_loses_no_event(tmp_path: Path) -> None:
    async with bench(tmp_path, GREETING, behaviour=Behaviour()) as at, at.stream() as stream:
        await stream.send(*opening(), *cue())
        for _ in range(20):
            waiting = asyncio.create_task(stream.receive())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait({waiting})
        await until(stream, lambda event: isinstance(event, AudioOutput))


async def test_blocks_of_two_tasks_never_mix(tmp_path: Path) -> None:
    async with bench(tmp_path, GREETING) as at, at.stream() as stream:
        await stream.send(*opening())
        before = len((await at.arrival(AudioInput)).received)
        await asyncio.gather(*(stream.send(*text(Role.USER, f"Nota {i}.")) for i in range(20)))
        await stream.send(*cue())
        await until(stream, lambda event: isinstance(event, AudioOutput))
        blocks = at.record.received[before:]
        starts = [event for event in blocks if isinstance(event, TextStart)]
        assert len(starts) == 21
        for i, start in enumerate(starts):
            block = blocks[3 * i : 3 * i + 3]
            assert block[0] is start
            assert {getattr(event, "content_name", None) for event in block} == {start.content_name}


async def test_a_closed_stream_says_so(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        stream = await at.client().open(MODEL)
        await stream.send(*opening())
        await asyncio.gather(stream.close(), stream.close())
        with pytest.raises(SonicLost, match="closed"):
            await stream.send(silence(0.02))
        await rest(stream)  # what was told before
        assert await stream.receive() is None


async def test_a_close_goes_on_when_its_caller_is_cancelled(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        stream = await at.client().open(MODEL)
        await stream.send(*opening())
        closing = asyncio.create_task(stream.close())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait({closing})
        assert closing.cancelled()
        await stream.close()
        assert at.server.open_streams == 0


async def test_an_open_cancelled_at_any_moment_leaves_no_connection(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        client = at.client()
        await client.rehearse()
        for moment in range(40):
            opening_stream = asyncio.create_task(client.open(MODEL))
            await asyncio.sleep(0.0004 * moment)  # an open takes 4 to 15 ms
            opening_stream.cancel()
            await asyncio.wait({opening_stream})
            if not opening_stream.cancelled():
                await opening_stream.result().close()
        async with asyncio.timeout(10):
            while at.server.connections:  # noqa: ASYNC110 - the server's end of a close comes from the network
                await asyncio.sleep(0.01)


async def test_a_rehearsal_connects_to_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        await at.client().rehearse()
        assert (at.server.connections, at.server.open_streams) == (0, 0)


async def test_an_unused_stream_closes_at_once(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        stream = await at.client().open(MODEL)
        await stream.close()
        assert await stream.receive() is None


async def test_nothing_listening_is_lost_at_open() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        client = SonicClient(
            "us-east-1", f"https://localhost:{free.getsockname()[1]}", credentials=Credentials("AKID", "SECRET")
        )
        with pytest.raises(SonicLost, match="ConnectionRefusedError"):
            await client.open(MODEL)


async def test_an_untrusted_server_is_lost_and_told_by_its_certificate(tmp_path: Path) -> None:
    other_ca, _ = make_certificates(tmp_path / "other")
    async with bench(tmp_path) as at:
        keys = Credentials("AKID", "SECRET")
        client = SonicClient("us-east-1", at.server.endpoint, other_ca, credentials=keys)
        with pytest.raises(SonicLost, match="CERTIFICATE_VERIFY_FAILED"):
            await client.open(MODEL)


async def test_a_server_that_never_shakes_hands_is_lost_within_the_open_bound() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        endpoint = f"https://localhost:{deaf.getsockname()[1]}"
        client = SonicClient("us-east-1", endpoint, open_timeout_s=0.3, credentials=Credentials("AKID", "SECRET"))
        with pytest.raises(SonicLost, match=r"within 0\.3 s"):
            await client.open(MODEL)


async def test_streams_share_their_trust_but_no_connection(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        shared = shared_transport(at.server.ca_file)
        one, other = shared.for_stream(), shared.for_stream()
        assert one.tls is other.tls
        assert one.exchange is not other.exchange
        make_certificates(tmp_path)  # a stand-in that starts again writes a new CA to the old place
        assert shared_transport(at.server.ca_file) is not shared


async def test_small_events_do_not_wait_for_acknowledgements(tmp_path: Path) -> None:
    async with bench(tmp_path) as at, at.stream():
        assert list(nodelay_of_connections_to(at.server.port)) == [True]


def nodelay_of_connections_to(port: int) -> list[bool]:
    found = []
    for name in os.listdir("/dev/fd"):
        try:
            connection = socket.socket(fileno=os.dup(int(name)))
        except OSError:
            continue
        with connection:
            if connection.family in (socket.AF_INET, socket.AF_INET6):
                try:
                    peer = connection.getpeername()[1]
                except OSError:
                    continue
                if peer == port:
                    found.append(bool(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
    return found


async def test_the_chain_reads_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "SECRETENV")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "TOKENENV")
    assert await Chain().resolve() == Credentials("AKENV", "SECRETENV", "TOKENENV")


async def test_the_chain_reads_a_profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("[carlos]\naws_access_key_id = AKPROF\naws_secret_access_key = S\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_PROFILE", "carlos")
    assert await Chain().resolve() == Credentials("AKPROF", "S")


@pytest.mark.parametrize("profile", [None, "nobody"])
async def test_without_credentials_an_open_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, profile: str | None
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    if profile:
        monkeypatch.setenv("AWS_PROFILE", profile)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(SonicRefused, match="AWS credentials"):
        await SonicClient("us-east-1", "https://localhost:1").open(MODEL)


async def test_role_credentials_are_refreshed_for_the_next_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []

    def fetch() -> dict[str, str]:
        fetched.append(f"AK{len(fetched)}")
        soon = datetime.now(UTC) + timedelta(seconds=30)  # botocore refreshes in the last ten minutes
        return {"access_key": fetched[-1], "secret_key": "S", "token": "T", "expiry_time": soon.isoformat()}

    class Role(CredentialProvider):
        def load(self) -> RefreshableCredentials:
            return RefreshableCredentials.create_from_metadata(fetch(), fetch, "role")

    monkeypatch.setattr(botocore.session.Session, "get_credentials", lambda self: Role().load())
    chain = Chain()
    first, second = await chain.resolve(), await chain.resolve()
    assert first != second
    assert second.access_key_id == fetched[-1]


async def test_temporary_credentials_reach_the_wire(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        client = SonicClient(
            "us-east-1", at.server.endpoint, at.server.ca_file, credentials=Credentials("AKID", "SECRET", "TOKEN")
        )
        async with at.stream(client) as stream:
            await stream.send(*opening()[:1])
            assert "UnrecognizedClientException" in await failure(stream, SonicRefused)
