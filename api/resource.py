"""What orders and appointments have in common over HTTP: records one by one, each with its version."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.envelope import NotFound, encoded_list, enveloped, retrieved, success
from api.http import check_match, etag, is_id, next_page
from data.models import Appointment, Order
from data.pages import Page
from data.rules import create
from data.store import Change, Store


@dataclass(frozen=True, slots=True)
class Resource[R: (Order, Appointment)]:
    """One kind of record. `read` gives one by its id, `show` makes its JSON."""

    store: Store
    kind: type[R]
    read: Callable[[str], Awaitable[R | None]]
    show: Callable[[R], dict[str, Any]]

    async def find(self, record_id: str, if_match: str | None = None) -> R:
        """Raises ApiError: 404, and 412 when `if_match` names another version."""
        record = await self.read(record_id) if is_id(record_id) else None
        if record is None:
            raise NotFound(self.kind.__name__, record_id)
        check_match(if_match, record.version)
        return record

    async def page(self, request: Request, found: Page[R]) -> Response:
        is_cut = found.next is not None and "limit" not in request.query_params
        message = retrieved(self._path, len(found.items), found.unreadable, truncated=is_cut)
        return enveloped(await encoded_list(found.items, self.show), message, next_page(request, found.next))

    def one(self, record: R) -> JSONResponse:
        return success(self.show(record), self._done("retrieved"), etag(record.version))

    async def create(self, make: Callable[[str], R]) -> JSONResponse:
        """Commit the record that `make` builds from its id. Raises SlotTaken."""
        record, _ = await create(self.store, self.kind, lambda record_id: (make(record_id), None))
        assert isinstance(record, self.kind)  # noqa: S101 - as it was made
        headers = etag(1) | {"Location": f"/{self._path}/{record.id}"}
        return success(self.show(record), self._done("created"), headers, 201)

    async def update(self, before: R, change: Change) -> JSONResponse:
        """Commit a change. Raises Conflict and SlotTaken."""
        await self.store.commit(change)
        assert isinstance(change.after, self.kind)  # noqa: S101 - as it was made
        after = replace(change.after, version=before.version + 1)
        return success(self.show(after), self._done("updated"), etag(after.version))

    async def delete(self, record: R) -> JSONResponse:
        """Raises Conflict."""
        await self.store.commit(Change(record, None))
        return success(self.show(record), self._done("deleted"))

    @property
    def _path(self) -> str:
        return f"{self.kind.__name__.lower()}s"

    def _done(self, verb: str) -> str:
        return f"{self.kind.__name__} {verb} successfully"
