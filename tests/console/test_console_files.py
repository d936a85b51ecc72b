"""The console's files: safe to show, in two languages that say the same, with every word that a module asks for."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from agent.end_reason import end_of
from agent.ending import OUTCOMES
from agent.line import LineDropped
from agent.passing_on import TRANSFERRED, TRANSFERRING
from agent.sonic.errors import SonicError
from agent.transcript import LOST
from api.console import console_routes, load_assets
from carlos.standin import HEARS, takes
from data.calls import VOICEMAIL
from sandbox.dialogue.lines import CANNOT, NOT_HEARD, NOT_UNDERSTOOD
from telephony.browser import close_reasons
from telephony.browser.close_reasons import REASON_OF_OUTCOME, CloseReason
from telephony.twilio.line import FLOODED
from tests.dialogue.front_desk import LINE_TOOLS, Desk
from tests.dialogue.phone_stage import TOOLS
from tools import follow_up
from tools.catalogue import NAMES

ROOT = Path(__file__).parents[2]
CONSOLE = ROOT / "api" / "static" / "console"
DROPPED = re.compile(r'LineDropped\([^()]*(?:\([^()]*\))?[^()]*, "(\w+)"\)')
KEY = re.compile(r'^  "([\w.-]+)":', re.MULTILINE)
HOLE = re.compile(r"\{(\w+)\}")
LINE = re.compile(r'^  "([\w.-]+)": "(.*)",$', re.MULTILINE)
USED = re.compile(
    r'(?:data-t(?:-label|-placeholder)?="|\bt: \[?"|\blabel: \[?"|say\("|note\("|complain\("|finish\(")([\w.-]+)"'
)


def words(language: str) -> dict[str, str]:
    text = (CONSOLE / "words" / f"{language}.js").read_text(encoding="utf-8")
    entries = LINE.findall(text)
    found = dict(entries)
    assert found.keys() == set(KEY.findall(text)), "a line that is no entry"
    assert len(found) == len(entries), "a key that is there twice, of which the first is never said"
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


@pytest.fixture(scope="module")
def ends() -> set[str]:
    """The outcomes of calls: of the call itself, of what ends it from outside, and the words of a line's own."""
    of_lines = {end for path in (ROOT / "telephony").rglob("*.py") for end in DROPPED.findall(path.read_text("utf-8"))}
    violations = {"too_much_text"}  # a final one's code is the outcome
    outside = {"closed", "drained", LineDropped("").outcome, FLOODED, LOST, TRANSFERRING, TRANSFERRED, VOICEMAIL}
    return {*OUTCOMES.values(), *REASON_OF_OUTCOME, *of_lines, *violations, *outside}


def test_every_way_in_which_a_call_ends_has_a_word(ends: set[str]) -> None:
    assert {"doubled_audio", "idle", "protocol", "flooded", "lost", "voicemail"} <= ends
    assert {f"outcome.{end}" for end in ends} <= words("es").keys()


def test_every_reason_that_a_record_gives_for_its_end_has_a_sentence(ends: set[str]) -> None:
    told = words("es").keys()
    for end in ends - {LOST, TRANSFERRED, VOICEMAIL}:  # which no call ends with itself
        for caller_hung_up in (False, True):
            given = end_of(end, caller_hung_up=caller_hung_up)
            reason = f"reason.{given['end_reason']}"
            assert {reason, f"{reason}.{given['ended_by']}"} & told, given


def test_every_refusal_of_a_browser_has_words() -> None:
    reasons = {each.reason for each in vars(close_reasons).values() if isinstance(each, CloseReason)}
    reasons |= {each.reason for each in REASON_OF_OUTCOME.values()}
    assert {f"refused.{reason}" for reason in reasons - {"done"}} <= words("es").keys()


def test_every_fault_of_the_model_has_words() -> None:
    def kinds(error: type[SonicError]) -> set[str]:
        return {error.__name__}.union(*(kinds(each) for each in error.__subclasses__()))

    assert {f"fault.{kind}" for kind in kinds(SonicError) - {"SonicError"}} <= words("es").keys()


def test_what_a_modules_word_is_put_together_from_is_there() -> None:
    told = words("es").keys()
    kinds = {"unreachable", "missing", "failed"}
    assert {f"problem.rest.{kind}" for kind in kinds} | {f"admin.{kind}" for kind in kinds} <= told
    assert {f"problem.key.{kind}" for kind in ("unauthorized", "wrong-key", "forbidden")} <= told
    assert {f"{key}{line}" for key in ("problem.lost", "problem.offline") for line in ("", ".phone")} <= told
    assert {f"standin.{takes}" for takes in ("speech", "text")} <= told


async def test_the_stand_in_understands_what_the_page_proposes() -> None:
    said = re.findall(r'says: "(.+?)"', (CONSOLE / "talk" / "examples.js").read_text(encoding="utf-8"))
    assert len(said) >= 4
    for text in said:
        desk = Desk((*TOOLS, *LINE_TOOLS))
        await desk.say_to("[llamada]")
        answer = await desk.say_to(text)
        assert answer, text
        assert not answer.startswith((NOT_HEARD, NOT_UNDERSTOOD, CANNOT)), (text, answer)


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


def client(standin: str = "") -> TestClient:
    app = FastAPI()
    app.include_router(console_routes(standin))
    return TestClient(app)


@pytest.mark.parametrize(("notice", "told"), [(None, ""), (HEARS, "speech"), ("takes typed text only", "text")])
def test_the_page_is_told_what_a_stand_in_takes(notice: str | None, told: str) -> None:
    assert f'<meta name="carlos-standin" content="{told}">' in client(takes(notice)).get("/").text


@pytest.mark.parametrize(("tokens", "told"), [(False, ""), (True, "needed")])
def test_the_page_is_told_whether_its_sockets_need_tokens(tokens: bool, told: str) -> None:
    app = FastAPI()
    app.include_router(console_routes("", tokens=tokens))
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
