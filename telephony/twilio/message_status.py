"""What became of a message: Twilio tells it after the call, to an address that names the call.

https://www.twilio.com/docs/messaging/guides/track-outbound-message-status. `sent` and what comes before it say nothing
that is not known; `delivered`, `undelivered` and `failed` are ends, and `read` is WhatsApp's. They come in any order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

from fastapi import APIRouter
from loguru import logger
from starlette.requests import Request
from starlette.responses import Response

from common.settings import Settings
from data.errors import DataError
from data.models import CallRecord
from data.store import Store
from telephony.twilio.signature import Signatures
from telephony.twilio.twiml import webhook_url
from telephony.twilio.webhooks import BadForm, read_form

PATH = "/twilio/message-status"
ENDS = frozenset({"delivered", "undelivered", "failed", "read"})
DETAIL = "message_status"  # of a call's record, apart from `messages`, which the process that holds the call writes
MOST = 20  # messages of one call; it sends five

_SID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CODE = re.compile(r"[0-9]{1,6}")


def callback_url(base_url: str, call_id: str, overrides: str = "") -> str:
    return webhook_url(base_url, f"{PATH}?CallSid={quote(call_id, safe='')}", overrides)


def message_status_route(settings: Settings, store: Store) -> APIRouter:
    """The webhook; 403 for what Twilio did not sign, 503 where the store does not take it."""
    signatures = Signatures.from_settings(settings)

    async def endpoint(request: Request) -> Response:
        try:
            form = await read_form(request)
        except BadForm as bad:
            return Response(status_code=bad.status)
        if not signatures.valid(request, form):
            logger.warning("{} without a valid signature", PATH)
            return Response(status_code=403)
        call_id, sid = request.query_params.get("CallSid", ""), str(form.get("MessageSid", ""))
        if not (_SID.fullmatch(call_id) and _SID.fullmatch(sid)):
            return Response(status_code=400)
        if (status := form.get("MessageStatus")) not in ENDS:
            return Response(status_code=204)
        told = {"status": str(status)}
        if _CODE.fullmatch(code := str(form.get("ErrorCode", ""))):
            told["reason"] = code
        try:
            await store.amend_call(call_id, lambda record: _noted(record, sid, told))
        except DataError as error:
            logger.error("what became of a message of {} is not kept: {!r}", call_id, error)
            return Response(status_code=503)
        logger.info("a message of {} is {}", call_id, told)
        return Response(status_code=204)

    router = APIRouter(include_in_schema=False)
    router.add_api_route(PATH, endpoint, methods=["POST"])
    return router


def _noted(record: CallRecord, sid: str, told: Mapping[str, str]) -> CallRecord:
    """The record with it, unless the message is known to be read, or the call has more than it can have sent."""
    known = record.details.get(DETAIL, {})
    if known.get(sid, {}).get("status") == "read" or (sid not in known and len(known) >= MOST):
        return record
    return replace(record, details={**record.details, DETAIL: {**known, sid: dict(told)}})
