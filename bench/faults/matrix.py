"""The faults, one row each: what breaks, when, and on which streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from agent.sonic.events import (
    AudioOutput,
    CompletionStart,
    ContentEnded,
    TextOutput,
    ToolResult,
    ToolUse,
    UserSpeechEnd,
    UserSpeechStart,
)
from bench.faults.model import ANSWERS, ASKS_A_TOOL, ASKS_FOR_EVER, ASKS_TOO_MUCH, Steps
from sandbox.sonic import failures
from sandbox.sonic.faults import (
    Action,
    BadChecksum,
    Drop,
    EndStream,
    ErrorFrame,
    Fault,
    Freeze,
    GoAway,
    HalfFrame,
    Inject,
    Reject,
    Repeat,
    Reset,
    Silence,
    Stall,
    StopReading,
)

DEAD_AIR_S = 4.0
STALL_S = 6.0  # nobody says that a stream has stalled: it has to be found out
DEAF_S = 10.0
TALK = (2.5, 1.4)  # seconds of speech, one utterance each
FIRST = frozenset({1})
IN_ANSWER = 26  # pieces of audio: the greeting's are 23 at most, the first answer goes on for as many again
TRANSCRIPT = 3  # texts: the greeting twice, planned and final, then what the caller said
IN_SPEECH_MS = 1500


class Since:
    """The streams from `first` on, for `seconds` from the first of them; for ever by default."""

    def __init__(self, first: int = 1, seconds: float = float("inf"), clock: Callable[[], float] = monotonic) -> None:
        self._first, self._seconds, self._clock = first, seconds, clock
        self._began: float | None = None

    def __contains__(self, stream: object) -> bool:
        if not isinstance(stream, int) or stream < self._first:
            return False
        now = self._clock()
        self._began = now if self._began is None else self._began
        return now - self._began < self._seconds


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a stream is replaced: in a pause after `after_s`, in any case after `by_s`. Stock pipecat does not."""

    after_s: float = 3.0
    by_s: float = 8.0


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    faults: tuple[Fault, ...] = ()
    steps: Steps = ANSWERS
    talk: Sequence[float] = TALK
    dead_air_s: float = DEAD_AIR_S
    answer_s: float = float("inf")  # where the model does answer again, whatever the caller was told meanwhile
    rotation: Rotation | None = None

    @property
    def concerns_stock(self) -> bool:
        """Its example has neither tools nor rotations."""
        return self.rotation is None and self.steps is ANSWERS


def _at_open(name: str, action: Action, streams: Any = FIRST, dead_air_s: float = DEAD_AIR_S) -> Row:
    return Row(f"{name} at open", (Fault(action, streams=streams),), dead_air_s=dead_air_s)


def _in_answer(name: str, action: Action) -> Row:
    return Row(f"{name} in an answer", (Fault(action, sent=AudioOutput, count=IN_ANSWER, streams=FIRST),))


def _in_speech(name: str, action: Action, *, reported: bool = True) -> Row:
    faults = (Fault(action, after_speech_ms=IN_SPEECH_MS, streams=FIRST),)
    if reported:
        return Row(f"{name} in the caller's speech", faults)
    deaf = Fault(Silence(), after_speech_ms=20, streams=FIRST)
    return Row(f"{name} in speech never reported", (deaf, *faults))


def _stall(where: str, streams: Any = FIRST, **when: Any) -> Row:
    return Row(f"stall {where}", (Fault(Stall(), streams=streams, **when),), dead_air_s=STALL_S, answer_s=STALL_S)


def _said(name: str, raw: Any) -> Row:
    """Something that no release of the service has said yet, on every stream."""
    return Row(name, (Fault(Inject(raw), sent=CompletionStart),))


def _content(name: str, **fields: Any) -> dict[str, Any]:
    start = {"contentId": name, "type": "TEXT", "role": "ASSISTANT"} | fields
    return {"contentStart": start, "contentEnd": {"contentId": name, "type": start["type"], "stopReason": "END_TURN"}}


def _usage(count: object = 0, **fields: Any) -> dict[str, Any]:
    """A usageEvent that counts in another way than any release has."""
    tokens = {"speechTokens": count, "textTokens": count}
    details = {"delta": {"input": tokens, "output": tokens}, "total": {"input": tokens, "output": tokens}}
    totals = {"totalInputTokens": count, "totalOutputTokens": count, "totalTokens": count}
    return {"usageEvent": {"details": details} | totals | fields}


def _opening() -> Iterator[Row]:
    yield Row("nothing")
    yield _at_open("429 once", Reject())
    yield _at_open("429 twice", Reject(), frozenset({1, 2}))
    yield _at_open("429 for 3 s", Reject(), Since(1, 3.0))
    yield _at_open("429 for ever", Reject(), None)
    yield Row("drop in an answer, then 3 s of 429",
              (Fault(Drop(), sent=AudioOutput, count=IN_ANSWER, streams=FIRST),
               Fault(Reject(), streams=Since(2, 3.0))))  # fmt: skip
    yield _at_open("access denied", failures.ACCESS_DENIED, None)
    yield _at_open("expired token", failures.EXPIRED_TOKEN)
    yield _at_open("500", failures.INTERNAL_AT_OPEN)
    yield _at_open("TCP abort", Drop())
    yield _at_open("GOAWAY", GoAway())
    yield _at_open("no headers, once,", Silence(), dead_air_s=STALL_S)
    yield _at_open("no headers, ever,", Silence(), None, STALL_S)
    yield _stall("after the headers, once")
    yield _stall("after the headers, always", streams=None)
    yield Row("content filter at the greeting", (Fault(failures.CONTENT_FILTER, sent=CompletionStart, streams=FIRST),))
    yield Row("error after the first event, for ever", (Fault(failures.INSTABILITY, sent=CompletionStart),))


