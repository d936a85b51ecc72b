"""A person who is rung for a caller: told who is calling and why, asked for a key, and put through."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from aiosipua import Dialog, SipDigestAuth
from loguru import logger

from data.errors import DataError
from telephony.briefing import CHOICE, DECLINED, KEY_TIMEOUT_S, NOBODY_WAITS, TAKES_IT
from telephony.sip import sdp
from telephony.sip.invitations import TIMED_OUT, Invitation
from telephony.sip.leg import Ended, Leg
from telephony.sip.media import Media
from telephony.sip.message import Peer, new_tag
from telephony.sip.ports import NoPorts
from telephony.sip.prompts import Prompts
from telephony.sip.referral import word_of
from telephony.sip.renegotiation import Renegotiation
from telephony.sip.sdp import Agreement, NoAgreement
from telephony.sip.surroundings import Surroundings
from telephony.transfer import Transfer
from telephony.transfers import Transfers
from telephony.voice import Voice, spoken

BAD_ANSWER = 488

type Join = Callable[[SipPerson], bool]  # False: the caller is gone


class SipPerson:
    """`telephony.sip.invitations.Inviter`, and then `telephony.sip.leg.LegObserver`; `run` is its task. `join` puts him
    through to the caller."""

    def __init__(
        self, transfer: Transfer, peer: Peer, around: Surroundings, transfers: Transfers, voice: Voice, join: Join
    ) -> None:
        self.id = new_tag()
        self._transfer = transfer
        self._peer = peer
        self._around = around
        self._endpoint = around.endpoint
        self._transfers = transfers
        self._voice = voice
        self._join = join
        self._answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._invitation: Invitation | None = None
        self._leg: Leg | None = None
        self._prompts: Prompts | None = None
        self._terms = Renegotiation(around.codecs)
        self.media = Media(Agreement(around.codecs[0], sdp.KEYS_TYPE, None), (peer.host,), around.ports)
        self.over = asyncio.Event()  # he is gone

    # --- what the INVITE comes to (Inviter) -----------------------------------------------------------------------

    def accepted(self, leg: Leg, answer: str) -> None:
        if self._answer.done():  # he picked up just as he was let go
            self._endpoint.hang_up(leg)
            return
        self._leg, leg.observer = leg, self
        status = 200
        try:
            agreed, _ = sdp.agree(answer, self._around.codecs)
            self.media.agree(agreed)
        except NoAgreement as error:
            logger.warning("sip: nothing is agreed on with a person: {}", error)
            status = BAD_ANSWER
        self._settle(status)

    def refused(self, status: int) -> None:
        self._settle(status)

    def _settle(self, status: int) -> None:
        if not self._answer.done():
            self._answer.set_result(status)

    # --- what he does (LegObserver) -------------------------------------------------------------------------------

    def is_up(self, answer: str) -> None:
        """Our own ACK made him so."""

    def is_over(self, why: Ended) -> None:
        self.over.set()
        if self._prompts is not None:
            self._prompts.press("")

    def offered(self, offer: str) -> str | None:
        return self._terms.answer(offer, self.media, (self._around.local(self._peer), self.media.port))

    def key(self, digit: str) -> None:
        if self._prompts is not None:
            self._prompts.press(digit)

    def referred(self, status: int) -> None:
        """We refer nobody here."""

    @property
    def call_id(self) -> str:
        """Of his caller."""
        return self._transfer.call_id

    @property
    def dialog(self) -> Dialog:
        """Of his own call, which he has answered."""
        assert self._leg is not None  # noqa: S101 - he pressed a key
        return self._leg.dialog

    # --- the call -------------------------------------------------------------------------------------------------

    def let_go(self) -> None:
        """Nobody needs him any more."""
        if self._invitation is not None:
            self._endpoint.cancel(self._invitation)
        if self._leg is not None:
            self._endpoint.hang_up(self._leg)
        self._settle(TIMED_OUT)

    async def run(self, target: str, sender: str, auth: SipDigestAuth | None) -> None:
        """Ring `target`, as `sender`, and see to him until he is gone; his caller's transfer is told of all of it."""
        word = "failed"
        try:
            word = await self._ring(target, sender, auth)
        except NoPorts:
            logger.error("sip: no port of SIP_RTP_PORTS is free for a person")
        except DataError as error:
            logger.error("the transfer of call {} cannot be seen to: {!r}", self._transfer.call_id, error)
        except Exception:
            logger.exception("sip: a person could not be seen to")
        finally:
            self.let_go()
            self.over.set()
            self.media.close()
        with suppress(DataError):  # then the caller's music finds that it takes too long
            await self._transfers.person_ended(self._transfer.call_id, self._transfer.leg, self.id, word)

    async def _ring(self, target: str, sender: str, auth: SipDigestAuth | None) -> str:
        """Return the word for how his leg ended, as `Transfers.person_ended` takes it."""
        await self.media.open(self._around.bind)
        if self._answer.done():
            return "failed"
        body = sdp.offer(self._around.codecs, (self._around.local(self._peer), self.media.port), self._terms.version)
        self._invitation = self._endpoint.invite(target, sender, self.id, self._peer, body, self, auth)
        status = TIMED_OUT
        with suppress(TimeoutError):
            async with asyncio.timeout(self._transfer.ring_s):
                status = await asyncio.shield(self._answer)
        if self._leg is None or status >= 300:
            return word_of(status)
        self._prompts = Prompts(self.media, self.over)
        put_through = await self._brief(self._prompts)
        self._prompts.end()
        self._prompts = None
        if put_through and not self.over.is_set() and self._join(self):
            await self.over.wait()
        return "completed"

    async def _brief(self, prompts: Prompts) -> bool:
        """Tell him, and return whether he takes the caller, who is waiting."""
        call_id, leg = self._transfer.call_id, self._transfer.leg
        told = await self._transfers.answered(call_id, leg, self.id)
        if told is None:
            await self._say(prompts, NOBODY_WAITS)
            return False
        key = await prompts.ask(await self._spoken(" ".join([*told, CHOICE])), KEY_TIMEOUT_S)
        if self.over.is_set():
            return False
        takes_it = key == TAKES_IT
        transfer = await self._transfers.pressed(call_id, leg, self.id, takes_it=takes_it)
        if transfer is None:
            await self._say(prompts, NOBODY_WAITS if takes_it else DECLINED)
        return transfer is not None

    async def _say(self, prompts: Prompts, text: str) -> None:
        await prompts.say(await self._spoken(text))

    async def _spoken(self, text: str) -> bytes:
        """Return what is to be heard; silence where the voice fails, in which nobody presses a key: the caller is
        with Carlos again."""
        return await spoken(text, self._voice, "a person is not told who is calling")
