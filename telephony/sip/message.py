"""SIP messages as they come from a wire, read with care, and the answers to them. Sans-IO.

aiosipua parses; it takes what RFC 3261 does not allow, so a request is checked before anybody acts on it. The checks
are those that RFC 4475 (torture tests) asks of a server; what cannot even be answered is nobody's request.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiosipua import Address, SipMessage, SipRequest, SipResponse, parse_address, parse_via, stringify_via
from aiosipua.headers import CaseInsensitiveDict

from telephony.errors import RemoteProtocolError

MAX_MESSAGE_BYTES = 16 * 1024  # an INVITE has one or two thousand
MAX_VALUE_CHARACTERS = 2000  # of a header that we read
MAX_VIAS = 20  # hops
METHODS = ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "UPDATE", "NOTIFY", "INFO")
ALLOW = ", ".join(METHODS)
SERVER = "Carlos"
EXTENSIONS = frozenset({"timer"})  # option tags that a request may require (RFC 4028)

REASONS: Mapping[int, str] = {
    100: "Trying",
    180: "Ringing",
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    405: "Method Not Allowed",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    422: "Session Interval Too Small",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    500: "Server Internal Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    505: "Version Not Supported",
    603: "Decline",
}

_START = re.compile(rb"(?:([A-Za-z0-9.!%*_+`'~-]{1,64}) (\S{1,1000}) SIP/(\d{1,9}\.\d{1,9})|SIP/2\.0 ([1-6]\d\d) .*)")
_CSEQ = re.compile(r"(\d{1,10})\s+(\S{1,64})")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')  # brackets and quotes in it are text (RFC 3261, section 25.1)
_ONCE = ("from", "to", "call-id", "cseq", "max-forwards", "content-length", "content-type")
_NEEDED = ("from", "to", "call-id", "cseq")
_LAST_CSEQ = 2**31


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a message. `flow` tells connections apart; 0 for UDP."""

    transport: str  # udp, tcp, tls
    host: str
    port: int
    flow: int = 0

    @property
    def is_reliable(self) -> bool:
        return self.transport != "udp"