def _speaking() -> Iterator[Row]:
    for name, raised in (
        ("modelStreamErrorException", failures.MODEL_STREAM),
        ("internalServerException", failures.INTERNAL),
        ("throttlingException", failures.THROTTLED_IN_STREAM),
        ("serviceUnavailableException", failures.UNAVAILABLE),
        ("modelTimeoutException", failures.LIFE_OVER),
        ("an unknown exception", failures.UNMODELLED),
        ("ValidationException", failures.INVALID),
        ("instability", failures.INSTABILITY),
        ("531", failures.RESET_531),
        ("content filter", failures.CONTENT_FILTER),
    ):
        yield _in_answer(name, raised)
    yield _in_answer("error frame", ErrorFrame("InternalFailure", "Internal failure"))
    for name, action in (("drop", Drop()), ("RST_STREAM", Reset()), ("END_STREAM", EndStream()), ("GOAWAY", GoAway()),
                         ("bad checksum", BadChecksum()), ("half a frame", HalfFrame())):  # fmt: skip
        yield _in_answer(name, action)
    for name, action in (("drop", Drop()), ("RST_STREAM", Reset())):
        yield _in_speech(name, action)
        yield _in_speech(name, action, reported=False)
    for name, struck in (("drop", Drop()), ("content filter", failures.CONTENT_FILTER)):
        yield Row(f"{name} at the transcript", (Fault(struck, sent=TextOutput, count=TRANSCRIPT, streams=FIRST),))


def _stalling() -> Iterator[Row]:
    yield _stall("at rest", sent=ContentEnded, count=2)
    yield _stall("in speech never reported", after_speech_ms=20)
    yield _stall("after speech began", sent=UserSpeechStart)
    yield _stall("after speech ended", sent=UserSpeechEnd)
    yield _stall("after the transcript", sent=TextOutput, count=TRANSCRIPT)
    yield _stall("in an answer", sent=AudioOutput, count=IN_ANSWER)
    # To a noise two models say nothing, too: that these are deaf takes a second stream and a question to it.
    yield replace(_stall("after speech, always", streams=None, sent=UserSpeechEnd), dead_air_s=DEAF_S)
    yield Row("hears, transcribes and never answers",
              (Fault(Stall(), sent=TextOutput, count=TRANSCRIPT, streams=FIRST),
               Fault(Stall(), sent=TextOutput, streams=Since(2))), dead_air_s=STALL_S)  # fmt: skip
    for where, when in (("at rest", {"sent": ContentEnded, "count": 2}), ("in speech", {"after_speech_ms": 700})):
        yield Row(f"frozen socket {where}", (Fault(Freeze(), streams=FIRST, **when),))
    yield Row("server stops reading", (Fault(StopReading(), after_speech_ms=700, streams=FIRST),))


def _using_tools() -> Iterator[Row]:
    for name, fault in (
        ("a tool works", None),
        ("drop after toolUse", Fault(Drop(), sent=ToolUse, streams=FIRST)),
        ("drop after toolResult", Fault(Drop(), received=ToolResult, streams=FIRST)),
        ("stall after toolResult", Fault(Stall(), received=ToolResult, streams=FIRST)),
        ("one toolUse id twice", Fault(Repeat(), sent=ToolUse)),
    ):
        yield Row(name, (fault,) if fault else (), ASKS_A_TOOL, dead_air_s=STALL_S if "stall" in name else DEAD_AIR_S)
    yield Row("1 MB of arguments", steps=ASKS_TOO_MUCH)
    yield Row("tools for ever", steps=ASKS_FOR_EVER)


def _speaking_strangely() -> Iterator[Row]:
    stage = '{"generationStage":"REHEARSED"}'
    end = {"contentId": "new", "type": "TEXT", "stopReason": "MAX_TOKENS"}
    yield _said("unknown role", _content("new", role="NARRATOR"))
    yield _said("unknown type", _content("new", type="VIDEO"))
    yield _said("unknown stage", _content("new", additionalModelFields=stage))
    yield _said("unknown stopReason", _content("new") | {"contentEnd": end})
    yield _said("unknown event", {"moodEvent": {"mood": "good"}})
    yield _said("text without a role", {"textOutput": {"contentId": "new", "content": " "}})
    yield _said("usage as text", _usage("12"))
    yield _said("usage without details", _usage(details=None))
    yield _said("usage of NaN", _usage(float("nan")))
    yield _said("an event of 10 MB", {"moodEvent": {"mood": "x" * 10_000_000}})
    yield Row("garbage for JSON", (Fault(Inject(b'{"event":{"textOu\xff'), sent=CompletionStart, streams=FIRST),))


def _ageing() -> Iterator[Row]:
    yield Row("modelTimeout at rest", (Fault(failures.LIFE_OVER, sent=ContentEnded, count=2, streams=FIRST),))
    yield Row("modelTimeout in speech", (Fault(failures.LIFE_OVER, after_speech_ms=IN_SPEECH_MS, streams=FIRST),))
    yield Row("rotation", rotation=Rotation())
    yield Row("rotation forced in speech", talk=(8.0, 1.4), rotation=Rotation(4.0, 6.0))
    for name, action in (("429", Reject()), ("no headers", Silence()), ("a stall", Stall())):
        yield Row(f"rotation meets {name}", (Fault(action, streams=Since(2)),), rotation=Rotation(by_s=60.0))


def rows() -> list[Row]:
    """All of them, in the order of the table; made anew, for a `Since` remembers its first stream."""
    parts = (_opening, _speaking, _stalling, _using_tools, _speaking_strangely, _ageing)
    return [row for part in parts for row in part()]
