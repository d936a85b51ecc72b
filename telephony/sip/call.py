"""One SIP call from its INVITE to its end: admitted, answered, held, passed on, told that the line is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from aiosipua import SdpMessage
from loguru import logger

from agent.capacity import Admission
from data.errors import DataError
from telephony.caller_id import CallerKind, caller_id
from telephony.carrier import AfterStream, Apologise, Caller, CallStatus, Dial, HangUp, Hold, OnEnd, Resume
from telephony.sip import sdp
from telephony.sip.leg import Ended, Leg
from telephony.sip.line import SipLine
from telephony.sip.media import Media
from telephony.sip.message import address_of
from telephony.sip.person import SipPerson
from telephony.sip.ports import NoPorts
from telephony.sip.prompts import Prompts
from telephony.sip.referral import Referral, talked, word_of
from telephony.sip.refusals import REFUSALS, UNAVAILABLE, Refusal
from telephony.sip.renegotiation import Renegotiation
from telephony.sip.replacement import Replacement, replacing
from telephony.sip.sdp import Agreement, NoAgreement
from telephony.sip.sentences import APOLOGY, CLOSED, NOT_NOTED, NOTED, OFFER, at_8_khz
from telephony.sip.surroundings import Surroundings
from telephony.sip.waiting import Waiting
from telephony.transfer import State, Transfer
from telephony.transfers import Transfers
from telephony.voice import spoken

ADMIT_TIMEOUT_S = 5.0
KEY_TIMEOUT_S = 6.0  # for a caller who is offered a call-back
CALLBACK_KEY = "1"
ANSWER_S = 45.0  # beyond the ringing, until a transfer has come to something
NO_MEDIA = Refusal(488)


class SipCall:
    """`telephony.sip.leg.LegObserver` of one leg; `run` is its task. `source` tells the record where it comes from."""

    def __init__(self, leg: Leg, number: str, around: Surroundings, source: str = "") -> None:
        self.leg = leg
        self._number = number
        self._source = source
        self.around = around
        self._calls, self._endpoint = around.calls, around.endpoint
        self._offer: SdpMessage | None = None  # None: ours is to be the offer
        self._terms = Renegotiation(around.codecs)
        self._media: Media | None = None
        self._line: SipLine | None = None
        self._over = asyncio.Event()
        self._up = asyncio.Event()
        self._why = ""
        self._prompts: Prompts | None = None
        self._referral: Referral | None = None
        replace = self._replace if around.replaces else None
        self.waiting = Waiting(leg.id, number, self._calls, self._over, replace)  # for a person
        self._is_admitted = self._is_seated = False
        self._began = monotonic()
        leg.observer = self

    # --- what the caller's side does (LegObserver) --------------------------------------------------------------

    def is_up(self, answer: str) -> None:
        if self._offer is None and self._media is not None:  # the ACK brings the answer to our offer
            try:
                agreed, _ = sdp.agree(answer, self.around.codecs)
            except NoAgreement as error:
                logger.warning("sip: nothing is agreed on in call {}: {}", self.leg.id, error)
                self._endpoint.hang_up(self.leg)
                return
            self._media.agree(agreed)
        self._up.set()

    def is_over(self, why: Ended) -> None:
        self._why = self._why or why.value
        self._over.set()
        self._up.set()
        if self._line is not None:
            self._line.hang_up()

    def offered(self, offer: str) -> str | None:
        if self._media is None:
            return None
        answer = self._terms.answer(offer, self._media, (self.around.local(self.leg.peer), self._media.port))
        if self._line is not None:
            self._line.agreed_anew()
        return answer

    def key(self, digit: str) -> None:
        if self._line is not None:
            self._line.key(digit)
        elif self._prompts is not None:
            self._prompts.press(digit)

    def referred(self, status: int) -> None:
        if self._referral is not None:
            self._referral.told(status)

    # --- the call -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Hold the whole call. Whatever happens, its place and its ports are free afterwards, and its leg is over."""
        failed = True
        try:
            await self._run()
            failed = False
        except Exception:
            logger.exception("sip: call {} failed", self.leg.id)
        finally:
            self._endpoint.hang_up(self.leg)
            await self._leave(failed=failed)

    async def _run(self) -> None:
        if (agreed := self._agree()) is None:
            self._refuse(NO_MEDIA)
            return
        self._is_admitted = True  # perhaps, until we know
        async with asyncio.timeout(ADMIT_TIMEOUT_S):
            admission = await self._calls.admit(self.leg.id, self._number)
        ring = logger.bind(call_id=self.leg.id, event="rings", admission=admission.name.lower())
        ring.info("call {} rings: {}", self.leg.id, admission.name.lower())
        self._is_admitted = admission is Admission.ACCEPTED
        if admission is Admission.CLOSED:
            await self._tell_closed(agreed)
        elif admission is not Admission.ACCEPTED:
            self._refuse(REFUSALS[admission])
        elif await self._pick_up(agreed, seated=True):
            await self._talk()

    def _agree(self) -> Agreement | None:
        """What the caller's offer comes to; for an INVITE without one, what ours will, until his answer is here."""
        if not self.leg.invite.body:
            return Agreement(self.around.codecs[0], sdp.KEYS_TYPE, None)
        try:
            agreed, self._offer = sdp.agree(self.leg.invite.text, self.around.codecs)
        except NoAgreement as error:
            logger.info("sip: call {} brings no offer to agree to: {}", self.leg.id, error)
            return None
        return agreed

    def _refuse(self, refusal: Refusal) -> None:
        self._endpoint.refuse(self.leg, refusal)

    async def _pick_up(self, agreed: Agreement, *, seated: bool) -> bool:
        """Answer, with a place if the call is to have one, and wait for the ACK. Return False for a call that is over
        or was refused."""
        self._endpoint.ring(self.leg)
        self._media = Media(agreed, (self.leg.peer.host,), self.around.ports)
        try:
            await self._media.open(self.around.bind)
        except NoPorts:
            logger.error("sip: no port of SIP_RTP_PORTS is free for call {}", self.leg.id)
            self._refuse(UNAVAILABLE)
            return False
        if self.leg.is_over:
            return False
        if seated and not await self._started():
            self._refuse(UNAVAILABLE)
            return False
        local = (self.around.local(self.leg.peer), self._media.port)
        if self._offer is None:
            body = sdp.offer(self.around.codecs, local, self._terms.version)
        else:
            body = sdp.answer(self._offer, agreed, local, self._terms.version, self._media.ours)
        if not self._endpoint.answer(self.leg, body):
            return False
        await self._up.wait()
        return not self.leg.is_over

    async def _started(self) -> bool:
        self._is_seated = await self._calls.started(self.leg.id)
        return self._is_seated

    async def _talk(self) -> None:
        """Carlos has the caller, again and again where a line of his failed or nobody took the caller over."""
        resumes = 0
        while True:
            await self._hold(resumes)
            if self.leg.is_over:
                return
            after = await self._calls.ended(self.leg.id, resumes)
            if isinstance(after, Dial):
                after = await self._pass_on(after.transfer)
            elif isinstance(after, Hold):
                after = await self._wait_for_person()
            if not isinstance(after, Resume) or not await self._started():
                await self._part(after)
                return
            resumes += 1

    async def _hold(self, resumes: int) -> None:
        """One line, and Carlos on it."""
        failed = True
        try:
            await self._calls.answer(self._make_line, Caller(self.leg.id, self._number, resumes))
            failed = False
        except Exception:
            logger.exception("call {} failed", self.leg.id)
        finally:
            line, self._line = self._line, None
            await self._release(failed=failed)
        if line is not None and line.dropped is not None and not self.leg.is_over:
            self._why = str(line.dropped)
            self._endpoint.hang_up(self.leg)

    def _make_line(self, on_end: OnEnd) -> SipLine:
        assert self._media is not None  # noqa: S101 - the call is up
        self._line = SipLine(self._media, on_end, self.around.max_hold_s)
        if self.leg.is_over:
            self._line.hang_up()
        return self._line

    async def _part(self, after: AfterStream) -> None:
        if isinstance(after, Apologise | Resume):  # or a place that somebody else took
            with self._prompting() as prompts:
                await prompts.play(APOLOGY)

    async def _release(self, *, failed: bool) -> None:
        if self._is_seated:
            self._is_seated = False
            await self._calls.release(self.leg.id, failed=failed)

    async def _leave(self, *, failed: bool) -> None:
        await self._release(failed=failed)
        media = self._media
        if media is not None:
            media.close()
        if self._is_admitted:
            await self._calls.status(self.leg.id, CallStatus(self._why or "failed", is_over=True, facts=self._facts()))

    def _facts(self) -> dict[str, str]:
        facts = {"status": self._why or "failed", "source": self._source, "transport": self.leg.peer.transport}
        if self._media is not None:
            facts |= {"codec": self._media.agreed.codec, "media": "srtp" if self._media.ours else "rtp"}
            facts |= self._media.stream.report.facts
            facts["duration_s"] = str(round(monotonic() - self._began))
        if self.waiting.joined:
            facts["joined"] = self.waiting.joined
        return facts

    # --- sentences of our own -----------------------------------------------------------------------------------

    @contextmanager
    def _prompting(self) -> Iterator[Prompts]:
        assert self._media is not None  # noqa: S101 - the call was picked up
        self._prompts = Prompts(self._media, self._over)
        try:
            yield self._prompts
        finally:
            self._prompts.end()
            self._prompts = None

    async def _tell_closed(self, agreed: Agreement) -> None:
        """The line is closed: say so, and offer a call-back where that is offered. A voicemail is the PBX's business:
        its caller is told when to call, and no more."""
        try:
            line = await self._calls.closed_line()
        except DataError as error:
            logger.error("a closed line has nothing to say: {!r}", error)
            self._refuse(Refusal(480))
            return
        said = await spoken(line.said, self.around.voice, "a sentence is not read aloud")  # while it rings
        if not await self._pick_up(agreed, seated=False):
            return
        number = caller_id(self._number)
        with self._prompting() as prompts:
            await prompts.say(said or at_8_khz(CLOSED))
            if line.offer == "callback" and number.kind is CallerKind.NUMBER:
                await prompts.play(OFFER)
                if await prompts.key(KEY_TIMEOUT_S) == CALLBACK_KEY:
                    await prompts.play(await self._note_callback(number.id))

    async def _note_callback(self, number: str) -> str:
        """Return what the caller is told of it."""
        try:
            await self._calls.note_callback(self.leg.id, number)
        except DataError as error:
            logger.error("a call back is not noted: {!r}", error)
            return NOT_NOTED
        return NOTED

    # --- to a person --------------------------------------------------------------------------------------------

    async def _pass_on(self, transfer: Transfer) -> AfterStream:
        """Have the caller's side call a person instead of us (REFER), and return what comes then."""
        transfers = self._calls.transfers
        assert transfers is not None  # noqa: S101 - it began the transfer
        referral = self._referral = Referral(self._over)
        self._endpoint.refer(self.leg, self.target_of(transfer.address), referral.answered)
        status = await referral.outcome(transfer.ring_s + ANSWER_S)
        self._referral = None
        if self.leg.is_over and not talked(status):
            return HangUp()
        word = word_of(status)
        logger.info("call {} is passed on: {}", self.leg.id, word)
        back = await transfers.dialled(self.leg.id, word, talked=talked(status))
        if talked(status) or back is None or back.state is not State.RETURNED:
            return HangUp()
        return await self._calls.brought_back(self.leg.id)

    def target_of(self, address: str) -> str:
        """A number is the other side's to dial: its own domain's."""
        if address.startswith(("sip:", "sips:")):
            return address
        host = address_of(self.leg.invite, "from").uri.host or self.leg.peer.host
        return f"sip:{address}@{host}"

    def _replace(self, person: SipPerson) -> Replacement:
        """Have the caller's side call a person in the place of our own call with him."""
        replacement = Replacement(self._over, person.over, lambda: self._endpoint.hang_up(self.leg))
        self._referral = replacement.referral
        self._endpoint.refer(self.leg, replacing(person.dialog), self._referral.answered)
        return replacement

    @property
    def transfers(self) -> Transfers | None:
        return self._calls.transfers

    async def _wait_for_person(self) -> AfterStream:
        """Music, while a person is told who is calling; return what comes then."""
        transfers = self._calls.transfers
        assert transfers is not None  # noqa: S101 - it began the transfer
        assert self._media is not None  # noqa: S101 - the call was picked up
        try:
            return await self.waiting.outcome(self._media, transfers)
        except DataError as error:
            logger.error("what comes after the transfer of call {} is not known: {!r}", self.leg.id, error)
            return Apologise()
