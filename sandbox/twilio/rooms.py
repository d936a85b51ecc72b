"""Conference rooms: who is in them, when they start and end, and what their status callback is told.

https://www.twilio.com/docs/voice/twiml/conference: a conference starts with at least two participants, at least
one of whom has startConferenceOnEnter; it ends when its last participant leaves, or one with endConferenceOnExit.
The first participant sets the status callback and its events for all. After the end the same name is a new
conference. https://www.twilio.com/docs/voice/api/conference-resource
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Literal

from sandbox.twilio.account import new_sid
from sandbox.twilio.clock import Clock
from sandbox.twilio.verbs import Callback, Conference
from sandbox.twilio.webhooks import Webhooks

RoomStatus = Literal["init", "in-progress", "completed"]
LeftReason = Literal[
    "conference_ended_via_api",
    "moderator_ended_conference",
    "participant_updated_via_api",
    "participant_hung_up",
    "participant_add_failed",
]


@dataclass(eq=False, slots=True)
class Participant:
    """A call that is in a conference. `out` is set when the conference lets it go."""

    call_sid: str
    number: str
    noun: Conference
    muted: bool = False
    hold: bool = False
    end_on_exit: bool = False
    out: asyncio.Event = field(default_factory=asyncio.Event)
    left: LeftReason | None = None  # as the conference sees it


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to `end` (seconds of the double's clock; None is still) these calls heard each other."""

    call_sids: frozenset[str]
    start: float
    end: float | None = None


