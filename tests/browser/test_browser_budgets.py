"""What one browser may make the server hold, counted; and what its texts may hold."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.sonic.events import Role
from sandbox.browser.client import OriginalClient
from telephony.browser.client_setup import MAX_HISTORY_TEXTS, MAX_SYSTEM_CHARACTERS, MAX_TEXT_CHARACTERS, ClientSetup
from telephony.browser.events import (
    MAX_OPEN_BLOCKS,
    MAX_OPEN_CHARACTERS,
    BrowserStream,
    HistoryText,
    ProtocolViolation,
    SystemText,
    Typed,
)
from telephony.browser.messages import BrowserMessages
from telephony.rate_guards import BURST_BYTES, BURST_MESSAGES, BYTES_PER_S, MessageRateLimit

CLIENT = OriginalClient("", history=[("USER", "Hola"), ("ASSISTANT", "Buenas")])


def talking() -> BrowserStream:
    stream = BrowserStream()
    for event in CLIENT.handshake():
        stream.receive(json.dumps({"event": event}))
    return stream


def tell(stream: BrowserStream, event: dict[str, Any]) -> list[ProtocolViolation]:
    return [told for told in stream.receive(json.dumps({"event": event})) if isinstance(told, ProtocolViolation)]


def held(stream: BrowserStream) -> int:
    return sum(len(part) for block in stream._texts.values() for part in block.parts)


@pytest.mark.parametrize("size", [0, 1, 1000, 60_000])
def test_a_text_that_never_ends_is_given_up_when_its_budget_is_spent(size: int) -> None:
    stream = talking()
    start, text, _ = CLIENT.text("USER", "a" * size)
    assert tell(stream, start) == []
    told: list[ProtocolViolation] = []
    parts = 0
    while not told:
        told = tell(stream, text)
        parts += 1
        assert held(stream) <= MAX_OPEN_CHARACTERS
        assert parts <= MAX_OPEN_CHARACTERS
    assert [(violation.code, violation.final) for violation in told] == [("too_much_text", True)]
    assert held(stream) == 0


@pytest.mark.parametrize("name", ["x", "x" * 60_000])
def test_blocks_that_are_opened_and_never_closed_have_a_budget(name: str) -> None:
    stream = talking()
    opened = 0
    told: list[ProtocolViolation] = []
    while not told:
        start, _, _ = CLIENT.text("USER", "")
        start["contentStart"]["contentName"] = f"{name}{opened}"
        told = tell(stream, start)
        opened += 1
        assert opened <= MAX_OPEN_BLOCKS + 1
    assert told[0].final


def test_what_is_closed_counts_no_more() -> None:
    stream = talking()
    for _ in range(3 * MAX_OPEN_CHARACTERS // 1000):
        told = [
            event for each in CLIENT.text("USER", "a" * 1000) for event in stream.receive(json.dumps({"event": each}))
        ]
        assert told == [Typed("a" * 1000)]


def test_an_endless_history_is_kept_to_its_newest_texts() -> None:
    client_setup = ClientSetup()
    for number in range(1000):
        client_setup = client_setup.with_event(
            HistoryText((Role.USER, Role.ASSISTANT)[number % 2], f"{number} " + "a" * 60_000)
        )
        client_setup = client_setup.with_event(SystemText("s" * 60_000))
    assert len(client_setup.earlier) == MAX_HISTORY_TEXTS
    assert max(len(text) for _, text in client_setup.earlier) == MAX_TEXT_CHARACTERS
    assert client_setup.earlier[-1][1].startswith("999 ")
    assert len(client_setup.system) == MAX_SYSTEM_CHARACTERS


def test_few_messages_with_much_in_them_are_a_flood() -> None:
    flood, size, sent = MessageRateLimit(), 64 * 1024, 0
    while not flood.push(size, 1000.0):
        sent += 1
    assert sent * size == BURST_BYTES
    steady = MessageRateLimit()
    assert not any(steady.push(BYTES_PER_S // 100, 1000 + number / 100) for number in range(100_000))
    assert sum(not flood.push(0, 2000.0) for _ in range(BURST_MESSAGES + 5)) == BURST_MESSAGES


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (r"\ud800", "\ufffd"),
        (r"a\udfffb", "a\ufffdb"),
        (r"\ud83d\ude00", "\U0001f600"),
        (r"a\u0000\u001b[2Jb", "a\ufffd\ufffd(2Jb"),
        (r"a\nb\tc", "a\nb\tc"),
        (r"\u0085\u009f", "\ufffd\ufffd"),
    ],
)
def test_what_is_no_text_is_replaced_where_it_enters(typed: str, read: str) -> None:
    stream = talking()
    start, text, end = (json.dumps({"event": event}) for event in CLIENT.text("USER", "?"))
    stream.receive(start)
    stream.receive(text.replace("?", typed))
    assert stream.receive(end) == (Typed(read),)


def test_whatever_is_told_to_a_browser_can_be_written() -> None:
    messages = BrowserMessages("s")
    messages.prompt_name = "\ud800"
    told = [
        *messages.heard("\ud800"),
        *messages.planned("\udfff"),
        *messages.tool_used("\ud800", "\ud800", '{"a": "\ud800"}'),
        *messages.error("x", "\ud800"),
        *messages.notice("\x00"),
    ]
    for message in told:
        assert json.loads(message.encode())["event"]
