"""What was said and done in a call, kept as it happens: for the call record and for the history of a new stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Self

from agent.answer_times import AnswerTime
from agent.call_events import CallEvents, known_tool, retold
from agent.passing_on import TRANSFERRING
from agent.playout import Played
from agent.sonic.events import Role, Usage
from common import metrics
from common.masking import Names
from common.text import printable
from common.times import Clock, utcnow
from data.models import CallRecord, Line, ToolCall, Turn

LOST = "lost"  # the outcome of a call whose process did not live to see its end
ANSWER_TIME = timedelta(seconds=4)
CUT_OFF = frozenset({"dropped", "drained", LOST, TRANSFERRING})  # outcomes of a call whose caller may still be there


def cut_words(text: str, fraction: float) -> str:
    """The words of `text` that fit into a fraction of its audio: the whole ones only."""
    if fraction >= 1.0:
        return text
    reach = int(len(text) * fraction)
    if reach >= len(text) or text[reach : reach + 1].isspace():
        return text[:reach].rstrip()
    return text[:reach].rpartition(" ")[0]


def is_over(record: CallRecord) -> bool:
    """True for a call that ended as calls do; one that was cut off may go on."""
    return record.ended_at is not None and record.outcome not in CUT_OFF


class CallTranscript:
    """One call's story. Caller texts are Sonic's transcripts; Carlos's are what the line played.

    `memory` is set where another process may have to go on with the call: what it needs beside the record.
    """

    def __init__(self, call_id: str, line: Line, caller_number: str | None, clock: Clock = utcnow) -> None:
        self._clock = clock
        self.names = Names()  # what the log must hide
        self.events = CallEvents(call_id, self, lambda: self.age_s)
        self.memory: Callable[[], dict[str, Any]] | None = None
        self.base: CallRecord | None = None  # the record that it goes on with
        self._record = CallRecord(call_id, line, clock(), caller_number)
        self._turns: list[Turn] = []
        self._tools: list[ToolCall] = []
        self._answer: int | None = None  # whose text the last turn is
        self._time = AnswerTime()  # of the answer that is about to be heard
        self._usage: Counter[str] = Counter()
        self._faults: list[str] = []
        self._notes: dict[str, Any] = {}

    @classmethod
    def resumed(cls, record: CallRecord, times: int, clock: Clock = utcnow) -> Self:
        """Go on with the record of a call that was cut off, for the `times`-th time."""
        log = cls(record.id, record.line, record.caller_number, clock)
        log.base = record
        details = dict(record.details)
        log._record = replace(record, ended_at=None, outcome=None)
        log._turns, log._tools = list(record.turns), list(record.tools)
        log._usage.update(details.pop("usage", {}))
        log._faults += details.pop("faults", [])
        log._notes = details | {"resumed": times}
        log.names.learn_from([said for tool in record.tools for said in (tool.arguments, tool.result)])
        log.events.past += retold(record)
        log.events.tell("resumed", times=times)
        return log

    @property
    def id(self) -> str:
        return self._record.id

    @property
    def line(self) -> Line:
        return self._record.line

    @property
    def turn(self) -> int:
        """The number of the last turn."""
        return len(self._turns)

    @property
    def ended(self) -> bool:
        return self._record.ended_at is not None

    @property
    def age_s(self) -> float:
        """Seconds since the call began, in whichever process."""
        return (self._clock() - self._record.started_at).total_seconds()

    # --- what happens ---------------------------------------------------------------------------------------

    def user_transcript(self, text: str) -> None:
        """The caller said this."""
        self._answer, text = None, printable(text)
        self._turns.append(Turn("caller", text, self._clock()))
        self.events.tell("heard", text=text)

    def played(self, part: Played) -> None:
        """The caller heard this of Carlos; parts of one answer make one turn."""
        text = printable(cut_words(part.text, part.fraction))
        interrupted = part.fraction < 1.0
        if not text:
            return
        if self._answer == part.answer and self._turns and self._turns[-1].role == "carlos":
            last = self._turns[-1]
            self._turns[-1] = replace(last, text=f"{last.text} {text}", interrupted=interrupted)
        else:
            ours, end, detected = self._time.words_ms, self._time.sonic_end_ms, self._time.sonic_detected_ms
            self._turns.append(Turn("carlos", text, self._clock(), interrupted, ours, end, detected))
        self._answer, self._time = part.answer, AnswerTime()
        self.events.tell("said", text=text, interrupted=interrupted)

    def answered(self, time: AnswerTime) -> None:
        """The caller hears the first sound of an answer, so long after his words."""
        self._time = time
        if time.words_ms is not None:
            metrics.TURN_LATENCY.observe(time.words_ms / 1000)
        if time != AnswerTime():
            times = {"sonic_end_ms": time.sonic_end_ms, "sonic_detected_ms": time.sonic_detected_ms}
            self.events.tell("answered", latency_ms=time.words_ms, **times)

    def tool(self, name: str, tool_use_id: str, arguments: Mapping[str, Any], result: Mapping[str, Any],
             *, ok: bool, elapsed_ms: int) -> None:  # fmt: skip
        name, arguments, result = printable(name), printable(arguments), printable(result)
        self.names.learn_from([arguments, result])
        metrics.TOOL_LATENCY.observe(elapsed_ms / 1000, tool=known_tool(name), outcome=_tool_outcome(result))
        self._tools.append(ToolCall(name, printable(tool_use_id), ok, elapsed_ms, self._clock(), arguments, result))
        told = {"name": name, "arguments": arguments, "result": result, "ok": ok, "ms": elapsed_ms}
        self.events.tell("tool", use=self._tools[-1].tool_use_id, **told)

    def interrupted(self) -> None:
        metrics.INTERRUPTIONS.add()
        self._record = replace(self._record, interruptions=self._record.interruptions + 1)
        self.events.tell("interrupted")

    def away(self) -> None:
        """The caller is on hold at the far end,"""
        self.events.tell("away")

    def back(self) -> None:
        """and is not any more."""
        self.events.tell("back")

    def on_hold(self, seconds: float) -> None:
        """He was, for so long."""
        before_s = self._notes.get("on_hold_s", 0.0)
        self.note(on_hold_s=round(before_s + seconds, 1), holds=self._notes.get("holds", 0) + 1)

    def used(self, usage: Usage) -> None:
        self._usage.update(
            input_speech=usage.input_speech,
            input_text=usage.input_text,
            output_speech=usage.output_speech,
            output_text=usage.output_text,
        )
        metrics.INPUT_SPEECH_TOKENS.add(usage.input_speech)
        metrics.INPUT_TEXT_TOKENS.add(usage.input_text)
        metrics.OUTPUT_SPEECH_TOKENS.add(usage.output_speech)
        metrics.OUTPUT_TEXT_TOKENS.add(usage.output_text)

    def fault(self, what: str, told: str | None = None) -> None:
        """Something went wrong; `told` is what may be said of it outside of the record, if not all."""
        what = printable(what)
        self._faults.append(what)
        self.events.tell("fault", text=what, fault=what if told is None else printable(told))

    @property
    def notes(self) -> Mapping[str, Any]:
        return self._notes

    def note(self, **facts: Any) -> None:
        """Keep facts of the call that have no field of their own; JSON values."""
        self._notes.update(facts)

    def end(self, outcome: str) -> None:
        if not self.ended:
            self._record = replace(self._record, ended_at=self._clock(), outcome=outcome)
            self._count(outcome)
            self.events.tell("ended", outcome=outcome)

    # --- what is made of it ---------------------------------------------------------------------------------

    def record(self) -> CallRecord:
        details = {"usage": dict(self._usage), "faults": list(self._faults), **self._notes}
        return replace(self._record, turns=tuple(self._turns), tools=tuple(self._tools), details=details)

    def history(self) -> list[tuple[Role, str]]:
        """The conversation as both heard it, for priming a new stream; roles alternate."""
        history: list[tuple[Role, str]] = []
        for turn in self._turns:
            role = Role.USER if turn.role == "caller" else Role.ASSISTANT
            if history and history[-1][0] is role:
                history[-1] = (role, f"{history[-1][1]} {turn.text}")
            else:
                history.append((role, turn.text))
        return history

    def _count(self, outcome: str) -> None:
        record = self._record
        metrics.CALLS.add(line=record.line.value, outcome=outcome)
        if record.ended_at is not None:
            seconds = (record.ended_at - record.started_at).total_seconds()
            metrics.CALL_SECONDS.observe(seconds, line=record.line.value)
        metrics.FAULTY_CALLS.add(int(bool(self._faults) or outcome in ("failed", "dropped")))
        roles = [turn.role for turn in self._turns]
        spoke = roles.index("caller") if "caller" in roles else None
        metrics.SILENT_CALLS.add(int(spoke is not None and "carlos" not in roles[spoke:] and self._waited(spoke)))

    def _waited(self, spoke: int) -> bool:
        """Return False for a caller who hung up sooner than anybody could have answered what he said."""
        record = self._record
        since = self._turns[spoke].at
        return record.outcome != "caller_left" or record.ended_at is None or record.ended_at - since > ANSWER_TIME


def _tool_outcome(result: Mapping[str, Any]) -> str:
    if result.get("success"):
        return "done"
    return next((kind for kind in ("confirmation_required", "question") if result.get(kind)), "refused")
