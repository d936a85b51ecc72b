"""The whole server in this process, between the Twilio double and the Sonic stand-in: both wires are real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
import uvicorn

from agent.audio.ulaw import ulaw_encode
from carlos.app import Services, create_app
from carlos.websocket import FastWebSocket
from common.settings import Settings
from data.models import CallRecord
from sandbox.brain import Brain
from sandbox.hang import HANG_S
from sandbox.sonic.faults import Fault
from sandbox.sonic.server import SonicServer
from sandbox.twilio.call import PhoneCall
from sandbox.twilio.caller import Manners, RecordedCaller
from sandbox.twilio.double import TwilioDouble
from sandbox.twilio.script import FACTS, Turn
from tests.support.patience import be_patient
from tests.support.servers import loopback, serving
from tests.support.sonic import AWS_KEYS, PATIENT, aws_keys, sonic
from tests.support.waiting import until

# Waits for Carlos however long he takes: a busy machine stalls in mid-sentence, and hangs up late.
PATIENT_MANNERS = Manners(patience_ms=60_000, linger_ms=60_000, stall_ms=60_000)


@dataclass
class Running:
    """What a test may look at and do."""

    services: Services
    sonic: SonicServer
    twilio: TwilioDouble
    server: uvicorn.Server
    base_url: str

    async def call(self, turns: Sequence[Turn], number: str = "+5491155550100") -> PhoneCall:
        """Place a call and hold it to its end."""
        call = self.twilio.dial(RecordedCaller(turns, PATIENT_MANNERS), number)
        async with asyncio.timeout(10 * HANG_S):  # a call takes its time: it is in real time
            await call.run()
        return call

    async def record_of(self, call: PhoneCall) -> CallRecord:
        await until(lambda: call.sid not in self.services.active_calls.live)
        await self.services.record_writer.settled()
        record = await self.services.store.call(call.sid)
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
    aws_keys(monkeypatch)
    be_patient(monkeypatch)
    copy(FACTS, home)  # callers say "pasado mañana" on whatever day it is
    async with AsyncExitStack() as stack:
        standin = await stack.enter_async_context(sonic(home, brain))
        listener = stack.enter_context(loopback())
        port: int = listener.getsockname()[1]
        base_url = f"http://localhost:{port}"
        twilio = await stack.enter_async_context(TwilioDouble(base_url))
        config = Settings(
            _env_file=None,
            ws_port=port,
            carlos_home=home,
            sonic="bedrock",
            sonic_endpoint=standin.endpoint,
            sonic_ca_file=standin.ca_file,
            public_base_url=base_url,
            twilio_account_sid=twilio.account.sid,
            twilio_auth_token=twilio.account.auth_token,
            twilio_api_base=twilio.rest.base_url,
            **(PATIENT | settings),
        )
        services: asyncio.Future[Services] = asyncio.get_running_loop().create_future()
        app = create_app(config, services.set_result)
        server = await stack.enter_async_context(serving(app, listener, ws=FastWebSocket, lifespan="on"))
        await until(services.result().readiness.may_have_calls)
        await until(lambda: not standin.open_streams)
        _forget_the_probe(standin, faults)
        yield Running(services.result(), standin, twilio, server, base_url)


def _forget_the_probe(standin: SonicServer, faults: Sequence[Fault]) -> None:
    """Streams are counted from the first call's."""
    standin.sessions.clear()
    standin.requests = 0
    standin.faults[:] = faults


def environment(home: Path, sonic: SonicServer, twilio: TwilioDouble) -> dict[str, str]:
    """For a server in a process of its own, between these two."""
    return {
        **AWS_KEYS,
        **{name.upper(): str(seconds) for name, seconds in PATIENT.items()},
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
