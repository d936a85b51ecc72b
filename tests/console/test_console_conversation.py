"""Whole conversations at the page, with a recorded caller as the microphone: in the browser and over the phone line.

Both callers phone at once, each with a browser of his own: half the time, and neither may notice the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from sandbox.sonic.script import CHARACTER_S, Say, ScriptTurn, UseTool
from sandbox.twilio.script import load_script
from tests.console.chromium import Page, chromium
from tests.console.listening import Microphone, Speakers
from tests.console.served import Served, patient, pitch_of, served

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CALLER = load_script("cancel-appointment").turns
SAID = [CALLER[0].say, CALLER[1].say, CALLER[3].say]
HELLO, ANSWER, BYE = "Hola, soy Carlos.", "Es el viernes a las diez.", "Chau, que andes bien."
LONG = (
    "Para ver ese turno tengo que saber quién sos: decime por favor tu nombre completo, tal como figura en el turno, y "
    "si no te acordás de cómo lo anotamos, decime el nombre del médico, el día en que te atiende y a qué hora tenés."
)
LONG_SOUNDED_S = 0.5  # how much of it is heard before the caller interrupts
SCRIPT = [
    ScriptTurn((Say(HELLO),)),
    ScriptTurn((Say(LONG),), hear=SAID[0]),
    ScriptTurn(
        (UseTool("consultarTurno", {"appointmentId": "7", "patientName": "Ana Rodríguez"}), Say(ANSWER)), hear=SAID[1]
    ),
]
GOODBYE = ScriptTurn((UseTool("finalizarLlamada"), Say(BYE)), hear=SAID[2])

type Shoot = Callable[[Page, str], Awaitable[None]]


async def test_recorded_callers_are_heard_and_answered_and_may_interrupt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shoot: Shoot
) -> None:
    scripts = patient([*SCRIPT, GOODBYE])
    async with served(tmp_path, monkeypatch, scripts) as server:
        first_is_open = asyncio.Event()
        async with asyncio.TaskGroup() as both:  # where one fails, the other one ends in order
            both.create_task(hold(server, "browser", tmp_path, shoot, opened=first_is_open))
            both.create_task(hold(server, "phone", tmp_path, shoot, after=first_is_open))


async def hold(
    server: Served,
    mode: str,
    folder: Path,
    shoot: Shoot,
    *,
    after: asyncio.Event | None = None,
    opened: asyncio.Event | None = None,
) -> None:
    """One whole conversation. The scripts are handed out in the order of the calls."""
    async with chromium(folder / mode) as browser:
        page = await browser.page(f"{server.url}/")
        microphone = await Microphone.of(page)
        await page.click(f"input[value={mode}]")
        if after is not None:
            await after.wait()
        await page.click("#call")
        speakers = await Speakers.of(page)
        await page.until(f"document.querySelector('.heard')?.innerText === {HELLO!r}")
        if opened is not None:
            opened.set()
        await microphone.say(CALLER[0].audio)
        await speakers.sounded(len(HELLO) * CHARACTER_S + LONG_SOUNDED_S)
        await microphone.say(CALLER[1].audio)
        await page.until("document.querySelector('.mark-interrupted')")
        await page.until("document.querySelector('.tool.done')")
        await page.until(f"document.querySelector('#transcript').innerText.includes({ANSWER!r})")
        await shoot(page, f"talk-{mode}")
        await page.until(f"document.querySelector('.said:last-child .heard')?.innerText === {ANSWER!r}")
        await microphone.say(CALLER[3].audio)
        await page.until("document.querySelector('.mark-goodbye')")
        await page.until("carlos.session.state === 'ended'")
        await check_page(page)
        await check_sound(speakers)
        record = await server.record(await page.js("carlos.session.line.callId"))
        assert (record.line, record.outcome, record.interruptions) == (mode, "completed", 1)
        assert [turn.text for turn in record.turns if turn.role == "caller"] == SAID
        await page.js(f"location.hash = '#/calls/{record.id}'")
        await page.until("document.querySelector('.timeline')")
        if mode == "browser":  # the phone's picture is of a whole `make call`: picture_of_a_call.py
            await shoot(page, "call-browser")
        assert page.errors == []


async def check_page(page: Page) -> None:
    """What was said in full, what was cut, that the tool did what it was asked, and how long each answer took."""
    assert await page.text("#alert") == ""
    assert await page.texts(".said.caller p") == SAID
    said = [text.strip() for text in await page.texts(".said.carlos p")]
    assert (said[0], said[-2], said[-1]) == (HELLO, ANSWER, BYE)
    cut = await page.text(".said.carlos:has(.cut) .heard")
    assert 0 < len(cut) < len(LONG)
    assert LONG.startswith(cut)
    assert len(await page.texts(".mark-interrupted")) == 1
    latencies = await page.js("carlos.session.stopwatch.turns")
    assert len(latencies) >= 2
    assert all(0 < ms < 10_000 for ms in latencies)
    assert await page.js("document.querySelectorAll('#latency tbody tr').length") == len(latencies)


async def check_sound(speakers: Speakers) -> None:
    """Every answer is played whole and in order, but for the interrupted one, of which nothing comes later."""
    expected = [HELLO, LONG, ANSWER, BYE]
    tones = await speakers.tones(pitch_of(text) for text in expected)
    assert [tone.hertz for tone in tones] == [pitch_of(text) for text in expected], tones
    seconds = [tone.seconds for tone in tones]
    whole = [len(text) * CHARACTER_S for text in expected]
    assert [seconds[0], *seconds[2:]] == pytest.approx([whole[0], *whole[2:]], abs=0.06)
    assert LONG_SOUNDED_S / 2 < seconds[1] < whole[1] - 1
