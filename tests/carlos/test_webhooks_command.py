"""`carlos webhooks`."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from bench.webhook_receiver import WebhookReceiver, receiving
from carlos.cli import app
from common.settings import Settings
from common.webhooks import ID, SIGNATURE, TIMESTAMP, key_of, new_secret, signed_headers
from data.open import open_store
from data.store import Change
from data.webhooks import Letter
from tests.data.test_store_contract import an_order

SECRET = new_secret()
BODY = b'{"type":"order.changed"}'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CARLOS_HOME", str(tmp_path))
    monkeypatch.setenv("WEBHOOK_URLS", "https://example.com/a-secret-path")
    monkeypatch.setenv("WEBHOOK_SECRETS", SECRET)
    monkeypatch.setattr("carlos.commands.webhooks._out", Console(highlight=False, width=200))
    return tmp_path


def run(*words: str, given: bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["webhooks", *words], input=given)


def given_up(count: int) -> list[Letter]:
    async def made() -> list[Letter]:
        store = await open_store(Settings())
        (receiver,) = store.webhooks.receivers
        for number in range(1, count + 1):
            await store.commit(Change(None, an_order(str(number))))
        for letter in await store.webhooks.due(receiver.id, 100):
            await store.webhooks.bury(letter, 10, "HTTP 500")
        found = list((await store.webhooks.dead()).items)
        await store.close()
        return found

    return asyncio.run(made())


def test_what_was_given_up_is_listed_retried_and_deleted(home: Path) -> None:
    one, *_ = given_up(3)
    listed = run("list").output
    assert all(word in listed for word in (one.name, "order.changed", "HTTP 500", "https://example.com", "ok"))
    assert "a-secret-path" not in listed
    assert run("retry", one.name).output == "1 to be delivered again\n"
    assert run("retry", one.name).exit_code == 1
    assert run("delete", "--all").output == "2 deleted\n"
    assert "nothing was given up" in run("list").output


def test_one_is_to_be_named_or_all(home: Path) -> None:
    assert run("retry").exit_code == 2
    assert run("delete").exit_code == 2
    assert run("retry", "--all").output == "0 to be delivered again\n"


def test_a_receiver_that_is_not_ours_is_not_enabled(home: Path) -> None:
    (letter,) = given_up(1)
    assert run("enable", "00000000").exit_code == 1
    assert run("enable", letter.receiver).exit_code == 0


def test_a_message_is_verified(home: Path, tmp_path: Path) -> None:
    headers = signed_headers([key_of(SECRET)], "msg_1", 1614265330, BODY)
    words = ("verify", "--id", headers[ID], "--timestamp", headers[TIMESTAMP], "--signature", headers[SIGNATURE])
    (tmp_path / "body").write_bytes(BODY)
    assert run(*words, "--old", given=BODY).output == "ours: the signature is that of the secret\n"
    assert run(*words, "--old", "--secret", SECRET, str(tmp_path / "body")).exit_code == 0
    for wrong, why in (
        ((*words,), "away from the clock"),
        ((*words, "--old", "--secret", new_secret()), "no signature"),
        ((*words, "--old", "--secret", "hunter2"), "whsec_"),
        ((*words, "--old", str(tmp_path / "none")), "No such file"),
    ):
        result = run(*wrong, given=BODY)
        assert result.exit_code == 1
        assert why in result.output


def test_a_secret_is_made(home: Path) -> None:
    assert len(key_of(run("secret").output.strip())) == 32


async def test_a_test_message_reaches_a_receiver(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_PRIVATE", "true")
    async with receiving(WebhookReceiver(SECRET)) as receiver:
        monkeypatch.setenv("WEBHOOK_URLS", receiver.url)
        result = await asyncio.to_thread(run, "test")
        assert (result.exit_code, "taken, HTTP 204" in result.output) == (0, True)
        assert [event["type"] for event in receiver.events.values()] == ["webhook.test"]


def test_a_test_message_that_nobody_takes_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("WEBHOOK_PRIVATE", "true")
    monkeypatch.setenv("WEBHOOK_URLS", f"http://127.0.0.1:{port}/")
    result = run("test")
    assert (result.exit_code, "not taken: no connection" in result.output) == (1, True)
    monkeypatch.setenv("WEBHOOK_URLS", "")
    assert run("test").exit_code == 1
