"""One recorded call, from dialling to its summary."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict
from urllib.parse import urlsplit

import aiohttp

from common.running import RunningServer, running_server
from common.settings import Settings, is_loopback
from sandbox.twilio.account import Account
from sandbox.twilio.call import CallEvent, PhoneCall, Streaming
from sandbox.twilio.caller import RecordedCaller
from sandbox.twilio.double import TwilioDouble
from sandbox.twilio.errors import ServerUnavailable, why
from sandbox.twilio.feed import CallFeed
from sandbox.twilio.script import Script
from sandbox.twilio.server import ServerProcess, free_port
from sandbox.twilio.show import Show
from sandbox.twilio.sound import Sound, play_file
from sandbox.twilio.wav import write_stereo

TRANSFERRING = "transferring"  # the outcome of a call whose caller is on the way to a person
HEALTH_WITHIN_S = 3.0  # for a server to say that it is there
RETRY_S = 0.5  # until such a call is looked for again
FEED_TAIL_S = 5.0  # how long after the call its last live events are waited for


class Tool(TypedDict):
    name: str
    arguments: dict[str, Any]
    ok: bool
    ms: int


class Summary(TypedDict):
    """`caller` as Carlos heard him, `carlos` as he was heard; `first_audio_ms` from `start` to the first sound."""

    outcome: str
    caller: list[str]
    carlos: list[str]
    tools: list[Tool]
    interruptions: int
    first_audio_ms: int | None
    wav: str


@dataclass(frozen=True, slots=True)
class Recording:
    """A call that is over, both sides."""

    call: PhoneCall
    caller: RecordedCaller
    record: dict[str, Any]
    wav: Path

    def summary(self) -> Summary:
        turns = self.record.get("turns", [])
        return {
            "outcome": self.outcome,
            "caller": [turn["text"] for turn in turns if turn["role"] == "caller"],
            "carlos": [turn["text"] for turn in turns if turn["role"] == "carlos"],
            "tools": [
                {"name": tool["name"], "arguments": tool["arguments"], "ok": tool["ok"], "ms": tool["ms"]}
                for tool in self.record.get("tools", [])
            ],
            "interruptions": self.record.get("interruptions", 0),
            "first_audio_ms": self.call.first_audio_ms,
            "wav": str(self.wav),
        }

    @property
    def outcome(self) -> str:
        """The caller's view first: what he did not get said or answered, the server may not know."""
        if self.call.failure is not None or self.call.timeline.first_start is None:
            return "failed"
        if self.caller.outcome != "completed":
            return self.caller.outcome
        return str(self.record.get("outcome") or "no_record")


async def find_running(home: Path) -> RunningServer | None:
    """Return the server of this data home that may be rung and answers, if there is one."""
    server = running_server(home)
    if server is None:
        return None
    try:
        return server if await health_of(server.address) == 200 else None
    except ServerUnavailable:
        return None


async def health_of(url: str) -> int:
    """Return the HTTP status of a server's /health. Raise ServerUnavailable, in words, where nobody answers."""
    try:
        timeout = aiohttp.ClientTimeout(total=HEALTH_WITHIN_S)
        async with aiohttp.ClientSession(timeout=timeout) as http, http.get(f"{url.rstrip('/')}/health") as response:
            return response.status
    except (aiohttp.ClientError, TimeoutError) as error:
        raise ServerUnavailable(f"nobody answers at {url}: {why(error)}") from error


async def call_running(server: RunningServer, script: Script, out: Path, show: Show) -> Summary:
    """Phone a server that may be rung, as it runs: its console shows the call, its records are changed."""
    show.notice(f"rings the server at {server.address}; its console shows the call")
    async with TwilioDouble(server.address, people=script.people) as twilio:
        return await place(twilio, CallFeed(server.address, Settings().own_api_key), script, out, show)


