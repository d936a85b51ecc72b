"""The whole server in this process, between the Twilio double and the Sonic stand-in: both wires are real."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from agent.audio.ulaw import ulaw_encode
from carlos.app import House, create_app
from carlos.settings import Settings
from carlos.websocket import SwiftWebSocket
from data.models import CallRecord
from sandbox.brain import Brain
from sandbox.sonic.faults import Fault
from sandbox.sonic.server import SonicServer
from sandbox.sonic.signature import Keys
from sandbox.twilio.call import PhoneCall
from sandbox.twilio.caller import Manners, RecordedCaller
from sandbox.twilio.double import TwilioDouble
from sandbox.twilio.script import Turn
from telephony.media import WS_MAX_SIZE

KEYS = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI")


@dataclass
class Running:
    """What a test may look at and do."""

    house: House
    sonic: SonicServer
    twilio: TwilioDouble
    server: uvicorn.Server
    base_url: str

    async def call(self, turns: Sequence[Turn], number: str = "+5491155550100") -> PhoneCall:
        """Place a call and hold it to its end."""
        call = self.twilio.dial(RecordedCaller(turns, Manners(patience_ms=60_000)), number)
        await asyncio.wait_for(call.run(), 600)
        return call

    async def record_of(self, call: PhoneCall) -> CallRecord:
        async with asyncio.timeout(10):
            while call.sid in self.house.switchboard.live:
                await asyncio.sleep(0.01)
        await self.house.keeper.settled()
        record = await self.house.store.call(call.sid)
        assert record is not None
        return record


@asynccontextmanager
async def running(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    brain: Callable[[], Brain],
    faults: Sequence[Fault] = (),
    **settings: Any,
) -> AsyncIterator[Running]:
    """Everything on loopback and free ports; credentials come from the environment, as botocore's chain finds them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS.secret_access_key)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    sonic = SonicServer(brain, credentials=KEYS, ca_dir=home, faults=faults)
    await sonic.start()
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        base_url = f"http://localhost:{sock.getsockname()[1]}"
        async with TwilioDouble(base_url) as twilio:
            config = Settings(
                _env_file=None,
                ws_port=sock.getsockname()[1],
                carlos_home=home,
                sonic="bedrock",
                sonic_endpoint=sonic.endpoint,
                sonic_ca_file=sonic.ca_file,
                public_base_url=base_url,
                twilio_account_sid=twilio.account.sid,
                twilio_auth_token=twilio.account.auth_token,
                twilio_api_base=twilio.rest.base_url,
                **settings,
            )
            house: asyncio.Future[House] = asyncio.get_running_loop().create_future()
            app = create_app(config, house.set_result)
            server = uvicorn.Server(
                uvicorn.Config(app, log_config=None, ws=SwiftWebSocket, ws_max_size=WS_MAX_SIZE, lifespan="on")
            )
            serving = asyncio.create_task(server.serve([sock]))
            try:
                yield Running(await asyncio.wait_for(house, 20), sonic, twilio, server, base_url)
            finally:
                server.should_exit = True
                await serving
    await sonic.stop()


def environment(home: Path, sonic: SonicServer, twilio: TwilioDouble) -> dict[str, str]:
    """For a server in a process of its own, between these two."""
    return {
        "AWS_ACCESS_KEY_ID": KEYS.access_key_id,
        "AWS_SECRET_ACCESS_KEY": KEYS.secret_access_key,
        "CARLOS_HOME": str(home),
        "HOST": "localhost",
        "SONIC": "bedrock",
        "SONIC_CA_FILE": str(sonic.ca_file),
        "SONIC_ENDPOINT": sonic.endpoint,
        "TWILIO_ACCOUNT_SID": twilio.account.sid,
        "TWILIO_API_BASE": twilio.rest.base_url,
        "TWILIO_AUTH_TOKEN": twilio.account.auth_token,
    }


def noise(seconds: float) -> Turn:
    """A caller's turn that an ear for energy takes for speech."""
    pcm = b"".join(int(9000 * (-1) ** n).to_bytes(2, "little", signed=True) for n in range(int(seconds * 8000)))
    return Turn(say="…", audio=ulaw_encode(pcm))
