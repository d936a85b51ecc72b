"""What `make call` prints of a call that goes to a person and comes back."""

from __future__ import annotations

import io
import re
from pathlib import Path

from rich.console import Console

from sandbox.twilio.events import Bridged, CallEvent, Joined, Pressed, Progressed, Ran, Streaming
from sandbox.twilio.script import Script, Turn
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


def test_a_line_has_the_time_at_which_it_began_and_an_answer_how_long_it_was_waited_for() -> None:
    screen, now = io.StringIO(), [100.0]
    show = Show(Console(file=screen, width=200, color_system=None), lambda: now[0])

    def at(second: float) -> None:
        now[0] = 100.0 + second

    show.dialling(Script("probe", "Says one thing.", "+54", ()))
    at(5.0)
    show.turn(Turn("Hola", b"x"))
    at(8.0)
    show.answer(1_240)
    at(12.0)
    show.server({"type": "said", "text": "Buenas."})
    at(14.0)
    show.server({"type": "said", "text": "¿En qué te ayudo?", "interrupted": True})
    assert screen.getvalue().splitlines()[1:] == [
        "   5.0 s   caller  Hola",
        "   8.0 s   Carlos  Buenas.  [began after 1.2 s]",
        "  12.0 s   Carlos  ¿En qué te ayudo? —",
    ]


def test_a_narrow_terminal_keeps_the_times_apart_from_the_words() -> None:
    screen = io.StringIO()
    show = Show(Console(file=screen, width=40, color_system=None, force_terminal=True), lambda: 0.0)
    show.server({"type": "heard", "text": "una palabra y otra y otra más"})
    assert [line[:19].strip() for line in screen.getvalue().splitlines()] == ["0.0 s", ""]


def test_a_recording_has_a_line_of_its_own() -> None:
    screen = io.StringIO()
    Show(Console(file=screen, width=20, color_system=None)).recorded(Path("/home/somebody/.carlos/calls/book-1.wav"))
    assert screen.getvalue().splitlines()[-1] == "/home/somebody/.carlos/calls/book-1.wav"


def test_whoever_is_taken_talks_to_the_person() -> None:
    assert printed(("caller", Joined("CF1", "room")), ("caller", Bridged(("+54",))), ("caller", Ran(Hangup()))) == [
        "☎  waits with music",
        "☎  talks to the person",
    ]
