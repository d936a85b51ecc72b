"""The largest that each entry takes, and what is absurd: counted is the work that is done on it, never the time."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any, cast

import pytest
from pydantic import ValidationError
from starlette.websockets import WebSocket

from agent.audio.resample import Resampler
from agent.sonic.bounded_json import MAX_VALUES
from agent.sonic.errors import MalformedEvent
from agent.sonic.events import ToolUse, UnknownEvent
from agent.sonic.parsing import parse_client_event
from agent.sonic.reading import MAX_EVENT_BYTES, EventReader
from api.schemas import MOST_FIELDS, AppointmentEdit, CustomerBody, NewAppointment, NewOrder, OrderEdit
from common.times import from_iso
from telephony.browser.events import BrowserStream, ProtocolViolation
from telephony.errors import RemoteProtocolError
from telephony.rate_guards import SLICE_CHARACTERS, Slices
from telephony.twilio.line import PhoneLine
from telephony.twilio.media_stream import MAX_MESSAGE, MediaStream, State
from tools.arguments import ARGUMENTS_LIMIT, ITEMS_LIMIT, parse_object, read
from tools.business import orders as order_tools
from tools.errors import NeedsInput

SID = "MZ1"
DEEP = "[" * 9000 + "]" * 9000
FAR = "[" * 200_000
MANY = "[" + "0," * 9000 + "0]"


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of all that is parsed as JSON."""
    sizes: list[int] = []
    loads = json.loads

    def counting(text: str | bytes, **more: Any) -> Any:
        sizes.append(len(text))
        return loads(text, **more)

    monkeypatch.setattr(json, "loads", counting)
    return sizes


def streaming() -> MediaStream:
    stream = MediaStream()
    stream.state, stream.stream_sid = State.STREAMING, SID
    return stream


