"""The forms Twilio posts: what every request says of a call, and what a status callback adds.

https://www.twilio.com/docs/voice/twiml#request-parameters,
https://www.twilio.com/docs/voice/api/call-resource#statuscallback. The full list of a stream's fields is not
documented.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

from sandbox.twilio.verbs import Stream
from telephony.twilio.media_stream_peer import MediaStreamPeer


def call_parameters(
    account_sid: str, call_sid: str, status: str, caller: str, called: str, direction: str = "inbound"
) -> dict[str, str]:
    """What every voice webhook carries; numbers are E.164."""
    return {
        "AccountSid": account_sid,
        "ApiVersion": "2010-04-01",
        "CallSid": call_sid,
        "CallStatus": status,
        "Called": called,
        "Caller": caller,
        "Direction": direction,
        "From": caller,
        "To": called,
    }


def end_report(seconds: int) -> dict[str, str]:
    """What the number's status callback adds: for an inbound call the final status is the first sent."""
    return progress_report(0, seconds)


def progress_report(sequence: int, seconds: int | None = None) -> dict[str, str]:
    """What a status callback adds; `seconds` is how long a call lasted that is over."""
    report = {
        "Timestamp": format_datetime(datetime.now(UTC)),
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(sequence),
    }
    if seconds is None:
        return report
    return report | {"CallDuration": str(seconds), "Duration": str(-(-seconds // 60))}  # Duration: billed minutes


def stream_report(stream: Stream, peer: MediaStreamPeer, event: str, error: str = "") -> dict[str, str]:
    """`event` is stream-started, stream-stopped or stream-error; `error` goes with the last."""
    report = {
        "AccountSid": peer.account_sid,
        "CallSid": peer.call_sid,
        "StreamSid": peer.stream_sid,
        "StreamName": stream.name or peer.stream_sid,
        "StreamEvent": event,
        "Timestamp": datetime.now(UTC).isoformat(),
    }
    return report | {"StreamError": error} if error else report
