"""One run: `carlos serve` behind a load balancer, a caller, a person, and perhaps a kill -9 in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from bench.faults.trial import keys
from bench.stage import KEYS
from bench.transfers.caller import Caller, Talk
from bench.transfers.endings import CALLER_LEAVES_S, RING_S, Death, Result, Run, moment
from bench.transfers.verdict import Part, Row, Seen, judged, part
from data.open import SQLITE_FILE, open_sqlite
from data.store import Store
from sandbox.balancer import Balancer
from sandbox.brain import Brain
from sandbox.dialogue import DialogueMind
from sandbox.sonic.ear import EnergyEar
from sandbox.sonic.script import ToneVoice
from sandbox.sonic.server import SonicServer
from sandbox.twilio.call import PhoneCall
from sandbox.twilio.double import TwilioDouble
from sandbox.twilio.events import CallEvent
from sandbox.twilio.server import ServerProcess, free_port

NUMBER = "+541150310001"
LONGEST_S = 150.0  # of a call: it is then told of as one that did not end
LOOK_S = 0.1  # between readings of the record
SETTLE_S = 10.0  # for what is done behind the caller's back


async def trial(run: Run, folder: Path, starting: asyncio.Semaphore) -> Row:
    """Hold the call and judge it; `starting` bounds how many servers start at a time, beside the calls of others.
    Raises ServerUnavailable where one does not start."""
    caller, balancer = Caller(), Balancer()
    async with AsyncExitStack() as stack:
        sonic = SonicServer(lambda: _brain(caller), credentials=keys(), ca_dir=folder, keep_audio=False)
        await sonic.start()
        stack.push_async_callback(sonic.stop)
        await stack.enter_async_context(balancer.balancing())
        base_url = f"http://localhost:{balancer.port}"
        twilio = await stack.enter_async_context(TwilioDouble(base_url, people={NUMBER: run.ending.person}))
        settings = KEYS | {
            "CARLOS_HOME": str(folder),
            "EMF_SECONDS": "0",
            "PUBLIC_BASE_URL": base_url,
            "SONIC": "bedrock",
            "SONIC_CA_FILE": str(sonic.ca_file),
            "SONIC_ENDPOINT": sonic.endpoint,
            "TRANSFER_RING_S": str(RING_S),
            "TRANSFER_TARGETS": f"{NUMBER}|*|24h",
        }
        servers = []
        for number in range(2 if run.death else 1):  # one after the other: the first makes the store
            port, log = free_port(), folder / f"server-{number}.log"
            server = ServerProcess(port, twilio.account, twilio.rest.base_url, log, _unsaid, settings=settings)
            async with starting:
                servers.append(await stack.enter_async_context(server))
            balancer.targets.append(port)
        store = await open_sqlite(folder / SQLITE_FILE)
        stack.push_async_callback(store.close)
        return await judged(await Holding(run, caller, balancer, servers[0], twilio, store).held(), store)


class Holding:
    """A call that is being held: who does what when."""

    def __init__(
        self,
        run: Run,
        caller: Caller,
        balancer: Balancer,
        first: ServerProcess,
        twilio: TwilioDouble,
        store: Store,
    ) -> None:
        self._run = run
        self._caller = caller
        self._balancer = balancer
        self._first = first
        self._twilio = twilio
        self._store = store
        self._call: PhoneCall = twilio.dial(caller, observe=self._seen)
        twilio.switchboard.watch = lambda _, event: self._met(moment(event, of_the_person=True))
        self._parts: list[Part] = []
        self._death = run.death  # that is still to come
        self._leaves = run.ending.result is Result.LEFT

    async def held(self) -> Seen:
        talking = asyncio.create_task(self._talk())
        hung = False
        try:
            async with asyncio.timeout(LONGEST_S):
                await self._call.run()
        except TimeoutError:
            hung = True
        finally:
            talking.cancel()
            with suppress(asyncio.CancelledError):
                await talking
        await self._settled()
        killed = self._run.death is not None and self._first.returncode is not None
        people = self._twilio.outbound
        return Seen(self._run, self._call, people, self._parts, killed, hung)

    def _seen(self, event: CallEvent) -> None:
        if (name := part(event)) is not None:
            self._parts.append((self._call.timeline.position(), name))
        self._met(moment(event, of_the_person=False))

    def _met(self, now: Death | None) -> None:
        loop = asyncio.get_running_loop()
        if now is Death.BRIEFING and self._leaves:
            self._leaves = False
            loop.call_later(CALLER_LEAVES_S, self._call.hang_up)
        if now is not None and now is self._death:
            self._death = None
            loop.call_later(self._run.delay_s, self._kill)

    def _kill(self) -> None:
        self._balancer.deregister(self._balancer.targets[0])  # a dying process may still take a connection
        self._first.kill()

    async def _talk(self) -> None:
        """Answer whatever Carlos has said, once it has been heard."""
        run, answered = self._run, (0, "")
        talk = Talk(proven=run.proven, times=run.ending.times)
        while True:
            await asyncio.sleep(LOOK_S)
            record = await self._store.call(self._call.sid)
            if record is None or not record.turns or record.turns[-1].role != "carlos" or not self._caller.may_speak:
                continue
            latest = (len(record.turns), record.turns[-1].text)
            if latest == answered:
                continue
            new = latest[1].removeprefix(answered[1]) if latest[0] == answered[0] else latest[1]
            answered = latest
            if (words := talk.answer(new)) is not None:
                self._caller.say(words)

    async def _settled(self) -> None:
        """Until the record is ended and no phone is off the hook; what is not so by then is judged as it is."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                while not await self._is_settled():  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_S)

    async def _is_settled(self) -> bool:
        record = await self._store.call(self._call.sid)
        over = record is not None and record.ended_at is not None and record.outcome != "transferring"
        return over and not any(person.live for person in self._twilio.outbound)


def _unsaid(line: str) -> None:
    """What a server says of its stand-ins is no news here."""


def _brain(caller: Caller) -> Brain:
    """A model that hears what the caller says, and is brief."""

    async def recognise(pcm: bytes, rate: int) -> str:
        return caller.words

    class Brief(ToneVoice):
        def speak(self, text: str, rate: int) -> AsyncIterator[bytes]:
            return super().speak("Hola", rate)

    return Brain(EnergyEar(), DialogueMind(recognise), Brief())
