"""TwiML as the double runs it: strict, because Twilio forgives in silence what it does not understand.

An unknown verb, attribute or child is 12200, which Twilio logs as a warning and then skips; here it fails
the call. The attributes are those of the twilio package 9.13. The rules of `<Stream>` are those of
twilio.com/docs/voice/twiml/stream: `wss` only (`ws` is allowed to a loopback address, so that a local server
needs no certificate), the inbound track only under `<Connect>`, and a query string in the URL is dropped
before Twilio connects. Those of the others: twilio.com/docs/voice/twiml/ gather, record, dial, number, sip,
conference.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from common.settings import is_loopback
from sandbox.twilio.errors import Code, TwimlFault
from sandbox.twilio.verbs import (
    WITHOUT_END,
    Callback,
    Conference,
    Connect,
    Detection,
    Dial,
    Gather,
    Hangup,
    Method,
    Pause,
    Play,
    Prompt,
    Record,
    Redirect,
    Reject,
    Say,
    Stream,
    Target,
    Verb,
)

__all__ = [
    "Conference",
    "Connect",
    "Dial",
    "Gather",
    "Hangup",
    "Method",
    "Pause",
    "Play",
    "Record",
    "Redirect",
    "Reject",
    "Say",
    "Stream",
    "Target",
    "Verb",
    "parse",
]

PARAMETER_LIMIT = 500  # characters of name and value together; widely quoted, in no document of Twilio's
NAME_LIMIT = 128  # characters of a conference's name and of a participant's label
DIALLED_AT_ONCE = 10  # <Number> nouns: twilio.com/docs/voice/twiml/number
KEYS = frozenset("0123456789*#")
CALL_EVENTS = frozenset({"initiated", "ringing", "answered", "completed"})
CONFERENCE_EVENTS = frozenset(["start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement"])
RECORDING_EVENTS = frozenset({"in-progress", "completed", "absent"})

CALLBACK = "statusCallback statusCallbackMethod statusCallbackEvent"
RECORDING = "recordingStatusCallback recordingStatusCallbackMethod recordingStatusCallbackEvent"
DETECTION = (
    "machineDetection machineDetectionTimeout machineDetectionSpeechThreshold machineDetectionSpeechEndThreshold "
    "machineDetectionSilenceTimeout amdStatusCallback amdStatusCallbackMethod"
)


@dataclass(frozen=True, slots=True)
class Grammar:
    attributes: frozenset[str] = field(default_factory=frozenset)
    children: frozenset[str] = field(default_factory=frozenset)
    text: bool = False


def _grammar(attributes: str = "", children: str = "", *, text: bool = False) -> Grammar:
    return Grammar(frozenset(attributes.split()), frozenset(children.split()), text)


GRAMMAR: Mapping[str, Grammar] = {
    "Response": _grammar(children="Say Play Pause Redirect Reject Hangup Dial Connect Gather Record"),
    "Say": _grammar("voice language loop", text=True),
    "Play": _grammar("loop", text=True),
    "Pause": _grammar("length"),
    "Redirect": _grammar("method", text=True),
    "Reject": _grammar("reason"),
    "Hangup": _grammar(),
    "Gather": _grammar(
        "input action method timeout speechTimeout maxSpeechTime profanityFilter finishOnKey numDigits "
        "partialResultCallback partialResultCallbackMethod language hints bargeIn debug actionOnEmptyResult "
        "speechModel enhanced",
        "Say Play Pause",
    ),
    "Record": _grammar(
        f"action method timeout finishOnKey maxLength playBeep trim transcribe transcribeCallback {RECORDING}"
    ),
    "Dial": _grammar(
        "action method timeout hangupOnStar timeLimit callerId answerOnBridge ringTone sequential",
        "Number Sip Conference",
        text=True,
    ),
    "Number": _grammar(f"url method sendDigits {CALLBACK} {DETECTION}", text=True),
    "Sip": _grammar(f"url method username password {CALLBACK} {DETECTION}", text=True),
    "Conference": _grammar(
        "muted beep startConferenceOnEnter endConferenceOnExit waitUrl waitMethod maxParticipants region "
        f"jitterBufferSize participantLabel {CALLBACK}",
        text=True,
    ),
    "Connect": _grammar("action method", "Stream"),
    "Stream": _grammar("url name track statusCallback statusCallbackMethod", "Parameter"),
    "Parameter": _grammar("name value"),
}


def parse(document: str) -> tuple[Verb, ...]:
    """Read one TwiML document; raises TwimlFault with Twilio's code for anything it should not contain."""
    if len(document) != len(document.lstrip()):
        raise TwimlFault(Code.DOCUMENT_PARSE_FAILURE, "white space before the document")
    try:
        root = ElementTree.fromstring(document)  # noqa: S314 - from our own server on loopback
    except ElementTree.ParseError as error:
        raise TwimlFault(Code.DOCUMENT_PARSE_FAILURE, str(error)) from error
    if root.tag != "Response":
        raise TwimlFault(Code.DOCUMENT_PARSE_FAILURE, f"the root element is <{root.tag}>, not <Response>")
    _check(root)
    return tuple(VERBS[element.tag](element) for element in root)


