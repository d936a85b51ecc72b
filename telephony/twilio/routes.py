"""The phone line's routes, put together."""

from __future__ import annotations

from fastapi import APIRouter

from common.settings import Settings
from telephony.carrier import CarrierHandler
from telephony.stream_tokens import SpentInMemory, SpentNonces, StreamTokens, signing_keys
from telephony.twilio import twiml
from telephony.twilio.closed import ClosedLineWebhooks
from telephony.twilio.door_webhooks import DoorWebhooks
from telephony.twilio.signature import Signatures
from telephony.twilio.socket import MAX_PENDING_SOCKETS, START_TIMEOUT_S, Answer, MediaSocket
from telephony.twilio.transfer_webhooks import TransferWebhooks
from telephony.twilio.webhooks import Webhooks


def phone_routes(
    settings: Settings,
    phone_calls: CarrierHandler,
    answer: Answer,
    *,
    spent: SpentNonces | None = None,
    call_in_path: bool = False,
    start_timeout_s: float = START_TIMEOUT_S,
    max_waiting: int = MAX_PENDING_SOCKETS,
) -> APIRouter:
    """Everything under /twilio. `spent` remembers used stream tokens; by default, in this process. With
    `call_in_path` a media stream's URL names its call, for whoever must know it before the stream's start.

    Run uvicorn with `ws_max_size=telephony.twilio.socket.WS_MAX_SIZE` and `ws_per_message_deflate=False` (Twilio does
    not offer it). Raises ValueError where signatures would be off on a public host.
    """
    signatures = Signatures.from_settings(settings)
    tokens = StreamTokens(signing_keys(settings.token_secrets), spent or SpentInMemory())
    socket = MediaSocket(
        signatures, tokens, phone_calls, answer, start_timeout_s=start_timeout_s, max_waiting=max_waiting
    )
    base_url, overrides = settings.base_url, settings.webhook_overrides
    closed = ClosedLineWebhooks(base_url, phone_calls, settings.voicemail_max_s, overrides)
    webhooks = Webhooks(
        base_url, signatures, tokens, phone_calls, closed=closed, call_in_path=call_in_path, overrides=overrides
    )
    router = webhooks.router()
    router.include_router(DoorWebhooks(base_url, webhooks, closed, overrides).router())
    if phone_calls.transfers is not None:
        transfers = TransferWebhooks(base_url, webhooks, phone_calls, phone_calls.transfers, overrides)
        router.include_router(transfers.router())
    router.add_api_websocket_route(twiml.MEDIA_PATH, socket.serve)
    if call_in_path:
        router.add_api_websocket_route(twiml.MEDIA_PATH + "/{call_sid}", socket.serve)
    return router