class Room:
    """One conference, from its first participant to its end."""

    def __init__(self, name: str, account_sid: str, webhooks: Webhooks, clock: Clock) -> None:
        self.sid = new_sid("CF")
        self.name = name
        self.participants: dict[str, Participant] = {}  # by call SID, in the order of their coming
        self.started = asyncio.Event()
        self.over = False
        self.reason: str | None = None  # why it ended
        self.ended_by: str | None = None  # the SID of the call that ended it
        self.bridged: list[Span] = []  # who heard whom, in order
        self._account_sid = account_sid
        self._webhooks = webhooks
        self._clock = clock
        self._callback: Callback | None = None
        self._callback_url = ""
        self._sequence = 0
        self._created = format_datetime(datetime.now(UTC))

    @property
    def status(self) -> RoomStatus:
        if self.over:
            return "completed"
        return "in-progress" if self.started.is_set() else "init"

    def find(self, call: str) -> Participant | None:
        """A participant by the SID of its call, or by its label."""
        labelled = (each for each in self.participants.values() if each.noun.label == call)
        return self.participants.get(call) or next(labelled, None)

    def join(self, participant: Participant, callback_url: str) -> None:
        if not self.participants:
            self._callback, self._callback_url = participant.noun.callback, callback_url
        self.participants[participant.call_sid] = participant
        self._tell("join", "participant-join", self._about(participant))
        if not self.started.is_set() and self._may_start():
            self.started.set()
            self._tell("start", "conference-start")
        self._note_bridge()

    def leave(self, participant: Participant, reason: LeftReason, call_status: str) -> None:
        """A call has left, by itself or because it was let go."""
        if self.participants.pop(participant.call_sid, None) is None:
            return
        kicked = participant.left is not None
        report = self._about(participant) | {"ReasonParticipantLeft": reason, "ParticipantCallStatus": call_status}
        self._tell("leave", "participant-leave", report)
        if participant.end_on_exit and not self.over:
            self._end(f"participant-with-end-conference-on-exit-{'kicked' if kicked else 'left'}", participant)
            self._let_all_go("moderator_ended_conference")
        elif not self.participants and not self.over:
            self._end(f"last-participant-{'kicked' if kicked else 'left'}", participant)
        self._note_bridge()

    def kick(self, participant: Participant) -> None:
        """Its call goes on after `<Dial>`."""
        participant.left = "participant_updated_via_api"
        participant.out.set()

    def end(self) -> None:
        """By the REST API."""
        if not self.over:
            self._end("conference-ended-via-api", None)
            self._let_all_go("conference_ended_via_api")

    def changed(self, participant: Participant, event: str, name: str) -> None:
        """The REST API has changed a participant: `event` is mute, hold or modify, `name` that of its callback."""
        self._tell(event, name, self._about(participant))
        self._note_bridge()

    def resource(self) -> dict[str, Any]:
        uri = f"/2010-04-01/Accounts/{self._account_sid}/Conferences/{self.sid}"
        return {
            "sid": self.sid,
            "account_sid": self._account_sid,
            "friendly_name": self.name,
            "status": self.status,
            "region": "us1",
            "date_created": self._created,
            "date_updated": self._created,
            "api_version": "2010-04-01",
            "reason_conference_ended": self.reason,
            "call_sid_ending_conference": self.ended_by,
            "uri": f"{uri}.json",
            "subresource_uris": {"participants": f"{uri}/Participants.json"},
        }

    def participant_resource(self, participant: Participant) -> dict[str, Any]:
        uri = f"/2010-04-01/Accounts/{self._account_sid}/Conferences/{self.sid}/Participants"
        return {
            "account_sid": self._account_sid,
            "conference_sid": self.sid,
            "call_sid": participant.call_sid,
            "label": participant.noun.label,
            "muted": participant.muted,
            "hold": participant.hold,
            "coaching": False,
            "call_sid_to_coach": None,
            "start_conference_on_enter": participant.noun.start_on_enter,
            "end_conference_on_exit": participant.end_on_exit,
            "status": "connected",
            "date_created": self._created,
            "date_updated": self._created,
            "uri": f"{uri}/{participant.call_sid}.json",
        }

    def _may_start(self) -> bool:
        return len(self.participants) >= 2 and any(each.noun.start_on_enter for each in self.participants.values())

    def _end(self, reason: str, by: Participant | None) -> None:
        self.over, self.reason = True, reason
        self.ended_by = None if by is None else by.call_sid
        report = {"ReasonConferenceEnded": reason, "Reason": reason.replace("-", " ")}
        if by is not None:
            report["CallSidEndingConference"] = by.call_sid
            if by.noun.label is not None:
                report["ParticipantLabelEndingConference"] = by.noun.label
        self._tell("end", "conference-end", report)

    def _let_all_go(self, reason: LeftReason) -> None:
        for participant in self.participants.values():
            participant.left = reason
            participant.out.set()

    def _note_bridge(self) -> None:
        together = frozenset(sid for sid, each in self.participants.items() if not each.hold)
        if not self.started.is_set() or self.over or len(together) < 2:
            together = frozenset()
        now = self._clock.now()
        last = self.bridged[-1] if self.bridged else None
        if last is not None and last.end is None:
            if last.call_sids == together:
                return
            self.bridged[-1] = Span(last.call_sids, last.start, now)
        if together:
            self.bridged.append(Span(together, now))

    def _about(self, participant: Participant) -> dict[str, str]:
        flags = {
            "Muted": participant.muted,
            "Hold": participant.hold,
            "Coaching": False,
            "EndConferenceOnExit": participant.end_on_exit,
            "StartConferenceOnEnter": participant.noun.start_on_enter,
        }
        report = {"CallSid": participant.call_sid} | {name: str(value).lower() for name, value in flags.items()}
        label = participant.noun.label
        return report if label is None else report | {"ParticipantLabel": label}

    def _tell(self, event: str, name: str, more: Mapping[str, str] | None = None) -> None:
        if self._callback is None or event not in self._callback.events:
            return
        self._sequence += 1
        report = {
            "AccountSid": self._account_sid,
            "ConferenceSid": self.sid,
            "FriendlyName": self.name,
            "SequenceNumber": str(self._sequence),
            "Timestamp": format_datetime(datetime.now(UTC)),
            "StatusCallbackEvent": name,
        }
        self._webhooks.notify(self._callback_url, report | dict(more or {}), self._callback.method)


class Rooms:
    """The conferences of the account, those that are over too."""

    def __init__(self, account_sid: str, webhooks: Webhooks, clock: Clock) -> None:
        self._account_sid = account_sid
        self._webhooks = webhooks
        self._clock = clock
        self._rooms: dict[str, Room] = {}

    def __iter__(self) -> Iterator[Room]:
        return iter(list(self._rooms.values()))

    def get(self, sid: str) -> Room | None:
        return self._rooms.get(sid)

    def open(self, name: str) -> Room:
        """The conference of this name that is not over, or a new one."""
        running = (room for room in self if room.name == name and not room.over)
        room = next(running, None) or Room(name, self._account_sid, self._webhooks, self._clock)
        return self._rooms.setdefault(room.sid, room)

    def bridged_s(self, one: str, other: str) -> float:
        """For how long these two calls (SIDs) heard each other, in seconds."""
        spans = (span for room in self for span in room.bridged if {one, other} <= span.call_sids)
        return sum((self._clock.now() if span.end is None else span.end) - span.start for span in spans)
