"""One call's record, told by several processes: the one that holds the call, one that held it before, and whichever
Twilio's status callback reached."""

from __future__ import annotations

from dataclasses import replace

from data.models import CallRecord

VOICEMAIL = "voicemail"  # the outcome of a call that left a message, and in its details where that lies


def merged(ours: CallRecord, stored: CallRecord) -> CallRecord:
    """`ours`, from the process that holds the call or held it, with what others have added to the stored one.

    The story is that of the later part of a call that was resumed. A call that somebody has seen the end of stays
    ended; of two ends ours stands, since a status callback knows less. No detail is lost: ours come first.
    """
    if _part(ours) < _part(stored):
        return replace(stored, details={**ours.details, **stored.details})
    details = {**stored.details, **ours.details}
    if ours.ended_at is None and _part(ours) == _part(stored):
        ours = replace(ours, ended_at=stored.ended_at, outcome=stored.outcome)
    return replace(ours, details=details, version=stored.version)


def _part(record: CallRecord) -> int:
    """Return how often the call had been resumed."""
    return int(record.details.get("resumed", 0))
