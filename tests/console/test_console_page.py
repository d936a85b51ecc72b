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
        assert "your call is kept for a minute" in await page.text("#alert")
        assert await page.text("#state") == "Connection lost"
        await asyncio.sleep(0.5)  # Carlos's voice fades meanwhile, which must not look like a connection
        assert await page.text("#state") == "Connection lost"
        await shoot(page, "talk-lost")
    await page.until("carlos.session.state === 'live'")
    await page.until("!document.querySelector('#alert').checkVisibility()")
    assert "Carlos knows what was said before" in await page.text(".mark-reconnected")
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
    assert "Carlos cannot hear you" in await page.text("#alert")
    await page.until("document.querySelector('#state').innerText === 'Reads what you write'")
    speakers = await Speakers.of(page)
    await type_(page, "hola")
    await told(page, "Entendí hola.")
    assert sum(tone.seconds for tone in await speakers.tones([400])) > 0.5
    await shoot(page, "talk-no-microphone")
    await page.click("#call")
    assert page.errors == []
    await page.close()


async def test_the_first_written_word_starts_a_call_and_asks_for_no_microphone(
    server: Served, browser: Chromium
) -> None:
    page = await browser.page(f"{server.url}/")
    await page.js("navigator.mediaDevices.getUserMedia = () => { throw new Error('asked for the microphone'); }")
    await type_(page, "hola [a] todos")
    assert await page.texts(".said.caller.waits p") == ["hola [a] todos"]
    await told(page, "Entendí hola (a) todos.")
    assert (await page.text(".said.carlos p")).strip() == "Entendí hola (a) todos.", "nobody was greeted"
    assert await page.texts(".said.caller.waits p") == []
    assert await page.text("#mute") == "Microphone"
    await page.click("#examples button")
    await page.until("document.querySelectorAll('.said.caller').length === 2")
    await page.click("#call")
    assert page.errors == []
    await page.close()


async def test_a_reload_is_warned_of_and_the_call_goes_on_with_its_transcript(
    server: Served, browser: Chromium
) -> None:
    page = await browser.page(f"{server.url}/")
    await call(page)
    await type_(page, "uno")
    await told(page, "Entendí uno.")
    call_id = await page.js("carlos.session.line.callId")
    said = (await page.texts(".said p"))[:3]
    await page.reload()
    assert page.dialogs == ["beforeunload"]
    await page.until("document.querySelector('.mark-resumed')")
    assert (await page.texts(".said p"))[:3] == said
    assert await page.js("carlos.session.line.callId") == call_id
    await type_(page, "dos")
    await told(page, "Entendí dos después de Entendí uno..")
    await page.click("#call")
    await page.until("carlos.session.state === 'ended'")
    await page.reload()
    assert page.dialogs == ["beforeunload"], "a call that is over is nothing to warn of"
    assert await page.texts(".said p") == []
    record = await server.record(call_id)
    assert [turn.text for turn in record.turns if turn.role == "caller"] == ["uno", "dos"]
    assert page.errors == []
    await page.close()


async def test_a_network_that_takes_nothing_is_told_and_the_same_call_goes_on(
    server: Served, browser: Chromium
) -> None:
    page = await browser.page(f"{server.url}/")
    await call(page)
    call_id = await page.js("carlos.session.line.callId")
    await page.js("Object.defineProperty(carlos.session.line.socket, 'bufferedAmount', { value: 1e9 })")
    await page.until("document.querySelector('.mark-resumed')")
    assert await page.js("carlos.session.line.callId") == call_id
    assert await page.text("#alert") == ""
    await page.click("#call")
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


async def test_who_speaks_is_drawn_while_he_does(server: Served, browser: Chromium) -> None:
    drawn = "document.querySelector('#scope').toDataURL()"
    page = await browser.page(f"{server.url}/")
    await page.prefer(prefers_reduced_motion="no-preference")
    await page.js(f"window.silence = {drawn}")
    await call(page)  # until Carlos has greeted
    await page.until(f"{drawn} !== window.silence")
    await page.click("#call")
    assert page.errors == []
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
    assert await page.js("getComputedStyle(document.activeElement).outlineStyle") == "solid"
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


