"""Each route's example, as docs/api.md has it in curl and in Python, is asked of the application, and its answer held
to the description: what is there is described, and what is described is there.

A new route needs three things, and these tests say which is missing: a `response_model`, examples of its path's
parameters and its body, and, where the demo's records do not have what its example asks for, a line in
`what_examples_need`.
"""

from __future__ import annotations

import ast
import asyncio
import json
import re
import shlex
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import httpx2 as httpx
import jsonschema_rs
import pytest
from fastapi import FastAPI
from starlette.responses import Response

from agent.playout import Played
from agent.transcript import CallTranscript
from api.description import describe, operations
from api.errors import CODES
from api.openapi import described
from api.samples import NoExample, Sample, success_of
from api.schemas import Found, OrderItemBody, OrderJson, failures
from data.callbacks import CallBack
from data.changes import IdempotencyRecord
from data.events import Event
from data.models import Line
from data.open import open_sqlite
from data.recordings import Recordings
from data.store import Store
from data.webhooks import Delivery, Receiver, ReceiverState
from tests.api.gateway_requests import REQUESTS, Asked
from tests.api.rest_stage import PEOPLE, Rest, call_record, key_of, seeded, serving
from tests.support.clocks import Clock

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(
    r"^### ((?:GET|POST|PUT|PATCH|DELETE) \S+)\n.*?```sh\n(.*?)\n```\n\n```python\n(.*?)\n```", PAGE, re.M | re.S
)
ROUTES = [route for route, *_ in EXAMPLES]
CALL_ID = "CA0123456789abcdef0123456789abcdef"
RECEIVER = Receiver("https://example.com/carlos")


async def what_examples_need(rest: Rest, clock: Clock) -> None:
    """Beside the demo's records: a call with a recording, on the line for those who look, a call-back, a question that
    the facts do not answer, and a webhook that was given up."""
    await rest.store.save_call(call_record(id=CALL_ID))
    recordings = Recordings.of(rest.settings)
    recordings.path(CALL_ID, 0).parent.mkdir(parents=True, exist_ok=True)
    recordings.path(CALL_ID, 0).write_bytes(b"RIFF")
    receipt = IdempotencyRecord(CALL_ID, "t1", f"pedirLlamado:{CALL_ID}", {"success": True})
    await rest.store.ask_callback(CallBack(CALL_ID, "1150310001", "Una duda", clock()), receipt)
    log = CallTranscript(CALL_ID, Line.PHONE, "+5491155550101", clock)
    log.user_transcript("Hola")
    log.played(Played(1, "Chau.", 1.0))
    log.end("completed")
    rest.active_calls._logs[CALL_ID] = log
    rest.active_calls.live[CALL_ID] = HungUp()  # type: ignore[assignment]
    await rest.store.note_question("¿Hay wifi en la sala?")
    await give_up_webhook(rest.store, clock)


async def give_up_webhook(store: Store, clock: Clock) -> None:
    """One of a receiver that was turned off."""
    webhooks, event = store.webhooks, Event("order.changed", "1", clock(), {"id": "1", "version": 2})
    webhooks.receivers = (RECEIVER,)
    await store.backend.transact(webhooks.writes(event))
    (letter,) = await webhooks.due(RECEIVER.id, 1)
    await webhooks.bury(letter, 10, "HTTP 500")
    attempts = [Delivery(event.id, event.type, clock(), status, 1, 12, why) for status, why in ((204, ""), (None, "x"))]
    await webhooks.keep_state(ReceiverState(RECEIVER.id, disabled_at=clock()).with_recent(attempts))


class HungUp:
    async def hang_up(self, outcome: str) -> None:
        pass


@pytest.fixture
async def rest(tmp_path: Path, clock: Clock) -> AsyncIterator[Rest]:
    store = await open_sqlite(tmp_path / "carlos.db", clock)
    try:
        await seeded(store, clock)
        async with serving(store, tmp_path, clock, **PEOPLE) as made:
            await what_examples_need(made, clock)
            yield made
    finally:
        await store.close()


@cache
def description() -> dict[str, Any]:
    return described().openapi()


@pytest.fixture
def openapi() -> dict[str, Any]:
    return description()


