from __future__ import annotations

from itertools import count
from typing import Any

from opentelemetry.trace import INVALID_SPAN_CONTEXT, NonRecordingSpan, get_current_span

from agent.answer_times import AnswerTime
from agent.playout import Played
from agent.transcript import CallTranscript
from common.tracing import CallTrace
from data.models import Line

TOOLS = frozenset({"consultarOrder"})


class FakeSpan(NonRecordingSpan):
    def __init__(self, name: str, parent: Any, attributes: dict[str, Any], start: int) -> None:
        super().__init__(INVALID_SPAN_CONTEXT)
        self.name, self.parent, self.attributes, self.start = name, parent, attributes, start
        self.ended: int | None = None
        self.events: list[str] = []

    def end(self, end_time: int | None = None) -> None:
        self.ended = end_time

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
        self.events.append(name)

    def set_attribute(self, key: str, value: Any) -> None:
        self.attributes[key] = value


class FakeTracer:
    def __init__(self) -> None:
        self.spans: list[FakeSpan] = []

    def start_span(self, name: str, context: Any = None, *, attributes: dict[str, Any], start_time: int) -> FakeSpan:
        parent = get_current_span(context) if context is not None else None
        self.spans.append(FakeSpan(name, parent, dict(attributes), start_time))
        return self.spans[-1]


def told() -> list[FakeSpan]:
    log, tracer, ticks = CallTranscript("CA1", Line.PHONE, "+5491155550101"), FakeTracer(), count(0, 1_000_000_000)
    log.events.listeners.append(CallTrace(log.id, log.record().line, TOOLS, tracer, lambda: next(ticks)))  # type: ignore[arg-type]
    log.played(Played(1, "Hola, soy Carlos.", 1.0))
    log.user_transcript("Mi DNI es 28456789")
    log.tool("consultarOrder", "t1", {"dni": "28456789"}, {}, ok=True, elapsed_ms=40)
    log.tool("28456789", "t2", {}, {}, ok=False, elapsed_ms=1)
    log.answered(AnswerTime(1700, None, 900))
    log.played(Played(2, "Tu pedido", 1.0))
    log.played(Played(2, "está en camino.", 0.5))
    log.interrupted()
    log.answered(AnswerTime(2900))
    log.user_transcript("Chau")
    log.end("completed")
    return tracer.spans


def test_a_call_has_turns_and_turns_have_tools() -> None:
    call, greeting, first, tool, _, second = told()
    assert [span.name for span in (call, greeting, first, tool, second)] == ["call", "turn", "turn", "tool", "turn"]
    assert first.parent is call
    assert tool.parent is first
    assert tool.ended is not None
    assert tool.ended - tool.start == 40_000_000
    assert first.events == ["interrupted"]
    assert call.attributes["carlos.call.outcome"] == "completed"


def test_the_greeting_is_a_turn_of_its_own_that_begins_with_the_call() -> None:
    call, greeting, first, *_ = told()
    assert (greeting.parent, greeting.attributes) == (call, {"carlos.turn": 0})
    assert greeting.ended is not None
    assert call.start <= greeting.start < greeting.ended <= first.start


def test_a_turn_tells_how_long_its_answer_took() -> None:
    _, _, first, _, _, second = told()
    assert first.attributes == {
        "carlos.turn": 1, "carlos.turn.latency_ms": 1700, "carlos.turn.sonic_detected_ms": 900,
    }  # fmt: skip
    assert second.attributes == {"carlos.turn": 2}


def test_every_span_is_ended() -> None:
    assert all(span.ended is not None for span in told())


def test_nothing_personal_is_in_a_span() -> None:
    assert "28456789" not in repr([span.attributes for span in told()])
    assert "5491155550101" not in repr([span.attributes for span in told()])
