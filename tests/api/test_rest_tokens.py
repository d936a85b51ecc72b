"""Bearer tokens, with keys fetched over HTTP from a server that may rotate them, hang, talk nonsense or be gone."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as ec_key
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as rsa_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from api.access import Access, Denied, Principal
from api.tokens import KEYS_FRESH_S, KEYS_KEPT_S, MIN_FETCH_INTERVAL_S, KeySet, KeysUnavailable, Tokens
from common.settings import Settings
from data.open import open_sqlite
from tests.api.rest_stage import rest_settings, seeded, serving
from tests.support.clocks import Clock

AUDIENCE, ISSUER = "carlos", "https://id.example"


class Issuer:
    """Lists public keys over HTTP, on loopback. `answer` replaces the list by a status and a body."""

    def __init__(self) -> None:
        self.keys: dict[str, RSAPrivateKey] = {}
        self.also: list[dict[str, Any]] = []
        self.answer: tuple[int, bytes] | None = None
        self.location: str | None = None
        self.asked = 0
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                status, body = issuer.answer or (200, issuer.jwks())
                self.send_response(status)
                if issuer.location:
                    self.send_header("Location", issuer.location)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/keys"

    def jwks(self) -> bytes:
        listed = [public(key) | {"kid": kid, "use": "sig", "alg": "RS256"} for kid, key in self.keys.items()]
        return json.dumps({"keys": listed + self.also}).encode()

    def gone(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def public(key: RSAPrivateKey) -> dict[str, Any]:
    return dict(RSAAlgorithm.to_jwk(key.public_key(), as_dict=True))


@pytest.fixture(scope="module")
def pair() -> tuple[RSAPrivateKey, RSAPrivateKey]:
    return rsa_key(65537, 2048), rsa_key(65537, 2048)


@pytest.fixture
def issuer(pair: tuple[RSAPrivateKey, RSAPrivateKey]) -> Iterator[Issuer]:
    made = Issuer()
    made.keys["first"] = pair[0]
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield made
    finally:
        made.gone()
        thread.join()


class Watch:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch()
    monkeypatch.setattr(KeySet.__init__, "__defaults__", (watch,))
    return watch


@pytest.fixture
def tokens(issuer: Issuer, watch: Watch) -> Tokens:
    settings = Settings(_env_file=None, jwt_jwks_url=issuer.url, jwt_audience=AUDIENCE, jwt_issuer=ISSUER)
    made = Tokens.from_settings(settings)
    assert made is not None
    return made


def token(signer: Any, kid: Any = "first", algorithm: str = "RS256", leave_out: str = "", **claims: Any) -> str:
    made = {"sub": "ana", "aud": AUDIENCE, "iss": ISSUER, "exp": time.time() + 60, "scope": "read calls x"} | claims
    made.pop(leave_out, None)
    return jwt.encode(made, signer, algorithm, headers={"kid": kid} if kid else None)


async def test_a_token_opens_what_its_scopes_say(tokens: Tokens, issuer: Issuer) -> None:
    access = Access((), tokens)
    headers = {"authorization": f"Bearer {token(issuer.keys['first'])}"}
    assert await access.admit("GET", "/orders", headers) == Principal("ana", frozenset({"read", "calls"}))
    with pytest.raises(Denied) as denied:
        await access.admit("DELETE", "/orders/1", headers)
    assert denied.value.status == 403
    assert issuer.asked == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "others"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"nbf": 4_102_444_800},  # in 2100
        *({"leave_out": claim} for claim in ("sub", "exp", "aud", "iss")),
        {"kid": None},
    ],
    ids=str,
)
async def test_a_token_that_does_not_hold_opens_nothing(tokens: Tokens, issuer: Issuer, wrong: dict[str, Any]) -> None:
    assert await tokens.claims(token(issuer.keys["first"], **wrong)) is None
    assert await tokens.claims(token(issuer.keys["first"])) is not None


async def test_nobody_signs_with_another_key_or_algorithm(
    tokens: Tokens, issuer: Issuer, pair: tuple[RSAPrivateKey, RSAPrivateKey]
) -> None:
    elliptic = ec_key(SECP256R1())
    point = ECAlgorithm.to_jwk(elliptic.public_key(), as_dict=True)
    issuer.also = [dict(point) | {"kid": "curve", "use": "sig", "alg": "ES256"}]
    assert await tokens.claims(token(elliptic, kid="curve", algorithm="ES256")) is not None
    known = issuer.keys["first"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for forged in (
        token(pair[1]),
        token(elliptic, kid="first", algorithm="ES256"),
        token(issuer.keys["first"], kid="curve"),
        token("", algorithm="none"),
        by_secret(known),
    ):
        assert await tokens.claims(forged) is None


def by_secret(secret: bytes) -> str:
    """HS256 with the public key as the secret, which PyJWT refuses to sign itself."""
    from jwt.algorithms import HMACAlgorithm

    header, payload, _ = token("x" * 32, algorithm="HS256").split(".")
    signature = HMACAlgorithm(HMACAlgorithm.SHA256).sign(f"{header}.{payload}".encode(), secret)
    return f"{header}.{payload}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


@pytest.mark.parametrize(
    "header",
    ['{"alg": "RS256", "kid": 5}', '{"alg": ["RS256"], "kid": "first"}', "[]", "x", "[" * 20_000, '{"kid": "first"}'],
    ids=lambda header: header[:16],
)
async def test_nonsense_is_no_token(tokens: Tokens, header: str) -> None:
    first = base64.urlsafe_b64encode(header.encode()).decode().rstrip("=")
    assert await tokens.claims(f"{first}.e30.e30") is None
    assert await tokens.claims("é") is None
    assert await tokens.claims("") is None


async def test_a_new_key_is_found_and_an_old_one_forgotten(
    tokens: Tokens, issuer: Issuer, watch: Watch, pair: tuple[RSAPrivateKey, RSAPrivateKey]
) -> None:
    old, new = token(pair[0]), token(pair[1], kid="second")
    assert await tokens.claims(old) is not None
    issuer.keys = {"second": pair[1]}
    watch.now += MIN_FETCH_INTERVAL_S
    assert await tokens.claims(new) is not None
    assert await tokens.claims(old) is None


async def test_a_key_that_was_withdrawn_holds_no_longer_than_the_keys_are_fresh(
    tokens: Tokens, issuer: Issuer, watch: Watch, pair: tuple[RSAPrivateKey, RSAPrivateKey]
) -> None:
    old = token(pair[0])
    assert await tokens.claims(old) is not None
    issuer.keys = {"second": pair[1]}
    watch.now += KEYS_FRESH_S
    assert await tokens.claims(old) is not None
    watch.now += 1
    assert await tokens.claims(old) is None


async def test_strangers_cannot_make_us_ask_for_keys_all_the_time(
    tokens: Tokens, issuer: Issuer, watch: Watch, pair: tuple[RSAPrivateKey, RSAPrivateKey]
) -> None:
    for number in range(20):
        assert await tokens.claims(token(pair[1], kid=f"made-up-{number}")) is None
    assert issuer.asked == 1
    watch.now += MIN_FETCH_INTERVAL_S
    for number in range(20):
        assert await tokens.claims(token(pair[1], kid=f"made-up-{number}")) is None
    assert issuer.asked == 2


NO_KEYS = [(500, b""), (200, b"not JSON"), (200, b"\xff"), (200, b"[]"), (200, b'{"keys": []}'), (200, b'{"keys": 5}')]


@pytest.mark.parametrize("answer", NO_KEYS, ids=str)
async def test_without_keys_no_token_can_be_checked_and_that_is_said(
    tokens: Tokens, issuer: Issuer, watch: Watch, answer: tuple[int, bytes]
) -> None:
    issuer.answer = answer
    for _ in range(5):
        with pytest.raises(KeysUnavailable):
            await tokens.claims(token(issuer.keys["first"]))
    assert issuer.asked == 1
    issuer.answer = None
    watch.now += MIN_FETCH_INTERVAL_S
    assert await tokens.claims(token(issuer.keys["first"])) is not None


async def test_nobody_listening_is_no_answer_either(tokens: Tokens, issuer: Issuer) -> None:
    issuer.gone()
    with pytest.raises(KeysUnavailable):
        await tokens.claims(token(issuer.keys["first"]))


@pytest.mark.slow
async def test_known_keys_outlast_an_outage_of_an_hour(tokens: Tokens, issuer: Issuer, watch: Watch) -> None:
    good = token(issuer.keys["first"])
    assert await tokens.claims(good) is not None
    issuer.answer = (503, b"")
    for _ in range(int(KEYS_KEPT_S / KEYS_FRESH_S)):
        watch.now += KEYS_FRESH_S
        assert await tokens.claims(good) is not None
    watch.now += 1
    with pytest.raises(KeysUnavailable):
        await tokens.claims(good)


async def test_keys_are_not_taken_from_where_the_url_leads(tokens: Tokens, issuer: Issuer) -> None:
    issuer.answer, issuer.location = (302, b""), issuer.url
    with pytest.raises(KeysUnavailable):
        await tokens.claims(token(issuer.keys["first"]))
    assert issuer.asked == 1


async def test_the_server_answers_503_while_it_cannot_know(issuer: Issuer, tmp_path: Path, clock: Clock) -> None:
    store = await seeded(await open_sqlite(tmp_path / "carlos.db", clock), clock)
    wanted = {"jwt_jwks_url": issuer.url, "jwt_audience": AUDIENCE, "jwt_issuer": ISSUER}
    headers = {"Authorization": f"Bearer {token(issuer.keys['first'])}"}
    async with serving(store, tmp_path, clock, **wanted) as rest:
        assert (await rest.anonymous.get("/orders", headers=headers)).status_code == 200
        wrong = await rest.anonymous.get("/orders", headers={"Authorization": "Bearer x.y.z"})
        assert (wrong.status_code, wrong.json()["error"]) == (401, "Unauthorized")
    issuer.answer = (500, b"")
    async with serving(store, tmp_path, clock, **wanted) as rest:
        answer = await rest.anonymous.get("/orders", headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (503, "Service unavailable")
        assert (await rest.http.get("/orders")).status_code == 200, "keys of our own need nobody"
    await store.close()


def test_a_server_with_tokens_alone_is_closed_to_strangers(issuer: Issuer, tmp_path: Path) -> None:
    settings = rest_settings(
        tmp_path, admin_api_keys=(), jwt_jwks_url=issuer.url, jwt_audience=AUDIENCE, jwt_issuer=ISSUER
    )
    assert not Access.from_settings(settings).open_mode
