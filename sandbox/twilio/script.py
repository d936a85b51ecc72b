"""What a recorded caller says: `caller.yaml` with its WAVs, or WAVs given by hand.

name: order-status-dni
says: "María asks for the state of order 1 and proves herself with her DNI."
number: "+5491155550101"
turns:
  - {say: "Sí, señor.", audio: 01.wav, heard: "Si señor."}  # when Carlos has finished; what Whisper makes of it
  - {say: "No, el jueves", audio: 02.wav, interrupt_ms: 1200}  # 1200 ms after he began to
  - {dtmf: "28456789#"}                                    # on the keypad
expect: {...}                                              # for the tests that place the call
settings: {TRANSFER_TARGETS: "+54…|*|24h"}                 # of the server that is started for this call
people: {"+54…": {presses: ["2"]}}                         # who answers at the numbers that it calls
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sandbox.twilio.errors import ScriptError
from sandbox.twilio.person import Person
from sandbox.twilio.wav import read_speech
from telephony.twilio.media_stream import DTMF_DIGITS

CALLERS = Path(__file__).resolve().parent.parent / "callers"
FACTS = CALLERS / "facts.yaml"  # of the business that they phone
ANYONE = "+5491155550100"


@dataclass(frozen=True, slots=True)
class Turn:
    """Speech (mu-law) or keys. `interrupt_ms` after Carlos began to speak, or else when he has finished."""

    say: str = ""
    audio: bytes = b""
    digits: str = ""
    interrupt_ms: int | None = None
    heard: str = ""  # the speech as the stand-in's recogniser writes it, on any machine


@dataclass(frozen=True, slots=True)
class Script:
    name: str
    says: str
    number: str
    turns: tuple[Turn, ...]
    expect: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, Person] = field(default_factory=dict)


def script_names(root: Path = CALLERS) -> list[str]:
    """The recorded callers there are, by name."""
    return sorted(path.parent.name for path in root.glob("*/caller.yaml"))


def load_script(name: str, root: Path = CALLERS) -> Script:
    """Read one recorded caller. Raises ScriptError."""
    if name not in script_names(root):
        raise ScriptError(f"there is no caller {name!r}; there are: {', '.join(script_names(root)) or 'none'}")
    path = root / name / "caller.yaml"
    try:
        body = yaml.safe_load(path.read_text(encoding="utf-8"))
        turns = tuple(_turn(turn, path.parent) for turn in body["turns"])
        return Script(
            str(body["name"]),
            str(body["says"]),
            str(body["number"]),
            turns,
            dict(body.get("expect") or {}),
            {str(name): str(value) for name, value in (body.get("settings") or {}).items()},
            {str(number): Person(**person) for number, person in (body.get("people") or {}).items()},
        )
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise ScriptError(f"{path}: {error!r}") from error


def ad_hoc_script(files: Iterable[Path]) -> Script:
    """A caller who says these WAVs, one a turn. Raises ScriptError."""
    turns = tuple(Turn(say=f"[{path.name}]", audio=_spoken(path)) for path in files)
    return Script("ad-hoc", "Recordings given by hand.", ANYONE, turns)


def _spoken(path: Path) -> bytes:
    audio = read_speech(path)
    if not audio:
        raise ScriptError(f"{path} holds no sound")
    return audio


def _turn(body: Mapping[str, Any], folder: Path) -> Turn:
    if unknown := set(body) - {"say", "heard", "audio", "interrupt_ms", "dtmf"}:
        raise ScriptError(f"{folder.name}: unknown in a turn: {', '.join(sorted(unknown))}")
    digits = str(body.get("dtmf", ""))
    if not set(digits) <= DTMF_DIGITS or bool(digits) == ("audio" in body):
        raise ScriptError(f"{folder.name}: a turn has either audio or dtmf, of the keys of a telephone")
    interrupt = body.get("interrupt_ms")
    return Turn(
        say=str(body.get("say", "")),
        heard=str(body.get("heard", "")),
        audio=read_speech(folder / str(body["audio"])) if "audio" in body else b"",
        digits=digits,
        interrupt_ms=None if interrupt is None else int(interrupt),
    )
