"""Twilio's webhooks of a transfer: the caller's, who waits in a room, and the person's, who is rung.

Signed and idempotent like the others (telephony.twilio.webhooks). A person's requests carry a CallSid of their own;
which call they are about stands in our URLs, which the signature covers.
"""

from __future__ import annotations

import re
from pathlib import Path

from fastapi import APIRouter
from loguru import logger
from starlette.responses import FileResponse, Response

from data.errors import DataError
from telephony.briefing import DECLINED, NOBODY_WAITS, TAKES_IT
from telephony.carrier import CarrierHandler
from telephony.transfer import TALK_S, State
from telephony.transfers import Transfers
from telephony.twilio import transfer_twiml, twiml
from telephony.twilio.webhooks import ENDED_STATUSES, Params, Webhooks, status_of, xml

MUSIC = Path(__file__).parents[1] / "hold.wav"
_CALL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_BRIDGED = frozenset({"completed", "answered"})  # values of DialCallStatus


class TransferWebhooks:
    def __init__(
        self,
        base_url: str,
        webhooks: Webhooks,
        phone_calls: CarrierHandler,
        transfers: Transfers,
        overrides: str = "",
    ) -> None:
        self._base_url = base_url
        self._overrides = overrides
        self._webhooks = webhooks
        self._phone_calls = phone_calls
        self._transfers = transfers

    def router(self) -> APIRouter:
        router = APIRouter(include_in_schema=False)
        for path, handler in (
            (transfer_twiml.HOLD_PATH, self._hold),
            (transfer_twiml.AFTER_TRANSFER_PATH, self._webhooks.or_apologise(self._after_transfer)),
            (transfer_twiml.BACK_PATH, self._webhooks.or_apologise(self._back)),
            (transfer_twiml.PERSON_PATH, self._webhooks.or_apologise(self._person)),
            (transfer_twiml.PERSON_KEY_PATH, self._webhooks.or_apologise(self._person_key)),
            (transfer_twiml.PERSON_STATUS_PATH, self._person_status),
        ):
            router.add_api_route(path, self._webhooks.signed(handler), methods=["GET", "POST"])
        router.add_api_route(transfer_twiml.MUSIC_PATH, _music, methods=["GET", "HEAD"])
        return router

    # The caller.

    async def _hold(self, params: Params) -> Response:
        """The caller waits. Whatever fails, the music goes on, and its next request tries again."""
        call_id, to = params["CallSid"], params.get(transfer_twiml.TO, "")
        try:
            await self._transfers.waits(call_id, to)
        except DataError as error:
            logger.error("the transfer of call {} cannot be seen to: {!r}", call_id, error)
        return xml(transfer_twiml.music(self._base_url, call_id, to, self._overrides))

    async def _after_transfer(self, params: Params) -> Response:
        """The caller is out of the room, or a cold transfer has ended."""
        call_id = params["CallSid"]
        if params.get("CallStatus") in ENDED_STATUSES:
            await self._phone_calls.status(call_id, status_of(params))
            return xml(twiml.hang_up())
        if self._transfers.cold:
            status = params.get("DialCallStatus", "failed")
            transfer = await self._transfers.dialled(call_id, status, talked=_have_talked(params))
        else:
            transfer = await self._transfers.left_the_room(call_id)
        if transfer is None or transfer.state is not State.RETURNED:
            return xml(twiml.hang_up())
        return await self._back(params)

    async def _back(self, params: Params) -> Response:
        """Nobody took the caller: Carlos is back, in the same conversation."""
        call_id = params["CallSid"]
        if params.get("CallStatus") in ENDED_STATUSES:
            await self._phone_calls.status(call_id, status_of(params))
            return xml(twiml.hang_up())
        after = await self._phone_calls.brought_back(call_id, tries=twiml.tries_of(params))
        return self._webhooks.next_step(params, after, transfer_twiml.BACK_PATH)

    # The person.

    async def _person(self, params: Params) -> Response:
        call_id, leg = _about(params)
        if is_machine(params.get("AnsweredBy", "")):
            await self._transfers.machine(call_id, leg, params["CallSid"])
            return xml(twiml.hang_up())
        told = await self._transfers.answered(call_id, leg, params["CallSid"])
        if told is None:
            return xml(transfer_twiml.thank(NOBODY_WAITS))
        return xml(transfer_twiml.brief(self._base_url, call_id, leg, told, self._overrides))

    async def _person_key(self, params: Params) -> Response:
        call_id, leg = _about(params)
        takes_it = params.get("Digits", "") == TAKES_IT
        transfer = await self._transfers.pressed(call_id, leg, params["CallSid"], takes_it=takes_it)
        if transfer is not None:
            return xml(transfer_twiml.join(transfer))
        return xml(transfer_twiml.thank(NOBODY_WAITS if takes_it else DECLINED))

    async def _person_status(self, params: Params) -> Response:
        call_id, leg = _about(params)
        status = params.get("CallStatus", "")
        if status in ENDED_STATUSES:
            await self._transfers.person_ended(call_id, leg, params["CallSid"], status)
        return Response(status_code=204)


def _have_talked(params: Params) -> bool:
    """Whether a cold transfer was one. https://www.twilio.com/docs/voice/twiml/dial#action: DialCallDuration is in
    seconds."""
    seconds = params.get("DialCallDuration", "")
    at_once = seconds.isascii() and seconds.isdecimal() and int(seconds[:6]) < TALK_S
    return params.get("DialCallStatus") in _BRIDGED and not at_once


def is_machine(answered_by: str) -> bool:
    """https://www.twilio.com/docs/voice/answering-machine-detection: human, machine_start, fax, unknown. Whoever is
    unknown has to press a key, too."""
    return answered_by.startswith("machine") or answered_by == "fax"


def _about(params: Params) -> tuple[str, int]:
    """The call and the leg's number; of no call, for URLs that are none of ours."""
    call_id, leg = params.get(transfer_twiml.CALL, ""), params.get(transfer_twiml.LEG, "")
    if not _CALL_ID.fullmatch(call_id) or not re.fullmatch(r"[0-9]{1,4}", leg):
        return "", 0
    return call_id, int(leg)


async def _music() -> FileResponse:
    """The clip is nobody's secret, and Twilio's fetch of it need not be signed."""
    return FileResponse(MUSIC, media_type="audio/wav", headers={"Cache-Control": "public, max-age=86400"})
