"""The service's JSON to events, for a stream that must outlive whatever the service says next.

Nothing here raises. The service adds events, fields and words without notice, so what cannot be read is passed over
as an `UnknownEvent`, counted (`SonicUnknown`) and logged once for each word; a field that is not needed reads as
nothing. What a block is, its contentStart says: the AWS page "Output events" shows textOutput without `role`, audio
and tool uses have none in some recordings.
"""

from __future__ import annotations

import json
import math
import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Callable, Mapping
from enum import StrEnum

from loguru import logger

from agent.sonic import bounded_json
from agent.sonic.events import (
    AudioOutput,
    CompletionEnd,
    CompletionStart,
    ContentEnded,
    ContentStarted,
    ContentType,
    Json,
    Role,
    ServiceEvent,
    Stage,
    StopReason,
    TextOutput,
    ToolUse,
    UnknownEvent,
    Usage,
    UserSpeechEnd,
    UserSpeechStart,
)
from common import metrics

MAX_EVENT_BYTES = 1024 * 1024  # bytes of JSON; a recorded audioOutput has 17,000 at most
MAX_OPEN_BLOCKS = 64  # of one stream; the service has three open at a time
MAX_COUNT = 2**53  # a number above is no count
MAX_WORDS_LOGGED = 200  # in a process

type _Block = ContentStarted | None  # None: of a kind that is not known here

_logged: set[tuple[str, str]] = set()
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")


class Unreadable(Exception):
    """A value that an event is nothing without; `what` is the metric's word for it."""

    def __init__(self, what: str, value: object) -> None:
        super().__init__(what, value)
        self.what = what
        self.value = value


class EventReader:
    """Reads the events of one stream, in order."""

    def __init__(self) -> None:
        self._blocks: dict[str, _Block] = {}

    def read(self, data: bytes) -> ServiceEvent:
        """One event; an `UnknownEvent` for anything that is none, with what could be read of it."""
        if len(data) > MAX_EVENT_BYTES:
            return self._unknown("", {}, Unreadable("size", len(data)))
        try:
            ((name, body),) = bounded_json.loads(data)["event"].items()
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            return self._unknown("", {}, Unreadable("json", type(error).__name__))
        if not isinstance(body, dict):
            return self._unknown(name, {}, Unreadable("body", _name(name)))
        reader = _READERS.get(name)
        if reader is None:
            return self._unknown(name, body, Unreadable("event", _name(name)))
        try:
            return reader(self._blocks, body)
        except Unreadable as error:
            return self._unknown(name, body, error)
        except RecursionError:
            return self._unknown(name, {}, Unreadable("json", "depth"))

    def _unknown(self, name: str, body: Json, error: Unreadable) -> UnknownEvent:
        count_unknown(error.what, error.value)
        return UnknownEvent(name, body)


def count_unknown(what: str, value: object) -> None:
    """Count something of the service's that is not known here; log it the first time."""
    metrics.SONIC_UNKNOWN.add(what=what)
    word = what, repr(value)[:60]
    if word not in _logged and len(_logged) < MAX_WORDS_LOGGED:
        _logged.add(word)
        logger.warning("Sonic sent an unknown {}: {}", *word)


# Values.


def _name(word: str) -> str:
    """What the log may show of a word that the protocol should know: one word of its kind, nothing that was said."""
    return word if _NAME.fullmatch(word) else "text"


def _text(body: Json, key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str):
        raise Unreadable(key, type(value).__name__)
    return value


def _said(body: Json, key: str = "content") -> str:
    """Text as it can be stored: JSON can name half a surrogate pair, UTF-8 cannot."""
    return _text(body, key).encode(errors="replace").decode()


def _word[E: StrEnum](words: type[E], what: str, value: object) -> E:
    if isinstance(value, str) and value in words:
        return words(value)
    raise Unreadable(what, _name(value) if isinstance(value, str) else type(value).__name__)


def _word_or_none[E: StrEnum](words: type[E], what: str, value: object) -> E | None:
    if value is None or value == "":
        return None
    try:
        return _word(words, what, value)
    except Unreadable as error:
        count_unknown(error.what, error.value)
        return None


def _count(value: object) -> int:
    """A number of tokens or milliseconds, also one written as text or as a float; 0 for what is none."""
    if value is None:
        return 0
    try:
        number = float(value) if isinstance(value, str | int | float) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if 0 <= number < MAX_COUNT:
        return int(number)
    count_unknown("number", type(value).__name__)
    return 0


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


