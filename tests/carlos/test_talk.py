"""`carlos talk`, without a socket: what is sent and shown, the line that is typed, the address."""

from __future__ import annotations

import asyncio
import io
import json
import os
from pathlib import Path

import pytest
import typer

from agent.sonic.events import TextStart
from agent.sonic.parsing import parse_client_event
from carlos.commands.talk import address
from carlos.talk.conversation import Conversation, Shown, Who, arguments
from carlos.talk.line_editor import MAX_CHARACTERS, Entered, Left, LineEditor, visible
from carlos.talk.phrases import PHRASES, english_help
from carlos.talk.session import TalkError, talk
from carlos.talk.terminal import PlainScreen, PromptScreen, script
from common.running import RunningServer, announced
from common.settings import Settings
from telephony.browser.events import BrowserStream, Ended, ProtocolViolation, Talking, Typed
from telephony.browser.messages import BrowserMessages
from tests.support.servers import free_port, loopback

ROOT = Path(__file__).parent.parent.parent


def test_what_is_sent_is_what_the_line_takes() -> None:
    conversation, line = Conversation(), BrowserStream()
    sent = (*conversation.opening(), *conversation.typed("¿Dónde está mi pedido?"), *conversation.ending())
    events = [event for message in sent for event in line.receive(message)]
    assert not [event for event in events if isinstance(event, ProtocolViolation)]
    assert [event for event in events if isinstance(event, Talking | Typed | Ended)] == [
        Talking(16000),
        Typed("¿Dónde está mi pedido?"),
        Ended(),
    ]
    assert isinstance(parse_client_event(conversation.typed("Sí")[0].encode()), TextStart)


def shown(conversation: Conversation, *messages: str) -> list[tuple[str, str]]:
    return [(line.who.name, line.text) for message in messages for line in conversation.show(message)]


def test_words_are_shown_as_they_come_and_once() -> None:
    conversation, server = Conversation(), BrowserMessages("id")
    conversation.typed("Hola [che]")
    assert shown(conversation, *server.heard("Hola (che)")) == [], "it stands there already"
    assert shown(conversation, *server.planned("Pedido uno. ¿Me decís tu DNI?")) == [
        ("CARLOS", "Pedido uno. ¿Me decís tu DNI?")
    ]
    assert conversation.answering
    assert shown(conversation, *server.audio(b"\0\0"), *server.said("Pedido uno.", cut=True, last=True)) == []
    assert not conversation.answering
    assert shown(conversation, *server.heard("Otra cosa.")) == [("HEARD", "Otra cosa.")]
    assert shown(conversation, *server.interrupted()) == []


def test_a_tool_is_one_line_and_a_notice_is_not_said_twice() -> None:
    conversation, server = Conversation(), BrowserMessages("id")
    used = server.tool_used("1", "consultarOrder", '{"orderId": "1", "dni": "28456789", "items": [1]}')
    assert shown(conversation, *used) == [("TOOL", "consultarOrder(orderId=1, dni=28456789, items=[1])")]
    over = "Cerré la conversación."
    assert shown(conversation, *server.error("idle", over), *server.notice(over)) == [("SERVER", over)]


@pytest.mark.parametrize("content", ["", "{", "[1,\n2]", '"a"', '{"a": null}', "1\n2"])
def test_whatever_a_model_makes_of_arguments_is_one_line(content: str) -> None:
    assert "\n" not in arguments(content)


@pytest.mark.parametrize("message", ["", "{}", "[]", '{"event": {}}', '{"event": {"textOutput": {}}}', b"\xff", "null"])
def test_a_message_that_is_not_understood_is_told_and_ends_nothing(message: str | bytes) -> None:
    (line,) = Conversation().show(message)
    assert line.who is Who.SERVER


