"""TwiML as the double runs it: strict, because Twilio forgives in silence what it does not understand.

An unknown verb, attribute or child is 12200, which Twilio logs as a warning and then skips; here it fails
the call. The rules of `<Stream>` are those of twilio.com/docs/voice/twiml/stream: `wss` only (`ws` is allowed
to a loopback address, so that a local server needs no certificate), the inbound track only under `<Connect>`,
and a query string in the URL is dropped before Twilio connects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from common.settings import is_loopback
from sandbox.twilio.errors import Code, TwimlFault

Method = Literal["GET", "POST"]
PARAMETER_LIMIT = 500  # characters of name and value together; widely quoted, in no document of Twilio's


@dataclass(frozen=True, slots=True)
class Say:
    text: str
    language: str = "en-US"


@dataclass(frozen=True, slots=True)
class Play:
    url: str


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float = 1.0


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
class Dial:
    numbers: tuple[str, ...]
    action: str | None = None
    method: Method = "POST"


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


Verb = Say | Play | Pause | Redirect | Reject | Hangup | Dial | Connect


@dataclass(frozen=True, slots=True)
class Grammar:
    attributes: frozenset[str] = field(default_factory=frozenset)
    children: frozenset[str] = field(default_factory=frozenset)
    text: bool = False


def _grammar(attributes: str = "", children: str = "", *, text: bool = False) -> Grammar:
    return Grammar(frozenset(attributes.split()), frozenset(children.split()), text)


GRAMMAR: Mapping[str, Grammar] = {
    "Response": _grammar(children="Say Play Pause Redirect Reject Hangup Dial Connect"),
    "Say": _grammar("voice language loop", text=True),
    "Play": _grammar("loop", text=True),
    "Pause": _grammar("length"),
    "Redirect": _grammar("method", text=True),
    "Reject": _grammar("reason"),
    "Hangup": _grammar(),
    "Dial": _grammar("action method timeout callerId timeLimit answerOnBridge", "Number Sip", text=True),
    "Number": _grammar("url method", text=True),
    "Sip": _grammar("url method username password", text=True),
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


def _say(element: Element) -> Say:
    return Say(_text(element), element.get("language", "en-US"))


def _pause(element: Element) -> Pause:
    try:
        return Pause(float(element.get("length", "1")))
    except ValueError as error:
        raise _invalid(f"<Pause length={element.get('length')!r}>") from error


def _reject(element: Element) -> Reject:
    match element.get("reason", "rejected"):
        case "rejected":
            return Reject("rejected")
        case "busy":
            return Reject("busy")
        case other:
            raise _invalid(f"<Reject reason={other!r}>")


def _dial(element: Element) -> Dial:
    numbers = tuple(_text(child) for child in element) or (_text(element),)
    return Dial(numbers, element.get("action"), _method(element))


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
    "Say": _say,
    "Play": lambda element: Play(_text(element)),
    "Pause": _pause,
    "Redirect": lambda element: Redirect(_text(element), _method(element)),
    "Reject": _reject,
    "Hangup": lambda element: Hangup(),
    "Dial": _dial,
    "Connect": _connect,
}
