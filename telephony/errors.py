"""What can go wrong on the phone line.

TelephonyError
├── ProtocolError           never raised itself
│   ├── LocalProtocolError  we broke the Media Streams protocol: a bug of ours
│   └── RemoteProtocolError the peer broke it: close the socket, or ignore the message
└── TokenRefused            a stream's one-time token is forged, expired, spent or another call's
"""

from __future__ import annotations


class TelephonyError(Exception):
    """Base of the errors of this package."""


class ProtocolError(TelephonyError):
    """A message that Twilio Media Streams does not allow here."""


class LocalProtocolError(ProtocolError):
    """We tried to send what the protocol does not allow in this state."""


class RemoteProtocolError(ProtocolError):
    """The peer sent what the protocol does not allow."""


class TokenRefused(TelephonyError):
    """The token does not open this stream. The reason is for the log, never for the peer."""
