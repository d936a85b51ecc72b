"""`<Connect><Stream>`: a bidirectional media stream until the server closes, then `action` or the next verb.

What is not documented, and is done here in the likelier way: after a failed connect the document goes on as after
a close; `action` is not requested when the caller hung up or the call was redirected.
https://www.twilio.com/docs/voice/twiml/connect, https://www.twilio.com/docs/voice/twiml/stream
"""

from __future__ import annotations

from sandbox.twilio.account import new_sid
from sandbox.twilio.errors import Code, StreamFault, WebhookFault
from sandbox.twilio.events import Streaming
from sandbox.twilio.leg import Document, Ended, Leg
from sandbox.twilio.reports import stream_report
from sandbox.twilio.stream import MediaSession, StreamEnd, open_socket
from sandbox.twilio.verbs import Connect, Stream
from telephony.twilio.media_stream_peer import MediaStreamPeer


async def connect(leg: Leg, verb: Connect) -> Document | None:
    """Stream, and return the document of `action`, or None to go on with the next verb."""
    if await _stream(leg, verb.stream) is StreamEnd.CALLER_HUNG_UP:
        raise Ended("caller")
    if verb.action is None:
        return None
    return await leg.fetch(verb.action, method=verb.method)


async def _stream(leg: Leg, stream: Stream) -> StreamEnd:
    line = leg.line
    peer = MediaStreamPeer(new_sid("MZ"), leg.sid, line.account.sid, dict(stream.parameters))
    try:
        socket = await open_socket(stream.url, line.account, line.route)
    except (StreamFault, WebhookFault) as fault:
        leg.warn(fault.code, fault.detail)
        _report(leg, stream, peer, "stream-error", fault.detail)
        return StreamEnd.SERVER_LOST
    _report(leg, stream, peer, "stream-started")
    leg.note(Streaming(peer.stream_sid))
    try:
        end = await MediaSession(peer, socket, leg.timeline, leg.ear, leg.warn).run()
        _note_close(leg, end, stream, peer)
        return end
    finally:
        _report(leg, stream, peer, "stream-stopped")


def _note_close(leg: Leg, end: StreamEnd, stream: Stream, peer: MediaStreamPeer) -> None:
    if end is StreamEnd.SERVER_LOST:
        leg.warn(Code.BROKEN_PIPE, "the socket broke")
        _report(leg, stream, peer, "stream-error", "the socket broke")
    if end is StreamEnd.SERVER_CLOSED:
        leg.warn(Code.SERVER_CLOSED, "the server closed the stream")  # logged for wanted closes too


def _report(leg: Leg, stream: Stream, peer: MediaStreamPeer, event: str, error: str = "") -> None:
    if stream.status_callback is not None:
        leg.notify(stream.status_callback, stream_report(stream, peer, event, error), stream.status_method)
