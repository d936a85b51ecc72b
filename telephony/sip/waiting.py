"""A caller on the way to a person: music until somebody has taken him, or nobody has, and what is said then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from loguru import logger

from data.errors import DataError
from telephony.carrier import AfterStream, CarrierHandler, HangUp, Hold
from telephony.sip.bridge import Bridge
from telephony.sip.media import Media
from telephony.sip.person import SipPerson
from telephony.sip.prompts import Prompts, first
from telephony.sip.replacement import Replacement
from telephony.sip.sentences import music
from telephony.transfer import State
from telephony.transfers import Transfers


class Waiting:
    """One call's, each time that it is passed on. `over` is set when the caller is gone; `replace`, where it is there,
    has his own side put him through to a person whom he hears already."""

    joined: Literal["", "bridged", "replaced"] = ""  # how the last person and the caller came to hear each other

    def __init__(
        self,
        call_id: str,
        number: str,
        calls: CarrierHandler,
        over: asyncio.Event,
        replace: Callable[[SipPerson], Replacement] | None = None,
    ) -> None:
        self._call_id = call_id
        self._number = number
        self._calls = calls
        self._over = over
        self._replace = replace
        self._person: SipPerson | None = None  # who takes him
        self._is_wanted_back = False  # by Carlos, since nobody took him
        self._called = asyncio.Event()  # out of the music
        self._bridge: Bridge | None = None

    def join(self, person: SipPerson) -> bool:
        """Put the caller through to a person who has taken him. Return False for one who does not wait any more."""
        if self._over.is_set() or self._person is not None or self._is_wanted_back:
            return False
        self._person = person
        self._called.set()
        return True

    def bring_back(self) -> bool:
        """Nobody took the caller: he goes on with Carlos. Return False where he is gone."""
        self._is_wanted_back = True
        self._called.set()
        return not self._over.is_set()

    @property
    def is_with_person(self) -> bool:
        """Whether the caller and a person hear each other through us."""
        return self._bridge is not None

    async def outcome(self, media: Media, transfers: Transfers) -> AfterStream:
        """Return what comes for the caller in the end."""
        after: AfterStream | None = None
        while after is None or isinstance(after, Hold):  # held again: Carlos has no place for him yet
            await self._hear_music(media, transfers)
            person, self._person = self._person, None
            self._is_wanted_back = False
            self._called.clear()
            if self._over.is_set() or (person is not None and not await self._talk(media, person, transfers)):
                return HangUp()
            after = await self._calls.brought_back(self._call_id)
        return after

    async def _hear_music(self, media: Media, transfers: Transfers) -> None:
        """Until the caller is called out of it, or gone. Each time that it begins what is due is done."""
        prompts = Prompts(media, self._over)
        try:
            while not (self._called.is_set() or self._over.is_set()):
                await self._see_to(transfers)
                await first(prompts.say(music()), self._called.wait())
        finally:
            prompts.end()

    async def _see_to(self, transfers: Transfers) -> None:
        try:
            await transfers.waits(self._call_id, self._number)
        except DataError as error:
            logger.error("the transfer of call {} cannot be seen to: {!r}", self._call_id, error)

    async def _talk(self, media: Media, person: SipPerson, transfers: Transfers) -> bool:
        """Hand each one's sound to the other until one of them is gone, or they have each other without us. Return True
        for a caller who is to be with Carlos again."""
        bridge = self._bridge = Bridge(media, person.media)
        self.joined = "bridged"
        try:
            replacement = self._replace(person) if self._replace is not None else None
            await self._hear_each_other(bridge, person, replacement)
            ended = asyncio.get_running_loop().time()
            if replacement is not None and await replacement.settle():
                self.joined = "replaced"
        finally:
            person.let_go()
        if self._over.is_set():
            return False
        ago_s = asyncio.get_running_loop().time() - ended
        transfer = await transfers.left_the_room(self._call_id, ago_s=ago_s)
        return transfer is not None and transfer.state is State.RETURNED

    async def _hear_each_other(self, bridge: Bridge, person: SipPerson, replacement: Replacement | None) -> None:
        also = [] if replacement is None else [replacement.comes()]
        try:
            await first(person.over.wait(), self._over.wait(), bridge.over.wait(), *also)
        finally:
            self._bridge = None
            bridge.end()
