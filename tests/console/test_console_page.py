"""What a person can do at the page: type, press keys, do without a microphone or a mouse, and survive a restart.

One server and one browser for all; each test has a tab with a profile of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from sandbox.brain import Brain, Floor, Prompt, Utterance
from tests.console.chromium import Chromium, Page, chromium
from tests.console.listening import Speakers, silent_device
from tests.console.served import PatientEar, PitchedVoice, Served, served

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

HELLO = "Hola, soy Carlos."

type Shoot = Callable[[Page, str], Awaitable[None]]


class EchoMind:
    """Says what it was told, and what it said last, if there was an earlier conversation."""

    def begin(self, prompt: Prompt) -> None:
        self._prompt = prompt

    async def turn(self, heard: Utterance, floor: Floor) -> None:
        text = heard.text or ""
        said = [text for role, text in self._prompt.history if role == "ASSISTANT"]
        before = f" después de {said[-1]}" if said else ""
        if text.startswith("[DTMF]"):
            await floor.say(f"Marcaste {text.removeprefix('[DTMF] ')}.")
        elif text.startswith("["):
            await floor.say(HELLO)
        else:
            await floor.say(f"Entendí {text}{before}.")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    with pytest.MonkeyPatch.context() as patch:
        brain = lambda: Brain(PatientEar(), EchoMind(), PitchedVoice())  # noqa: E731 - a factory
        async with served(tmp_path_factory.mktemp("home"), patch, brain) as running:
            yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chromium]:
    folder = tmp_path_factory.mktemp("browser")
    async with chromium(folder / "profile", silent_device(folder / "silence.wav")) as running:
        yield running


async def call(page: Page, mode: str = "browser") -> None:
    await page.click(f"input[value={mode}]")
    await page.click("#call")
    await page.until(f"document.querySelector('.heard')?.innerText === {HELLO!r}")


async def type_(page: Page, text: str) -> None:
    await page.click("#typed")
    await page.write(text)
    await page.key("Enter")


async def told(page: Page, text: str) -> None:
    """Wait until Carlos has been heard saying this."""
    await page.until(f"[...document.querySelectorAll('.heard')].some((e) => e.innerText === {text!r})")


async def test_a_restart_of_the_server_is_told_and_the_conversation_goes_on(
    server: Served, browser: Chromium, shoot: Shoot
) -> None:
    page = await browser.page(f"{server.url}/")
    await call(page)
    await type_(page, "uno")
    await told(page, "Entendí uno.")
    async with server.away():
        await page.until("carlos.session.state === 'lost'")
        assert "Waiting for it to come back" in await page.text("#alert")
        assert await page.text("#state") == "Connection lost"
        await asyncio.sleep(0.5)  # Carlos's voice fades meanwhile, which must not look like a connection
        assert await page.text("#state") == "Connection lost"
        await shoot(page, "talk-lost")
    await page.until("carlos.session.state === 'live'")
    assert await page.text("#alert") == ""
    assert "goes on" in await page.text(".mark-reconnected")
    await type_(page, "dos")
    await told(page, "Entendí dos después de Entendí uno..")
    await page.click("#call")
    assert [error for error in page.errors if not error.startswith("network:")] == []
    await page.close()


async def test_a_phone_call_does_not_outlive_its_server_and_can_be_placed_anew(
    server: Served, browser: Chromium
) -> None:
    page = await browser.page(f"{server.url}/")
    await call(page, "phone")
    async with server.away():
        await page.until("carlos.session.state === 'lost'")
    await page.until("carlos.session.state === 'ended'")
    assert "call again" in await page.text("#alert")
    await page.click("#call")
    await page.until("carlos.session.state === 'live'")
    await told(page, HELLO)
    assert await page.text("#alert") == ""
    await page.click("#call")
    await page.close()


async def test_without_a_microphone_one_types_and_listens(server: Served, browser: Chromium, shoot: Shoot) -> None:
    page = await browser.page(f"{server.url}/", microphone="denied")
    await call(page)
    assert "microphone was refused" in await page.text("#alert")
    speakers = await Speakers.of(page)
    await type_(page, "hola")
    await told(page, "Entendí hola.")
    assert sum(tone.seconds for tone in await speakers.tones([400])) > 0.5
    await shoot(page, "talk-no-microphone")
    await page.click("#call")
    assert page.errors == []
    await page.close()


async def test_two_tabs_hold_two_conversations(server: Served, browser: Chromium) -> None:
    first, second = await browser.page(f"{server.url}/"), await browser.page(f"{server.url}/")
    await call(first)
    await call(second, "phone")
    await type_(first, "soy la primera")
    await told(first, "Entendí soy la primera.")
    await second.click("#keypad-toggle")
    await second.click("#keypad button:nth-of-type(2)")
    await second.click("#keypad button:last-child")
    await told(second, "Marcaste 2#.")
    assert "primera" not in await second.text("#transcript")
    calls = {await page.js("carlos.session.line.callId") for page in (first, second)}
    assert len(calls) == 2
    assert calls <= server.services.active_calls.live.keys()
    await second.click("#call")
    await type_(first, "sigo acá")
    await told(first, "Entendí sigo acá.")
    await first.click("#call")
    assert (first.errors, second.errors) == ([], [])
    for page in (first, second):
        await page.close()


async def test_everything_can_be_done_with_the_keyboard_alone(server: Served, browser: Chromium, shoot: Shoot) -> None:
    page = await browser.page(f"{server.url}/")
    await page.prefer(prefers_color_scheme="dark", prefers_reduced_motion="reduce")

    async def tab_to(selector: str) -> None:
        for _ in range(30):
            await page.key("Tab")
            if await page.js(f"document.activeElement.matches({selector!r})"):
                return
        raise AssertionError(f"Tab does not lead to {selector}")

    await page.key("Tab")
    assert await page.js("document.activeElement.className") == "skip"
    await page.key("Enter")
    assert await page.js("document.activeElement.id") == "main"
    await tab_to("#call")
    assert await page.js("getComputedStyle(document.activeElement.querySelector('svg')).outlineStyle") == "solid"
    await page.key("Enter")
    await told(page, HELLO)
    await tab_to("#keypad-toggle")
    await page.key(" ")
    for digit in "12#":
        await page.key(digit)
    await told(page, "Marcaste 12#.")
    await shoot(page, "talk-keypad-dark")
    await page.key("Escape")
    assert await page.js("document.activeElement.id") == "keypad-toggle"
    await tab_to("#typed")
    await page.write("hola")
    await page.key("Enter")
    await told(page, "Entendí hola.")
    await page.js("document.querySelector('.skip').focus()")
    await tab_to("#call")
    await page.key("Enter")
    await page.until("carlos.session.state === 'ended'")
    assert page.errors == []
    await page.close()


async def test_a_muted_caller_and_a_change_of_section_do_not_end_the_call(
    server: Served, browser: Chromium, shoot: Shoot
) -> None:
    page = await browser.page(f"{server.url}/")
    await call(page)
    await page.click("#mute")
    await page.until("document.querySelector('#state').innerText === 'You are muted'")
    assert await page.js("document.querySelector('#mute').getAttribute('aria-pressed')") == "true"
    await page.click(".tabs a[href='#/orders']")
    await page.until("document.querySelector('#orders tbody tr')")
    await page.click(".tabs a[href='#/calls']")
    await page.until(f"document.querySelector('.live')?.innerText.includes({HELLO!r})")
    await shoot(page, "calls-live")
    await page.click("#on-air")
    await page.until("!document.querySelector('#talk').hidden")
    await type_(page, "hola")
    await told(page, "Entendí hola.")
    await page.click("#call")
    assert page.errors == []
    await page.close()


async def test_the_page_speaks_spanish_and_remembers_it(server: Served, browser: Chromium, shoot: Shoot) -> None:
    page = await browser.page(f"{server.url}/")
    await page.click("#language")
    assert await page.js("document.documentElement.lang") == "es"
    await call(page)
    assert await page.text("#call span") == "Cortar"
    await page.click("#call")
    await page.until("carlos.session.state === 'ended'")
    await page.goto(f"{server.url}/")
    assert await page.text(".tabs a") == "Hablar"
    await page.click("#theme")
    assert await page.js("getComputedStyle(document.documentElement).colorScheme") == "dark"
    await asyncio.sleep(0.4)  # the colours fade over
    await shoot(page, "talk-spanish-dark")
    assert page.errors == []
    await page.close()


async def test_on_a_narrow_screen_nothing_is_wider_than_the_screen(server: Served, browser: Chromium) -> None:
    page = await browser.page(f"{server.url}/", width=360, height=740)
    for section in ("talk", "orders", "appointments", "calls", "today", "customer"):
        await page.js(f"location.hash = '#/{section}'")
        await page.until(f"!document.querySelector('#{section}').hidden && !document.querySelector('.loading')")
        assert await page.js("document.documentElement.scrollWidth <= innerWidth"), section
    await page.close()


async def test_the_audio_modules_agree_with_the_servers(server: Served, browser: Chromium) -> None:
    """Mu-law code by code, and a tone through the resampler: level and length kept, aliases not heard."""
    page = await browser.page(f"{server.url}/")
    from agent.audio.ulaw import ulaw_decode, ulaw_encode

    codes = list(range(256))
    decoded = await page.js(
        f"import('/console/audio/ulaw.js').then((m) => [...m.ulawDecode(Uint8Array.from({codes}))])"
    )
    pcm = b"".join(value.to_bytes(2, "little", signed=True) for value in decoded)
    assert pcm == ulaw_decode(bytes(codes))
    encoded = await page.js(f"import('/console/audio/ulaw.js').then((m) => [...m.ulawEncode({decoded})])")
    assert bytes(encoded) == ulaw_encode(pcm)
    for source, target, hertz, expected in (
        (48000, 16000, 1000, 0.5),
        (44100, 16000, 9500, 0.0),
        (8000, 44100, 440, 0.5),
    ):
        length, peak = await page.js(TONE % {"source": source, "target": target, "hertz": hertz})
        assert length == pytest.approx(target, abs=target * 0.01)
        assert peak == pytest.approx(expected, abs=0.01)
    await page.close()


TONE = """import('/console/audio/resampler.js').then(({ Resampler }) => {
  const resampler = new Resampler(%(source)d, %(target)d);
  const turn = (2 * Math.PI * %(hertz)d) / %(source)d;
  const tone = Float32Array.from({ length: %(source)d }, (_, n) => 0.5 * Math.sin(turn * n));
  const out = [];
  for (let at = 0; at < tone.length; at += 128) out.push(...resampler.push(tone.subarray(at, at + 128)));
  return [out.length, Math.max(...out.slice(out.length / 4, out.length / 2).map(Math.abs))];
})"""
