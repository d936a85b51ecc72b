"""What `make call` prints of a call that goes to a person and comes back."""

from __future__ import annotations

import io
import re

from rich.console import Console

from sandbox.twilio.events import Bridged, CallEvent, Joined, Pressed, Progressed, Ran, Streaming
from sandbox.twilio.show import Show
from sandbox.twilio.verbs import Conference, Connect, Dial, Gather, Hangup, Play, Redirect, Say, Stream

CONNECT = Ran(Connect(Stream("ws://localhost/media")))
MUSIC = (Ran(Play("/hold.wav")), Ran(Redirect("/hold")))


def printed(*events: tuple[str, CallEvent]) -> list[str]:
    screen = io.StringIO()
    show = Show(Console(file=screen, width=200, color_system=None))
    for whose, event in events:
        show.twilio(event) if whose == "caller" else show.person(event)
    return [re.sub(r"^ *[0-9.]+ s +", "", line) for line in screen.getvalue().splitlines()]


def test_a_call_to_a_person_reads_as_it_happens() -> None:
    caller: list[CallEvent] = [
        CONNECT,
        Streaming("MZ1"),
        Ran(Dial(Conference("room"))),
        Joined("CF1", "room"),
        *MUSIC,
        *MUSIC,
    ]
    person: list[CallEvent] = [
        *(Progressed(status) for status in ("initiated", "ringing", "in-progress")),
        Ran(Gather()),
        Ran(Say("Llamada.")),
        Pressed("2"),
        Ran(Say("Gracias.")),
        Ran(Hangup()),
        Progressed("completed"),
    ]
    back: list[CallEvent] = [CONNECT, Streaming("MZ2")]
    told = printed(
        *(("caller", event) for event in caller),
        *(("person", event) for event in person),
        *(("caller", event) for event in back),
    )
    assert told == [
        "☎  answered",
        "☎  waits with music",
        "person  the phone rings",
        "person  answers",
        "person  hears: Llamada.",
        "person  presses 2",
        "person  hears: Gracias.",
        "person  the call is over",
        "☎  back with Carlos",
    ]


def test_whoever_is_taken_talks_to_the_person() -> None:
    assert printed(("caller", Joined("CF1", "room")), ("caller", Bridged(("+54",))), ("caller", Ran(Hangup()))) == [
        "☎  waits with music",
        "☎  talks to the person",
        "☎  <Hangup>",
    ]
