"""What orders and appointments have in common over HTTP: records one by one, each with its version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.envelope import NotFound, encoded_list, enveloped, retrieved, success
from api.http import check_match, etag, is_id, next_page
from data.models import Record
from data.pages import Page
from data.records import RecordType
from data.rules import create
from data.store import Change, Store


@dataclass(frozen=True, slots=True)
class Resource[R: Record]:
    """One type of record. `show` makes a record's JSON."""

    store: Store
    record_type: RecordType[R]
    show: Callable[[R], dict[str, Any]]

    async def find(self, record_id: str, if_match: str | None = None) -> R:
        """Raises ApiError: 404, and 412 when `if_match` names another version."""
        record = await self.store.record(self.record_type, record_id) if is_id(record_id) else None
        if record is None:
            raise NotFound(self.record_type.kind.__name__, record_id)
        check_match(if_match, record.version)
        return record

    async def page(self, request: Request, found: Page[R]) -> Response:
        is_cut = found.next is not None and "limit" not in request.query_params
        message = retrieved(self.record_type.nouns, len(found.items), found.unreadable, truncated=is_cut)
        return enveloped(await encoded_list(found.items, self.show), message, next_page(request, found.next))

    def one(self, record: R) -> JSONResponse:
        return success(self.show(record), self._done("retrieved"), etag(record.version))

    async def create(self, make: Callable[[str], R]) -> JSONResponse:
        """Commit the record that `make` builds from its id. Raises SlotTaken."""
        record, _ = await create(self.store, self.record_type.kind, lambda record_id: (make(record_id), None))
        assert isinstance(record, self.record_type.kind)  # noqa: S101 - as it was made
        headers = etag(1) | {"Location": f"/{self.record_type.nouns}/{record.id}"}
        return success(self.show(record), self._done("created"), headers, 201)

    async def update(self, before: R, change: Change) -> JSONResponse:
        """Commit a change. Raises Conflict and SlotTaken."""
        await self.store.commit(change)
        assert isinstance(change.after, self.record_type.kind)  # noqa: S101 - as it was made
        after = replace(change.after, version=before.version + 1)
        return success(self.show(after), self._done("updated"), etag(after.version))

    async def delete(self, record: R) -> JSONResponse:
        """Raises Conflict."""
        await self.store.commit(Change(record, None))
        return success(self.show(record), self._done("deleted"))

    def _done(self, verb: str) -> str:
        return f"{self.record_type.kind.__name__} {verb} successfully"