@cache
def strict() -> dict[str, Any]:
    """The description's models without room for what they do not describe."""
    components: dict[str, Any] = deepcopy(description()["components"])
    for name, model in components["schemas"].items():
        if "properties" in model and name != "Failure":
            model["additionalProperties"] = False
    return components


@cache
def validator(route: str, status: str) -> jsonschema_rs.Validator:
    """Of a route's JSON, by the strict description."""
    said = operation_of(description(), route)["responses"][status]["content"]["application/json"]
    return jsonschema_rs.validator_for({**said["schema"], "components": strict()}, validate_formats=True)


def operation_of(openapi: dict[str, Any], route: str) -> dict[str, Any]:
    method, path = route.split()
    return dict(openapi["paths"][path][method.lower()])


def held_to(openapi: dict[str, Any], route: str, answer: httpx.Response) -> None:
    """Fail unless the answer is one that the description has."""
    responses = operation_of(openapi, route)["responses"]
    assert str(answer.status_code) in responses, (
        f"{route} answers {answer.status_code}, which it does not describe: `responses=failures({answer.status_code})`"
    )
    said = responses[str(answer.status_code)]
    media_type = answer.headers["content-type"].partition(";")[0]
    assert media_type in said["content"], f"{route} answers {media_type}: `responses=content({media_type!r})`"
    if media_type != "application/json":
        return
    errors = validator(route, str(answer.status_code)).iter_errors(answer.json())
    told = [f"{'/'.join(str(part) for part in error.instance_path)}: {error.message}" for error in errors]
    assert told == [], f"{route}: its answer is not what its `response_model` says; mend one of them"
    if code := answer.json().get("code"):
        known = said.get("x-codes", {})
        assert code in known, f"{route} answers {answer.status_code} {code}: add it to CODES in api/errors.py"


def lacking(openapi: dict[str, Any]) -> list[str]:
    """What the routes' descriptions lack, each in a sentence that says what to do."""
    found = []
    for path, method, operation in operations(openapi):
        route = f"{method.upper()} {path}"
        found += [
            f"{route} has no schema of its answer ({media_type}): give it `response_model=Found[YourModel]`"
            " (api/schemas.py), or `responses=content(...)` where it is no JSON"
            for media_type, told in success_of(operation)[1].get("content", {"nothing": {}}).items()
            if not told.get("schema")
        ]
        if "security" in operation and "403" not in operation["responses"]:
            found.append(f"{route} does not say how it fails: give it `responses=failures(...)`, with 404, 409, …")
        try:
            Sample.of(openapi, path, method, operation)
        except NoExample as missing:
            found.append(str(missing))
    return found


def test_every_route_has_a_schema_errors_and_an_example(openapi: dict[str, Any]) -> None:
    assert lacking(openapi) == []


def test_what_a_route_lacks_is_said_in_a_sentence() -> None:
    app = FastAPI(openapi_url=None)

    @app.get("/doctors/{name}")
    async def doctor(name: str) -> Response:
        return Response()

    @app.post("/doctors", response_model=Found[OrderJson], responses=failures())
    async def new(body: OrderItemBody) -> Response:
        return Response()

    describe(app)
    body, schema, errors, path = lacking(app.openapi())
    assert schema.startswith(
        "GET /doctors/{name} has no schema of its answer (application/json): give it `response_model="
    )
    assert errors.startswith("GET /doctors/{name} does not say how it fails: give it `responses=failures(...)`")
    assert path == "GET /doctors/{name}: give `name` an example, `Annotated[str, Path(examples=[…])]`"
    assert body.startswith("POST /doctors: give OrderItemBody an example")


def test_every_route_is_in_the_reference(openapi: dict[str, Any]) -> None:
    routes = [f"{method.upper()} {path}" for path, method, _ in operations(openapi)]
    assert sorted(ROUTES) == sorted(routes), "python -m api.openapi > docs/api.md"


@pytest.mark.parametrize(("route", "curl"), [(route, curl) for route, curl, _ in EXAMPLES], ids=ROUTES)
@pytest.mark.slow
async def test_what_is_asked_with_curl_is_answered_as_described(
    rest: Rest, openapi: dict[str, Any], route: str, curl: str
) -> None:
    answer = await rest.anonymous.send(request_of(rest, curl))
    assert answer.is_success, f"{route}: {answer.text}; what its example needs goes into `what_examples_need`"
    held_to(openapi, route, answer)
    plain = await rest.http.get(answer.request.url.path) if answer.request.url.query else answer
    held_to(openapi, route, plain)


