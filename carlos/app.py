"""The composition root: settings in, one FastAPI application out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from loguru import logger

from agent.active_calls import ActiveCalls
from agent.call import Call, CallSetup
from agent.call_recording import RecordingSetup
from agent.caller_limits import CallerLimits
from agent.capacity import CallCapacity
from agent.floor import FloorTimes
from agent.line import Line
from agent.passing_on import Reasons
from agent.readiness import Part, Readiness
from agent.record_writer import PROCESS, CallRecordWriter
from agent.sonic.errors import SonicError
from agent.sonic.events import ToolSpec
from agent.sonic.opening import SonicConfig
from agent.sonic.preconnect import StreamPreconnector
from agent.sonic.probe import probe
from agent.sonic.session import Opener, Stream
from agent.sonic.wire.client import SonicClient
from agent.sonic.wire.credentials import Credentials
from agent.transcript import CallTranscript
from api.application import guard, mount, prices, record_routers
from api.console import console_routes
from api.docs_page import docs_routes
from api.health import health_routes, metrics_routes
from api.line import line_routes
from api.live import live_routes
from carlos.call_log import cloudwatch_listener
from carlos.memory import collect_ended, give_back
from carlos.processes.aggregate import ProcessMetrics, SharedCalls
from carlos.processes.handover import Handover, PutThrough
from carlos.processes.register import Register
from carlos.protection import task_protection
from carlos.readiness import ToldOpener, faults_of_calls, told_by_store, watched
from carlos.sonic_fleet import SonicFleet
from carlos.standin import StandIn, takes
from carlos.telemetry import MeasuredBackend, emf_interval, telemetry
from carlos.webhooks.delivery import WebhookDelivery
from common.log import error_text
from common.log.cloudwatch import CallLogGroup, open_log_group
from common.settings import Settings
from common.tasks import TaskSet
from common.times import BUENOS_AIRES
from common.tracing import CallTrace
from data.answers import for_prompt
from data.errors import DataError
from data.open import open_store
from data.operators.seed import seed
from data.reach import reach
from data.recordings import Recordings
from data.store import Store
from telephony.admission import Door, DoorPolicy
from telephony.browser.client_setup import ClientSetup, with_client_setup
from telephony.browser.line import BrowserLine, browser_routes
from telephony.carrier import Carrier, Listening
from telephony.carriers import carriers_of, message_routes, messages_of
from telephony.closed_line import StoredCallBacks
from telephony.phone_calls import PhoneCalls
from telephony.spent_nonces import OutlastingNonces
from telephony.transfers import Transfers, WhoIsThere
from tools.business.callbacks import ASK_CALLBACK
from tools.catalogue import NAMES
from tools.follow_up import FollowUps
from tools.identity import CallContext
from tools.toolbox import Toolbox

SWEEP_INTERVAL_S = 3600.0
UPLOADS_TIMEOUT_S = 20.0  # for the recordings of the last calls, when the server ends
LOCAL_SUSPECT_S = 10.0  # the stand-in's recogniser shares the machine with all the rest
FACTS_LIMIT_S = 0.5  # for a look at the facts of the business while a stream opens
WARM_UP_TIMEOUT_S = 5.0  # for AWS credentials that come from far away

__all__ = ["Services", "create_app", "open_services"]


@dataclass(frozen=True, slots=True)
class FactsMeanwhile:
    """Opens streams (agent.sonic.session.Opener), and looks at the facts of the business while it waits for one: its
    prompt has them as they are then, and no call waits for the look."""

    opener: Opener
    store: Store

    async def open(self, model_id: str) -> Stream:
        look = asyncio.create_task(self._look())
        try:
            return await self.opener.open(model_id)
        finally:
            await look

    async def _look(self) -> None:
        """Where the store is slow, the facts stay as they were."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FACTS_LIMIT_S):
                await self.store.facts()


