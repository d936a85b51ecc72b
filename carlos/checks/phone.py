"""Is the Twilio account in order, and is our own address where we say? Neither is Twilio's view of us."""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp
from twilio.request_validator import RequestValidator

from carlos.checks.finding import Finding, failed, not_tried, ok
from common.log import error_text
from common.settings import Settings
from telephony.twilio.api import TwilioApi, TwilioError, explained
from telephony.twilio.webhooks import VOICE_PATH

ACCOUNT, ADDRESS, SIGNATURE = "Twilio account", "public address", "signature"
PEOPLE, MESSAGES = "people", "messages"
TIMEOUT_S = 15.0  # what Twilio waits for a webhook
MAX_BODY_BYTES = 1000
NOT_TWILIO = "asked from here, which is not Twilio's view"


async def check_account(settings: Settings) -> Finding:
    if not settings.twilio_account_sid and not settings.twilio_auth_token:
        return not_tried(ACCOUNT, "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are not set: no phone line")
    api = TwilioApi.from_settings(settings, TIMEOUT_S)
    if api is None:
        given = "TWILIO_ACCOUNT_SID" if settings.twilio_account_sid else "TWILIO_AUTH_TOKEN"
        return failed(ACCOUNT, f"{given} is set alone: without the other Carlos cannot hang up by REST; set both")
    async with api:
        try:
            told = await api.get()
        except TwilioError as error:
            return failed(ACCOUNT, explained(error))
    if (status := told.get("status")) != "active":
        return failed(ACCOUNT, f"it is {status}: see the Console's home page")
    trial = "; a trial account plays a notice first and reaches verified numbers only"
    return ok(ACCOUNT, f"active{trial if told.get('type') == 'Trial' else ''}")


async def check_address(settings: Settings) -> Finding:
    """The health check behind PUBLIC_BASE_URL."""
    if not settings.public_base_url:
        return not_tried(ADDRESS, "PUBLIC_BASE_URL is not set: Twilio cannot call this server")
    url = f"{settings.base_url}/health"
    try:
        answer = await _ask("GET", url)
    except (aiohttp.ClientError, TimeoutError) as error:
        return failed(ADDRESS, f"{url}: {error_text(error)}; is the server running, and DNS, TLS and proxy set?")
    if answer.status != 200 or b'"healthy"' not in answer.body:
        return failed(ADDRESS, f"{url}: HTTP {answer.status}, and not Carlos's health; what answers there?")
    return ok(ADDRESS, f"{url} is healthy ({NOT_TWILIO})")


async def check_signature(settings: Settings) -> Finding:
    """Whether the server behind PUBLIC_BASE_URL takes what is signed with our token for our address.

    The request names no call, so that nothing rings: 400 answers to a good signature, and 403 to a bad one.
    """
    if not settings.public_base_url or not settings.twilio_auth_token:
        return not_tried(SIGNATURE, "PUBLIC_BASE_URL or TWILIO_AUTH_TOKEN is not set")
    url, form = settings.base_url + VOICE_PATH, {"Check": "signature"}
    signed = RequestValidator(settings.twilio_auth_token[0].get_secret_value()).compute_signature(url, form)
    try:
        answer = await _ask("POST", url, form, {"X-Twilio-Signature": signed})
    except (aiohttp.ClientError, TimeoutError) as error:
        return failed(SIGNATURE, f"{url}: {error_text(error)}")
    match answer.status:
        case 400:
            return ok(SIGNATURE, f"{url} takes ours ({NOT_TWILIO})")
        case 403:
            same = "the server there must have the same TWILIO_AUTH_TOKEN and PUBLIC_BASE_URL, and its proxy may not"
            return failed(SIGNATURE, f"{url}: HTTP 403; {same} change the path, or refuse strangers itself")
        case status:
            return failed(SIGNATURE, f"{url}: HTTP {status}; a proxy answers, or it is another server")


async def check_people(settings: Settings) -> Finding:
    if not settings.people:
        return not_tried(PEOPLE, "TRANSFER_TARGETS is empty: no caller is passed on to anybody")
    named = "a person is" if len(settings.people) == 1 else f"{len(settings.people)} people are"
    return not_tried(PEOPLE, f"{named} named: nobody was rung; make a call, and press 0")


async def check_messages(settings: Settings) -> Finding:
    if settings.follow_up == "off":
        return not_tried(MESSAGES, "FOLLOW_UP is off: none is sent")
    return not_tried(MESSAGES, f"FOLLOW_UP={settings.follow_up}: a message costs money; make a call, and say yes to it")


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes


async def _ask(
    method: str, url: str, form: dict[str, str] | None = None, headers: dict[str, str] | None = None
) -> _Answer:
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.request(method, url, data=form, headers=headers, allow_redirects=False) as response,
    ):
        return _Answer(response.status, await response.content.read(MAX_BODY_BYTES))
