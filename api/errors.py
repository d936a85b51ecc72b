"""What the REST API answers other than success, as tables: for the description, the documentation and the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

STATUSES = {
    400: "A parameter is not understood, or the body is no JSON in UTF-8: `message` says which.",
    401: "Nobody knows who asks.",
    403: "The key or token lacks a scope, or the page that asks is of another origin.",
    404: "There is none with this id.",
    409: "It cannot be done as things are now.",
    412: "`If-Match` names another version than there is.",
    413: "The body is longer than any that is meant here.",
    422: "The body is not as described (no `code`: `message` names the fields), or a rule of the business forbids it.",
    428: "The change does not say of which version it is: send the `ETag` that was read as `If-Match`.",
    429: "Too many requests: `Retry-After` says in how many seconds there may be another.",
    500: "A fault of Carlos; the log has it.",
    503: "The store does not answer, or bearer tokens cannot be checked; try again later.",
}


@dataclass(frozen=True, slots=True)
class Code:
    """A value of `code`, for programs to go by: it stays while sentences change. Routes with one of `tags` and one of
    `methods`, whose path ends in `ending`, give it; without any, every route that has the status."""

    status: int
    code: str
    meaning: str
    tags: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()
    ending: str = ""

    def is_given(self, status: int, method: str, path: str, tags: Sequence[str]) -> bool:
        applies = not self.tags or not self.tags.isdisjoint(tags)
        asked_so = (not self.methods or method in self.methods) and path.endswith(self.ending)
        return self.status == status and applies and asked_so


def _of(tags: str, status: int, methods: str, ending: str = "", **meanings: str) -> tuple[Code, ...]:
    where = frozenset(tags.split()), frozenset(methods.split()), ending
    return tuple(Code(status, code, meaning, *where) for code, meaning in meanings.items())


CODES = (
    Code(401, "key_missing", "No key and no token was sent."),
    Code(401, "key_unknown", "The key is not one of `ADMIN_API_KEYS`."),
    Code(401, "token_invalid", "The bearer token is not valid here, or no longer."),
    Code(403, "denied", "A scope is missing, or the origin or host is a foreign one."),
    *_of("orders appointments", 409, "put delete", conflict="It has changed since it was read: read it again."),
    *_of("orders appointments", 409, "post", conflict="No free id was found: ask again."),
    *_of("callbacks", 409, "put", conflict="Others keep changing it: ask again."),
    *_of("customers", 409, "post", conflict="A call has not ended, or a record has changed meanwhile: ask again."),
    *_of("facts", 409, "post", conflict="Others keep changing the facts: ask again."),
    *_of("webhooks", 409, "post delete", conflict="It has been changed meanwhile: look again, and ask again."),
    *_of("webhooks", 409, "post", "/retry", no_receiver="Its receiver is not among `WEBHOOK_URLS` any more."),
    *_of(
        "facts",
        409,
        "post put",
        facts_faulty="The text that is kept has `faults`, from another hand: mend it first, as a text.",
    ),
    *_of("appointments", 409, "post put", slot_taken="Another appointment holds that time."),
    *_of("calls", 409, "post", call_over="The call has ended already."),
    Code(412, "version_mismatch", "What was read has changed since: read it again, and send its new `ETag`."),
    *_of(
        "orders",
        422,
        "put",
        bad_status="A status only goes forward.",
        items_fixed="The items of an order that is on its way are fixed.",
        order_shipped="It was shipped, and is not cancelled any more.",
        order_delivered="It was delivered, and is not cancelled any more.",
        order_cancelled="It is cancelled already.",
    ),
    *_of(
        "appointments",
        422,
        "post put",
        unknown_doctor="There is no doctor of that name.",
        past_date="The time is past, or too soon.",
        too_far="The time is more than a year away.",
        closed="The business is closed then, or the doctor not there.",
        off_grid="Appointments begin at minutes of a grid.",
        bad_duration="Nobody gives appointments of that length.",
    ),
    *_of(
        "appointments",
        422,
        "put",
        appointment_cancelled="It is cancelled already.",
        appointment_completed="It has taken place.",
    ),
    *_of(
        "facts", 422, "post put", facts_invalid="They would have `faults`, each named by its key; nothing is changed."
    ),
    *_of("facts", 422, "post", not_told="The question would not find this answer: it lacks what it is about."),
    *_of("facts", 428, "put", if_match="`If-Match` is missing."),
    Code(503, "denied", "Bearer tokens cannot be checked at the moment."),
)


def describe_failures(method: str, path: str, operation: dict[str, Any]) -> None:
    """Say in an operation of OpenAPI what each of its failures means, with its codes (`x-codes`), and that a body may
    be too long."""
    responses = operation["responses"]
    if "requestBody" in operation and "400" in responses:
        responses["413"] = responses["400"] | {"description": HTTPStatus(413).phrase}
    for status, meaning in STATUSES.items():
        if (response := responses.get(str(status))) is None:
            continue
        if response.get("description", "") in ("", HTTPStatus(status).phrase):  # FastAPI's word for what says nothing
            response["description"] = meaning
        tags = operation.get("tags", ())
        given = {each.code: each.meaning for each in CODES if each.is_given(status, method, path, tags)}
        if given:
            response["x-codes"] = given
    operation["responses"] = dict(sorted(responses.items()))
