"""Twilio's webhooks through the ASGI app, signed and not."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from fastapi import FastAPI
from httpx2 import Response
from starlette.testclient import TestClient

from agent.capacity import Admission
from telephony.carrier import AfterStream, Apologise, AskAgain, HangUp, OpenAgain, Resume
from telephony.twilio import webhooks
from telephony.twilio.routes import phone_routes
from telephony.twilio.webhooks import ENDED_STATUSES
from tests.telephony.phone_doubles import ACCOUNT, BASE_URL, CALL, FakeCalls, settings, sign

PATHS = [
    "/twilio/voice",
    "/twilio/after-stream",
    "/twilio/status",
    "/twilio/stream-status",
    "/twilio/fallback",
    "/twilio/voicemail",
    "/twilio/voicemail-status",
    "/twilio/callback",
]
RING = {"CallSid": CALL, "AccountSid": ACCOUNT, "From": "+5491155550100", "To": "+541150310000", "CallerName": ""}


async def nobody_answers(*_: Any) -> None:
    raise AssertionError("no stream in these tests")


def client(phone_calls: FakeCalls, **changes: Any) -> TestClient:
    app = FastAPI()
    app.include_router(phone_routes(settings(**changes), phone_calls, nobody_answers))
    return TestClient(app, raise_server_exceptions=False)


def post(phone_calls: FakeCalls, path: str, form: dict[str, str]) -> Response:
    return client(phone_calls).post(path, data=form, headers=sign(BASE_URL + path, form))


def verbs(response: Response) -> list[str]:
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/xml")
    return [verb.tag for verb in ElementTree.fromstring(response.text)]  # noqa: S314 - our own document


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unsigned_webhook_is_403_with_an_empty_body(path: str, method: str) -> None:
    phone_calls = FakeCalls()
    response = client(phone_calls).request(method, path, data=RING if method == "POST" else None)
    assert (response.status_code, response.content) == (403, b"")
    assert phone_calls.asked == []


def test_a_signature_of_other_parameters_is_403() -> None:
    headers = sign(f"{BASE_URL}/twilio/voice", RING)
    response = client(FakeCalls()).post("/twilio/voice", data=RING | {"To": "+1"}, headers=headers)
    assert response.status_code == 403


def test_forwarded_headers_decide_nothing() -> None:
    headers = sign("https://evil.example.com/twilio/voice", RING)
    forwarded = {"X-Forwarded-Host": "evil.example.com", "X-Forwarded-Proto": "https", "Host": "evil.example.com"}
    assert client(FakeCalls()).post("/twilio/voice", data=RING, headers=headers | forwarded).status_code == 403


def test_a_ringing_call_gets_its_stream() -> None:
    phone_calls = FakeCalls()
    response = post(phone_calls, "/twilio/voice", RING)
    assert verbs(response) == ["Connect"]
    assert phone_calls.asked == [("admit", CALL)]


@pytest.mark.parametrize("path", PATHS)
def test_a_slash_at_the_end_is_no_other_webhook_and_counts_in_the_signature(path: str) -> None:
    phone_calls = FakeCalls()
    assert post(phone_calls, f"{path}/", RING).status_code == post(phone_calls, path, RING).status_code < 300
    other = client(phone_calls).post(f"{path}/", data=RING, headers=sign(BASE_URL + path, RING))
    assert other.status_code == 403


def test_get_is_answered_too() -> None:
    query = urlencode(RING)
    response = client(FakeCalls()).get(f"/twilio/voice?{query}", headers=sign(f"{BASE_URL}/twilio/voice?{query}"))
    assert verbs(response) == ["Connect"]


@pytest.mark.parametrize(
    ("admission", "expected"),
    [
        (Admission.FULL, ["Say", "Hangup"]),
        (Admission.DRAINING, ["Say", "Hangup"]),
        (Admission.EXHAUSTED, ["Say", "Hangup"]),
        (Admission.BLOCKED, ["Reject"]),
    ],
)
def test_a_refused_call_hears_why_or_is_rejected(admission: Admission, expected: list[str]) -> None:
    assert verbs(post(FakeCalls(admission=admission), "/twilio/voice", RING)) == expected


@pytest.mark.parametrize(("query", "tries"), [("", 0), ("?tries=2", 2), ("?tries=-1", 0), ("?tries=" + "9" * 99, 0)])
def test_a_call_that_finds_no_place_here_is_sent_on_and_its_tries_are_counted(query: str, tries: int) -> None:
    phone_calls = FakeCalls(admission=Admission.ELSEWHERE)
    response = post(phone_calls, f"/twilio/voice{query}", RING)
    assert verbs(response) == ["Redirect"]
    assert f">{BASE_URL}/twilio/voice?tries={tries + 1}<" in response.text
    assert phone_calls.tries == [tries]


@pytest.mark.parametrize(
    ("after", "expected"),
    [(HangUp(), ["Hangup"]), (Apologise(), ["Say", "Hangup"])],
)
def test_the_desk_says_what_comes_after_the_stream(after: AfterStream, expected: list[str]) -> None:
    assert verbs(post(FakeCalls(after=after), "/twilio/after-stream", RING)) == expected


@pytest.mark.parametrize(("query", "resumes"), [("", 0), ("?resumes=1", 1), ("?resumes=no", 0)])
def test_a_call_goes_on_over_another_stream_which_is_counted_in_its_action(query: str, resumes: int) -> None:
    phone_calls = FakeCalls(after=Resume())
    response = post(phone_calls, f"/twilio/after-stream{query}", RING)
    assert verbs(response) == ["Connect"]
    assert phone_calls.asked == [("ended", CALL, resumes)]
    assert f'action="{BASE_URL}/twilio/after-stream?resumes={resumes + 1}"' in response.text
    assert f'<Parameter name="resumes" value="{resumes + 1}"' in response.text


@pytest.mark.parametrize(
    ("after", "query", "expected"),
    [
        (AskAgain(), "", ("Redirect", "?tries=1")),
        (AskAgain(), "?resumes=1&tries=2", ("Redirect", "?resumes=1&tries=3")),
        (OpenAgain(), "", ("Connect", "?tries=1")),
        (OpenAgain(), "?resumes=1&tries=2", ("Connect", "?resumes=1&tries=3")),
        (Resume(), "?resumes=1&tries=2", ("Connect", "?resumes=2")),
    ],
)
def test_each_next_step_raises_a_count_that_goes_round_with_the_call(
    after: AfterStream, query: str, expected: tuple[str, str]
) -> None:
    phone_calls = FakeCalls(after=after)
    response = post(phone_calls, f"/twilio/after-stream{query}", RING)
    (verb,) = ElementTree.fromstring(response.text)  # noqa: S314 - our own document
    url = verb.attrib["action"] if verb.tag == "Connect" else str(verb.text)
    assert (verb.tag, url.removeprefix(f"{BASE_URL}/twilio/after-stream")) == expected
    assert phone_calls.tries == [2 if "tries" in query else 0]


def test_how_often_a_ringing_call_was_sent_on_is_known_when_its_stream_is_over() -> None:
    response = post(FakeCalls(), "/twilio/voice?tries=3", RING)
    assert f'action="{BASE_URL}/twilio/after-stream?tries=3"' in response.text
    assert '<Parameter name="tries"' not in response.text


def test_a_count_that_was_not_signed_is_403() -> None:
    headers = sign(f"{BASE_URL}/twilio/after-stream?resumes=2", RING)
    phone_calls = FakeCalls(after=Resume())
    assert client(phone_calls).post("/twilio/after-stream?resumes=0", data=RING, headers=headers).status_code == 403
    assert phone_calls.asked == []


@pytest.mark.parametrize("path", PATHS[:2])
def test_a_failing_desk_becomes_an_apology_and_never_silence(path: str) -> None:
    assert verbs(post(FakeCalls(fault=RuntimeError("the store is down")), path, RING)) == ["Say", "Hangup"]


def test_a_desk_that_hangs_becomes_an_apology(monkeypatch: pytest.MonkeyPatch) -> None:
    class Asleep(FakeCalls):
        async def admit(self, call_id: str, number: str | None = None, *, tries: int | None = None) -> Admission:
            await asyncio.Event().wait()
            raise AssertionError("unreachable")

    monkeypatch.setattr(webhooks, "ANSWER_TIMEOUT_S", 0.01)
    assert verbs(post(Asleep(), "/twilio/voice", RING)) == ["Say", "Hangup"]


def test_a_replayed_ring_of_a_call_that_is_over_is_hung_up() -> None:
    phone_calls = FakeCalls(over=True)
    assert verbs(post(phone_calls, "/twilio/voice", RING)) == ["Hangup"]
    assert phone_calls.asked == [], "no place is held for it"


@pytest.mark.parametrize("status", sorted(ENDED_STATUSES))
def test_no_stream_is_opened_for_a_call_that_twilio_says_is_over(status: str) -> None:
    phone_calls, form = FakeCalls(after=Resume()), RING | {"CallStatus": status}
    assert verbs(post(phone_calls, "/twilio/voice", form)) == ["Hangup"]
    assert verbs(post(phone_calls, "/twilio/after-stream", form)) == ["Hangup"]
    assert phone_calls.asked == [("status", CALL, {"status": status})]


@pytest.mark.parametrize("sid", ["", "C" * 65, "CA1 2", "CA\x00", "../x"])
def test_a_call_sid_that_is_none_is_a_bad_request(sid: str) -> None:
    phone_calls = FakeCalls()
    assert post(phone_calls, "/twilio/voice", RING | {"CallSid": sid}).status_code == 400
    assert phone_calls.asked == []


def test_a_status_reaches_the_desk() -> None:
    phone_calls = FakeCalls()
    form = RING | {"CallStatus": "completed", "CallDuration": "42"}
    assert post(phone_calls, "/twilio/status", form).status_code == 204
    assert phone_calls.asked == [("status", CALL, {"status": "completed", "duration_s": "42"})]


def test_a_stream_status_is_noted_and_asks_the_desk_nothing() -> None:
    phone_calls = FakeCalls()
    form = {"CallSid": CALL, "StreamEvent": "stream-error", "StreamError": "31920 {braces} <b>"}
    assert post(phone_calls, "/twilio/stream-status", form).status_code == 204
    assert phone_calls.asked == []


@pytest.mark.parametrize("path", PATHS)
def test_a_signed_request_without_a_call_is_400(path: str) -> None:
    assert post(FakeCalls(), path, {"AccountSid": ACCOUNT}).status_code == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"a=" + b"x" * 70_000, 413, id="more than 64 KiB"),
        pytest.param(b"&".join(b"a=1" for _ in range(300)), 400, id="300 fields"),
        pytest.param(b"\xff\xfe", 400, id="not UTF-8"),
        pytest.param(b'{"CallSid": "CA1"}', 403, id="JSON"),
    ],
)
def test_a_strangers_body_is_bounded(body: bytes, status: int) -> None:
    response = client(FakeCalls()).post("/twilio/voice", content=body)
    assert (response.status_code, response.content) == (status, b"")


def test_a_body_without_an_end_is_cut_off() -> None:
    def endless() -> Any:
        while True:
            yield b"x" * 4096

    async def app_reads() -> None:
        sent: list[Any] = []
        app = client(FakeCalls()).app
        chunks = endless()
        read = 0

        async def receive() -> dict[str, Any]:
            nonlocal read
            read += 1
            return {"type": "http.request", "body": next(chunks), "more_body": True}

        async def send(message: Any) -> None:
            sent.append(message)

        scope: dict[str, Any] = {"type": "http", "asgi": {"version": "3.0"}, "method": "POST", "path": "/twilio/voice"}
        scope |= {"raw_path": b"/twilio/voice", "query_string": b"", "headers": [], "http_version": "1.1"}
        await app(scope, receive, send)
        assert sent[0]["status"] == 413
        assert read == 17

    asyncio.run(app_reads())


def test_without_a_token_on_loopback_unsigned_webhooks_are_answered() -> None:
    local: dict[str, Any] = {"twilio_auth_token": (), "public_base_url": None, "admin_api_keys": ()}
    response = client(FakeCalls(), **local).post("/twilio/voice", data=RING, headers={"Host": "localhost:8081"})
    assert verbs(response) == ["Connect"]
    assert 'url="ws://localhost:8081/twilio/media"' in response.text