@dataclass(slots=True)
class Services:
    """Everything that lives as long as the server does."""

    settings: Settings
    store: Store
    sonic: SonicFleet
    preconnector: StreamPreconnector
    active_calls: ActiveCalls
    record_writer: CallRecordWriter
    carriers: Sequence[Carrier]
    notice: str | None  # what a person must know: which parts are stand-ins
    recordings: Recordings
    group: CallLogGroup | None = None
    uploads: TaskSet = field(default_factory=TaskSet)  # of recordings, on their way to where they are kept
    follow_ups: FollowUps | None = None  # messages for callers, where they are sent any
    reasons: Reasons = lambda: None  # for which a person could take a caller now
    readiness: Readiness = field(default_factory=Readiness)

    def __post_init__(self) -> None:
        if any(self._passes_on(carrier) for carrier in self.carriers):
            there = WhoIsThere(self.settings.people, self.store)
            self.reasons = lambda: None if self.readiness.fails(Part.STORE) else there()  # it holds who waits

    def make_call(self, log: CallTranscript, line: Line, memory: Mapping[str, Any]) -> Call:
        """Return a phone call, with tools and a verification state of its own, or with those of an earlier stream."""
        toolbox = self._toolbox(log, memory)
        log.memory = lambda: toolbox.memory
        return Call(log, line, self._setup(log, toolbox))

    def phone_calls(self, carrier: Carrier) -> PhoneCalls:
        """Return what handles the calls of one carrier."""
        return PhoneCalls(
            self.active_calls,
            self.make_call,
            carrier,
            self.preconnector,
            self.record_writer,
            self._transfers(carrier),
            door=Door(DoorPolicy.of(self.settings), self.active_calls.capacity, self.store.facts),
            callbacks=StoredCallBacks(self.store) if self.settings.callbacks else None,
            fleet=self.sonic.fleet,
        )

    def _transfers(self, carrier: Carrier) -> Transfers | None:
        """Return what passes a carrier's callers on, None where that cannot be done."""
        if not self._passes_on(carrier):
            return None
        settings = self.settings
        return Transfers(
            self.store,
            settings.people,
            carrier.person_line,
            ring_s=settings.transfer_ring_s,
            cold=self._is_cold(carrier),
            caller_id=settings.transfer_from,
        )

    def _passes_on(self, carrier: Carrier) -> bool:
        return bool(self.settings.people) and (self._is_cold(carrier) or carrier.person_line is not None)

    def _is_cold(self, carrier: Carrier) -> bool:
        refers = isinstance(carrier, Listening) and carrier.person_line is None
        return self.settings.transfer_mode == "cold" or refers

    def make_browser_call(self, log: CallTranscript, line: BrowserLine, client_setup: ClientSetup) -> Call:
        """Return the same for a browser: it is shown the conversation, and begins a new one when its socket dies, or
        goes on with it if it asked for that."""
        toolbox = self._toolbox(log, client_setup.memory, line.address)
        line.memory = lambda: toolbox.memory
        setup = replace(
            self._setup(log, toolbox),
            observer=line,
            earlier=client_setup.history,
            max_call_s=self.settings.browser_max_s,
            hangs_up=client_setup.call is not None,
        )
        if client_setup.call is not None and not client_setup.call.greet:
            setup = replace(setup, sonic=lambda system, tools: replace(self.sonic_config(system, tools), greeting=None))
        if self.settings.browser_trust == "client":
            setup = replace(
                setup, sonic=lambda system, tools: with_client_setup(self.sonic_config(system, tools), client_setup)
            )
        return Call(log, line, setup)

    def _toolbox(
        self, log: CallTranscript, memory: Mapping[str, Any] | None = None, address: str | None = None
    ) -> Toolbox:
        record = log.record()
        context = CallContext(record.id, record.line, record.caller_number, address)
        limit_s = self.settings.tool_time_limit_s
        without = frozenset[str]() if self.settings.callbacks else frozenset({ASK_CALLBACK})
        follow_up = None
        if self.follow_ups is not None:
            follow_up = self.follow_ups.of_call(context.caller_number, partial(self._note_message, log))
        return Toolbox(
            self.store, call=context, memory=memory, time_limit_s=limit_s, follow_up=follow_up, without=without
        )

    def _note_message(self, log: CallTranscript, told: Mapping[str, Any]) -> None:
        """What came of a message, in the record of its call, which may be over."""
        log.note(messages=[*log.notes.get("messages", []), dict(told)])
        self.record_writer.changed(log)

    def _setup(self, log: CallTranscript, toolbox: Toolbox) -> CallSetup:
        log.note(process=PROCESS)
        log.events.listeners += [CallTrace(log.id, log.line, NAMES), faults_of_calls(self.readiness)]
        if self.group is not None:
            log.events.listeners.append(
                cloudwatch_listener(self.group, log, prices(self.settings), texts=self.settings.call_log_texts)
            )
        part = log.notes.get("resumed", 0)
        recording = self._recording(log.id, part) if self.settings.record_calls else None
        opener = self.preconnector.opener_for(log.id)
        return CallSetup(
            opener,
            toolbox,
            self.sonic_config,
            on_change=self.record_writer.changed,
            recording=recording,
            breaker=self.sonic.breaker_of(log.id),
            persona=self.settings.persona,
            facts=lambda: for_prompt(self.store.last_facts),
            max_call_s=self.settings.max_call_seconds,
            times=FloorTimes(
                silence_prompt_s=self.settings.silence_prompt_s,
                goodbye_grace_s=self.settings.goodbye_grace_s,
                keypad_pause_s=self.settings.keypad_pause_s,
                tool_filler_s=self.settings.tool_filler_s,
            ),
            reasons=self.reasons,
            callbacks=self.settings.callbacks and not self.readiness.fails(Part.STORE),
        )

    def _recording(self, call_id: str, part: int) -> RecordingSetup:
        def kept(path: Path) -> None:
            self.uploads.create(asyncio.to_thread(self.recordings.keep, path), "keep a recording")

        async def erase() -> None:
            await asyncio.to_thread(self.recordings.erase, (call_id,))
            await self.store.erase_recording(call_id)  # parts may lie with other servers

        return RecordingSetup(self.recordings.path(call_id, part), kept, erase)

    async def look_at_store(self) -> None:
        """Raise Unavailable where something that a call needs cannot be read."""
        await reach(self.store.backend)

    async def look_at_sonic(self) -> None:
        """Raise SonicError where a call would get no stream."""
        config = self.sonic_config("Prueba de conexión.", ())
        *others, last = self.sonic.openers
        for opener in others:
            with suppress(SonicError):
                await probe(opener, config)
                return
        await probe(last, config)

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
async def open_services(
    settings: Settings, carriers: Sequence[Carrier] = (), register: Register | None = None
) -> AsyncIterator[Services]:
    """Open the store, seed it when it is empty, find Sonic, and close everything at the end.

    With a `register` places are those of several processes, and the task is their supervisor's to protect.
    """
    standin = StandIn(settings.carlos_home, settings.local_stt_model) if needs_standin(settings) else None
    readiness = Readiness()
    store, (clients, notice) = await asyncio.gather(_open_records(settings, readiness), _find_sonic(settings, standin))
    messages = messages_of(settings)
    limits, seats_ringing = CallerLimits.of(settings), not settings.leases_streams
    active_calls = ActiveCalls(
        register or CallCapacity(settings.max_calls, limits=limits, seats_ringing=seats_ringing),
        register.browsers if register else settings.max_browsers,
    )
    openers = {region: ToldOpener(FactsMeanwhile(client, store), readiness) for region, client in clients.items()}
    sonic = SonicFleet(settings, store, active_calls, openers)
    preconnector = StreamPreconnector(sonic.opener_of, settings.sonic_model_id, ahead=settings.preconnects)
    sonic.on_moved = preconnector.forget
    services = Services(
        settings,
        store,
        sonic,
        preconnector,
        active_calls,
        CallRecordWriter(store),
        carriers,
        notice,
        Recordings.of(settings),
        await _open_group(settings),
        follow_ups=FollowUps(store, messages) if messages else None,
        readiness=readiness,
    )
    webhooks = WebhookDelivery(settings, store)
    webhooks.start()
    try:
        async with (
            telemetry(
                emf_interval(settings.emf_seconds),
                settings.metrics_namespace,
                watch_steps=settings.loglevel == "DEBUG",
            ),
            _housekeeping(services),
            sonic.fleet.beating(),
            task_protection(settings.ecs_agent_uri if register is None else None, services.active_calls),
        ):
            yield services
    finally:
        await services.preconnector.close()
        if services.follow_ups is not None:
            await services.follow_ups.settled()
        await services.record_writer.close()
        await _uploaded(services)
        await webhooks.close()  # after the records of the last calls, which tell of their ends
        if services.group is not None:
            await services.group.close()
        for carrier in services.carriers:
            await carrier.close()
        if messages is not None:
            await messages.close()
        await store.close()
        if standin is not None:
            await standin.stop()


