"""What can go wrong on Twilio's side of a call.

DoubleError
├── TwilioFault(code, detail)     what Twilio would write to its Debugger
│   ├── WebhookFault              11xxx: the webhook could not be fetched
│   ├── TwimlFault                12xxx: the answer is not the TwiML that Twilio accepts
│   └── StreamFault               319xx: the media stream could not be opened or was broken
├── ScriptError                   a caller.yaml or an audio file that cannot be used
└── ServerUnavailable             the server under test does not start, or does not answer
"""

from __future__ import annotations

import os
from enum import IntEnum


class Code(IntEnum):
    """Codes of Twilio's error dictionary (twilio.com/docs/api/errors) that the double uses."""

    INVALID_URL = 11100
    HTTP_RETRIEVAL_FAILURE = 11200
    HTTP_CONNECTION_FAILURE = 11205
    BAD_HOST_NAME = 11210
    INVALID_RETRY_POLICY = 11243
    DOCUMENT_PARSE_FAILURE = 12100
    SCHEMA_VALIDATION = 12200
    INVALID_CONTENT_TYPE = 12300
    INVALID_CALLER_ID = 13214
    INVALID_WAIT_VERB = 13238
    CONFERENCE_FULL = 16020
    LABEL_IN_USE = 16025
    CONNECT_TIMEOUT = 31901
    CONNECTION_REFUSED = 31902
    BROKEN_PIPE = 31903
    HANDSHAKE_FAILED = 31920
    SERVER_CLOSED = 31921
    INVALID_SCHEME = 31922
    WEBSOCKET_PROTOCOL = 31924
    BUFFER_OVERFLOW = 31930
    INVALID_TRACK = 31941
    NO_DETECTION_CALLBACK = 21262


class DoubleError(Exception):
    """Base of every error raised by the double."""


class TwilioFault(DoubleError):
    """An entry of Twilio's Debugger: `code` as Twilio numbers it and what was wrong."""

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(f"{int(code)}: {detail}")
        self.code = int(code)
        self.detail = detail


class WebhookFault(TwilioFault):
    """A webhook could not be fetched, or did not answer 2xx."""


class TwimlFault(TwilioFault):
    """The answer to a webhook is not TwiML that Twilio would run as written."""


class StreamFault(TwilioFault):
    """A media stream could not be opened, or broke."""


class ScriptError(DoubleError):
    """A caller's script or recording cannot be used; the message names the file."""


class ServerUnavailable(DoubleError):
    """The server under test did not start, or does not answer; the message says what it printed."""


def why(error: BaseException) -> str:
    """Say in words for a person why a server could not be reached."""
    match error:
        case TimeoutError():
            return "it does not answer in time"
        case OSError(errno=int(number)) if number > 0:
            return os.strerror(number).lower()
        case OSError():
            return "its name is not known"
        case _:
            return f"what it says is not understood ({type(error).__name__})"
