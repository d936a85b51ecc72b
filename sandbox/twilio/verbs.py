"""The verbs and nouns of TwiML that the double runs, as values; `twiml.parse` reads them.

Defaults are those of https://www.twilio.com/docs/voice/twiml and its pages. Times are in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Method = Literal["GET", "POST"]
Detection = Literal["Enable", "DetectMessageEnd"]
WITHOUT_END = 1000  # how often loop="0" plays at most: twilio.com/docs/voice/twiml/play#loop


@dataclass(frozen=True, slots=True)
class Say:
    text: str
    language: str = "en-US"
    loop: int = 1


@dataclass(frozen=True, slots=True)
class Play:
    url: str
    loop: int = 1


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float = 1.0


Prompt = Say | Play | Pause


@dataclass(frozen=True, slots=True)
class Redirect:
    url: str
    method: Method = "POST"


@dataclass(frozen=True, slots=True)
class Reject:
    reason: Literal["rejected", "busy"] = "rejected"


@dataclass(frozen=True, slots=True)
class Hangup:
    pass


@dataclass(frozen=True, slots=True)
class Gather:
    """`action` None is the current document's URL; only keys are heard, never speech."""

    prompt: tuple[Prompt, ...] = ()
    action: str | None = None
    method: Method = "POST"
    timeout: float = 5.0
    num_digits: int | None = None
    finish_on_key: str = "#"
    action_on_empty_result: bool = False


@dataclass(frozen=True, slots=True)
class Callback:
    """A status callback that a noun asks for."""

    url: str
    events: frozenset[str]
    method: Method = "POST"


@dataclass(frozen=True, slots=True)
class Record:
    """`action` None is the current document's URL."""

    action: str | None = None
    method: Method = "POST"
    timeout: float = 5.0
    finish_on_key: str = "1234567890*#"
    max_length: float = 3600.0
    play_beep: bool = True
    callback: Callback | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """`<Number>` or `<Sip>`; the TwiML of `url` is run for the called party before the two are connected."""

    address: str
    url: str | None = None
    method: Method = "POST"
    callback: Callback | None = None
    detection: Detection | None = None
    detection_callback: Callback | None = None


@dataclass(frozen=True, slots=True)
class Conference:
    """`wait_url` None is Twilio's own music, the empty string is silence."""

    name: str
    start_on_enter: bool = True
    end_on_exit: bool = False
    wait_url: str | None = None
    wait_method: Method = "POST"
    muted: bool = False
    beep: str = "true"
    max_participants: int = 250
    label: str | None = None
    callback: Callback | None = None


@dataclass(frozen=True, slots=True)
class Dial:
    """One conference, or up to ten numbers that ring at once."""

    targets: tuple[Target, ...] | Conference
    action: str | None = None
    method: Method = "POST"
    timeout: float = 30.0
    time_limit: float = 14400.0
    caller_id: str | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    url: str  # without its query string
    name: str | None = None
    status_callback: str | None = None
    status_method: Method = "POST"
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Connect:
    stream: Stream
    action: str | None = None
    method: Method = "POST"


Verb = Say | Play | Pause | Redirect | Reject | Hangup | Dial | Connect | Gather | Record