def needs_standin(settings: Settings) -> bool:
    return settings.sonic == "local" and settings.sonic_endpoint is None


@asynccontextmanager
async def _housekeeping(services: Services) -> AsyncIterator[None]:
    """End the records of calls that died with their process; now and then delete recordings and give memory back."""

    async def sweep() -> None:
        while True:
            await _sweep_recordings(services)
            await asyncio.sleep(SWEEP_INTERVAL_S)

    chores = [
        asyncio.create_task(_reconcile(services.record_writer), name="reconcile call records"),
        asyncio.create_task(sweep(), name="sweep recordings"),
        asyncio.create_task(give_back(services.active_calls), name="give memory back"),
        asyncio.create_task(collect_ended(services.active_calls), name="collect ended calls"),
    ]
    try:
        yield
    finally:
        for chore in chores:
            chore.cancel()
        await asyncio.gather(*chores, return_exceptions=True)


async def _reconcile(record_writer: CallRecordWriter) -> None:
    """Nobody waits for it: calls are taken meanwhile."""
    try:
        await record_writer.reconcile()
    except DataError as error:
        logger.error("call records not reconciled: {!r}", error)


async def _sweep_recordings(services: Services) -> None:
    """Delete recordings that are too old, and those of calls that were erased elsewhere (by another server, the Lambda
    or an operator); then bring to a bucket what did not get there before. What fails is tried again next time."""
    recordings = services.recordings
    try:
        erased = await services.store.erased_calls()
        if deleted := await asyncio.to_thread(recordings.erase, erased):
            logger.info("{} recordings of erased calls deleted", deleted)
        if deleted := await asyncio.to_thread(recordings.sweep, services.settings.keep_calls_days):
            logger.info("{} old recordings deleted", deleted)
        if brought := await asyncio.to_thread(recordings.bring_left, frozenset(erased)):
            logger.info("{} recordings brought to the bucket", brought)
    except (DataError, OSError) as error:
        logger.error("recordings not swept: {}", error_text(error))