async def test_on_a_phones_screen_the_page_begins_at_once_and_hanging_up_is_in_reach(
    server: Served, browser: Chromium
) -> None:
    page = await browser.page(f"{server.url}/", width=390, height=844)
    assert await page.js("document.querySelector('.card').getBoundingClientRect().top") < 120
    assert await page.js("document.querySelector('#composer').getBoundingClientRect().bottom <= innerHeight")
    await type_(page, "hola")
    await told(page, "Entendí hola.")
    await page.js("carlos.complain('problem.microphone.refused')")  # the longest that can stand above
    for height in (844, 420):  # the keyboard takes the rest
        await page.resize(390, height)
        await page.click("#typed")
        within = "(({ top, bottom }) => top >= 0 && bottom <= innerHeight && bottom > top)"
        assert await page.js(f"{within}(document.querySelector('#hang-up').getBoundingClientRect())"), height
        assert await page.js("document.documentElement.scrollWidth <= innerWidth")
    await page.click("#hang-up")
    await page.until("carlos.session.state === 'ended'")
    await page.close()


async def test_what_is_shown_lies_in_landmarks_and_lists_are_lists(server: Served, browser: Chromium) -> None:
    """axe's rules listitem, region and landmark-unique, as far as the page can break them."""
    page = await browser.page(f"{server.url}/")
    await call(page)
    assert await page.js(LISTS_WITHOUT_LIST_ROLE) == []
    assert await page.js(TEXTS_OUTSIDE_OF_LANDMARKS) == []
    await page.click("#call")
    await page.close()


async def test_a_use_of_a_tool_is_shown_once_whichever_way_tells_of_it_first(server: Served, browser: Chromium) -> None:
    page = await browser.page(f"{server.url}/")
    items = await page.js(TOOLS_TOLD_TWICE)
    assert items == [["a", False], ["b", True], ["c", None]]
    await page.close()


async def test_dates_money_and_times_are_written_as_the_reader_writes_them(server: Served, browser: Chromium) -> None:
    page = await browser.page(f"{server.url}/")
    english = ["28 Nov 2026", "28 Nov 2026, 22:15", "22:15", "ARS 1,959.97", "US$0.0123"]
    assert await page.js(FORMATS) == english
    await page.click("#language")
    assert await page.js(FORMATS) == ["28/11/2026", "28/11/2026, 22:15", "22:15", "$ 1.959,97", "US$ 0,0123"]
    await page.close()


async def test_a_calls_page_is_in_the_order_in_which_things_began(server: Served, browser: Chromium) -> None:
    page = await browser.page(f"{server.url}/")
    shown = await page.js(f"import('/console/admin/call.js').then(({{ callView }}) => {{ {CALL_PAGE} }})")
    assert shown == [["0:01", "Hola"], ["0:08", "Look up an order"], ["0:09", "Un momento"], ["0:20", "Gracias"]]
    await page.close()


LISTS_WITHOUT_LIST_ROLE = "[...document.querySelectorAll(':is(ol, ul)[role]')].map((e) => e.outerHTML)"
TEXTS_OUTSIDE_OF_LANDMARKS = """[...document.body.querySelectorAll('*')]
  .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
  .filter((e) => e.checkVisibility() && !e.closest('header, main, nav, dialog, .skip, script'))
  .map((e) => e.outerHTML)"""
TOOLS_TOLD_TWICE = """import('/console/talk/conversation.js').then(({ Conversation }) => {
  const conversation = new Conversation();
  const done = (use, ok) => conversation.toolDone({ use, name: "x", arguments: {}, result: {}, ok, ms: 5 });
  conversation.toolStarted("consultarOrder", {}, "a");
  done("b", true);
  conversation.toolStarted("consultarOrder", {}, "b");
  conversation.toolStarted("consultarOrder", {}, "c");
  done("a", false);
  return conversation.items.map(({ id, ok }) => [id, ok]);
})"""
FORMATS = """import('/console/format.js').then(({ date, moment, time, money, cost }) => {
  const at = "2026-11-29T01:15:00Z";
  return [date(at), moment(at), time(at), money(1959.97), cost(0.0123)].map((text) => text.replaceAll("\\u00a0", " "));
})"""
CALL_PAGE = """
  const turn = (role, text, at_ms, latency_ms = null) => ({ role, text, at_ms, latency_ms, interrupted: false });
  const tool = { name: "consultarOrder", arguments: {}, result: {}, ok: true, ms: 7000, at_ms: 15000 };
  const call = {
    id: "c", live: false, line: "phone", startedAt: "2026-11-29T01:15:00Z", outcome: "completed", interruptions: 0,
    details: {}, durationSeconds: 30, tools: [tool], disposition: null, done: {}, flags: [], recorded: false,
    turns: [turn("carlos", "Hola", 1000), turn("caller", "Gracias", 20000), turn("carlos", "Un momento", 10000)],
  };
  const shown = callView(call, { onChange() {} })[1].querySelectorAll(".transcript li");
  return [...shown].map((e) => [e.querySelector(".at").innerText, e.querySelector("p, .name").innerText.trim()]);
"""


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
