"""`<Record>`: a message after the beep, then `action`, and the recording's status callback.

https://www.twilio.com/docs/voice/twiml/record: ended by silence (`timeout`), a key, `maxLength` or a hang-up. The
request for `action` has RecordingUrl, RecordingDuration and Digits, which is the key or "hangup"; it is made after a
hang-up too, but its TwiML is not run. Nothing recorded: the next verb. How long the party speaks is `Leg.message_s`.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from email.utils import format_datetime

from sandbox.twilio.errors import TwilioFault
from sandbox.twilio.exchange import Exchange
from sandbox.twilio.leg import Document, Ended, Leg
from sandbox.twilio.verbs import Callback, Record

BEEP_S = 0.5  # made up


async def record(leg: Leg, exchange: Exchange, verb: Record) -> Document | None:
    """Record, and return the document of `action`, or None to go on with the next verb."""
    if verb.play_beep:
        await leg.wait(BEEP_S)
    started = leg.line.clock.now()
    try:
        digits = await _listen(leg, verb)
    except asyncio.CancelledError:
        if isinstance(leg.order, Ended) and leg.order.by == "caller":
            await _keep_last_words(leg, exchange, verb, leg.line.clock.now() - started)
        raise
    spoken_s = min(leg.line.clock.now() - started, leg.message_s, verb.max_length)
    if spoken_s <= 0:
        return None
    told = _keep(leg, exchange, verb, spoken_s)
    return await leg.fetch(verb.action or leg.base, told | {"Digits": digits}, verb.method)


async def _listen(leg: Leg, verb: Record) -> str:
    """The key that ended it, or nothing."""
    silent_after = verb.timeout if leg.message_s <= 0 else leg.message_s + verb.timeout
    with leg.listening():
        while True:
            key = await leg.key_or(leg.wait(min(silent_after, verb.max_length)))
            if key is None or key in verb.finish_on_key:
                return key or ""


async def _keep_last_words(leg: Leg, exchange: Exchange, verb: Record, seconds: float) -> None:
    told = _keep(leg, exchange, verb, min(seconds, leg.message_s))
    try:
        await leg.request(verb.action or leg.base, told | {"Digits": "hangup"}, verb.method)
    except TwilioFault as fault:
        leg.warn(fault.code, fault.detail)


def _keep(leg: Leg, exchange: Exchange, verb: Record, seconds: float) -> dict[str, str]:
    recording = exchange.recordings.keep(leg.sid, max(1, round(seconds)))
    told = {
        "RecordingSid": recording.sid,
        "RecordingUrl": exchange.recordings.url(recording),
        "RecordingDuration": str(recording.seconds),
    }
    if verb.callback is not None:
        _report(leg, verb.callback, told)
    return told


def _report(leg: Leg, callback: Callback, told: dict[str, str]) -> None:
    report = {
        "AccountSid": leg.line.account.sid,
        "CallSid": leg.sid,
        "RecordingChannels": "1",
        "RecordingSource": "RecordVerb",
        "RecordingStartTime": format_datetime(datetime.now(UTC)),
        "ErrorCode": "0",
    }
    for status in ("in-progress", "completed"):
        if status in callback.events:
            leg.notify(callback.url, report | told | {"RecordingStatus": status}, callback.method)
