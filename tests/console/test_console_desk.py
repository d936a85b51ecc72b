"""The owner's desk: records changed, the business told, call-backs made; by whoever has the scope, and nothing lost."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from data.callbacks import CallBack, CallBackStatus
from data.changes import Change, IdempotencyRecord
from data.models import AppointmentStatus, OrderStatus
from tests.console.chromium import Chromium, Page, chromium
from tests.console.served import Served, patient, served
from tests.support.waiting import until_answered

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

OWNER, READER = "a-key-of-the-owner", "a-key-that-reads"
ALWAYS = "name: Sol\nhours:\n  monday-sunday: 8:00-20:00\nholidays:\n  national: false\n"
REFUSED = ("422", "412", "409", "ERR_")  # of which a browser says that a resource failed to load


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        settings = {
            "admin_api_keys": f"owner:read+write+calls:{OWNER},reader:read:{READER}",
            "twilio_auth_token": "secret",
            "twilio_account_sid": f"AC{'0' * 32}",
            "transfer_targets": "+541150310001|turnos|24h",
        }
        async with served(home, patch, patient([]), **settings) as running:
            yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chromium]:
    async with chromium(tmp_path_factory.mktemp("desk") / "profile") as running:
        yield running


async def enter(browser: Chromium, server: Served, section: str, key: str = OWNER) -> Page:
    page = await browser.page(f"{server.url}/")
    await page.js(f"sessionStorage.setItem('carlos.api-key', '{key}')")
    await page.js(f"location.hash = '#/{section}'")
    await page.until(f"document.querySelector('#{section} :is(.sheet, .callbacks, .business)')")
    return page


async def put(page: Page, field: str, value: str, root: str = "#editor") -> None:
    """Type into a field of a form in place of what is there."""
    selector = f'{root} [data-field="{field}"] :is(input, textarea, select)'
    typed = json.dumps([selector, value])
    await page.js(
        f"(([selector, value]) => {{ const each = document.querySelector(selector); each.focus(); each.value = value;"
        f" for (const kind of ['input', 'change']) each.dispatchEvent(new Event(kind, {{bubbles: true}})); }})({typed})"
    )


def wrong(field: str) -> str:
    return f'#editor [data-field="{field}"] > .wrong'


def unexpected(page: Page) -> list[str]:
    return [error for error in page.errors if not any(status in error for status in REFUSED)]


async def test_an_order_is_changed_and_two_who_change_it_see_both_versions(server: Served, browser: Chromium) -> None:
    store = server.services.store
    page = await enter(browser, server, "orders")
    await page.click('#orders tbody .link[aria-label="Order 1"]')
    await page.until("document.querySelector('#details .actions:not([hidden])')")
    await page.click("#details .actions .primary")
    await page.until("document.querySelector('#editor').open")
    await put(page, "customerName", "")
    await page.click("#editor [type=submit]")
    await page.until(f"document.querySelector('{wrong('customerName')}:not([hidden])')")
    assert await page.text(wrong("customerName")) == "This is needed."
    await put(page, "customerName", "María G. de Paz")
    order = await store.order("1")
    assert order is not None
    await store.commit(Change(order, replace(order, customer_name="María Elena", tracking_number="TRK1")))
    await page.click("#editor [type=submit]")
    await page.until("document.querySelector('#editor .compare')")
    assert "Somebody changed this while you had it open" in await page.text("#editor")
    rows = await page.texts("#editor .compare tbody tr")
    assert [("María Elena" in rows[0], "María G. de Paz" in rows[0]), ("TRK1" in rows[1], len(rows))] == [
        (True, True),
        (True, 2),
    ]
    await page.click("#editor .editor + div .primary")
    await page.until("!document.querySelector('#editor').open")
    saved = await store.order("1")
    assert saved is not None
    assert (saved.customer_name, saved.tracking_number, saved.dni) == ("María G. de Paz", "TRK1", order.dni)
    assert unexpected(page) == []
    await page.close()


async def test_an_order_is_made_by_keyboard_and_cancelled(server: Served, browser: Chromium) -> None:
    store = server.services.store
    page = await enter(browser, server, "orders")
    await page.until("document.querySelector('#orders .new:not([hidden])')")
    await page.js("document.querySelector('#orders .new').focus()")
    await page.key("Enter")
    await page.until("document.querySelector('#editor').open")
    await page.write("Luis Paz")
    await page.key("Tab")
    await page.write("luis@example")
    await put(page, "items.0.name", "Mouse")
    await put(page, "items.0.price", "1.234,50")
    await page.js("document.querySelector('#editor [type=submit]').focus()")
    await page.key("Enter")
    await page.until(f"document.querySelector('{wrong('customerEmail')}:not([hidden])')")
    assert "ana@example.com" in await page.text(wrong("customerEmail"))
    await page.key("Escape")
    assert "not saved" in await page.text("#editor .leaving"), "what was typed is not thrown away unasked"
    await page.key("Escape")
    assert await page.js("document.querySelector('#editor').open")
    await put(page, "customerEmail", "luis@example.com")
    async with server.away():
        await page.js("document.querySelector('#editor [type=submit]').click()")
        await page.until("document.querySelector('#editor form > .alert:not([hidden])')")
        assert "not known whether this was saved" in await page.text("#editor form > .alert")
    store = server.services.store
    await page.js("document.querySelector('#editor [type=submit]').focus()")
    await page.key("Enter")
    await page.until("!document.querySelector('#editor').open")
    (made,) = (await store.orders(email="luis@example.com")).items
    assert (made.customer_name, made.total_cents) == ("Luis Paz", 123450)
    row = f'#orders tbody .link[aria-label="Order {made.id}"]'
    await page.until(f"document.querySelector({row!r})")
    await page.click(row)
    await page.until("document.querySelector('#details .actions:not([hidden]) .ask button')")
    await store.commit(Change(made, replace(made, tracking_number="TRK2")))
    for step in ("#details .ask button", "#details .ask .danger"):
        await page.click(step)
    await page.until("document.querySelector('#details > .alert:not([hidden])')")
    assert "Nothing was cancelled" in await page.text("#details > .alert:not([hidden])")
    await page.until("document.querySelector('#details .actions:not([hidden]) .ask button')")
    for step in ("#details .ask button", "#details .ask .danger"):
        await page.click(step)
    await page.until("!document.querySelector('#details').open")
    cancelled = await store.order(made.id)
    assert cancelled is not None
    assert (cancelled.status, cancelled.tracking_number) == (OrderStatus.CANCELLED, "TRK2")
    assert unexpected(page) == []
    await page.close()


async def test_a_click_on_free_time_books_it_and_a_closed_hour_is_told_beside_the_date(
    server: Served, browser: Chromium
) -> None:
    store = server.services.store
    await store.save_facts(ALWAYS, (await store.facts_text())[1])
    page = await enter(browser, server, "appointments")
    assert "Dr. Carlos Rodríguez" in await page.text(".calendar"), "in half an hour too"
    for _ in range(4):  # weeks, beyond the sample's
        shown = await page.js("document.querySelector('.calendar').dataset.from")
        await page.click("button[aria-label=Later]")
        await page.until(f"document.querySelector('.calendar')?.dataset.from > {shown!r}")
    await page.click(".calendar .day:nth-of-type(3) .bookable")
    await page.until("document.querySelector('#editor').open")
    assert (await page.js("document.querySelector('#editor [type=datetime-local]').value"))[11:] in ("13:30", "14:00")
    await put(page, "patientName", "Luis Paz")
    await put(page, "patientEmail", "luis@example.com")
    day = (await page.js("document.querySelector('#editor [type=datetime-local]').value"))[:10]
    await put(page, "date", f"{day}T07:00")
    await page.click("#editor [type=submit]")
    await page.until(f"document.querySelector('{wrong('date')}:not([hidden])')")
    assert "Nobody is there at that time" in await page.text(wrong("date"))
    await put(page, "date", f"{day}T10:00")
    await page.click("#editor [type=submit]")
    await page.until("!document.querySelector('#editor').open")
    (booked,) = (await store.appointments(email="luis@example.com")).items
    assert booked.start == datetime.fromisoformat(f"{day}T10:00:00-03:00")
    await page.until("document.querySelector('.calendar li button')")
    other = next(name for name in await store.doctors() if name != booked.doctor_name)
    for doctor, shown in ((other, 0), ("", 1)):
        await page.js(f"document.querySelector('select.doctor').value = {doctor!r}")
        await page.js("document.querySelector('select.doctor').dispatchEvent(new Event('change'))")
        await page.until(f"document.querySelectorAll('.calendar li button').length === {shown}")
    await page.click(".calendar li button")
    await page.until("document.querySelector('#details .actions:not([hidden]) .ask button')")
    for step in ("#details .ask button", "#details .ask .danger"):
        await page.click(step)
    await page.until("!document.querySelector('#details').open")
    gone = await store.appointment(booked.id)
    assert gone is not None
    assert gone.status is AppointmentStatus.CANCELLED
    assert unexpected(page) == []
    await page.close()


async def held_back(browser: Chromium, server: Served) -> Page:
    """The appointments, which come with `release()`."""
    page = await browser.page("about:blank")
    held = (
        "(() => { const real = fetch; const release = new Promise((done) => (window.release = done));"
        " window.fetch = async (url, ...more) => { if (url.startsWith('/appointments')) await release;"
        " return real(url, ...more); };"
        f" if (location.origin !== 'null') sessionStorage.setItem('carlos.api-key', '{OWNER}'); }})()"
    )
    await page.call("Page.addScriptToEvaluateOnNewDocument", source=held)
    await page.goto(f"{server.url}/#/appointments")
    await page.until("document.querySelector('#appointments .new')?.checkVisibility()")
    return page


async def test_a_booking_may_begin_before_the_calendar_is_there(server: Served, browser: Chromium) -> None:
    page = await held_back(browser, server)
    await page.click("#appointments .new")
    await page.until("document.querySelector('#editor').open")
    today = await page.js("import('/console/admin/days.js').then((days) => days.today())")
    assert (await page.js("document.querySelector('#editor [type=datetime-local]').value"))[:10] == today
    await page.js("window.release()")
    await page.until("document.querySelector('.calendar')")
    assert unexpected(page) == []
    await page.close()


async def test_a_press_is_a_click_although_the_records_come_in_the_middle_of_it(
    server: Served, browser: Chromium
) -> None:
    page = await held_back(browser, server)
    x, y = await page.place("#appointments .new")
    await page.mouse("mousePressed", x, y)
    await page.js("window.release()")
    await page.until("document.querySelector('.calendar')")
    await page.mouse("mouseReleased", *await page.place("#appointments .new"))
    await page.until("document.querySelector('#editor').open")
    assert unexpected(page) == []
    await page.close()


async def test_the_business_is_told_in_a_form_and_counts_at_once(server: Served, browser: Chromium) -> None:
    store = server.services.store
    await store.save_facts("# ours\n" + ALWAYS, (await store.facts_text())[1])
    await store.note_question("¿Hay wifi en la sala?")
    page = await enter(browser, server, "business")
    await page.until("document.querySelector('#questions .primary') && document.querySelector('#line .settings')")
    assert "TRANSFER_TARGETS" in await page.text("#line")
    await put(page, "address", "Calle 1", "#business")
    await put(page, "hours.sunday", "mañana", "#business")
    await page.js("location.hash = '#/orders'")
    await page.until("document.querySelector('#orders .sheet')")
    await page.click("#language")
    await page.js("location.hash = '#/business'")
    await page.until("!document.querySelector('#business').hidden")
    assert "Quién puede llamar" in await page.text("#line")
    await page.click("#business form [type=submit]")
    found = '#business [data-field="hours.sunday"] > .wrong'
    await page.until(f"document.querySelector('{found}:not([hidden])')")
    assert "Los horarios son como" in await page.text(found), "what was typed is still there, in another language"
    await put(page, "hours.sunday", "", "#business")
    await page.click("#business form [type=submit]")

    async def is_saved() -> bool:
        return (await store.facts()).address == "Calle 1"

    await until_answered(is_saved)
    facts = await store.facts()
    assert (facts.address, facts.hours[6], len(facts.hours[0])) == ("Calle 1", (), 1)
    assert (await store.facts_text())[0].startswith("# ours\nname: Sol\n")
    await page.click("#questions .primary")
    await page.until("document.querySelector('#editor').open")
    await page.write("Sí, pedí la clave en recepción.")
    await page.click("#editor [type=submit]")
    await page.until("!document.querySelector('#editor').open")
    assert (await store.facts()).questions[0].answer == "Sí, pedí la clave en recepción."
    await page.until("!document.querySelector('#questions .primary')")
    answer = "document.querySelector('#business [data-field=\"questions[1].answer\"] textarea')"
    await page.until(answer)
    assert await page.js(f"{answer}.value") == "Sí, pedí la clave en recepción."
    assert unexpected(page) == []
    await page.close()


async def test_a_call_back_is_made(server: Served, browser: Chromium) -> None:
    store = server.services.store
    receipt = IdempotencyRecord("CA1", "t1", "pedirLlamado", {"success": True})
    await store.ask_callback(CallBack("CA1", "+541150310001", "Una duda", datetime.now(UTC)), receipt)
    page = await enter(browser, server, "callbacks")
    assert "Una duda" in await page.text(".callbacks")
    assert await page.js("document.querySelector('.callbacks .row a').hash") == "#/calls/CA1"
    await page.click(".callbacks .primary")
    await page.until("!document.querySelector('.callbacks')")

    async def is_done() -> bool:
        kept = await store.callback("CA1")
        return kept is not None and kept.status is CallBackStatus.DONE

    await until_answered(is_done)
    await page.click("input[name=callbacks][value=done]")
    await page.until("document.querySelector('.callbacks li')")
    await page.click("#language")
    await page.js("location.hash = '#/business'")
    await page.until("document.querySelector('.business')")
    assert "Preguntas sin respuesta" in await page.text("#questions"), "whenever the language was chosen"
    assert unexpected(page) == []
    await page.close()


@pytest.mark.parametrize("section", ["orders", "appointments", "business"])
async def test_nothing_is_offered_that_the_key_may_not_do(server: Served, browser: Chromium, section: str) -> None:
    page = await enter(browser, server, section, READER)
    await page.until("performance.getEntriesByName(`${location.origin}/me`).length")
    offered = "[...document.querySelectorAll('main button.primary')].filter((each) => each.checkVisibility()).length"
    assert await page.js(offered) == 0
    assert unexpected(page) == []
    await page.close()
