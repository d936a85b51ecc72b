"""What we tell Twilio to do with a caller on the way to a person, and with the person. Whole TwiML documents.

https://www.twilio.com/docs/voice/twiml/conference: a participant with startConferenceOnEnter="false" hears the waitUrl
until somebody enters who starts the conference; of a waitUrl's document Twilio takes Play, Say and Redirect.
https://www.twilio.com/docs/voice/twiml/gather: numDigits="1" ends at the first key; with actionOnEmptyResult its
action is asked without any, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from twilio.twiml.voice_response import Dial, Gather, VoiceResponse

from agent.passing_on import Cause
from telephony.briefing import CHOICE, KEY_TIMEOUT_S
from telephony.transfer import Transfer
from telephony.twilio.twiml import LANGUAGE, MAX_TWIML_CHARACTERS, RESUMES, document, webhook_url

HOLD_PATH = "/twilio/hold"
MUSIC_PATH = "/twilio/hold.wav"
AFTER_TRANSFER_PATH = "/twilio/after-transfer"
BACK_PATH = "/twilio/back"
PERSON_PATH = "/twilio/person"
PERSON_KEY_PATH = "/twilio/person-key"
PERSON_STATUS_PATH = "/twilio/person-status"

CALL, LEG, TO = "call", "leg", "to"  # parameters of our own URLs, which Twilio's signature covers
MODEL_DOWN = "Perdón, tengo un problema técnico. Te paso con una persona, no cortes."


def hold(base_url: str, transfer: Transfer, to: str, overrides: str = "") -> str:
    """Music for the caller, in a room that a person may join. `overrides`, here and below: `twiml.webhook_url`."""
    response = VoiceResponse()
    if transfer.cause == Cause.MODEL_DOWN and transfer.is_waited_for:
        response.say(MODEL_DOWN, language=LANGUAGE)
    dial = Dial(action=after_transfer_url(base_url, transfer, overrides), method="POST")
    dial.conference(
        _room(transfer),
        start_conference_on_enter=False,
        end_conference_on_exit=True,
        beep="false",
        max_participants=2,
        wait_url=hold_url(base_url, transfer.call_id, to, overrides),
        wait_method="POST",
    )
    response.append(dial)
    return document(response)


def music(base_url: str, call_id: str, to: str, overrides: str = "") -> str:
    """The clip once, and then the next request, by which we know that the caller is still waiting."""
    response = VoiceResponse()
    response.play(webhook_url(base_url, MUSIC_PATH, overrides))
    response.redirect(hold_url(base_url, call_id, to, overrides), method="POST")
    return document(response)


def dial_cold(base_url: str, transfer: Transfer, caller_id: str | None = None, overrides: str = "") -> str:
    """The person at once; whoever answers, be it a machine, has the caller. Without a `caller_id` they see the caller's
    number, and where that is withheld their carrier may refuse the call (https://www.twilio.com/docs/api/errors/13214)."""
    response = VoiceResponse()
    if transfer.cause == Cause.MODEL_DOWN:
        response.say(MODEL_DOWN, language=LANGUAGE)
    action = after_transfer_url(base_url, transfer, overrides)
    dial = Dial(action=action, method="POST", timeout=round(transfer.ring_s), caller_id=caller_id)
    if transfer.address.startswith("+"):
        dial.number(transfer.address)
    else:
        dial.sip(transfer.address)
    response.append(dial)
    return document(response)


def brief(base_url: str, call_id: str, leg: int, sentences: Sequence[str], overrides: str = "") -> str:
    """Tell a person who is waiting, and ask for a key. What does not fit into a document is left out at the end."""
    for count in range(len(sentences), -1, -1):
        response = VoiceResponse()
        gather = Gather(
            input="dtmf",
            num_digits=1,
            timeout=KEY_TIMEOUT_S,
            action=person_url(base_url, PERSON_KEY_PATH, call_id, leg, overrides),
            method="POST",
            action_on_empty_result=True,
        )
        gather.say(" ".join([*sentences[:count], CHOICE]), language=LANGUAGE)
        response.append(gather)
        if len(str(response)) <= MAX_TWIML_CHARACTERS:
            break
    return document(response)


def join(transfer: Transfer) -> str:
    """Put the person into the room: the music ends, and with the person the room."""
    response = VoiceResponse()
    dial = Dial()
    dial.conference(
        _room(transfer), start_conference_on_enter=True, end_conference_on_exit=True, beep="false", max_participants=2
    )
    response.append(dial)
    return document(response)


def thank(sentence: str) -> str:
    response = VoiceResponse()
    response.say(sentence, language=LANGUAGE)
    response.hangup()
    return document(response)


def hold_url(base_url: str, call_id: str, to: str, overrides: str = "") -> str:
    """With the call's id in it: Twilio does not say which parameters a waitUrl is asked with."""
    return webhook_url(base_url, f"{HOLD_PATH}?{urlencode({'CallSid': call_id, TO: to})}", overrides)


def person_url(base_url: str, path: str, call_id: str, leg: int, overrides: str = "") -> str:
    return webhook_url(base_url, f"{path}?{urlencode({CALL: call_id, LEG: leg})}", overrides)


def after_transfer_url(base_url: str, transfer: Transfer, overrides: str = "") -> str:
    return webhook_url(base_url, f"{AFTER_TRANSFER_PATH}?{urlencode({RESUMES: transfer.resumes})}", overrides)


def back_url(base_url: str, transfer: Transfer, overrides: str = "") -> str:
    return webhook_url(base_url, f"{BACK_PATH}?{urlencode({RESUMES: transfer.resumes})}", overrides)


def _room(transfer: Transfer) -> str:
    """One of a transfer's own: a conference that has ended is not the next one."""
    return f"carlos-{transfer.call_id}-{transfer.number}"