def _check(element: Element) -> None:
    grammar = GRAMMAR[element.tag]
    for name in element.attrib.keys() - grammar.attributes:
        raise _invalid(f"<{element.tag}> has no attribute {name!r}")
    if not grammar.text and (element.text or "").strip():
        raise _invalid(f"<{element.tag}> takes no text")
    for child in element:
        if child.tag not in grammar.children:
            raise _invalid(f"<{child.tag}> is unknown in <{element.tag}>")
        if (child.tail or "").strip():
            raise _invalid(f"text after <{child.tag}>")
        _check(child)


def _invalid(detail: str) -> TwimlFault:
    return TwimlFault(Code.SCHEMA_VALIDATION, detail)


# Values of attributes.


def _text(element: Element) -> str:
    text = (element.text or "").strip()
    if not text:
        raise _invalid(f"<{element.tag}> is empty")
    return text


def _method(element: Element, name: str = "method") -> Method:
    match element.get(name, "POST").upper():
        case "GET":
            return "GET"
        case "POST":
            return "POST"
        case other:
            raise _invalid(f"{name}={other!r} is neither GET nor POST")


def _flag(element: Element, name: str, *, default: bool) -> bool:
    value = element.get(name, str(default)).lower()
    if value not in {"true", "false"}:
        raise _invalid(f"{name}={value!r} is neither true nor false")
    return value == "true"


def _whole(element: Element, name: str, default: int, least: int = 1, most: int = 86400) -> int:
    value = element.get(name, str(default))
    if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
        raise _invalid(f"{name}={value!r} is no whole number from {least} to {most}")
    return int(value)


def _keys(element: Element, default: str) -> str:
    value = element.get("finishOnKey", default)
    if not set(value) <= KEYS:
        raise _invalid(f"finishOnKey={value!r} holds more than keys")
    return value


def _loop(element: Element) -> int:
    return _whole(element, "loop", 1, least=0) or WITHOUT_END


def _events(element: Element, name: str, allowed: Collection[str], default: str) -> frozenset[str]:
    events = frozenset(element.get(name, default).split())
    if not events <= set(allowed):
        raise _invalid(f"{name}: {', '.join(sorted(events - set(allowed)))} is no event of <{element.tag}>")
    return events


def _callback(
    element: Element, allowed: Collection[str], default: str = "", prefix: str = "statusCallback"
) -> Callback | None:
    """`default`: the events that are sent when none is named."""
    events = _events(element, f"{prefix}Event", allowed, default)
    method = _method(element, f"{prefix}Method")
    url = element.get(prefix)
    return None if url is None else Callback(url, events, method)


# Verbs and nouns.


def _say(element: Element) -> Say:
    return Say(_text(element), element.get("language", "en-US"), _loop(element))


def _play(element: Element) -> Play:
    return Play(_text(element), _loop(element))


def _pause(element: Element) -> Pause:
    try:
        return Pause(float(element.get("length", "1")))
    except ValueError as error:
        raise _invalid(f"<Pause length={element.get('length')!r}>") from error


def _redirect(element: Element) -> Redirect:
    """An empty URL is relative to the current one: the same document again."""
    return Redirect((element.text or "").strip(), _method(element))


def _reject(element: Element) -> Reject:
    match element.get("reason", "rejected"):
        case "rejected":
            return Reject("rejected")
        case "busy":
            return Reject("busy")
        case other:
            raise _invalid(f"<Reject reason={other!r}>")


PROMPTS: Mapping[str, Callable[[Element], Prompt]] = {"Say": _say, "Play": _play, "Pause": _pause}


def _gather(element: Element) -> Gather:
    if not {"dtmf", "speech"} >= set(element.get("input", "dtmf").split()):
        raise _invalid(f"<Gather input={element.get('input')!r}>")
    return Gather(
        prompt=tuple(PROMPTS[child.tag](child) for child in element),
        action=element.get("action"),
        method=_method(element),
        timeout=_whole(element, "timeout", 5),
        num_digits=_whole(element, "numDigits", 1) if "numDigits" in element.attrib else None,
        finish_on_key=_keys(element, "#"),
        action_on_empty_result=_flag(element, "actionOnEmptyResult", default=False),
    )


