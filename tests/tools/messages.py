"""A caller with a number, and a carrier that keeps the messages it is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from common.times import Clock
from data.store import Store
from tests.tools.caller import Call
from tools.follow_up import NAME, FollowUps

MOBILE = "+5491155551234"


@dataclass
class Outgoing:
    """Keeps what was sent; `answers` are raised or awaited first, one for each message."""

    kind: Literal["sms", "whatsapp"] = "sms"
    sent: list[tuple[str, str]] = field(default_factory=list)
    answers: list[Exception | Callable[[], Awaitable[object]]] = field(default_factory=list)

    async def send(self, to: str, text: str, call_id: str) -> str:
        self.sent.append((to, text))
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            await answer()
        return f"SM{len(self.sent)}"


class Phone(Call):
    """A caller with a number, in a process that sends messages."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        messages: Outgoing,
        number: str | None = MOBILE,
        call_id: str = "CA1",
        memory: dict[str, Any] | None = None,
    ) -> None:
        self.notes: list[Mapping[str, Any]] = []
        self.process = FollowUps(store, messages)
        follow_up = self.process.of_call(number, self.notes.append)
        super().__init__(store, clock, call_id, memory, follow_up, caller_number=number)

    async def says_yes_to_a_message(self, **arguments: Any) -> dict[str, Any]:
        self.box.caller_spoke("Sí, dale")
        return await self.use(NAME, **arguments)
