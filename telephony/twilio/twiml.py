"""What we tell Twilio to do with a call. Each function returns a whole TwiML document.

https://www.twilio.com/docs/voice/twiml/stream and /connect. Basic `<Say>` voices know no es-AR; es-MX is nearest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from twilio.twiml.voice_response import Connect, Stream, VoiceResponse

from telephony.twilio.signature import websocket_url

MAX_TWIML_CHARACTERS = 4000  # characters; the REST API's limit, kept everywhere
MAX_PARAMETER_CHARACTERS = 200  # characters of a value; name and value together are said to end at 500
LANGUAGE = "es-MX"

APOLOGY = "Perdón, tuvimos un problema técnico. Por favor, llamá de nuevo en unos minutos."
OVERFLOW = (
    "Gracias por llamar. En este momento todas nuestras líneas están ocupadas. "
    "Por favor, llamá de nuevo en unos minutos."
)

MEDIA_PATH = "/twilio/media"
AFTER_STREAM_PATH = "/twilio/after-stream"
TRIES = "tries"  # in the query of the URL that a call is sent on to, and of its stream's action
RESUMES = "resumes"  # the name of a stream's parameter, and of one in its action's URL
STREAM_STATUS_PATH = "/twilio/stream-status"


@dataclass(frozen=True, slots=True)
class StreamParameters:
    """What comes back in `start.customParameters`. Nothing else survives: a query string would be stripped."""

    token: str
    from_: str
    to: str
    resumes: int = 0
    tries: int = 0  # in the action's URL alone: they are no matter of the stream's


def webhook_url(base_url: str, target: str, overrides: str = "") -> str:
    """Return the URL of a path and query of ours, with connection overrides in its fragment, which Twilio reads and
    does not send: https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides."""
    return f"{base_url}{target}#{overrides}" if overrides else base_url + target


def connect(base_url: str, parameters: StreamParameters, media_path: str = MEDIA_PATH, *, overrides: str = "") -> str:
    """Open the media stream. When it ends, however it ends, Twilio asks `AFTER_STREAM_PATH` what comes next.

    The counts of resumes and tries go round with the call, in the action's signed URL: they hold when all else is lost.
    """
    stream = Stream(
        url=websocket_url(base_url) + media_path,
        name="carlos",
        status_callback=base_url + STREAM_STATUS_PATH,
        status_callback_method="POST",
    )
    stream.parameter(name="token", value=parameters.token)
    stream.parameter(name="from", value=printable(parameters.from_))
    stream.parameter(name="to", value=printable(parameters.to))
    if parameters.resumes:
        stream.parameter(name=RESUMES, value=str(parameters.resumes))
    action = _counted(AFTER_STREAM_PATH, parameters.resumes, parameters.tries)
    verb = Connect(action=webhook_url(base_url, action, overrides), method="POST")
    verb.append(stream)
    response = VoiceResponse()
    response.append(verb)
    return document(response)


def resumes_of(parameters: Mapping[str, str]) -> int:
    """Return the count in a stream's or an action's parameters; 0 for a call's first stream."""
    return _count(parameters, RESUMES)


def tries_of(parameters: Mapping[str, str]) -> int:
    """Return how often a call was sent on, before its first stream or after its last one."""
    return _count(parameters, TRIES)


def _count(parameters: Mapping[str, str], name: str) -> int:
    count = parameters.get(name, "")
    return int(count) if count.isascii() and count.isdecimal() and len(count) < 4 else 0


def _counted(path: str, resumes: int, tries: int) -> str:
    query = urlencode({name: count for name, count in ((RESUMES, resumes), (TRIES, tries)) if count})
    return f"{path}?{query}" if query else path


def ask_again(base_url: str, path: str, resumes: int = 0, tries: int = 0, overrides: str = "") -> str:
    """Have Twilio ask about the call again, at once: the load balancer may send it to another server. Twilio signs the
    URL with its query: https://www.twilio.com/docs/voice/twiml/redirect."""
    response = VoiceResponse()
    response.redirect(webhook_url(base_url, _counted(path, resumes, tries), overrides), method="POST")
    return document(response)


def overflow(play_url: str | None = None) -> str:
    """No place is free: say so, or play a recording, and hang up."""
    response = VoiceResponse()
    if play_url:
        response.play(play_url)
    else:
        response.say(OVERFLOW, language=LANGUAGE)
    response.hangup()
    return document(response)


def apology() -> str:
    """Carlos failed: say so and hang up."""
    response = VoiceResponse()
    response.say(APOLOGY, language=LANGUAGE)
    response.hangup()
    return document(response)


def hang_up() -> str:
    response = VoiceResponse()
    response.hangup()
    return document(response)


def reject() -> str:
    """Turn a ringing call away unanswered; unlike `<Hangup>` it is not billed."""
    response = VoiceResponse()
    response.reject(reason="rejected")
    return document(response)


def document(response: VoiceResponse) -> str:
    """Return the document as text. Raise ValueError for one longer than Twilio takes."""
    text = str(response)
    if len(text) > MAX_TWIML_CHARACTERS:
        raise ValueError(f"TwiML of {len(text)} characters, more than {MAX_TWIML_CHARACTERS}")
    return text


def printable(value: str) -> str:
    """Callers choose their name in SIP: control characters would break the XML, and length the limit."""
    return "".join(character for character in value if character.isprintable())[:MAX_PARAMETER_CHARACTERS]