async def _uploaded(services: Services) -> None:
    """Wait for the recordings of the last calls: a task's disk is gone with it."""
    try:
        async with asyncio.timeout(UPLOADS_TIMEOUT_S):
            await services.uploads.wait()
    except TimeoutError:
        logger.error("not every recording got to the bucket in time: what is left waits for a server with this disk")


async def _open_group(settings: Settings) -> CallLogGroup | None:
    if settings.call_log_group is None:
        return None
    region, endpoint = settings.aws_default_region, settings.call_log_endpoint
    group = await asyncio.to_thread(open_log_group, settings.call_log_group, region, endpoint)
    await group.start()
    return group


async def _open_records(settings: Settings, readiness: Readiness) -> Store:
    store = await open_store(settings)
    store.backend = MeasuredBackend(store.backend, told_by_store(readiness))
    if settings.store == "sqlite" and await store.is_fresh():
        await seed(store, datetime.now(UTC).astimezone(BUENOS_AIRES).date())
    return store


async def _find_sonic(settings: Settings, standin: StandIn | None) -> tuple[dict[str, SonicClient], str | None]:
    """Return a client for each Region, and what a person must know."""
    regions, ping_s = settings.streams_in(settings.aws_default_region), settings.sonic_ping_s or None
    endpoint, ca_file = settings.sonic_endpoint, settings.sonic_ca_file
    credentials, notice = None, None
    if standin is not None:
        address = await standin.start()
        endpoint, ca_file, notice = address.endpoint, address.ca_file, address.notice
        credentials = Credentials(address.access_key_id, address.secret_access_key)
    open_s = settings.sonic_open_timeout_s
    clients = {
        region: SonicClient(region, endpoint, ca_file, ping_s=ping_s, open_timeout_s=open_s, credentials=credentials)
        for region in regions
    }
    try:
        async with asyncio.timeout(WARM_UP_TIMEOUT_S):
            await next(iter(clients.values())).warm_up()
    except (SonicError, TimeoutError) as error:
        logger.warning("no call can be answered as things are: {}", error or "AWS credentials took too long")
    return clients, notice


