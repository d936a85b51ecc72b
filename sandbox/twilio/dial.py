"""`<Dial>`: a conference, scripted people, or an answer made up for numbers where nobody is scripted.

https://www.twilio.com/docs/voice/twiml/dial: numbers ring at once, the first who answers is connected and the others
are hung up; the call goes on with `action` or with the next verb when the other side has hung up, and is over when the
caller hangs up. `DialBridged` tells whether the two were connected: a person who hangs up while the TwiML of
`<Number url>` runs was not, with DialCallStatus "completed".
"""

from __future__ import annotations

from sandbox.twilio.account import new_sid
from sandbox.twilio.conference import confer
from sandbox.twilio.errors import Code, TwimlFault
from sandbox.twilio.exchange import Exchange, Outcome
from sandbox.twilio.leg import Document, Leg
from sandbox.twilio.verbs import Conference, Dial, Target


async def dial(leg: Leg, exchange: Exchange, verb: Dial) -> Document | None:
    """Connect the call, and return the document of `action`, or None to go on with the next verb."""
    if isinstance(verb.targets, Conference):
        told = await confer(leg, exchange, verb, verb.targets)
    else:
        _check_caller_id(leg, exchange, verb)
        told = _told(await _call(leg, exchange, verb, verb.targets))
    if verb.action is None:
        return None
    return await leg.fetch(verb.action, told, verb.method)


def _check_caller_id(leg: Leg, exchange: Exchange, verb: Dial) -> None:
    """For a phone number: the call's own From or To, or a number that the account may show."""
    if verb.caller_id is None or verb.caller_id in {leg.origin, leg.target} or exchange.may_call_as(verb.caller_id):
        return
    if not isinstance(verb.targets, Conference) and any(each.address.startswith("+") for each in verb.targets):
        raise TwimlFault(Code.INVALID_CALLER_ID, f"<Dial callerId={verb.caller_id!r}>")


async def _call(leg: Leg, exchange: Exchange, verb: Dial, targets: tuple[Target, ...]) -> Outcome:
    if any(exchange.knows(target.address) for target in targets):
        return await exchange.connect(leg, verb, targets)
    dialled = exchange.dialled
    await leg.wait(dialled.seconds)
    connected = dialled.status == "completed"
    return Outcome(new_sid("CA"), dialled.status, round(dialled.seconds) if connected else 0, connected)


def _told(outcome: Outcome) -> dict[str, str]:
    return {
        "DialCallStatus": outcome.status,
        "DialCallSid": outcome.call_sid,
        "DialCallDuration": str(outcome.seconds),
        "DialBridged": str(outcome.bridged).lower(),
    }
