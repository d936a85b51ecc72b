"""The client's own promises: what it refuses, bounds, shares and leaves behind."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import botocore.session
import pytest
from botocore.credentials import CredentialProvider, RefreshableCredentials

from agent.sonic.errors import OrderError, SonicExpired, SonicLost, SonicRefused, SonicRejected
from agent.sonic.events import AudioInput, AudioOutput, PromptEnd, Role, SessionStart, TextStart, ToolUse
from agent.sonic.wire.client import SonicClient
from agent.sonic.wire.credentials import CredentialChain, Credentials
from agent.sonic.wire.transport import trust
from sandbox.hang import HANG_S
from sandbox.sonic.behaviour import Behaviour
from sandbox.sonic.certificates import make_certificates
from sandbox.sonic.faults import Fault, Reject, Silence
from sandbox.sonic.script import Say, ScriptTurn, UseTool
from tests.sonic.sonic_bench import MODEL, bench, cue, failure, opening, refusal, rest, result, silence, text, until
from tests.support.sonic import KEYS
from tests.support.waiting import until as until_true

GREETING = [ScriptTurn((Say("Hola."),))]


async def test_a_wrong_secret_is_refused(tmp_path: Path) -> None:
    async with bench(tmp_path) as at, at.stream(at.client(secret="GUESS")) as stream:
        assert "403" in await refusal(stream, SonicRefused)
        assert at.server.requests == 1
        assert not at.server.sessions


async def test_a_chunk_signed_out_of_order_is_refused(tmp_path: Path) -> None:
    async with bench(tmp_path) as at, at.stream() as stream:
        await stream.send(*opening())
        (await at.arrival(AudioInput))._verifier._prior = "0" * 64
        await stream.send(silence(0.02))
        assert "signature does not match" in await failure(stream, SonicRejected)


async def test_an_unknown_model_is_refused(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        stream = await at.client().open("amazon.nova-pro-v1:0")
        assert "model identifier is invalid" in await refusal(stream, SonicRefused)
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
        assert "Invalid input request" in await failure(stream, SonicRejected)


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
        assert await failure(stream, SonicRejected)


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
        await client.warm_up()
        for moment in range(40):
            opening_stream = asyncio.create_task(client.open(MODEL))
            await asyncio.sleep(0.0004 * moment)  # an open takes 4 to 15 ms
            opening_stream.cancel()
            await asyncio.wait({opening_stream})
            if not opening_stream.cancelled():
                await opening_stream.result().close()
        await until_true(lambda: not at.server.connections)


async def test_a_rehearsal_connects_to_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        await at.client().warm_up()
        assert (at.server.connections, at.server.open_streams) == (0, 0)


async def test_an_open_stream_has_no_task(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        client = at.client()
        before = asyncio.all_tasks()
        stream = await client.open(MODEL)
        tasks = asyncio.all_tasks() - before
        for _ in range(10):  # turns of the loop, in which those end that made the request
            await asyncio.sleep(0)
        assert not any("sonic" in str(task) for task in tasks if not task.done())
        assert not {task for task in tasks if "smithy" in str(task) and not task.done()}
        await stream.close()


async def test_many_may_wait_for_the_head_and_be_cancelled(tmp_path: Path) -> None:
    async with bench(tmp_path) as at, at.stream() as stream:
        waiting = [asyncio.create_task(stream.opened()) for _ in range(3)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        waiting[0].cancel()
        await stream.send(*opening())
        await asyncio.gather(*waiting[1:], stream.opened())
        assert waiting[0].cancelled()


async def test_whoever_waits_for_the_head_learns_that_it_never_comes(tmp_path: Path) -> None:
    async with bench(tmp_path, faults=[Fault(Silence())]) as at, at.stream(at.client(open_s=0.2)) as stream:
        await stream.send(*opening())
        with pytest.raises(SonicLost, match=r"no response headers within 0\.2 s"):
            await stream.opened()
    with pytest.raises(SonicLost):
        await stream.opened()


async def test_a_refused_streams_head_never_comes(tmp_path: Path) -> None:
    reject = Fault(Reject(403, "AccessDeniedException", "no"))
    async with bench(tmp_path, faults=[reject]) as at, at.stream() as stream:
        with pytest.raises(SonicRefused, match="no"):
            await stream.opened()


async def test_a_closed_streams_head_never_comes(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        stream = await at.client().open(MODEL)
        waiting = asyncio.create_task(stream.opened())
        await stream.close()
        with pytest.raises(SonicLost, match="closed"):
            await waiting


async def test_a_close_never_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError("unforeseen")

    async with bench(tmp_path) as at:
        stream = await at.client().open(MODEL)
        await stream.send(*opening())
        monkeypatch.setattr(stream._signer, "last", fail)
        closing = stream._exchange.close

        async def close(timeout_s: float) -> None:
            await closing(timeout_s)
            fail()

        monkeypatch.setattr(stream._exchange, "close", close)
        await stream.close()
        assert await stream.receive() is None


async def test_a_wire_that_carries_nothing_more_is_lost(tmp_path: Path) -> None:
    async with bench(tmp_path) as at, cut(at.server.port) as (port, pull_the_plug):
        keys = Credentials(KEYS.access_key_id, KEYS.secret_access_key)
        endpoint = f"https://localhost:{port}"
        client = SonicClient("us-east-1", endpoint, at.server.ca_file, ping_s=0.05, credentials=keys)
        async with at.stream(client) as stream:
            await stream.send(*opening())
            await stream.opened()
            pull_the_plug()
            assert "not even the answer to a PING" in await failure(stream, SonicLost)


@asynccontextmanager
async def cut(port: int) -> AsyncIterator[tuple[int, Callable[[], None]]]:
    """A TCP proxy to `port`: its own port, and what makes it swallow all that comes."""
    forwarding = True
    tasks: set[asyncio.Task[None]] = set()

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                if forwarding:
                    writer.write(data)
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", port)
        tasks.update(asyncio.create_task(pipe(*ends)) for ends in ((reader, onward_writer), (onward_reader, writer)))

    def pull_the_plug() -> None:
        nonlocal forwarding
        forwarding = False

    proxy = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield proxy.sockets[0].getsockname()[1], pull_the_plug
    finally:
        proxy.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_expired_keys_are_not_used_again(tmp_path: Path) -> None:
    expired = Fault(Reject(403, "ExpiredTokenException", "The security token is expired"), streams=(1,))
    keys = Keychain()
    async with bench(tmp_path, faults=[expired]) as at:
        client = SonicClient("us-east-1", at.server.endpoint, at.server.ca_file, credentials=keys)
        async with at.stream(client) as stream:
            assert "ExpiredTokenException: The security token is expired" in await refusal(stream, SonicExpired)
        async with at.stream(client) as stream:
            await stream.send(*opening())
            await stream.opened()
    assert keys.forgotten == 1


class Keychain:
    def __init__(self) -> None:
        self.forgotten = 0

    async def resolve(self) -> Credentials:
        return Credentials(KEYS.access_key_id, KEYS.secret_access_key)

    def forget(self) -> None:
        self.forgotten += 1


async def test_the_chain_looks_again_for_keys_that_it_forgot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "S")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    chain, seen = CredentialChain(), []
    for key, forgotten in (("AK1", False), ("AK2", False), ("AK3", True)):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
        if forgotten:
            chain.forget()
        seen.append((await chain.resolve()).access_key_id)
    assert seen == ["AK1", "AK1", "AK3"]


async def test_an_unused_stream_closes_at_once(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        stream = await at.client().open(MODEL)
        await stream.close()
        assert await stream.receive() is None


def client_of(endpoint: str, ca_file: Path | None = None, *, token: str | None = None, **bounds: float) -> SonicClient:
    keys = Credentials(KEYS.access_key_id, KEYS.secret_access_key, token)
    return SonicClient("us-east-1", endpoint, ca_file, credentials=keys, **{"open_timeout_s": HANG_S} | bounds)


async def test_nothing_listening_is_lost_at_open() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        client = client_of(f"https://localhost:{free.getsockname()[1]}")
        with pytest.raises(SonicLost, match="ConnectionRefusedError"):
            await client.open(MODEL)


async def test_an_untrusted_server_is_lost_and_told_by_its_certificate(tmp_path: Path) -> None:
    other_ca, _ = make_certificates(tmp_path / "other")
    async with bench(tmp_path) as at:
        client = client_of(at.server.endpoint, other_ca)
        with pytest.raises(SonicLost, match="CERTIFICATE_VERIFY_FAILED"):
            await client.open(MODEL)


async def test_a_server_that_never_shakes_hands_is_lost_within_the_open_bound() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        endpoint = f"https://localhost:{deaf.getsockname()[1]}"
        client = client_of(endpoint, open_timeout_s=0.3)
        with pytest.raises(SonicLost, match=r"within 0\.3 s"):
            await client.open(MODEL)


async def test_streams_share_their_trust_but_no_connection(tmp_path: Path) -> None:
    async with bench(tmp_path) as at, at.stream() as one, at.stream() as other:
        assert one._exchange is not other._exchange
        shared = trust(at.server.ca_file)
        assert trust(at.server.ca_file) is shared
        make_certificates(tmp_path)  # a stand-in that starts again writes a new CA to the old place
        assert trust(at.server.ca_file) is not shared


async def test_small_events_do_not_wait_for_acknowledgements_and_lost_ones_are_noticed(tmp_path: Path) -> None:
    async with bench(tmp_path) as at, at.stream() as stream:
        assert stream._exchange._transport is not None
        connection = stream._exchange._transport.get_extra_info("socket")
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 3000


async def test_the_chain_reads_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "SECRETENV")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "TOKENENV")
    assert await CredentialChain().resolve() == Credentials("AKENV", "SECRETENV", "TOKENENV")


async def test_the_chain_reads_a_profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("[carlos]\naws_access_key_id = AKPROF\naws_secret_access_key = S\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_PROFILE", "carlos")
    assert await CredentialChain().resolve() == Credentials("AKPROF", "S")


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
    chain = CredentialChain()
    first, second = await chain.resolve(), await chain.resolve()
    assert first != second
    assert second.access_key_id == fetched[-1]


async def test_temporary_credentials_reach_the_wire(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        client = client_of(at.server.endpoint, at.server.ca_file, token="TOKEN")
        async with at.stream(client) as stream:
            assert "UnrecognizedClientException" in await refusal(stream, SonicRefused)