def media(size: int) -> str:
    """A media message of so many characters, at most."""
    head = json.dumps({"event": "media", "streamSid": SID, "media": {"payload": "", "chunk": "1", "timestamp": "20"}})
    payload = b64encode(bytes((size - len(head)) // 4 * 3)).decode()
    return head.replace('"payload": ""', f'"payload": "{payload}"')


# The phone.


def test_the_longest_media_message_is_parsed_once_and_a_longer_one_never(parsed: list[int]) -> None:
    longest = media(MAX_MESSAGE)
    streaming().receive(longest)
    assert parsed == [len(longest)]
    with pytest.raises(RemoteProtocolError, match="characters"):
        streaming().receive(longest + " " * MAX_MESSAGE)
    assert len(parsed) == 1


class Full:
    """A socket whose messages are all there already."""

    def __init__(self, messages: list[str]) -> None:
        self._messages = messages

    async def receive(self) -> dict[str, Any]:
        if not self._messages:
            return {"type": "websocket.disconnect", "code": 1006}
        return {"type": "websocket.receive", "text": self._messages.pop(0)}


async def ended(outcome: str) -> None: ...


@pytest.mark.parametrize(("size", "count"), [(400, 1000), (MAX_MESSAGE, 4)])
async def test_what_has_piled_up_on_a_line_is_heard_in_slices(
    size: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else on the loop waits for more than `SLICE_CHARACTERS` characters, or one message."""
    messages = [media(size) for _ in range(count)] + [json.dumps({"event": "stop", "streamSid": SID})]
    total = sum(map(len, messages))
    heard = 0
    slices: list[int] = []
    push = Resampler.push

    def counting(resampler: Resampler, pcm: bytes) -> bytes:
        nonlocal heard
        heard += 1
        return push(resampler, pcm)

    monkeypatch.setattr(Resampler, "push", counting)
    loop = asyncio.get_running_loop()

    def turn() -> None:
        slices.append(heard)
        loop.call_soon(turn)

    loop.call_soon(turn)
    line = PhoneLine(cast(WebSocket, Full(messages)), streaming(), ended)
    async for _ in line.events():
        pass
    assert heard == count
    most = max(after - before for before, after in zip([0, *slices], [*slices, heard], strict=True))
    assert most <= SLICE_CHARACTERS // size + 2  # the message that fills a step is handled in the next
    assert len(slices) >= total // (SLICE_CHARACTERS + size)


async def test_a_small_message_now_and_then_costs_no_turn() -> None:
    turns = 0
    loop = asyncio.get_running_loop()

    def turn() -> None:
        nonlocal turns
        turns += 1
        loop.call_soon(turn)

    loop.call_soon(turn)
    slices = Slices()
    for _ in range(SLICE_CHARACTERS // 400):
        await slices.turn(400)
    assert turns == 0


# Browsers.


@pytest.mark.parametrize("value", [DEEP, MANY, '"' + "a" * 50_000 + '"', "1e999", "NaN"])
@pytest.mark.parametrize(
    "body",
    [
        '"textInput":{"promptName":V,"contentName":"c","content":"x"}',
        '"contentStart":{"promptName":"p","contentName":"c","role":V,"type":"TEXT"}',
        '"contentStart":{"promptName":"p","contentName":"c","role":"USER","type":V}',
        '"sessionStart":{"inferenceConfiguration":{"temperature":V}}',
        '"sessionStart":{"turnDetectionConfiguration":{"endpointingSensitivity":V}}',
        '"ack":{"sequence":V,"bufferedMs":1}',
    ],
)
def test_what_is_told_of_a_browsers_breach_is_short_however_large_the_value(body: str, value: str) -> None:
    for told in BrowserStream().receive('{"event":{' + body.replace("V", value) + "}}"):
        assert isinstance(told, ProtocolViolation)
        assert len(told.message) < 300


def test_a_name_of_an_event_is_not_repeated_at_its_full_length() -> None:
    with pytest.raises(MalformedEvent) as refused:
        parse_client_event(json.dumps({"event": {"x" * 60_000: {}}}).encode())
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_none_is_no_setting_of_a_session(number: str) -> None:
    (told,) = BrowserStream().receive('{"event":{"sessionStart":{"inferenceConfiguration":{"topP":' + number + "}}}}")
    assert isinstance(told, ProtocolViolation)


def test_a_message_that_is_too_long_is_not_parsed(parsed: list[int]) -> None:
    (told,) = BrowserStream().receive('{"event":{"sessionStart":{}}}' + " " * MAX_MESSAGE)
    assert isinstance(told, ProtocolViolation)
    assert parsed == []


# Sonic.


@pytest.mark.parametrize(
    "content",
    [
        b"[" + b"0.1," * MAX_VALUES + b"0]",
        b'{"a":' * (MAX_VALUES + 1),
        b"[" * (MAX_VALUES + 1),
        b" " * MAX_EVENT_BYTES,
    ],
    ids=["numbers", "objects", "lists", "blanks"],
)
def test_an_event_that_is_much_work_is_not_parsed(content: bytes, parsed: list[int]) -> None:
    event = b'{"event":{"toolUse":{"content":' + content + b"}}}"
    assert isinstance(EventReader().read(event), UnknownEvent)
    assert parsed == []


def test_a_long_text_is_little_work_and_is_read(parsed: list[int]) -> None:
    event = told("toolUse", contentId="c", toolUseId="u", toolName="t", content="a" * (MAX_EVENT_BYTES - 200))
    assert isinstance(EventReader().read(event), ToolUse)
    assert parsed == [len(event)]


def told(name: str, **body: Any) -> bytes:
    return json.dumps({"event": {name: body}}).encode()


def test_a_tool_use_is_told_in_texts_that_can_be_stored() -> None:
    use = EventReader().read(told("toolUse", contentId="c", toolUseId="\ud800", toolName="\udfff", content="{}"))
    assert use == ToolUse("c", "?", "?", "{}")


# Tools.


def test_arguments_that_are_too_long_are_not_parsed(parsed: list[int]) -> None:
    with pytest.raises(ValueError, match="long"):
        parse_object(" " * (ARGUMENTS_LIMIT + 1))
    assert parsed == []


@pytest.mark.parametrize("text", [FAR[:ARGUMENTS_LIMIT], '{"a":' * 3000])
def test_arguments_that_are_too_deep_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"deep|Expecting"):
        parse_object(text)


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize("items", [[0] * 9000, [{}] * 6000, [{"name": "a", "price": 1}] * (ITEMS_LIMIT + 1)])
def test_too_many_items_are_asked_for_again_before_any_is_looked_at(
    items: list[Any], as_text: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[int] = []
    validate: Callable[..., Any] = order_tools.NewOrder.model_validate

    def counting(given: Any) -> Any:
        try:
            return validate(given)
        except ValidationError as error:
            errors.append(error.error_count())
            raise

    monkeypatch.setattr(order_tools.NewOrder, "model_validate", counting)
    given = {"customerName": "Ana Pérez", "customerEmail": "ana@mail.com"}
    with pytest.raises(NeedsInput, match="items_needed"):
        read(order_tools.NewOrder, given | {"items": json.dumps(items) if as_text else items})
    assert errors == [1]


def test_items_as_text_that_are_too_deep_are_asked_for_again() -> None:
    given = {"customerName": "Ana Pérez", "customerEmail": "ana@mail.com", "items": FAR}
    with pytest.raises(NeedsInput, match="items_needed"):
        read(order_tools.NewOrder, given)


# REST.


@pytest.mark.parametrize("model", [NewOrder, OrderEdit, NewAppointment, AppointmentEdit, CustomerBody])
@pytest.mark.parametrize("fields", [MOST_FIELDS + 1, 30_000])
def test_a_body_of_nothing_but_unknown_fields_is_one_complaint(model: type[NewOrder], fields: int) -> None:
    with pytest.raises(ValidationError) as refused:
        model.model_validate({str(number): 0 for number in range(fields)})
    assert refused.value.error_count() == 1


def test_items_of_a_body_are_looked_at_as_far_as_an_order_goes() -> None:
    many = {str(number): 0 for number in range(1000)}
    with pytest.raises(ValidationError) as refused:
        OrderEdit.model_validate({"items": [many] * 9000})
    assert refused.value.error_count() <= ITEMS_LIMIT + 1


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:00-12:00"])
def test_a_time_beyond_all_years_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="all years"):
        from_iso(text)
