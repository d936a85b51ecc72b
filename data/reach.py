"""Can what a call needs of the store be read? One read of each table and of each of its indexes, of keys that are
nobody's: where a name, a right or an index is wrong, one of them fails. Cheap enough for every start; what is in the
store is `carlos doctor`'s to look at."""

from __future__ import annotations

from data.backends.base import Backend
from data.errors import Unavailable
from data.records import TABLES

_NOBODY = "READY"  # no record's key


async def reach(backend: Backend) -> None:
    """Raise Unavailable for the first table or index that cannot be read, by our name for it."""
    for table in TABLES.values():
        what = f"the table {table.name}"
        try:
            await backend.get(table.name, _NOBODY, _NOBODY)
            for index in table.indexes:
                what = f"the index {index.name} of {table.name}"
                low = "0" if index.range else None
                await backend.query(table.name, _NOBODY, index=index.name, low=low, limit=1)
        except Unavailable as error:
            raise Unavailable(f"{what} cannot be read ({error})") from error
