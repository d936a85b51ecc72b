"""The composition root: settings in, one FastAPI application out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI
from loguru import logger

from agent.call import Call, CallSetup, Line
from agent.keeper import PROCESS, Keeper
from agent.persona import BUENOS_AIRES
from agent.record import CallLog
from agent.recordings import Recordings
from agent.sonic.ahead import Ahead
from agent.sonic.breaker import CircuitBreaker
from agent.sonic.client import SonicClient
from agent.sonic.credentials import Credentials
from agent.sonic.errors import SonicError
from agent.sonic.opening import SonicConfig
from agent.sonic.protocol import ToolSpec
from agent.switchboard import Switchboard
from api.application import guard, mount, prices, record_routers
from api.console import console_routes
from api.health import health_routes, metrics_routes
from api.live import live_routes
from api.reference import reference_routes
from carlos.call_log import teller
from carlos.log.cloudwatch import CallLogGroup, open_log_group
from carlos.memory import give_back
from carlos.processes.census import Census, Everyones
from carlos.processes.handover import Handover, PutThrough
from carlos.processes.register import Register
from carlos.protection import task_protection
from carlos.settings import Settings
from carlos.standin import StandIn
from carlos.telemetry import MeasuredBackend, telemetry
from carlos.tracing import CallTrace
from data.errors import DataError
from data.open import open_store
from data.seed import seed
from data.store import Store
from telephony.asked import Asked, as_asked
from telephony.browser import BrowserLine, browser_routes
from telephony.control import CallControl
from telephony.desk import PhoneDesk
from telephony.routes import phone_routes
from tools.identity import CallContext
from tools.toolbox import Toolbox

SWEEP_S = 3600.0
LOCAL_SUSPECT_S = 10.0  # the stand-in's recogniser shares the machine with all the rest
REHEARSAL_S = 5.0  # for AWS credentials that come from far away

__all__ = ["House", "create_app", "open_house"]


@dataclass(slots=True)
class House:
    """Everything that lives as long as the server does."""

    settings: Settings
    store: Store
    sonic: SonicClient
    ahead: Ahead
    switchboard: Switchboard
    keeper: Keeper
    control: CallControl
    notice: str | None  # what a person must know: which parts are stand-ins
    recordings: Recordings
    group: CallLogGroup | None = None
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)  # one process dials one Region

    def make_call(self, log: CallLog, line: Line, memory: Mapping[str, Any]) -> Call:
        """A phone call, with tools and a verification state of its own, or with what an earlier stream's knew."""
        toolbox = self._toolbox(log, memory)
        log.memory = lambda: toolbox.memory
        return Call(log, line, self._setup(log, toolbox))

    def make_browser_call(self, log: CallLog, line: BrowserLine, asked: Asked) -> Call:
        """The same for a browser, which is shown the conversation too, and begins a new one when its socket dies."""
        setup = replace(
            self._setup(log, self._toolbox(log, address=line.address)),
            audience=line,
            earlier=asked.history,
            max_call_s=self.settings.browser_max_s,
        )
        if self.settings.browser_trust == "client":
            setup = replace(setup, sonic=lambda system, tools: as_asked(self.sonic_config(system, tools), asked))
        return Call(log, line, setup)

    def _toolbox(self, log: CallLog, memory: Mapping[str, Any] | None = None, address: str | None = None) -> Toolbox:
        record = log.record()
        context = CallContext(record.id, record.line, record.caller_number, address)
        limit_s = self.settings.tool_time_limit_s
        return Toolbox(self.store, call=context, memory=memory, time_limit_s=limit_s)

    def _setup(self, log: CallLog, toolbox: Toolbox) -> CallSetup:
        log.note(process=PROCESS)
        log.listeners.append(CallTrace(log))
        if self.group is not None:
            log.listeners.append(teller(self.group, log, prices(self.settings), texts=self.settings.call_log_texts))
        part = log.notes.get("resumed", 0)
        recording = self.recordings.path(log.id, part) if self.settings.record_calls else None
        opener = self.ahead.opener_for(log.id)
        return CallSetup(
            opener,
            toolbox,
            self.sonic_config,
            on_change=self.keeper.changed,
            recording=recording,
            breaker=self.breaker,
        )

    def sonic_config(self, system: str, tools: tuple[ToolSpec, ...]) -> SonicConfig:
        settings = self.settings
        return SonicConfig(
            model_id=settings.sonic_model_id,
            voice=settings.sonic_voice,
            system=system,
            tools=tools,
            endpointing=settings.sonic_endpointing,
            temperature=settings.sonic_temperature,
            top_p=settings.sonic_top_p,
            max_tokens=settings.sonic_max_tokens,
            suspect_s=max(settings.sonic_suspect_s, LOCAL_SUSPECT_S if self.notice else 0.0),
            answer_timeout_s=settings.sonic_answer_timeout_s,
        )