@pytest.mark.parametrize(
    ("typed", "done", "left"),
    [
        ("hola\n", [Entered("hola")], ""),
        ("hola\rchau", [Entered("hola")], "chau"),
        ("\n  \n", [], ""),
        ("holaa\x7f\n", [Entered("hola")], ""),
        ("\x7f\x7f¿sí?\n", [Entered("¿sí?")], ""),
        ("uno dos tres\x17", [], "uno dos "),
        ("uno\x15dos\n", [Entered("dos")], ""),
        ("\x04", [Left()], ""),
        ("a\x04", [], "a"),
        ("a\x1b[A\x1b[3~\x1bOPb\x1bxc\n", [Entered("abc")], ""),
        ("a\x07\x00b\n", [Entered("ab")], ""),
        ("x" * (MAX_CHARACTERS + 5) + "\n", [Entered("x" * MAX_CHARACTERS)], ""),
    ],
)
def test_a_line_is_edited_as_people_do(typed: str, done: list[Entered | Left], left: str) -> None:
    editor = LineEditor()
    assert list(editor.feed(typed)) == done
    assert editor.text == left
    one_by_one = LineEditor()
    assert [each for character in typed for each in one_by_one.feed(character)] == done


def test_the_prompt_shows_the_end_of_a_long_line() -> None:
    assert visible("you: ", "hola", 80) == "you: hola"
    assert visible("you: ", "0123456789", 12) == "you: …56789"
    assert len(visible("you: ", "x" * 500, 40)) < 40


def test_what_is_being_typed_survives_what_comes() -> None:
    out = io.StringIO()
    screen = PromptScreen(out, columns=lambda: 80)
    assert screen.type("quiero sab") == []
    screen.show(Shown(Who.CARLOS, "Hola.\x1b[2J"))
    assert out.getvalue().endswith("you: quiero sab")
    assert "\x1b[2J" not in out.getvalue(), "a terminal obeys nothing that comes"
    assert screen.type("er\n") == ["quiero saber"]
    assert screen.type("\x04") == [None]


def test_without_a_terminal_it_is_plain_text() -> None:
    out = io.StringIO()
    PlainScreen(out).show(Shown(Who.TOOL, "consultarOrder(orderId=1)"))
    assert out.getvalue() == "tool: consultarOrder(orderId=1)\n"


async def test_a_script_is_read_to_its_end() -> None:
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    with script(io.StringIO("Hola\n\n  chau \n"), lines):
        assert [await lines.get() for _ in range(3)] == ["Hola", "chau", None]


@pytest.mark.parametrize(
    ("server", "url"),
    [
        (None, "http://localhost:8099"),
        ("localhost:8081", "http://localhost:8081"),
        ("https://carlos.example/", "https://carlos.example"),
    ],
)
def test_a_server_is_named_as_browsers_allow(server: str | None, url: str, tmp_path: Path) -> None:
    assert address(server, Settings(host="localhost", ws_port=8099, carlos_home=tmp_path)) == url


def test_the_server_that_runs_on_this_home_is_found_on_whatever_port_it_is(tmp_path: Path) -> None:
    settings = Settings(host="localhost", ws_port=8099, carlos_home=tmp_path)
    with loopback() as listener:
        here = RunningServer(f"http://localhost:{listener.getsockname()[1]}", os.getpid())
        with announced(tmp_path, here):
            assert address(None, settings) == here.address
            assert address("localhost:8081", settings) == "http://localhost:8081"


@pytest.mark.parametrize("left", ["http://localhost:1", "http://localhost:a", "", "localhost"])
def test_a_file_that_a_killed_server_has_left_leads_nowhere(left: str, tmp_path: Path) -> None:
    settings = Settings(host="localhost", ws_port=8099, carlos_home=tmp_path)
    with announced(tmp_path, RunningServer(left, os.getpid())):  # its number is another process's by now
        assert address(None, settings) == "http://localhost:8099"


@pytest.mark.parametrize(
    "server", ["ftp://localhost", "http://", "localhost:a", "http://localhost:8081/x", "localhost:99999"]
)
def test_what_is_no_address_is_told(server: str) -> None:
    with pytest.raises(typer.BadParameter, match="such as http://localhost:8081"):
        address(server, Settings())


async def test_where_nobody_answers_it_says_how_to_start_him() -> None:
    with pytest.raises(TalkError, match="make run"):
        await talk(f"http://localhost:{free_port()}", asyncio.Queue(), PlainScreen(io.StringIO()), asyncio.Event())


def test_each_phrase_is_one_that_is_understood() -> None:
    known = "".join(
        path.read_text() for path in (*ROOT.glob("tests/scenarios/*.yaml"), *ROOT.glob("sandbox/callers/*/*.yaml"))
    )
    assert [spanish for spanish, _ in PHRASES if json.dumps(spanish, ensure_ascii=False) not in known] == []
    assert all(meaning in english_help() for _, meaning in PHRASES)