def _record(element: Element) -> Record:
    _flag(element, "transcribe", default=False)
    return Record(
        action=element.get("action"),
        method=_method(element),
        timeout=_whole(element, "timeout", 5),
        finish_on_key=_keys(element, "1234567890*#"),
        max_length=_whole(element, "maxLength", 3600),
        play_beep=_flag(element, "playBeep", default=True),
        callback=_callback(element, RECORDING_EVENTS, "completed", "recordingStatusCallback"),
    )


def _dial(element: Element) -> Dial:
    return Dial(
        _conference(element[0]) if [child.tag for child in element] == ["Conference"] else _targets(element),
        element.get("action"),
        _method(element),
        timeout=_whole(element, "timeout", 30, least=5, most=600),
        time_limit=_whole(element, "timeLimit", 14400),
        caller_id=element.get("callerId"),
    )


def _targets(element: Element) -> tuple[Target, ...]:
    if len(element) > DIALLED_AT_ONCE or element.find("Conference") is not None:
        raise _invalid(f"<Dial> holds one <Conference>, or up to {DIALLED_AT_ONCE} numbers")
    return tuple(_target(child) for child in element) or (Target(_text(element)),)


def _target(element: Element) -> Target:
    result = element.get("amdStatusCallback")
    return Target(
        _text(element),
        element.get("url"),
        _method(element),
        _callback(element, CALL_EVENTS, "completed"),
        _detection(element),
        None if result is None else Callback(result, frozenset(), _method(element, "amdStatusCallbackMethod")),
    )


def _detection(element: Element) -> Detection | None:
    match element.get("machineDetection"):
        case None:
            return None
        case "Enable":
            return "Enable"
        case "DetectMessageEnd":
            return "DetectMessageEnd"
        case other:
            raise _invalid(f"machineDetection={other!r}")


def _conference(element: Element) -> Conference:
    name, label, beep = _text(element), element.get("participantLabel"), element.get("beep", "true")
    if max(len(name), len(label or "")) > NAME_LIMIT:
        raise _invalid(f"a conference's name and labels have at most {NAME_LIMIT} characters")
    if beep not in {"true", "false", "onEnter", "onExit"}:
        raise _invalid(f"<Conference beep={beep!r}>")
    return Conference(
        name,
        start_on_enter=_flag(element, "startConferenceOnEnter", default=True),
        end_on_exit=_flag(element, "endConferenceOnExit", default=False),
        wait_url=element.get("waitUrl"),
        wait_method=_method(element, "waitMethod"),
        muted=_flag(element, "muted", default=False),
        beep=beep,
        max_participants=_whole(element, "maxParticipants", 250, most=250),
        label=label,
        callback=_callback(element, CONFERENCE_EVENTS),
    )


def _connect(element: Element) -> Connect:
    if len(element) != 1:
        raise _invalid(f"<Connect> holds one <Stream>, not {len(element)}")
    return Connect(_stream(element[0]), element.get("action"), _method(element))


def _stream(element: Element) -> Stream:
    track = element.get("track", "inbound_track")
    if track != "inbound_track":
        raise TwimlFault(Code.INVALID_TRACK, f"track={track!r}: <Connect> streams the inbound_track only")
    return Stream(
        url=_stream_url(element.get("url", "")),
        name=element.get("name"),
        status_callback=element.get("statusCallback"),
        status_method=_method(element, "statusCallbackMethod"),
        parameters=tuple(_parameter(child) for child in element),
    )


def _stream_url(url: str) -> str:
    parts = urlsplit(url)
    if not parts.hostname:
        raise TwimlFault(Code.INVALID_URL, f"<Stream url={url!r}> names no host")
    if parts.scheme != "wss" and not (parts.scheme == "ws" and is_loopback(parts.hostname)):
        raise TwimlFault(Code.INVALID_SCHEME, f"<Stream url={url!r}> must be wss://")
    return parts._replace(query="", fragment="").geturl()


def _parameter(element: Element) -> tuple[str, str]:
    name, value = element.get("name"), element.get("value")
    if not name or value is None:
        raise _invalid("<Parameter> needs a name and a value")
    if len(name) + len(value) > PARAMETER_LIMIT:
        raise _invalid(f"<Parameter name={name!r}> is longer than {PARAMETER_LIMIT} characters")
    return name, value


VERBS: Mapping[str, Callable[[Element], Verb]] = {
    **PROMPTS,
    "Redirect": _redirect,
    "Reject": _reject,
    "Hangup": lambda element: Hangup(),
    "Gather": _gather,
    "Record": _record,
    "Dial": _dial,
    "Connect": _connect,
}
