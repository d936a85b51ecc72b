"""`/webhooks`: events that could not be delivered, and how their receivers do. Nothing in it is personal."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.envelope import ApiError, NotFound, encoded_list, enveloped, retrieved, success
from api.http import CALLS_A_PAGE, CallLimit, Cursor, is_id, next_page, read_cursor
from api.schemas import DeadWebhookJson, Found, ReceiverJson, failures
from common.times import to_iso
from data.items import optional_iso
from data.store import Store
from data.webhooks import Delivery, Letter, Receiver

WebhookId = Annotated[
    str, Path(description="The event's `id` in the list.", examples=["msg_01a208ebc980700bb65ac95d6508-d8a1edcb"])
]
ReceiverId = Annotated[str, Path(description="The receiver's `id`.", examples=["d8a1edcb"])]


def webhook_routes(store: Store) -> APIRouter:
    router = APIRouter(prefix="/webhooks", tags=["webhooks"])

    async def find(webhook_id: str) -> Letter:
        letter = await store.webhooks.dead_letter(webhook_id) if is_id(webhook_id) else None
        if letter is None:
            raise NotFound("Webhook", webhook_id)
        return letter

    @router.get("", response_model=Found[list[DeadWebhookJson]], responses=failures())
    async def list_dead(request: Request, limit: CallLimit = CALLS_A_PAGE, cursor: Cursor = None) -> Response:
        """Events that were given up after all their tries, those of the newest first. They are kept for 30 days."""
        page = await store.webhooks.dead(limit, read_cursor(cursor))
        message = retrieved("webhooks", len(page.items), page.unreadable)
        return enveloped(await encoded_list(page.items, dead_json), message, next_page(request, page.next))

    @router.get("/receivers", response_model=Found[list[ReceiverJson]], responses=failures())
    async def list_receivers() -> JSONResponse:
        """Who is told (WEBHOOK_URLS): how they do, what waits for them, and the last attempts."""
        found = [await receiver_json(store, receiver) for receiver in store.webhooks.receivers]
        return success(found, retrieved("receivers", len(found), 0))

    @router.post("/receivers/{receiver_id}/enable", response_model=Found[ReceiverJson], responses=failures(404, 409))
    async def enable_receiver(receiver_id: ReceiverId) -> JSONResponse:
        """Tell a receiver again that has answered 410. What waited for it is sent, unless it is four days old."""
        receiver = _receiver(store, receiver_id)
        if receiver is None:
            raise NotFound("Receiver", receiver_id)
        await store.webhooks.enable(receiver.id)
        return success(await receiver_json(store, receiver), "Receiver enabled successfully")

    @router.post("/{webhook_id}/retry", response_model=Found[DeadWebhookJson], responses=failures(404, 409))
    async def retry_webhook(webhook_id: WebhookId) -> JSONResponse:
        """Deliver one after all, under the id that it had, and with all its tries again."""
        letter = await find(webhook_id)
        if _receiver(store, letter.receiver) is None:
            raise ApiError(409, "Conflict", "Its receiver is not among WEBHOOK_URLS any more", code="no_receiver")
        await store.webhooks.revive(letter)
        return success(dead_json(letter), "Webhook is to be delivered again")

    @router.delete("/{webhook_id}", response_model=Found[DeadWebhookJson], responses=failures(404, 409))
    async def delete_webhook(webhook_id: WebhookId) -> JSONResponse:
        """Forget one, and return what it was."""
        letter = await find(webhook_id)
        await store.webhooks.discard(letter)
        return success(dead_json(letter), "Webhook deleted successfully")

    return router


def dead_json(letter: Letter) -> dict[str, Any]:
    return {
        "id": letter.name,
        "event": letter.id,
        "receiver": letter.receiver,
        "type": letter.type,
        "about": letter.about,
        "at": to_iso(letter.at),
        "attempts": letter.attempts,
        "reason": letter.reason,
        "givenUpAt": to_iso(letter.died_at or letter.due),
    }


async def receiver_json(store: Store, receiver: Receiver) -> dict[str, Any]:
    state = await store.webhooks.state(receiver.id)
    status = "off" if state.disabled_at else "failing" if state.failing_since else "ok"
    return {
        "id": receiver.id,
        "origin": receiver.origin,
        "status": status,
        "since": optional_iso(state.disabled_at or state.failing_since),
        "waiting": await store.webhooks.waiting(receiver.id),
        "recent": [_delivery_json(delivery) for delivery in state.recent],
    }


def _delivery_json(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "type": delivery.type,
        "at": to_iso(delivery.at),
        "status": delivery.status,
        "attempt": delivery.attempt,
        "ms": delivery.ms,
        "reason": delivery.reason or None,
    }


def _receiver(store: Store, receiver_id: str) -> Receiver | None:
    return next((each for each in store.webhooks.receivers if each.id == receiver_id), None)
