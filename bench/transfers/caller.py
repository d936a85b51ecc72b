"""A caller who wants a person: what they say to what Carlos has said, and their end of a media stream. Sans-IO."""

from __future__ import annotations

from collections import deque

from bench.speech import speech_ulaw
from sandbox.dialogue import lines
from sandbox.twilio.playout import SILENCE
from sandbox.twilio.stream import FRAME, FRAME_MS, Act
from sandbox.twilio.wav import loudness

ORDER, DNI, NAME = "6", "35.012.678", "Pedro Gómez"  # the name is nobody's: it is said, and proves nothing
ORDER_STATE = "Hola, quiero saber cómo va mi pedido número seis."
FOR_A_PERSON = "Quiero hablar con una persona."
NAMED = f"Hola, soy {NAME}. Quiero hablar con una persona."
CANCEL = "Quiero cancelar ese pedido."
GOODBYE = "Nada más, chau."
REPEATED = (lines.RESUME, lines.STILL_THERE, lines.NOT_HEARD, lines.NOT_UNDERSTOOD)
ASKS_DNI = "DNI"
SPEECH_LEVEL = 200
WORDS = speech_ulaw(0.6)  # whatever is said: the stand-in is told the words
QUIET_MS = 800  # this long without a sound, and Carlos has finished


class Talk:
    """One caller's side of the conversation."""

    def __init__(self, *, proven: bool, times: int = 1) -> None:
        self._proven = proven
        self._times = times  # that they ask for a person
        self._wishes = deque((ORDER_STATE, FOR_A_PERSON, GOODBYE) if proven else (NAMED, GOODBYE))
        self._said = ""

    def answer(self, carlos: str) -> str | None:
        """Return what the caller says to Carlos's latest words; None where there is nothing to say."""
        if carlos.endswith((lines.PASSING_ON, lines.GOODBYE)):
            return None
        self._said = self._next(carlos)
        return self._said

    def _next(self, carlos: str) -> str:
        if lines.NOBODY_CAME in carlos:
            self._times -= 1
            if self._times > 0:
                return FOR_A_PERSON
            return CANCEL if self._proven else ORDER_STATE
        if ASKS_DNI in carlos:
            return f"Mi DNI es {DNI}."
        if lines.CONFIRM in carlos:
            return "Sí, confirmo."
        if any(line in carlos for line in REPEATED):
            return self._said or self._wishes.popleft()
        return self._wishes.popleft() if self._wishes else GOODBYE


class Caller:
    """The ear and the mouth. `words` is what is being said, for a stand-in whose ear hears speech alone."""

    def __init__(self) -> None:
        self.words = ""
        self._quiet_ms = 0
        self._acts: deque[Act] = deque()

    @property
    def may_speak(self) -> bool:
        return not self._acts and self._quiet_ms >= QUIET_MS

    def say(self, words: str) -> None:
        self.words = words
        frames = (WORDS[at : at + FRAME].ljust(FRAME, bytes([SILENCE])) for at in range(0, len(WORDS), FRAME))
        self._acts.extend(Act(sound=frame) for frame in frames)

    def listen(self, heard: bytes) -> Act:
        self._quiet_ms = 0 if loudness(heard) >= SPEECH_LEVEL else self._quiet_ms + FRAME_MS
        return self._acts.popleft() if self._acts else Act()
