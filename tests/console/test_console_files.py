"""The console's files: safe to show, in two languages that say the same, with every word that a module asks for."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from agent.ending import OUTCOMES
from agent.passing_on import TRANSFERRED, TRANSFERRING
from api.console import console_routes, load_assets
from data.calls import VOICEMAIL
from tools import follow_up
from tools.catalogue import NAMES

CONSOLE = Path(__file__).parents[2] / "api" / "static" / "console"
KEY = re.compile(r'^  "([\w.-]+)":', re.MULTILINE)
HOLE = re.compile(r"\{(\w+)\}")
LINE = re.compile(r'^  "([\w.-]+)": "(.*)",$', re.MULTILINE)
USED = re.compile(
    r'(?:data-t(?:-label|-placeholder)?="|\bt: \[?"|\blabel: \[?"|say\("|note\("|complain\("|finish\(")([\w.-]+)"'
)


def words(language: str) -> dict[str, str]:
    text = (CONSOLE / "words" / f"{language}.js").read_text(encoding="utf-8")
    found = dict(LINE.findall(text))
    assert found.keys() == set(KEY.findall(text)), "a line that is no entry"
    return found


def test_both_languages_say_the_same_things_with_the_same_holes() -> None:
    english, spanish = words("en"), words("es")
    assert english.keys() == spanish.keys()
    for key, text in english.items():
        assert sorted(HOLE.findall(text)) == sorted(HOLE.findall(spanish[key])), key


@pytest.mark.parametrize("path", sorted(CONSOLE.rglob("*.*")), ids=lambda path: path.name)
def test_every_word_that_is_asked_for_is_there(path: Path) -> None:
    asked = set(USED.findall(path.read_text(encoding="utf-8")))
    assert asked <= words("en").keys()


def test_every_way_in_which_a_call_ends_has_a_word() -> None:
    ends = {*OUTCOMES.values(), TRANSFERRING, TRANSFERRED, VOICEMAIL, "closed", "drained", "dropped", "idle", "lost"}
    assert {f"outcome.{end}" for end in ends} <= words("es").keys()


def test_a_tool_is_shown_under_the_label_it_is_declared_with() -> None:
    served = load_assets()["words/tools.js"].content.decode()
    labels = {
        name: json.loads(words) for name, words in re.findall(r"^export const (\w+) = (.*);$", served, re.MULTILINE)
    }
    assert labels["en"]["tool.consultarOrder"] == "Look up an order"
    assert labels["es"]["tool.consultarOrder"] == "Consultar un pedido"
    assert labels["en"].keys() == labels["es"].keys() == {f"tool.{name}" for name in NAMES | {follow_up.NAME}}
    assert labels["en"].keys().isdisjoint(words("en")), "a tool's name is no word of the console's"


def test_nothing_in_the_page_comes_from_elsewhere() -> None:
    for path, asset in load_assets().items():
        addresses = re.findall(r"https?://[^\s\"'`)<]+", asset.content.decode())
        told = ("http://www.w3.org/", "https://www.twilio.com/docs/")
        assert all(address.startswith(told) for address in addresses), path


def client(notice: str | None = None) -> TestClient:
    app = FastAPI()
    app.include_router(console_routes(notice))
    return TestClient(app)


def test_a_notice_cannot_break_out_of_the_page() -> None:
    page = client('"><script>alert(1)</script>').get("/").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


@pytest.mark.parametrize(("tokens", "told"), [(False, ""), (True, "needed")])
def test_the_page_is_told_whether_its_sockets_need_tokens(tokens: bool, told: str) -> None:
    app = FastAPI()
    app.include_router(console_routes(None, tokens=tokens))
    assert f'<meta name="carlos-browser-tokens" content="{told}">' in TestClient(app).get("/").text


def test_the_consoles_files_are_safe_to_show_and_nothing_else_is_served() -> None:
    here = client()
    page = here.get("/")
    assert page.headers["content-security-policy"].startswith("default-src 'self'; ")
    assert "unsafe" not in page.headers["content-security-policy"]
    assert here.get("/", headers={"If-None-Match": page.headers["etag"]}).status_code == 304
    assert here.get("/console/main.js").headers["content-type"].startswith("text/javascript")
    for path in ("/console/nothing.js", "/console/../calls.py", "/console/%2e%2e/calls.py", "/console/"):
        assert here.get(path).status_code == 404
