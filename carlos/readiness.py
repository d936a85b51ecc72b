"""What `/ready` knows: the store and Sonic are looked at when the server starts and while they fail; as long as they
work, the calls themselves tell, and nothing is asked for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress

from loguru import logger

from agent.call_events import CallEvent
from agent.readiness import Part, Readiness
from agent.sonic.errors import ProtocolError, SonicError, SonicRefused, SonicThrottled
from agent.sonic.probe import words_of
from agent.sonic.session import Opener, Stream
from common.log import error_text
from common.tasks import TaskSet
from data.errors import DataError

FIRST_LOOK_S, LAST_LOOK_S = 1.0, 60.0  # between looks at what does not work; doubled each time
LOOK_TIMEOUT_S = 20.0
CHECK_S = 5.0  # how often it is asked whether a look is due
NO_ANSWER = f"no answer within {LOOK_TIMEOUT_S:g} s"

type Look = Callable[[], Awaitable[None]]  # raises what is wrong


def delay_s(looks: int) -> float:
    """Return the seconds until the next look, after so many in vain."""
    return min(FIRST_LOOK_S * 2.0 ** min(looks - 1, 10), LAST_LOOK_S)


@asynccontextmanager
async def watched(readiness: Readiness, looks: Mapping[Part, Look]) -> AsyncIterator[None]:
    """Look at each part until it works, and again whenever it does not; nobody waits for it."""
    tasks = TaskSet()
    for part, look in looks.items():
        tasks.create(_watch(readiness, part, look), f"readiness: {part}")
    try:
        yield
    finally:
        await tasks.cancel()


async def _watch(readiness: Readiness, part: Part, look: Look) -> None:
    looks = 0
    while True:
        if readiness.works(part) or await _works(readiness, part, look):
            looks = 0
            await asyncio.sleep(CHECK_S)
        else:
            looks += 1
            await asyncio.sleep(delay_s(looks))


async def _works(readiness: Readiness, part: Part, look: Look) -> bool:
    reached = False
    try:
        async with asyncio.timeout(LOOK_TIMEOUT_S):
            await look()
    except TimeoutError as error:
        fault, detail = NO_ANSWER, error_text(error)
    except DataError as error:
        fault, detail = str(error), error_text(error)
    except SonicError as error:
        fault, detail, reached = words_of(type(error).__name__), error.detail, isinstance(error, SonicThrottled)
    except ProtocolError as error:  # what no stream would take is not sent
        fault, detail = words_of(SonicRefused.__name__), error.message
    else:
        logger.info("{} works", part)
        readiness.worked(part)
        return True
    logger.warning("{} does not work: {} ({})", part, fault, detail)
    readiness.failed(part, fault, reached=reached)
    return False


class ToldOpener:
    """Opens streams for calls (agent.sonic.session.Opener), and tells of each that the service has accepted."""

    def __init__(self, opener: Opener, readiness: Readiness) -> None:
        self._opener = opener
        self._readiness = readiness
        self._tasks = TaskSet()

    async def open(self, model_id: str) -> Stream:
        stream = await self._opener.open(model_id)
        self._tasks.create(self._tell(stream), "sonic stream accepted")  # over when the stream is
        return stream

    async def _tell(self, stream: Stream) -> None:
        with suppress(SonicError):  # one that was closed unused tells nothing; what failed is a fault of its call
            await stream.opened()
            self._readiness.worked(Part.SONIC)


def faults_of_calls(readiness: Readiness) -> Callable[[CallEvent], None]:
    """Return a listener that tells of the streams that a call has lost, or could not have."""

    def heard(event: CallEvent) -> None:
        if event["type"] == "fault":
            kind = str(event["fault"]).partition(":")[0]
            readiness.failed(Part.SONIC, words_of(kind), reached=kind == SonicThrottled.__name__)

    return heard


def told_by_store(readiness: Readiness) -> Callable[[str | None], None]:
    """Return what takes note of each operation on the store (carlos.telemetry.MeasuredBackend)."""

    def noted(fault: str | None) -> None:
        if fault is None:
            readiness.answered(Part.STORE)
        else:
            readiness.failed(Part.STORE, fault)

    return noted
