"""A SIP phone on loopback, on aiosipua's own user agent and aiortp's own session: no code of the carrier's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiortp import RTPSession
from aiosipua import IncomingCall, OutgoingCall, SipUAC, SipUAS, UdpSipTransport, build_sdp, notify_refer
from aiosipua.dialog import DialogState

from tests.support.waiting import until

NUMBER = "+5491155550100"
FRAME_S = 0.02
SILENCE = bytes(320)


class Phone:
    """One call of it at a time."""

    def __init__(self, server: tuple[str, int], transport: UdpSipTransport, agent: SipUAS, audio: RTPSession) -> None:
        self._server = server
        self._transport = transport
        self._agent = agent
        assert agent.uac is not None
        self._uac: SipUAC = agent.uac
        self.audio = audio
        self.call: OutgoingCall | None = None
        self.heard = 0  # samples that were not silence
        self.was_hung_up_on = False
        self.referred_to: list[str] = []
        self._referrals: list[IncomingCall] = []
        self._says = b""
        self._talking: asyncio.Task[None] | None = None
        agent.on_bye = lambda call, request: setattr(self, "was_hung_up_on", True)
        agent.on_refer = self._is_referred
        audio.on_audio = self._hear

    def dial(self, codec: int = 8) -> OutgoingCall:
        host, port = self._transport.local_addr
        name = {8: "PCMA", 0: "PCMU"}[codec]
        assert self.audio._rtp_transport is not None
        assert self.audio._rtp_transport._transport is not None
        rtp_port: int = self.audio._rtp_transport._transport.get_extra_info("sockname")[1]
        offer = build_sdp(host, rtp_port, codec, name)
        to = f"sip:carlos@{self._server[0]}:{self._server[1]}"
        self.call = self._uac.send_invite(f"sip:{NUMBER}@{host}:{port}", to, self._server, offer)
        return self.call

    async def answered(self) -> None:
        """Wait until Carlos is there, and begin to send. Raise RuntimeError with the status of a refusal."""
        assert self.call is not None
        await self.call.wait_answered()
        assert self.call.sdp_answer is not None
        address = self.call.sdp_answer.rtp_address
        assert address is not None
        self.audio.update_remote(address)
        self._talking = asyncio.create_task(self._talk())

    def say(self, pcm: bytes) -> None:
        """Say it, in real time."""
        self._says += pcm

    async def _talk(self) -> None:
        while True:
            frame, self._says = self._says[:320], self._says[320:]
            self.audio.send_audio_pcm_auto(frame or SILENCE)
            await asyncio.sleep(FRAME_S)

    def _hear(self, pcm: bytes, timestamp: int) -> None:
        self.heard += sum(abs(sample) > 100 for sample in memoryview(pcm).cast("h")) if pcm else 0

    async def heard_out(self) -> None:
        """Wait until something was said, and then nothing for half a second."""
        await until(lambda: self.heard)
        quiet, before = 0, self.heard
        while quiet < 25:
            await asyncio.sleep(FRAME_S)
            quiet = quiet + 1 if self.heard == before else 0
            before = self.heard

    def _is_referred(self, call: IncomingCall, target: str) -> None:
        self.referred_to.append(target)
        self._referrals.append(call)

    def got_through(self) -> None:
        """Say that the one whom we were referred to has answered."""
        assert self.call is not None
        referral = self._referrals[-1]
        referral.dialog = self.call.dialog  # aiosipua counts requests anew in its own
        notify_refer(referral, 200)

    def hang_up(self) -> None:
        assert self.call is not None
        self.call.hangup(self._uac)

    def cancel(self) -> None:
        assert self.call is not None
        self.call.cancel(self._uac)

    @property
    def is_up(self) -> bool:
        return self.call is not None and self.call.dialog.state is DialogState.CONFIRMED and not self.was_hung_up_on

    async def close(self) -> None:
        if self._talking is not None:
            self._talking.cancel()
            await asyncio.gather(self._talking, return_exceptions=True)
        await self.audio.close()
        await self._agent.stop()


@asynccontextmanager
async def phone(server: tuple[str, int], codec: int = 8) -> AsyncIterator[Phone]:
    transport = UdpSipTransport(local_addr=("127.0.0.1", 0))
    agent = SipUAS(transport, uac=SipUAC(transport))
    await agent.start()
    assert transport._udp_transport is not None
    transport.local_addr = transport._udp_transport.get_extra_info("sockname")[:2]
    audio = await RTPSession.create(("127.0.0.1", 0), ("127.0.0.1", 9), codec, jitter_prefetch=0)
    here = Phone(server, transport, agent, audio)
    try:
        yield here
    finally:
        await here.close()


def words(seconds: float) -> bytes:
    """What an ear for energy takes for speech: PCM at 8 kHz."""
    return b"".join(
        int(9000 * (-1) ** number).to_bytes(2, "little", signed=True) for number in range(int(seconds * 8000))
    )
