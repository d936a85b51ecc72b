"""The Conferences and Participants resources.

https://www.twilio.com/docs/voice/api/conference-resource: the list is of conferences in progress unless another
Status is asked for (since 2026-09-30: twilio.com/en-us/changelog/conference-list-endpoint-rollout-extended).
https://www.twilio.com/docs/voice/api/conference-participant-resource: participants of a conference that is over, and
those that have left, are not found; they are addressed by their call's SID or by their label.
"""

from __future__ import annotations

from collections.abc import Iterator

from aiohttp import web

from sandbox.twilio.rest import Answer, Asked, Endpoint, invalid, not_found, page
from sandbox.twilio.rooms import Participant, Room, Rooms

LISTED = frozenset({"FriendlyName", "Status", "PageSize", "Page"})
CHANGED = frozenset({"Muted", "Hold", "HoldUrl", "HoldMethod", "EndConferenceOnExit"})


class ConferencesResource:
    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def endpoints(self) -> Iterator[Endpoint]:
        conference = "/Conferences/{conference:[^/.]+}"
        participant = conference + "/Participants/{call:[^/.]+}.json"
        yield Endpoint("GET", "/Conferences.json", self._list)
        yield Endpoint("GET", conference + ".json", self._fetch)
        yield Endpoint("POST", conference + ".json", self._update)
        yield Endpoint("GET", conference + "/Participants.json", self._list_participants)
        yield Endpoint("GET", participant, self._fetch_participant)
        yield Endpoint("POST", participant, self._update_participant)
        yield Endpoint("DELETE", participant, self._remove_participant)

    def _list(self, asked: Asked) -> Answer:
        asked.only(LISTED)
        status = asked.one_of("Status", ("init", "in-progress", "completed"), "in-progress")
        name = asked.text("FriendlyName")
        rooms = (room for room in self._rooms if room.status == status and name in {None, room.name})
        return page("conferences", (room.resource() for room in rooms), asked.path)

    def _fetch(self, asked: Asked) -> Answer:
        return web.json_response(self._room(asked).resource())

    def _update(self, asked: Asked) -> Answer:
        asked.only({"Status"})
        asked.one_of("Status", ("completed",), "")
        room = self._room(asked)
        room.end()
        return web.json_response(room.resource())

    def _list_participants(self, asked: Asked) -> Answer:
        room = self._running(asked)
        return page("participants", map(room.participant_resource, room.participants.values()), asked.path)

    def _fetch_participant(self, asked: Asked) -> Answer:
        room, participant = self._participant(asked)
        return web.json_response(room.participant_resource(participant))

    def _update_participant(self, asked: Asked) -> Answer:
        asked.only(CHANGED)
        if not asked.params:
            raise invalid("nothing to change")
        room, participant = self._participant(asked)
        if asked.text("Muted") is not None:
            participant.muted = asked.flag("Muted")
            room.changed(participant, "mute", "participant-mute" if participant.muted else "participant-unmute")
        if asked.text("Hold") is not None:
            participant.hold = asked.flag("Hold")
            room.changed(participant, "hold", "participant-hold" if participant.hold else "participant-unhold")
        if asked.text("EndConferenceOnExit") is not None:
            participant.end_on_exit = asked.flag("EndConferenceOnExit")
            room.changed(participant, "modify", "participant-modify")
        return web.json_response(room.participant_resource(participant))

    def _remove_participant(self, asked: Asked) -> Answer:
        room, participant = self._participant(asked)
        room.kick(participant)
        return web.Response(status=204)

    def _room(self, asked: Asked) -> Room:
        room = self._rooms.get(asked.ids["conference"])
        if room is None:
            raise not_found(asked.path)
        return room

    def _running(self, asked: Asked) -> Room:
        room = self._room(asked)
        if room.over:
            raise not_found(asked.path)
        return room

    def _participant(self, asked: Asked) -> tuple[Room, Participant]:
        room = self._running(asked)
        participant = room.find(asked.ids["call"])
        if participant is None:
            raise not_found(asked.path)
        return room, participant
