"""OpenTelemetry spans of a call: the call, its turns and its tool uses. Nothing personal is in them.

Only the API is used, which does nothing until the process has an SDK: install `opentelemetry-distro` and an exporter,
and run `opentelemetry-instrument carlos serve`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import Span, Tracer, get_tracer, set_span_in_context


class CallTrace:
    """A listener of one call's events. A turn lasts from the caller's words to their next ones; turn 0, the greeting's,
    from the call's beginning to the first words. A turn that was answered says after how long, as the record does.

    `tools` are the names that may be told: a model may invent others, of any text.
    """

    def __init__(
        self,
        call_id: str,
        line: str,
        tools: frozenset[str],
        tracer: Tracer | None = None,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._tools = tools
        self._tracer = tracer or get_tracer("carlos")
        self._now_ns = now_ns
        attributes = {"carlos.call.id": call_id, "carlos.call.line": line}
        self._call = self._tracer.start_span("call", attributes=attributes, start_time=now_ns())
        self._turn = self._begun(0)
        self._turns = 0
        self._answered = False

    def __call__(self, event: Mapping[str, Any]) -> None:
        match event:
            case {"type": "heard"}:
                self._begin_turn()
            case {"type": "tool", "name": name, "ok": ok, "ms": elapsed_ms}:
                self._use_tool(str(name), bool(ok), int(elapsed_ms))
            case {"type": "answered"}:
                self._answer(event)
            case {"type": "interrupted" | "fault" as kind}:
                self._turn.add_event(kind, timestamp=self._now_ns())
            case {"type": "ended", "outcome": outcome}:
                self._turn.end(self._now_ns())
                self._call.set_attribute("carlos.call.outcome", str(outcome))
                self._call.end(self._now_ns())

    def _begin_turn(self) -> None:
        self._turn.end(self._now_ns())
        self._turns += 1
        self._answered = False
        self._turn = self._begun(self._turns)

    def _begun(self, number: int) -> Span:
        parent, attributes = self._within(self._call), {"carlos.turn": number}
        return self._tracer.start_span("turn", parent, attributes=attributes, start_time=self._now_ns())

    def _answer(self, times: Mapping[str, Any]) -> None:
        """The first sound of an answer; of two in one turn, the first one's times stay."""
        if self._answered:
            return
        self._answered = True
        for name in ("latency_ms", "sonic_end_ms", "sonic_detected_ms"):
            if times.get(name) is not None:
                self._turn.set_attribute(f"carlos.turn.{name}", int(times[name]))

    def _use_tool(self, name: str, ok: bool, elapsed_ms: int) -> None:
        end = self._now_ns()
        known = name if name in self._tools else "unknown"
        attributes: dict[str, str | bool] = {"carlos.tool": known, "carlos.tool.ok": ok}
        parent = self._within(self._turn)
        span = self._tracer.start_span("tool", parent, attributes=attributes, start_time=end - elapsed_ms * 1_000_000)
        span.end(end)

    def _within(self, span: Span) -> Context:
        return set_span_in_context(span, Context())
