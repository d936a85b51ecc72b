"""`<Gather>`: keys, while or after something is said.

https://www.twilio.com/docs/voice/twiml/gather: a key stops the prompt; the time-out runs from the prompt's end and
anew from each key; `numDigits` or `finishOnKey`, which is not sent, ends it. Without a key the document goes on,
unless `actionOnEmptyResult` is set. Nobody is heard speaking: input="speech" never has a result here. What
`finishOnKey` does alone is not documented; it counts as no key.
"""

from __future__ import annotations

import asyncio

from sandbox.twilio.leg import Document, Leg
from sandbox.twilio.verbs import Gather


async def gather(leg: Leg, verb: Gather) -> Document | None:
    """Collect keys, and return the document of `action`, or None to go on with the next verb."""
    with leg.listening():
        digits = await _collect(leg, verb)
    if not digits and not verb.action_on_empty_result:
        return None
    return await leg.fetch(verb.action or leg.base, {"Digits": digits}, verb.method)


async def _collect(leg: Leg, verb: Gather) -> str:
    digits = ""
    key = await leg.key_or(leg.perform(verb.prompt))
    leg.hush()
    reaction = asyncio.create_task(leg.react())
    try:
        if key is None:
            key = await leg.key_or(leg.wait(verb.timeout))
        while key is not None and key not in verb.finish_on_key:
            digits += key
            if len(digits) == verb.num_digits:
                break
            key = await leg.key_or(leg.wait(verb.timeout))
    finally:
        reaction.cancel()
        await asyncio.gather(reaction, return_exceptions=True)
    return digits
