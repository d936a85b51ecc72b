"""What recorded callers say, known from their scripts: to recognise it takes more CPU than all else of their calls.

That the recogniser writes what the scripts say is held in `tests/speech/test_caller_audio.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future

from bench.hearing import utterances
from sandbox.local import shared_hearing
from sandbox.twilio.script import Turn


class KnownWords:
    """Knows these turns to the sample, and recognises whatever else is said."""

    def __init__(self, turns: Iterable[Turn]) -> None:
        self._texts = {audio: turn.heard for turn in turns if turn.audio for audio in utterances(turn.audio)}

    def begin(self, pcm: bytes, rate: int) -> Future[str]:
        """See `Hearing.begin`. What ends at a pause inside a turn is never known: the caller goes on, nobody waits."""
        if pcm not in self._texts and not any(audio.startswith(pcm) for audio in self._texts):
            return shared_hearing().begin(pcm, rate)
        known = Future[str]()
        if pcm in self._texts:
            known.set_result(self._texts[pcm])
        return known

    async def why_deaf(self) -> str | None:
        return await shared_hearing().why_deaf()
