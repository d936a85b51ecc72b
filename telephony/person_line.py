"""What a carrier must be able to do so that a caller can be passed on to a person while hearing music."""

from __future__ import annotations

from typing import Protocol

from telephony.transfer import Transfer


class NotRung(Exception):
    """The carrier would not ring the person. `final`: it will not the next time, either."""

    def __init__(self, why: str, *, final: bool) -> None:
        super().__init__(why)
        self.final = final


class PersonLine(Protocol):
    async def ring(self, transfer: Transfer, from_number: str) -> str:
        """Ring the person of a transfer, under its leg's number, and return the id of their leg. Raise NotRung."""
        ...

    async def let_go(self, leg_id: str) -> bool:
        """End a person's leg. Return False where the carrier cannot be asked to."""
        ...

    async def bring_back(self, transfer: Transfer) -> bool:
        """Take the caller out of the music, to Carlos. Return False where the carrier cannot be asked to."""
        ...
