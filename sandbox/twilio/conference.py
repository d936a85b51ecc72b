"""`<Dial><Conference>`: a call waits in a room, with music, until it starts, and stays until it may not.

https://www.twilio.com/docs/voice/twiml/conference: `waitUrl` answers with audio or with TwiML of `<Play>`, `<Say>`,
`<Pause>` and `<Redirect>` alone (13238); a failing `waitUrl` ends the `<Dial>`. After its last verb there is silence
until the conference starts: a `<Redirect>` at the end makes it loop (older copies of the page say that Twilio
requests it again by itself: `Rules.wait_url_repeats`). Without `waitUrl` Twilio plays music of its own, here silence.
The request for `action` has DialCallStatus "answered", and neither DialCallSid nor DialCallDuration:
https://www.twilio.com/docs/voice/twiml/dial#action. A participant that was removed goes on there too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from sandbox.twilio.errors import Code, TwilioFault, TwimlFault
from sandbox.twilio.events import Bridged, Joined, Ran
from sandbox.twilio.exchange import Exchange
from sandbox.twilio.leg import Ended, Leg, audio_of, document_of
from sandbox.twilio.rooms import LeftReason, Participant, Room
from sandbox.twilio.verbs import Conference, Dial, Pause, Play, Redirect, Say

FAILED = {"DialCallStatus": "failed", "DialBridged": "false"}


async def confer(leg: Leg, exchange: Exchange, dial: Dial, noun: Conference) -> dict[str, str]:
    """Be in the conference until it is over for this call; returns what `action` is told."""
    room = exchange.rooms.open(noun.name)
    if noun.label is not None and room.find(noun.label) is not None:
        leg.warn(Code.LABEL_IN_USE, f"the conference has a participant {noun.label!r}")
        return FAILED
    if len(room.participants) >= noun.max_participants:
        leg.warn(Code.CONFERENCE_FULL, f"the conference has {noun.max_participants} participants")
        return FAILED
    participant = Participant(leg.sid, leg.number, noun, muted=noun.muted, end_on_exit=noun.end_on_exit)
    room.join(participant, _callback_url(leg, noun))
    leg.note(Joined(room.sid, room.name))
    failure: LeftReason | None = None
    try:
        await _stay(leg, exchange, room, participant, dial.time_limit)
    except TwilioFault as fault:
        failure = "participant_add_failed"
        leg.warn(fault.code, fault.detail)
    finally:
        room.leave(participant, failure or _why_left(leg, participant), _call_status(leg))
    if failure is not None:
        return FAILED
    return {"DialCallStatus": "answered", "DialBridged": str(room.started.is_set()).lower()}


def _callback_url(leg: Leg, noun: Conference) -> str:
    return "" if noun.callback is None else leg.line.webhooks.absolute(noun.callback.url, leg.base or None)


def _why_left(leg: Leg, participant: Participant) -> LeftReason:
    if participant.left is not None:
        return participant.left
    return "participant_hung_up" if isinstance(leg.order, Ended) else "participant_updated_via_api"


def _call_status(leg: Leg) -> str:
    return leg.order.status if isinstance(leg.order, Ended) else "in-progress"


async def _stay(leg: Leg, exchange: Exchange, room: Room, participant: Participant, limit_s: float) -> None:
    """Until the conference lets the call go. Raises TwilioFault for a bad waitUrl; may be cancelled."""
    music = _music(leg, participant.noun, repeats=exchange.rules.wait_url_repeats)
    if await _first(participant.out.wait(), room.started.wait(), music) == 0:
        return
    leg.hush()
    leg.note(Bridged(tuple(each.number for each in room.participants.values() if each is not participant)))
    await _first(participant.out.wait(), leg.wait(limit_s), _forever(leg.talk()))


async def _first(*works: Coroutine[object, object, object]) -> int:
    """Which is over first; the others are cancelled, and what it raised is raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        over = next(index for index, task in enumerate(tasks) if task.done())
        tasks[over].result()
        return over
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _forever(work: Coroutine[object, object, object]) -> None:
    await work
    await asyncio.Event().wait()


async def _music(leg: Leg, noun: Conference, *, repeats: bool) -> None:
    """What is heard until the conference starts; never returns."""
    url, method, base = noun.wait_url, noun.wait_method, leg.base
    while url:
        reply = await leg.request(url, method=method, base=base)
        again = reply.url if repeats else None
        if reply.content_type.startswith("audio/"):
            await leg.hear(audio_of(reply))
            url = again
            continue
        base, url = reply.url, again
        for verb in document_of(reply):
            match verb:
                case Say() | Play() | Pause():
                    await leg.perform((verb,), base)
                case Redirect():
                    leg.note(Ran(verb))
                    url, method = leg.line.webhooks.absolute(verb.url, base), verb.method
                    break
                case _:
                    raise TwimlFault(Code.INVALID_WAIT_VERB, f"<{type(verb).__name__}> in the waitUrl's TwiML")
    await asyncio.Event().wait()