def request_of(rest: Rest, curl: str) -> httpx.Request:
    """What curl sends; it knows the options that the page uses, and no other."""
    written = curl.replace("\\\n", " ").replace("$CARLOS_API_KEY", key_of("operator")["X-Api-Key"])
    words = iter(shlex.split(written))
    assert next(words) == "curl"
    method, url, headers, body = "", "", {}, None
    for word in words:
        match word:
            case "-X":
                method = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-d":
                body = next(words)
            case "-o":
                next(words)
            case "-N":
                pass
            case _:
                assert not url
                url = word
    return rest.anonymous.build_request(
        method or ("GET" if body is None else "POST"), url, headers=headers, content=body
    )


@pytest.mark.parametrize(("route", "code"), [(route, code) for route, _, code in EXAMPLES], ids=ROUTES)
@pytest.mark.slow
async def test_what_is_asked_in_python_is_answered_as_described(
    rest: Rest, openapi: dict[str, Any], route: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    carlos, printed = Client(rest), list[Any]()
    names = {"carlos": carlos, "print": printed.append}
    await asyncio.to_thread(exec, code, names)
    (answer,) = carlos.answers
    held_to(openapi, route, answer)
    assert printed or (tmp_path / "call.wav").read_bytes() == b"RIFF"


class Client:
    """As much of httpx.Client as the examples use, from another thread."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._loop = asyncio.get_running_loop()
        self.answers: list[httpx.Response] = []

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        asked = self._rest.http.request(method, path, **given)
        answer = asyncio.run_coroutine_threadsafe(asked, self._loop).result()
        self.answers.append(answer)
        return answer

    def get(self, path: str, **given: Any) -> httpx.Response:
        return self.request("GET", path, **given)

    def post(self, path: str, **given: Any) -> httpx.Response:
        return self.request("POST", path, **given)

    def put(self, path: str, **given: Any) -> httpx.Response:
        return self.request("PUT", path, **given)

    def delete(self, path: str, **given: Any) -> httpx.Response:
        return self.request("DELETE", path, **given)

    @contextmanager
    def stream(self, method: str, path: str, *, timeout: None) -> Iterator[httpx.Response]:
        yield self.request(method, path, timeout=timeout)


def route_of(openapi: dict[str, Any], asked: Asked) -> str | None:
    for path, method, _ in operations(openapi):
        if method.upper() == asked.method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), asked.path):
            return f"{asked.method} {path}"
    return None


@pytest.mark.parametrize("who", ["operator", "reader", "nobody"])
@pytest.mark.slow
async def test_whatever_else_is_asked_is_answered_as_described(rest: Rest, openapi: dict[str, Any], who: str) -> None:
    for asked in REQUESTS:
        if route := route_of(openapi, asked):
            headers = asked.headers | key_of(who)
            answer = await rest.anonymous.request(asked.method, asked.url, json=asked.body, headers=headers)
            held_to(openapi, route, answer)


QUESTION = "POST /facts/questions"
UNHAPPY: tuple[tuple[str, str, dict[str, Any], dict[str, str]], ...] = (
    ("PUT /orders/{order_id}", "/orders/4", {"status": "pending"}, {}),
    ("PUT /orders/{order_id}", "/orders/4", {"status": "cancelled"}, {}),
    ("PUT /orders/{order_id}", "/orders/3", {"items": [{"name": "x"}]}, {}),
    ("PUT /orders/{order_id}", "/orders/1", {"status": "cancelled"}, {"If-Match": '"9"'}),
    ("PUT /orders/{order_id}", "/orders/1", {"nonsense": 1}, {}),
    ("POST /appointments", "/appointments", {"doctorName": "Nadie"}, {}),
    ("POST /appointments", "/appointments", {"date": "2026-11-20T14:00:00.000Z"}, {}),
    ("POST /appointments", "/appointments", {"date": "2026-12-13T14:00:00.000Z"}, {}),
    ("POST /appointments", "/appointments", {"duration": 7}, {}),
    ("POST /orders", "/orders", {"items": "x" * 200_000}, {}),
    ("POST /orders", "/orders", {}, {"Origin": "https://evil.example"}),
    ("PUT /facts", "/facts", {"name": "Sol"}, {}),
    ("PUT /facts", "/facts", {"name": "Sol"}, {"If-Match": '"0123456789abcdef"'}),
    ("PUT /facts", "/facts", {"name": "x" * 81}, {"If-Match": "*"}),
    ("PUT /facts/text", "/facts/text", {"text": "huors: 8"}, {"If-Match": "*"}),
    (f"{QUESTION}/{{question_id}}/answer", f"/facts/questions/{'0' * 16}/answer", {}, {}),
    (f"{QUESTION}/{{question_id}}/answer", "/facts/questions/6415b5773b2cd633/answer", {"asked": ["¿Y el gas?"]}, {}),
)


@pytest.mark.parametrize(("route", "path", "changes", "headers"), UNHAPPY)
@pytest.mark.slow
async def test_what_is_refused_is_refused_as_described(
    rest: Rest, openapi: dict[str, Any], route: str, path: str, changes: dict[str, Any], headers: dict[str, str]
) -> None:
    method = route.split()[0]
    body = changes if method == "PUT" else body_of(openapi, route) | changes
    answer = await rest.http.request(method, path, json=body, headers=headers)
    assert answer.is_error
    held_to(openapi, route, answer)


def body_of(openapi: dict[str, Any], route: str) -> dict[str, Any]:
    method, path = route.split()
    return dict(Sample.of(openapi, path, method.lower(), operation_of(openapi, route)).body)


def test_every_code_that_is_given_is_in_the_table() -> None:
    known = {each.code for each in CODES}
    for path in [*(ROOT / "api").glob("*.py"), *(ROOT / "data").glob("*.py")]:
        for code in codes_in(ast.parse(path.read_text(encoding="utf-8"))) - OF_TOOLS:
            assert any(re.fullmatch(code, each) for each in known), (
                f"{path.name}: {code} is not in CODES (api/errors.py)"
            )


OF_TOOLS = {"same_time"}  # moving an appointment to where it is: over REST that changes nothing


def codes_in(tree: ast.Module) -> set[str]:
    """Patterns of the `code` of each ApiError and failure, and of each RuleBroken and Denied."""
    found = set()
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = getattr(call.func, "id", "")
        given = [word.value for word in call.keywords if word.arg == "code"]
        given += call.args[:1] if name == "RuleBroken" else call.args[2:3] if name == "Denied" else []
        found |= {pattern for each in given if (pattern := _pattern(each))}
    return found


def _pattern(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return re.escape(str(node.value))
    if isinstance(node, ast.JoinedStr):
        return "".join(_pattern(part) if isinstance(part, ast.Constant) else r"\w+" for part in node.values)
    return ""


def test_a_code_is_told_of_the_routes_alone_that_give_it(openapi: dict[str, Any]) -> None:
    told: dict[str, list[str]] = {}
    for path, method, operation in operations(openapi):
        for code in operation["responses"].get("409", {}).get("x-codes", {}):
            told.setdefault(code, []).append(f"{method.upper()} {path}")
    assert told["no_receiver"] == ["POST /webhooks/{webhook_id}/retry"]
    assert told["facts_faulty"] == ["PUT /facts", "POST /facts/questions/{question_id}/answer"]
    assert "POST /calls/{call_id}/hangup" not in told["conflict"]


def test_what_only_has_the_name_of_something_personal_is_not_called_personal(openapi: dict[str, Any]) -> None:
    models = openapi["components"]["schemas"]
    assert models["CallBackJson"]["properties"]["phone"]["x-personal"] is True
    assert models["CostJson"]["properties"]["phone"]["x-personal"] is False
    assert models["DeadWebhookJson"]["properties"]["about"]["x-personal"] is False
    assert "| `about` | string | yes | The id of the record or call. |" in PAGE


def test_the_examples_of_bodies_are_json_that_a_person_can_paste() -> None:
    for block in re.findall(r"```json\n(.*?)\n```", PAGE, re.S):
        assert json.loads(block)
