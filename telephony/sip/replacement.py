"""A person's call with us that the caller's side is asked to replace with one of its own: REFER with Replaces (RFC
3515, RFC 3891; RFC 5589, section 7). Until it has, the two hear each other through us.

A BYE says that somebody hung up, or that his call was replaced; the answers to our REFER say which, as far as anything
does. They come in any order.

    what comes first    REFER not answered yet    accepted (202)                     refused, failed, too late
    NOTIFY of success   replaced                  replaced                           -
    the person's BYE    SETTLE_S to learn more    SETTLE_S to learn more             the person left
    the caller's BYE    the caller left           replaced, if the person's BYE      the caller left
                                                  comes within SETTLE_S

What is learnt is a NOTIFY of success, or the caller's BYE after a 202: replaced. With anything else, or nothing, the
person left when his BYE came. One whose BYE does not come gets ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import quote

from aiosipua import Dialog
from loguru import logger

from telephony.sip.referral import Referral, talked
from telephony.sip.transactions import GIVE_UP_S

REPLACE_S = GIVE_UP_S  # for the caller's side to reach the person, who has a phone in his hand
SETTLE_S = 5.0  # for what follows at once, and may be sent three times until it comes


def replacing(dialog: Dialog) -> str:
    """Return the address at which a call of ours is replaced: the other side's own, with the dialog as it sees it, in
    which its tag is the local one, `to-tag` (RFC 3891, section 3; escaped as in RFC 3261, section 19.1.1)."""
    replaces = f"{dialog.call_id};to-tag={dialog.remote_tag};from-tag={dialog.local_tag}"
    return f"{dialog.remote_target.partition('?')[0]}?Replaces={quote(replaces, safe='')}"


class Replacement:
    """`referral` is told what the caller's side says of it. `caller` and `person` are set when our calls with them are
    over; `hang_up` ends the caller's."""

    def __init__(self, caller: asyncio.Event, person: asyncio.Event, hang_up: Callable[[], None]) -> None:
        self.referral = Referral(caller)
        self._caller = caller
        self._person = person
        self._hang_up = hang_up

    async def comes(self) -> None:
        """Return when the two have each other; never, where they are left to us."""
        status = await self.referral.outcome(REPLACE_S)
        if not talked(status):
            logger.info("sip: the caller's side does not connect him with the person, who is bridged: {}", status)
            await asyncio.get_running_loop().create_future()

    async def settle(self) -> bool:
        """Somebody is gone, or the two have each other: return whether they have. Then the caller's call with us is
        over, and the person's, if his side ended it in time (RFC 5589, section 7: the first is ours to end)."""
        hung_up = self._caller.is_set()
        if not talked(await self.referral.outcome(SETTLE_S)):
            return False
        self._hang_up()
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                await self._person.wait()
        return self._person.is_set() or not hung_up