def create_app(
    settings: Settings, on_ready: Callable[[Services], None] = lambda services: None, handover: Handover | None = None
) -> FastAPI:
    """Return the server. `on_ready` is called once everything is open and calls can be taken. With a `handover` the
    server is one of several processes that share a port."""
    carriers = carriers_of(settings)
    transfers: list[Transfers] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            open_services(settings, carriers, handover.register if handover else None) as services,
            AsyncExitStack() as listening,
        ):
            app.state.services = services
            spent = OutlastingNonces(services.store)
            for carrier in carriers:
                calls = services.phone_calls(carrier)
                if calls.transfers is not None:
                    transfers.append(calls.transfers)
                app.include_router(carrier.routes(calls, spent, call_in_path=handover is not None))
                if isinstance(carrier, Listening):
                    await listening.enter_async_context(carrier.serve(calls))
            if services.follow_ups is not None:
                app.include_router(message_routes(settings, services.store))
            app.include_router(
                browser_routes(
                    settings,
                    services.active_calls,
                    services.make_browser_call,
                    spent=spent,
                    fleet=services.sonic.fleet,
                )
            )
            everyones = (
                services.active_calls if handover is None else SharedCalls(handover.register, services.active_calls)
            )
            mount(app, [live_routes(services.active_calls), *record_routers(settings, services.store, everyones)])
            mount(app, [line_routes(settings, services.store)])
            app.include_router(metrics_routes() if handover is None else metrics_routes(ProcessMetrics(handover).told))
            app.include_router(docs_routes())
            app.include_router(health_routes(services.active_calls, services.readiness))
            app.include_router(console_routes(takes(services.notice), tokens=settings.asks_browser_tokens))
            _warm_up(app)
            on_ready(services)
            looks = {Part.STORE: services.look_at_store, Part.SONIC: services.look_at_sonic}
            async with watched(services.readiness, looks):
                yield
            await spent.close()
            for each in transfers:
                await each.close()

    app = FastAPI(title="Carlos", lifespan=lifespan, openapi_url=None, redirect_slashes=False)
    guard(app, settings, signed_folders=tuple(carrier.folder for carrier in carriers))
    if handover is not None:
        app.add_middleware(PutThrough, handover=handover, carriers=carriers)
    return app


def _warm_up(app: FastAPI) -> None:
    """Look a page up: FastAPI works its routes out at the first request, and the first ring would wait for that."""
    for route in app.router.routes:
        route.matches({"type": "http", "method": "GET", "path": "/", "root_path": "", "headers": []})
