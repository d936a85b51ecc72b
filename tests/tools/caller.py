"""A caller and a model, with the tools of one call."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from common.times import Clock
from data.store import Store
from tools.follow_up import FollowUp
from tools.identity import CallContext
from tools.toolbox import Toolbox


class Call:
    """A caller and a model that uses tools; each use has an id of its own unless one is given."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        call_id: str = "CA1",
        memory: dict[str, Any] | None = None,
        follow_up: FollowUp | None = None,
        **context: Any,
    ) -> None:
        self.waits: list[float] = []
        who = CallContext(call_id, **context)
        self.box = Toolbox(store, who, clock=clock, sleep=self._sleep, memory=memory, follow_up=follow_up)
        self._ids = count(1 if memory is None else 1001)

    @property
    def memory(self) -> dict[str, Any]:
        """As another process gets it: through the store."""
        return dict(json.loads(json.dumps(self.box.memory)))

    async def use(self, name: str, *, use_id: str | None = None, **arguments: Any) -> dict[str, Any]:
        tool_use_id = use_id or f"use-{next(self._ids)}"
        return (await self.box.run(name, json.dumps(arguments), tool_use_id=tool_use_id)).result

    async def twice(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Propose, hear a yes, carry out."""
        proposed = await self.use(name, **arguments)
        assert proposed.get("confirmation_required"), proposed
        self.box.caller_spoke("Sí")
        return await self.use(name, **arguments)

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
