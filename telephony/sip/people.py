"""SIP as a `telephony.person_line.PersonLine`: people are rung through the trunk or PBX that a caller came by."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aiosipua import SipDigestAuth
from loguru import logger

from common.addresses import bracketed
from common.tasks import TaskSet
from telephony.person_line import NotRung
from telephony.sip.call import SipCall
from telephony.sip.message import Peer
from telephony.sip.person import SipPerson
from telephony.transfer import Transfer
from telephony.voice import Voice

NAME = "carlos"  # whom a person sees where no number is set


class SipPeople:
    """`calls` are those that are live. `auth_of` gives what a peer may be proven, a trunk that we have an account with;
    `number` is what people see."""

    def __init__(
        self,
        calls: Mapping[str, SipCall],
        tasks: TaskSet,
        voice: Voice,
        auth_of: Callable[[Peer], SipDigestAuth | None],
        number: str | None = None,
    ) -> None:
        self._calls = calls
        self._tasks = tasks
        self._voice = voice
        self._auth_of = auth_of
        self._number = number
        self._rung: dict[str, SipPerson] = {}

    async def ring(self, transfer: Transfer, from_number: str) -> str:
        call = self._calls.get(transfer.call_id)
        if call is None or (transfers := call.transfers) is None:
            raise NotRung("the caller is gone", final=True)
        peer, around = call.leg.peer, call.around
        person = SipPerson(transfer, peer, around, transfers, self._voice, call.waiting.join)
        auth = self._auth_of(peer)
        user = self._number or (auth.username if auth is not None else NAME)
        sender = f"sip:{user}@{bracketed(around.local(peer))}"
        self._rung[person.id] = person
        task = self._tasks.create(
            self._see_to(person, call.target_of(transfer.address), sender, auth), f"sip person {person.id}"
        )
        task.add_done_callback(lambda _: self._rung.pop(person.id, None))
        return person.id

    async def _see_to(self, person: SipPerson, target: str, sender: str, auth: SipDigestAuth | None) -> None:
        with logger.contextualize(call_id=person.call_id):
            await person.run(target, sender, auth)

    async def let_go(self, leg_id: str) -> bool:
        if (person := self._rung.get(leg_id)) is not None:
            person.let_go()
        return True

    async def bring_back(self, transfer: Transfer) -> bool:
        call = self._calls.get(transfer.call_id)
        return call is not None and call.waiting.bring_back()