async def call_own_server(script: Script, out: Path, show: Show) -> Summary:
    """Start a server, phone it, stop it; its log is left in `out`. Raises ServerUnavailable."""
    show.notice("starts a server of its own for this call; that takes some seconds")
    port = free_port()
    async with (
        TwilioDouble(f"http://localhost:{port}", people=script.people) as twilio,
        ServerProcess(
            port,
            twilio.account,
            twilio.rest.base_url,
            out / f"{script.name}-server.log",
            show.notice,
            settings=script.settings,
        ) as server,
    ):
        twilio.switchboard.watch = lambda call, event: show.person(event)
        return await place(twilio, CallFeed(server.base_url), script, out, show)


async def call_server(url: str, script: Script, out: Path, show: Show) -> Summary:
    """Phone a server that runs already on this machine, with the credentials of the same settings.

    Its TWILIO_API_BASE should name a loopback port: the double then answers its hang-ups there. Raises
    ServerUnavailable.
    """
    await health_of(url)
    settings = Settings()
    async with TwilioDouble(
        settings.public_base_url or url, url, account=_account(settings), api_port=_api_port(settings, show)
    ) as twilio:
        return await place(twilio, CallFeed(url, settings.own_api_key), script, out, show)


def _account(settings: Settings) -> Account:
    made_up = Account()
    tokens = settings.twilio_auth_token
    return Account(
        settings.twilio_account_sid or made_up.sid,
        tokens[0].get_secret_value() if tokens else made_up.auth_token,
    )


def _api_port(settings: Settings, show: Show) -> int:
    if not settings.twilio_account_sid:
        return 0  # the server has no account either, and hangs up by its TwiML
    base = urlsplit(settings.twilio_api_base)
    if base.port is not None and is_loopback(base.hostname or ""):
        return base.port
    show.notice(f"TWILIO_API_BASE is {settings.twilio_api_base}: the double will not see the server's hang-up")
    return 0


async def place(twilio: TwilioDouble, feed: CallFeed, script: Script, out: Path, show: Show) -> Summary:
    """Place one call, show it, let it be heard, write `out/<name>-<end of its sid>.wav`."""
    sound = Sound.of_this_machine() if show.plays else Sound()
    caller = RecordedCaller(script.turns, begins=show.turn, answered=show.answer, overheard=sound.play)

    def observe(event: CallEvent) -> None:
        if isinstance(event, Streaming):
            caller.connected()
        show.twilio(event)

    call = twilio.dial(caller, script.number, observe)
    show.dialling(script)
    wav = out / f"{script.name}-{call.sid[-6:]}.wav"
    async with feed, sound:
        following = asyncio.create_task(_follow(feed, call.sid, show))
        try:
            await call.run()
            await asyncio.wait({following}, timeout=FEED_TAIL_S)
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
            write_stereo(wav, bytes(call.timeline.sent), bytes(call.timeline.playout.heard))
        record = await _record(feed, call.sid, show)
    show.recorded(wav)
    if show.plays:
        await play_file(wav)
    return Recording(call, caller, record, wav).summary()


async def _follow(feed: CallFeed, call_sid: str, show: Show) -> None:
    """To the call's end; a caller who was on the way to a person may come back, and is followed again from there."""
    try:
        parts = 0  # of the call that were shown
        while True:
            outcome, resumes = None, 0
            async for event in feed.events(call_sid):
                resumes += event.get("type") == "resumed"
                if resumes >= parts:
                    show.server(event)
                outcome = event.get("outcome", outcome)
            if outcome != TRANSFERRING:
                return
            parts = max(parts, resumes + 1)
            await asyncio.sleep(RETRY_S)
    except ServerUnavailable as error:
        show.notice(str(error))


async def _record(feed: CallFeed, call_sid: str, show: Show) -> dict[str, Any]:
    try:
        return await feed.record(call_sid)
    except ServerUnavailable as error:
        show.notice(str(error))
        return {}
