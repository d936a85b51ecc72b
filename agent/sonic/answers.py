"""Which answer the service is making, and how much of it is still for the line: sans-IO.

    nothing   --its first block-->             speaking
    speaking  --its last audio-->              nothing
    speaking  --the caller cuts in-->          cut off: what comes until the next answer's first block is dropped
    speaking  --its stream is lost-->          nothing, and broken: what was made of it is played to its end

An answer that nobody asked for, to an "ajá", is passed over: it is none of these, and has no number.

`agent.sonic.conversation` follows the same events for what is owed to the caller, which outlives a lost stream.
"""

from __future__ import annotations

from agent.sonic.events import ContentEnded, ContentStarted, ContentType, Role, Stage, StopReason


class Answers:
    """The answers of a call, numbered from 1."""

    def __init__(self) -> None:
        self.number = 0  # of the answer being made, or of the last one
        self.block = 0  # of its texts
        self.speaking = False  # between its first block and its last
        self.cut_off = False  # the caller cut in: what is left of it is not for him
        self.unasked = 0  # answers that are to come, or coming, and are passed over
        self._audible = False  # some of its audio has come
        self._broken = 0  # the last answer that a lost stream cut short
        self._content: ContentStarted | None = None  # the content that is open
        self._answer_of: dict[str, int] = {}  # content id -> the answer that was being made when it began

    def content_started(self, event: ContentStarted) -> bool:
        """Return True if an answer begins with it."""
        self._content = event
        begins = False
        if self._is_planned:
            self.cut_off = self.unasked > 0
            if begins := not (self.speaking or self.cut_off):
                self._begin()
        self._answer_of[event.content_id] = self.number
        return begins

    def content_ended(self, event: ContentEnded) -> bool:
        """Return True if it was the answer's last, as far as the service tells; not for one that was broken off."""
        self._content = None
        if event.type is ContentType.AUDIO and event.stop_reason is not StopReason.PARTIAL_TURN:
            self.unasked = max(0, self.unasked - 1)
        return event.type is ContentType.AUDIO and event.stop_reason not in (
            StopReason.PARTIAL_TURN,
            StopReason.INTERRUPTED,
        )

    def text(self) -> bool:
        """An ASSISTANT text came. Return True for one that is about to be spoken, not Sonic's own account of what it
        said: that comes seconds late, and the line's marks are the truth."""
        if self.cut_off or not self._is_planned:
            return False
        self.block += 1
        return True

    def audio(self) -> bool:
        """Audio of the answer came. Return True for the first."""
        first, self._audible = not self._audible, True
        return first

    def end(self) -> bool:
        """Return True if one was being made."""
        ended, self.speaking = self.speaking, False
        return ended

    def stream_lost(self) -> None:
        """The stream that was making it is gone."""
        self.unasked = 0
        if self.speaking:
            self._broken = self.number

    def is_current(self, content_id: str) -> bool:
        """Return True for a content of this answer, and for one that nobody announced."""
        return self._answer_of.get(content_id, self.number) == self.number

    def is_whole(self, number: int) -> bool:
        """Return True if the service made this answer to its end."""
        return number != self._broken

    @property
    def _is_planned(self) -> bool:
        content = self._content
        return content is not None and content.role is Role.ASSISTANT and content.stage is Stage.SPECULATIVE

    def _begin(self) -> None:
        self.speaking, self._audible = True, False
        self.number += 1
        self.block = 0
        self._answer_of = {block: number for block, number in self._answer_of.items() if number == self.number - 1}
