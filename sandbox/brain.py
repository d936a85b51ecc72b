"""What sits behind the stand-in's wire: an ear, a mind and a voice.

The session engine (`sandbox/sonic/`) speaks the protocol and owns turns, barge-in and clocks. It asks these
three for everything a real model would do, so that a scripted brain (tests) and the local one (hears with
Whisper, understands with a deterministic Spanish dialogue, speaks with Kokoro clips and espeak-ng) fit the
same socket. Audio is PCM 16-bit little-endian mono throughout.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the client set up before the first turn: nothing of it changes within a session."""

    system: str
    tools: tuple[str, ...]
    history: tuple[tuple[str, str], ...]  # (role "USER" | "ASSISTANT", text), oldest first
    voice: str
    input_rate: int  # Hz
    output_rate: int  # Hz
    endpointing: str | None = None  # HIGH | MEDIUM | LOW


@dataclass(frozen=True, slots=True)
class Utterance:
    """One turn of the caller: speech (audio at `Prompt.input_rate`) or typed interactive text."""

    audio: bytes = b""
    text: str | None = None


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    offset_ms: int  # of the speech's first sample, from the start of the audio stream


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    offset_ms: int  # of the speech's last sample
    detected_ms: int  # where the pause was long enough to call it the end
    audio: bytes  # the speech with some silence around it, at the input rate


class Ear(Protocol):
    """Finds speech in a caller's audio; made anew for each session."""

    def feed(self, pcm: bytes) -> Sequence[SpeechStarted | SpeechEnded]:
        """Take the next audio (any length) and return what it ended or began. Must not block for long."""
        ...


class Floor(Protocol):
    """What a mind may do while it has the turn. Each call may raise CancelledError when the caller barges in."""

    @property
    def prompt(self) -> Prompt: ...

    async def transcript(self, text: str) -> None:
        """Report what was heard: the USER FINAL text block. Once an utterance, before anything else."""
        ...

    async def say(self, text: str) -> None:
        """Speak one sentence or two: SPECULATIVE text, AUDIO, and later the FINAL text. Returns when the audio
        has been generated, which is faster than real time."""
        ...

    async def use_tool(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call a tool of the client and wait for its toolResult, a JSON object. Never cancelled by a barge-in."""
        ...

    async def more(self, timeout_s: float) -> Utterance | None:
        """Wait for the caller to go on (a number said in two breaths); None when they did not."""
        ...


class Mind(Protocol):
    """Decides each turn; made anew for each session and primed with the prompt's history."""

    def begin(self, prompt: Prompt) -> None: ...

    async def turn(self, heard: Utterance, floor: Floor) -> None:
        """Answer one utterance. May be cancelled at any await by a barge-in: keep state consistent."""
        ...


class Voice(Protocol):
    """Turns text into audio at a given rate."""

    def speak(self, text: str, rate: int) -> AsyncIterator[bytes]:
        """Yield PCM pieces of any size; the first one soon."""
        ...


@dataclass(frozen=True, slots=True)
class Brain:
    """The three together, as the server makes them for one session."""

    ear: Ear
    mind: Mind
    voice: Voice