class BadMessage(RemoteProtocolError):
    """What cannot be acted on. `request` is there where it can be answered, with `status` and `headers`."""

    def __init__(
        self, why: str, status: int = 400, request: SipRequest | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(why)
        self.status = status
        self.request = request
        self.headers = headers or {}


def read(data: bytes) -> SipRequest | SipResponse:
    """Return a message whose Via, From, To, Call-ID and CSeq can be relied on. Raise BadMessage."""
    if len(data) > MAX_MESSAGE_BYTES:
        raise BadMessage(f"{len(data)} bytes, more than {MAX_MESSAGE_BYTES}")
    start = _START.fullmatch(data[:2000].split(b"\r\n", 1)[0])
    if start is None:
        raise BadMessage("not a line that SIP begins with")
    try:
        message = SipMessage.parse(data)
    except (ValueError, IndexError) as error:
        raise BadMessage("it cannot be parsed") from error
    why = _unanswerable(message)
    if why is not None:
        raise BadMessage(why)
    if isinstance(message, SipRequest):
        _check(message, (start[3] or b"").decode(), _body_given(data))
    return message


def _body_given(data: bytes) -> int:
    return len(data.partition(b"\r\n\r\n")[2])


def _unanswerable(message: SipMessage) -> str | None:
    """Why nobody could answer this, or find the request that it answers."""
    headers = message.headers
    vias = headers.get("via")
    if not 0 < len(vias) <= MAX_VIAS:
        return f"{len(vias)} Via"
    if any(len(value) > MAX_VALUE_CHARACTERS for name in (*_ONCE, "via", "contact") for value in headers.get(name)):
        return "a header that is too long"
    if not all(headers.get_first(name) for name in _NEEDED):
        return "a header is missing"
    via = parse_via(vias[0])
    return None if via.host and via.branch else "a Via without a host or a branch"


def _check(request: SipRequest, version: str, body: int) -> None:
    for rule in _RULES:
        if (wrong := rule(request, version, body)) is not None:
            status, why = wrong
            raise BadMessage(why, status, request, _headers_of(status, request))


def _headers_of(status: int, request: SipRequest) -> dict[str, str]:
    match status:
        case 405:
            return {"Allow": ALLOW}
        case 420:
            return {"Unsupported": ", ".join(sorted(_unsupported(request)))}
    return {}


type _Wrong = tuple[int, str] | None


def _wrong_version(request: SipRequest, version: str, body: int) -> _Wrong:
    return None if version == "2.0" else (505, "another version of SIP")


def _twice(request: SipRequest, version: str, body: int) -> _Wrong:
    doubled = [name for name in _ONCE if len(request.headers.get(name)) > 1]
    return (400, f"{doubled[0]} twice") if doubled else None


def _wrong_cseq(request: SipRequest, version: str, body: int) -> _Wrong:
    found = _CSEQ.fullmatch(request.headers.get_first("cseq") or "")
    if found is None or int(found[1]) >= _LAST_CSEQ or found[2] != request.method:
        return 400, "a CSeq that is none, or of another method"
    return None


def _wrong_length(request: SipRequest, version: str, body: int) -> _Wrong:
    declared = request.headers.get_first("content-length")
    if declared is None:
        return None
    if not (declared.isascii() and declared.isdecimal() and len(declared) < 8):
        return 400, "a Content-Length that is none"
    return (400, "less of a body than Content-Length says") if int(declared) > body else None


def _wrong_names(request: SipRequest, version: str, body: int) -> _Wrong:
    for name in ("from", "to"):
        value = _QUOTED.sub("", request.headers.get_first(name) or "")
        if '"' in value or value.count("<") != value.count(">") or ("<" in value) != (">" in value):
            return 400, f"{name} is no address"
    return None if tag_of(request, "from") else (400, "From without a tag")


def _wrong_scheme(request: SipRequest, version: str, body: int) -> _Wrong:
    return None if request.uri.lower().startswith(("sip:", "sips:", "tel:")) else (416, "not a SIP address")


def _wrong_method(request: SipRequest, version: str, body: int) -> _Wrong:
    return None if request.method in METHODS else (405, "a method that is not served")


def _wrong_extension(request: SipRequest, version: str, body: int) -> _Wrong:
    if request.method in ("ACK", "CANCEL"):  # RFC 3261, section 8.2.2.3
        return None
    return (420, "an extension that is not known") if _unsupported(request) else None


def _unsupported(request: SipRequest) -> set[str]:
    required = {tag.strip().lower() for value in request.headers.get("require") for tag in value.split(",")}
    return {tag[:80] for tag in required if tag} - EXTENSIONS


_RULES: tuple[Callable[[SipRequest, str, int], _Wrong], ...] = (
    _wrong_version,
    _twice,
    _wrong_names,
    _wrong_cseq,
    _wrong_length,
    _wrong_scheme,
    _wrong_method,
    _wrong_extension,
)


def new_tag() -> str:
    return secrets.token_hex(16)


def new_branch() -> str:
    """Return the name of a transaction of ours (RFC 3261, section 8.1.1.7)."""
    return f"z9hG4bK{secrets.token_hex(12)}"


def cseq_of(message: SipMessage) -> tuple[int, str]:
    """Return number and method; 0 and an empty text for a response whose CSeq is none."""
    found = _CSEQ.fullmatch(message.headers.get_first("cseq") or "")
    return (int(found[1]), found[2]) if found else (0, "")


def branch_of(message: SipMessage) -> str:
    return parse_via(message.headers.get("via")[0]).branch or ""


def tag_of(message: SipMessage, header: str) -> str:
    """Return the tag of From or To; empty where there is none."""
    return address_of(message, header).tag or ""


def address_of(message: SipMessage, header: str) -> Address:
    """Return From, To or another header's address. A name before it may have brackets in its quotes, which aiosipua
    takes for the address's."""
    return parse_address(_QUOTED.sub("", message.headers.get_first(header) or ""))


def answer_to(
    request: SipRequest, status: int, to_tag: str = "", headers: Mapping[str, str] | None = None
) -> SipResponse:
    """Return a response without a body (RFC 3261, section 8.2.6)."""
    response = SipResponse(CaseInsensitiveDict(), b"", status, REASONS[status])
    for via in request.headers.get("via"):
        response.headers.append("Via", via)
    for route in request.headers.get("record-route"):
        response.headers.append("Record-Route", route)
    for name in ("From", "To", "Call-ID", "CSeq"):
        response.headers.set_single(name, request.headers.get_first(name) or "")
    if to_tag and not tag_of(request, "to"):
        response.headers.set_single("To", f"{response.headers.get_first('to')};tag={to_tag}")
    response.headers.set_single("Server", SERVER)
    for name, value in (headers or {}).items():
        response.headers.set_single(name, value)
    return response


def stamped(request: SipRequest, peer: Peer) -> Peer:
    """Write where a request came from into its Via, and return where its answers go (RFC 3261, section 18.2; RFC
    3581): over the connection that it came on; with UDP to its address, and to its port where `rport` asks for that."""
    vias = list(request.headers.get("via"))
    via = parse_via(vias[0])
    asks_port = "rport" in via.params
    if asks_port:
        via.params["rport"] = str(peer.port)
    if asks_port or via.host.strip("[]") != peer.host:
        via.params["received"] = peer.host
    request.headers.remove("Via")
    for value in (stringify_via(via), *vias[1:]):
        request.headers.append("Via", value)
    if peer.is_reliable or asks_port:
        return peer
    port = via.port or 5060
    return Peer(peer.transport, peer.host, port if 0 < port < 65536 else 5060)