@asynccontextmanager
async def open_house(settings: Settings, register: Register | None = None) -> AsyncIterator[House]:
    """Open the store, seed it when it is empty, find Sonic, and close everything at the end.

    With a `register` seats are those of several processes, and the task is their supervisor's to protect.
    """
    standin = StandIn(settings.carlos_home, settings.local_stt_model) if needs_standin(settings) else None
    store, (sonic, notice) = await asyncio.gather(_open_records(settings), _find_sonic(settings, standin))
    house = House(
        settings,
        store,
        sonic,
        Ahead(sonic, settings.sonic_model_id),
        Switchboard(register or settings.max_calls, register.browsers if register else settings.max_browsers),
        Keeper(store),
        CallControl.from_settings(settings),
        notice,
        Recordings(settings.carlos_home),
        await _open_group(settings),
    )
    try:
        async with (
            telemetry(settings.emf_seconds, settings.metrics_namespace, watch_steps=settings.loglevel == "DEBUG"),
            _housekeeping(house),
            task_protection(settings.ecs_agent_uri if register is None else None, house.switchboard),
        ):
            yield house
    finally:
        await house.ahead.close()
        await house.keeper.settled()
        if house.group is not None:
            await house.group.close()
        await house.control.close()
        await store.close()
        if standin is not None:
            await standin.stop()


def needs_standin(settings: Settings) -> bool:
    return settings.sonic == "local" and settings.sonic_endpoint is None


@asynccontextmanager
async def _housekeeping(house: House) -> AsyncIterator[None]:
    """End the records of calls that died with their process; now and then delete recordings and give memory back."""

    async def sweep() -> None:
        while True:
            deleted = await asyncio.to_thread(house.recordings.sweep, house.settings.keep_calls_days)
            if deleted:
                logger.info("{} old recordings deleted", deleted)
            await _erase_recordings(house)
            await asyncio.sleep(SWEEP_S)

    try:
        await house.keeper.reconcile()
    except DataError as error:
        logger.error("call records not reconciled: {!r}", error)
    chores = [
        asyncio.create_task(sweep(), name="sweep recordings"),
        asyncio.create_task(give_back(house.switchboard), name="give memory back"),
    ]
    try:
        yield
    finally:
        for chore in chores:
            chore.cancel()
        await asyncio.gather(*chores, return_exceptions=True)


async def _erase_recordings(house: House) -> None:
    """Of calls that were erased elsewhere: by another server, the Lambda or an operator."""
    try:
        erased = await house.store.erased_calls()
    except DataError as error:
        logger.error("recordings of erased calls not looked for: {!r}", error)
        return
    if deleted := await asyncio.to_thread(house.recordings.erase, erased):
        logger.info("{} recordings of erased calls deleted", deleted)


async def _open_group(settings: Settings) -> CallLogGroup | None:
    if settings.call_log_group is None:
        return None
    region, endpoint = settings.aws_default_region, settings.call_log_endpoint
    group = await asyncio.to_thread(open_log_group, settings.call_log_group, region, endpoint)
    await group.start()
    return group


async def _open_records(settings: Settings) -> Store:
    store = await open_store(settings)
    store.backend = MeasuredBackend(store.backend)
    if settings.store == "sqlite" and await store.is_fresh():
        await seed(store, datetime.now(UTC).astimezone(BUENOS_AIRES).date())
    return store


async def _find_sonic(settings: Settings, standin: StandIn | None) -> tuple[SonicClient, str | None]:
    region, ping_s = settings.aws_default_region, settings.sonic_ping_s or None
    if standin is None:
        endpoint, ca_file, open_s = settings.sonic_endpoint, settings.sonic_ca_file, settings.sonic_open_timeout_s
        sonic, notice = SonicClient(region, endpoint, ca_file, ping_s=ping_s, open_timeout_s=open_s), None
    else:
        address = await standin.start()
        credentials = Credentials(address.access_key_id, address.secret_access_key)
        sonic = SonicClient(region, address.endpoint, address.ca_file, ping_s=ping_s, credentials=credentials)
        notice = address.notice
    try:
        async with asyncio.timeout(REHEARSAL_S):
            await sonic.rehearse()
    except (SonicError, TimeoutError) as error:
        logger.warning("no call can be answered as things are: {}", error or "AWS credentials took too long")
    return sonic, notice


def create_app(
    settings: Settings, on_ready: Callable[[House], None] = lambda house: None, handover: Handover | None = None
) -> FastAPI:
    """The server. `on_ready` is called once everything is open and calls can be taken. With a `handover` it is one of
    several that share a port."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_house(settings, handover.register if handover else None) as house:
            app.state.house = house
            desk = PhoneDesk(house.switchboard, house.make_call, house.control, house.ahead, house.keeper)
            phone = phone_routes(settings, desk, desk.answer, spent=house.store, call_in_path=handover is not None)
            app.include_router(phone)
            app.include_router(browser_routes(settings, house.switchboard, house.make_browser_call, spent=house.store))
            everyones = house.switchboard if handover is None else Everyones(handover.register, house.switchboard)
            mount(app, [live_routes(house.switchboard), *record_routers(settings, house.store, everyones)])
            app.include_router(metrics_routes() if handover is None else metrics_routes(Census(handover).told))
            app.include_router(reference_routes())
            app.include_router(health_routes(house.switchboard))
            app.include_router(console_routes(house.notice, tokens=settings.asks_browser_tokens))
            _rehearse(app)
            on_ready(house)
            yield

    app = FastAPI(title="Carlos", lifespan=lifespan, docs_url=None, redoc_url=None, redirect_slashes=False)
    guard(app, settings)
    if handover is not None:
        app.add_middleware(PutThrough, handover=handover)
    return app


def _rehearse(app: FastAPI) -> None:
    """Look a page up: FastAPI works its routes out at the first request, a pause of 95 ms (measured) that the first
    ring would have waited for."""
    for route in app.router.routes:
        route.matches({"type": "http", "method": "GET", "path": "/", "root_path": "", "headers": []})
