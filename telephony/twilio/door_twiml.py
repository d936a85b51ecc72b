"""What Twilio is told to do with a call that Carlos does not answer. Each function returns a whole TwiML document.

https://www.twilio.com/docs/voice/twiml/reject, /record and /gather. `<Reject>` must come first: any other verb answers
the call, which is then billed. A `<Record>` in which nobody spoke is followed by the next verb instead of its action.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from twilio.twiml.voice_response import Gather, VoiceResponse

from agent.capacity import Admission
from telephony.twilio import twiml
from telephony.twilio.twiml import LANGUAGE, document, webhook_url

VOICEMAIL_PATH = "/twilio/voicemail"
VOICEMAIL_STATUS_PATH = "/twilio/voicemail-status"
CALLBACK_PATH = "/twilio/callback"
CALLBACK_KEY = "1"
SILENCE_S = 8  # after which a message ends
KEY_TIMEOUT_S = 6

SEATED = "Desde este número ya tenés una llamada abierta con nosotros. Esperá a que termine y volvé a llamar."
LEAVE_MESSAGE = "Dejanos tu mensaje después del tono. Cuando termines, cortá o apretá numeral."
NO_MESSAGE = "No escuché ningún mensaje. Gracias por llamar."
MESSAGE_KEPT = "Gracias. Tu mensaje quedó grabado."
OFFER_CALLBACK = "Si querés que te llamemos a este número, apretá uno."
CALLBACK_NOTED = "Listo, lo anoté. Te vamos a llamar a este número."
CALLBACK_FAILED = "Perdón, no lo pude anotar. Por favor, volvé a llamar cuando abramos."
GOODBYE = "Gracias por llamar."
ONE_MOMENT = "Un momento, por favor."


def refused(admission: Admission) -> str:
    """Return what a call gets that is neither ACCEPTED nor CLOSED, and is not sent ELSEWHERE."""
    return _REFUSALS[admission]()


def busy() -> str:
    """Turn a ringing call away with a busy tone, unbilled."""
    response = VoiceResponse()
    response.reject(reason="busy")
    return document(response)


def said(*sentences: str) -> str:
    """Say it and hang up."""
    response = VoiceResponse()
    response.say(" ".join(sentences), language=LANGUAGE)
    response.hangup()
    return document(response)


def voicemail(sentences: str, max_s: int, base_url: str, overrides: str = "") -> str:
    response = VoiceResponse()
    response.say(f"{sentences} {LEAVE_MESSAGE}", language=LANGUAGE)
    response.record(
        action=webhook_url(base_url, VOICEMAIL_PATH, overrides),
        method="POST",
        max_length=max_s,
        timeout=SILENCE_S,
        finish_on_key="#",
        play_beep=True,
        recording_status_callback=webhook_url(base_url, VOICEMAIL_STATUS_PATH, overrides),
        recording_status_callback_method="POST",
    )
    response.say(NO_MESSAGE, language=LANGUAGE)
    response.hangup()
    return document(response)


def offer_callback(sentences: str, base_url: str, overrides: str = "") -> str:
    action = webhook_url(base_url, CALLBACK_PATH, overrides)
    gather = Gather(input="dtmf", num_digits=1, timeout=KEY_TIMEOUT_S, action=action, method="POST")
    gather.say(f"{sentences} {OFFER_CALLBACK}", language=LANGUAGE)
    response = VoiceResponse()
    response.append(gather)
    response.say(GOODBYE, language=LANGUAGE)
    response.hangup()
    return document(response)


def try_again(base_url: str, target: str, overrides: str = "") -> str:
    """Say that it takes a moment, and ask us for the document at `target` once more."""
    response = VoiceResponse()
    response.say(ONE_MOMENT, language=LANGUAGE)
    response.redirect(webhook_url(base_url, target, overrides), method="POST")
    return document(response)


_REFUSALS: Mapping[Admission, Callable[[], str]] = {
    Admission.BLOCKED: twiml.reject,
    Admission.FOREIGN: twiml.reject,
    Admission.WITHHELD: twiml.reject,
    Admission.TOO_OFTEN: busy,
    Admission.SEATED: lambda: said(SEATED),
    Admission.FULL: twiml.overflow,
    Admission.DRAINING: twiml.overflow,
    Admission.EXHAUSTED: twiml.overflow,
}
