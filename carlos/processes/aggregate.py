"""What the processes of a port have between them: the calls that are live in any, and the sum of their metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Container

from loguru import logger
from starlette.requests import Request

from agent.active_calls import ActiveCalls
from agent.transcript import CallTranscript
from carlos.processes.handover import Handover, Unreachable
from carlos.processes.register import Register
from common import metrics

ASK_TIMEOUT_S = 2.0
OWN_QUERY = "own"  # /metrics?own is of the process that answers, alone
# Of the request's headers, what lets it in there as it was let in here.
_FORWARDED_HEADERS = frozenset({"host", "x-api-key", "authorization", "x-forwarded-for"})


class SharedCalls:
    """The calls as REST shows them (api.calls.LiveCalls): a call's own story is only where the call is."""

    def __init__(self, register: Register, active_calls: ActiveCalls) -> None:
        self.live: Container[str] = register
        self._active_calls = active_calls

    def log_of(self, call_id: str) -> CallTranscript | None:
        return self._active_calls.log_of(call_id)


class ProcessMetrics:
    """Asks the siblings for their metrics over connections of its own, put through like any other."""

    def __init__(self, handover: Handover) -> None:
        self._handover = handover

    async def told(self, request: Request) -> bytes:
        """The sum of what can be had, and how many processes are in it."""
        if OWN_QUERY in request.query_params:
            return metrics.exposition()
        asked = [self._ask(number, _question(request)) for number in self._handover.workers]
        answers = [answer for answer in await asyncio.gather(*asked) if answer is not None]
        text = metrics.added_up([metrics.exposition().decode(), *answers])
        return (text + _processes(1 + len(answers), len(asked) - len(answers))).encode()

    async def _ask(self, number: int, question: bytes) -> str | None:
        try:
            async with asyncio.timeout(ASK_TIMEOUT_S):
                answer = await self._handover.ask(number, question)
        except (Unreachable, TimeoutError) as error:
            logger.warning("process {} is not in the metrics: {!r}", number, error)
            return None
        head, _, body = answer.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            logger.warning("process {} is not in the metrics: {}", number, head.partition(b"\r\n")[0].decode())
            return None
        return body.decode()


def _question(request: Request) -> bytes:
    """HTTP/1.0: the answer is whole, and ends with its connection."""
    lines = [f"{name}: {value}" for name, value in request.headers.items() if name in _FORWARDED_HEADERS]
    return "\r\n".join([f"GET {request.url.path}?{OWN_QUERY} HTTP/1.0", *lines, "", ""]).encode()


def _processes(told: int, missing: int) -> str:
    return (
        "# HELP carlos_processes Server processes on this port, and whether their figures are in these sums.\n"
        "# TYPE carlos_processes gauge\n"
        f'carlos_processes{{told="yes"}} {told}\ncarlos_processes{{told="no"}} {missing}\n'
    )