# Blocks.


def _block(blocks: dict[str, _Block], body: Json) -> _Block:
    """The block that an output belongs to; None where its start was not seen. Raises Unreadable in a block of a kind
    that is not known here."""
    content_id = _text(body, "contentId")
    block = blocks.get(content_id)
    if block is None and content_id in blocks:
        raise Unreadable("block", "of an unknown kind")
    return block


def _content_started(blocks: dict[str, _Block], body: Json) -> ContentStarted:
    content_id = _text(body, "contentId")
    while len(blocks) >= MAX_OPEN_BLOCKS:
        del blocks[next(iter(blocks))]
    blocks[content_id] = None
    started = ContentStarted(
        content_id,
        _word(ContentType, "type", body.get("type")),
        _word(Role, "role", body.get("role")),
        _stage(body.get("additionalModelFields")),
    )
    blocks[content_id] = started
    return started


def _stage(fields: object) -> Stage | None:
    """From `additionalModelFields`: JSON in a string, as the AWS page has it, or an object."""
    if isinstance(fields, str):
        try:
            fields = json.loads(fields or "{}")
        except (ValueError, RecursionError):
            count_unknown("additionalModelFields", "text")
    return _word_or_none(Stage, "stage", _object(fields).get("generationStage"))


def _content_ended(blocks: dict[str, _Block], body: Json) -> ContentEnded:
    content_id = _text(body, "contentId")
    try:
        block = _block(blocks, body)
    finally:
        blocks.pop(content_id, None)
    kind = block.type if block is not None else _word(ContentType, "type", body.get("type"))
    return ContentEnded(content_id, kind, _word_or_none(StopReason, "stopReason", body.get("stopReason")))


def _text_output(blocks: dict[str, _Block], body: Json) -> TextOutput:
    block = _block(blocks, body)
    role = block.role if block is not None else _word(Role, "role", body.get("role"))
    return TextOutput(_text(body, "contentId"), role, _said(body))


def _audio_output(blocks: dict[str, _Block], body: Json) -> AudioOutput:
    _block(blocks, body)
    try:
        audio = a2b_base64(_text(body, "content"), strict_mode=True)
    except (Base64Error, ValueError) as error:
        raise Unreadable("audio", "no base64") from error
    if len(audio) % 2:
        raise Unreadable("audio", "half a sample")
    return AudioOutput(_text(body, "contentId"), audio)


def _tool_use(blocks: dict[str, _Block], body: Json) -> ToolUse:
    _block(blocks, body)
    content = body.get("content")
    arguments = _said(body) if isinstance(content, str) else json.dumps(content)
    return ToolUse(_text(body, "contentId"), _said(body, "toolUseId"), _said(body, "toolName"), arguments)


# Everything else.


def _usage(_: object, body: Json) -> Usage:
    delta = _object(_object(body.get("details")).get("delta"))
    spent, made = _object(delta.get("input")), _object(delta.get("output"))
    return Usage(
        _count(spent.get("speechTokens")),
        _count(spent.get("textTokens")),
        _count(made.get("speechTokens")),
        _count(made.get("textTokens")),
        _count(body.get("totalInputTokens")),
        _count(body.get("totalOutputTokens")),
    )


def _speech_started(_: object, body: Json) -> UserSpeechStart:
    return UserSpeechStart(_count(body.get("inputAudioOffsetMs")))


def _speech_ended(_: object, body: Json) -> UserSpeechEnd:
    offset = _count(body.get("inputAudioOffsetMs"))
    return UserSpeechEnd(offset, _count(body.get("inputAudioDetectionOffsetMs", offset)))


_READERS: Mapping[str, Callable[[dict[str, _Block], Json], ServiceEvent]] = {
    "completionStart": lambda blocks, body: CompletionStart(),
    "contentStart": _content_started,
    "textOutput": _text_output,
    "audioOutput": _audio_output,
    "toolUse": _tool_use,
    "contentEnd": _content_ended,
    "usageEvent": _usage,
    "completionEnd": lambda blocks, body: CompletionEnd(),
    "userSpeechStart": _speech_started,
    "userSpeechEnd": _speech_ended,
}


def parse_service_event(data: bytes) -> ServiceEvent:
    """One event by itself, as `EventReader.read` reads the first of a stream."""
    return EventReader().read(data)
