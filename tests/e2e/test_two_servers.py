"""Two servers over one store: the ring comes to one, the media to the other."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from carlos.app import Services, create_app
from carlos.websocket import FastWebSocket
from common.settings import Settings
from sandbox.balancer import Balancer
from sandbox.sonic.script import Say, ScriptTurn, scripted
from sandbox.twilio.caller import RecordedCaller
from sandbox.twilio.double import TwilioDouble
from tests.e2e.running import PATIENT_MANNERS
from tests.support.patience import be_patient
from tests.support.servers import loopback, serving
from tests.support.sonic import PATIENT, aws_keys, sonic
from tests.support.waiting import bounded, until

pytestmark = pytest.mark.slow

STORY = ScriptTurn((Say("Te cuento una historia muy larga. " * 20),))


async def test_media_at_another_server_than_the_ring_leaves_one_stream_and_one_seat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws_keys(monkeypatch)
    be_patient(monkeypatch)
    balancer = Balancer()
    patient: dict[str, Any] = PATIENT
    async with AsyncExitStack() as stack:
        standin = await stack.enter_async_context(sonic(tmp_path, scripted([STORY])))
        await stack.enter_async_context(balancer.balancing())
        base_url = f"http://localhost:{balancer.port}"
        twilio = await stack.enter_async_context(TwilioDouble(base_url))
        servers: list[Services] = []
        for _ in range(2):  # one after the other: the first seeds the store
            listener = stack.enter_context(loopback())
            port: int = listener.getsockname()[1]
            config = Settings(
                _env_file=None,
                ws_port=port,
                carlos_home=tmp_path,
                sonic="bedrock",
                sonic_endpoint=standin.endpoint,
                sonic_ca_file=standin.ca_file,
                sonic_region_streams="1",
                sonic_headroom=0,
                fleet_leases="on",
                public_base_url=base_url,
                twilio_account_sid=twilio.account.sid,
                twilio_auth_token=twilio.account.auth_token,
                twilio_api_base=twilio.rest.base_url,
                **patient,
            )
            app = create_app(config, servers.append)
            await stack.enter_async_context(serving(app, listener, ws=FastWebSocket, lifespan="on"))
            (balancer.media_targets if balancer.targets else balancer.targets).append(port)
        rang, talks = servers
        call = twilio.dial(RecordedCaller([], PATIENT_MANNERS), "+5491155550100")
        placed = asyncio.create_task(call.run())
        await until(lambda: call.sid in talks.active_calls.live and standin.open_streams)
        await until(lambda: not rang.active_calls.capacity.holds(call.sid))
        assert standin.open_streams == 1
        assert [len(server.sonic.fleet.leased) for server in servers] == [0, 1]
        assert [server.active_calls.capacity.taken for server in servers] == [0, 1]

        second = twilio.dial(RecordedCaller([], PATIENT_MANNERS), "+5491155550101")
        async with bounded():
            await second.run()
        assert [type(verb).__name__ for verb in second.verbs] == ["Say", "Hangup"], "the Region's only stream is taken"

        call.hang_up()
        async with bounded():
            await placed
        await until(lambda: not standin.open_streams and not talks.sonic.fleet.leased)
        assert [server.active_calls.capacity.taken for server in servers] == [0, 0]
