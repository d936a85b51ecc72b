"""What was asked and what has been answered, followed through Sonic's events: sans-IO.

It says what another stream must be told, what is still owed to the caller (`Watch`), and which events are to be passed
over. Sources: late FINAL texts, TEXT-only turns and the several ways to tell of a barge-in, recorded live by third
parties; that a tool's use is always answered, AWS's user guide.
"""

from __future__ import annotations

import re

from agent.sonic.events import (
    AudioOutput,
    ContentEnded,
    ContentStarted,
    ContentType,
    Role,
    ServiceEvent,
    Stage,
    StopReason,
    TextOutput,
    ToolUse,
    UserSpeechEnd,
    UserSpeechStart,
)
from agent.sonic.opening import RESUME_CUE, History, SonicConfig, alternating, is_interruption, result_as_text
from agent.sonic.watch import Owed, Watch

_WORD = re.compile(r"\w")


class Conversation:
    """What was said in one call, and what is owed. `now` is in seconds of one clock everywhere."""

    def __init__(self, config: SonicConfig) -> None:
        self.config = config
        self.watch = Watch(config.answer_timeout_s, config.suspect_s)
        self.answering = False  # from the first text of an answer to its last audio
        self.caller_waits = False  # for an answer to what he said
        self.tools: dict[str, tuple[object, str]] = {}  # toolUseId -> the stream that asked, and the tool
        self.cut_off = False  # the service broke an answer off, and no words have followed
        self.goodbye_said = False  # and no word of the caller's has followed: a tool's result needs no answer
        self.say_it_again = False  # an answer was text alone: nobody heard it
        self._said_again = False
        self._speech_at_all = self._speech_since = False  # reported: ever, and since the answer began
        self._shorten = 0
        self._unspoken_result: str | None = None  # as a text for another stream
        self._silent = True  # no audio of the answer that is being made
        self._planned: set[str] = set()  # content ids of its texts
        self._blocks: set[str] = set()  # of its audio
        self._stale: set[str] = set()  # of the audio of answers before the last question

    # --- what the session does ------------------------------------------------------------------------------

    def asked(self, now: float) -> None:
        """Something that must be answered went to the live stream."""
        self._silent = True
        self._stale |= self._blocks
        self._blocks.clear()
        self.watch.asked(now)

    def typed(self, now: float) -> None:
        """A text was sent."""
        self.caller_waits = True
        self.cut_off = self.goodbye_said = False
        self.asked(now)

    def tool_answered(self, tool_use_id: str, content: str, now: float) -> None:
        """A tool's result was sent; another stream would have to be told of it in words."""
        self.tools.pop(tool_use_id)
        if self.goodbye_said:
            return
        self._unspoken_result = result_as_text(content)
        self.asked(now)

    def nothing_asked(self) -> None:
        """The caller's last words want no answer: a model that gives none is not to be waited for."""
        self.caller_waits = False
        self.watch.nothing_owed()

    def new_stream(self, now: float) -> None:
        """Another stream is the live one."""
        self.answering = False
        self._silent = True
        self._blocks.clear()
        self.watch.replaced(now)

    def too_long(self) -> None:
        """The service does not take the history: from now on half of it is told, then a quarter."""
        self._shorten += 1

    def progress(self) -> None:
        """An answer was heard to its end."""
        self._shorten = 0
        self.watch.answer_timeout_s = self.config.answer_timeout_s

    @property
    def quiet(self) -> bool:
        """Return True when nothing is owed, said, or asked."""
        return not (self.answering or self.caller_waits or self.tools) and self.watch.owed is Owed.NOTHING

    @property
    def owes_answer(self) -> bool:
        """Return True when something was asked that has not been answered to its end."""
        return self.answering or self.caller_waits or self.watch.owed in (Owed.ANSWER, Owed.REST)

    @property
    def spoken_over(self) -> bool:
        """Return True if somebody has spoken since the answer began, or may have where the service reports none."""
        return self._speech_since or not self._speech_at_all

    def history_for_new_stream(self, history: History, waiting: str) -> tuple[list[tuple[Role, str]], str | None]:
        """The history for a new stream, and the text that makes the model speak, if it is its turn.

        `waiting` is typed text that is still to be sent: told with the history, it would be told twice.
        """
        told = self._without(alternating(history), waiting)
        told = told[len(told) - (len(told) >> self._shorten) :]
        if told and told[0][0] is not Role.USER:
            # The service wants the first message to be the user's.
            told.insert(0, (Role.USER, self.config.greeting or RESUME_CUE))
        if not told:
            return told, self.config.greeting
        if self.tools:
            return told, None  # the result, when it comes, makes the model go on
        if self._unspoken_result is not None:
            return told, self._unspoken_result
        if self.caller_waits and told[-1][0] is Role.USER:
            return told[:-1], told[-1][1]
        return told, RESUME_CUE if self.answering or self.caller_waits else None

    @staticmethod
    def _without(history: list[tuple[Role, str]], waiting: str) -> list[tuple[Role, str]]:
        if waiting and history and history[-1][0] is Role.USER and history[-1][1].endswith(waiting):
            before = history.pop()[1].removesuffix(waiting).rstrip()
            if before:
                history.append((Role.USER, before))
        return history

    # --- what the service says ------------------------------------------------------------------------------

    def follow(self, stream: object, event: ServiceEvent, now: float) -> bool:
        """Take an event of the live stream. Return False for one that is not passed on."""
        self.watch.event(now)
        match event:
            case AudioOutput(content_id):
                self._audio(content_id, now)
            case UserSpeechStart():
                self._speech_at_all = self._speech_since = True
                self.watch.speech_reported(now)
            case UserSpeechEnd():
                self.watch.speech_over(now)
            case TextOutput(_, Role.USER, content):
                if not _WORD.search(content):
                    return False  # text without a word is no turn
                self._words(now)
            case TextOutput(_, Role.ASSISTANT, content) if is_interruption(content):
                self._interrupted()
            case ContentStarted(content_id, ContentType.TEXT, Role.ASSISTANT, Stage.SPECULATIVE):
                self._answer_begins(content_id, now)
            case ContentEnded(content_id, ContentType.AUDIO, reason) if reason is not StopReason.PARTIAL_TURN:
                self._audio_ended(content_id)  # a reason that nobody knows is an end, too
            case ContentEnded(content_id, ContentType.TEXT, StopReason.END_TURN) if content_id in self._planned:
                self._silent_turn()
            case ContentEnded(_, _, StopReason.INTERRUPTED):
                self._interrupted()
            case ToolUse(_, tool_use_id, name, _):
                return self._tool_asked(stream, tool_use_id, name)
        return True

    def _words(self, now: float) -> None:
        if self.answering and not self.spoken_over:
            return  # a late transcript of what is being answered
        self.answering = False
        self.caller_waits = True
        self.cut_off = self._said_again = self.goodbye_said = False
        self._unspoken_result = None
        self.asked(now)

    def _answer_begins(self, content_id: str, now: float) -> None:
        if not self.answering:
            self.answering = self._silent = True
            self._speech_since = False
            self._planned.clear()
        self._planned.add(content_id)
        self.cut_off = False
        if self._silent:
            self.watch.asked(now)

    def _audio(self, content_id: str, now: float) -> None:
        if self._silent and content_id not in self._stale:
            self._silent = False
            self._blocks.add(content_id)
            self.watch.began(now)

    def _audio_ended(self, content_id: str) -> None:
        if content_id in self._stale:
            self._stale.discard(content_id)
            return
        self.answering = self.caller_waits = self._said_again = False
        self._unspoken_result = None
        self.watch.nothing_owed()

    def _interrupted(self) -> None:
        """What tells of a barge-in beside the audio's own end may come late, in the next question's time."""
        if self.answering:
            self.answering = False
            self.watch.nothing_owed()

    def _silent_turn(self) -> None:
        """A turn that ends with its text (33 sessions of one third party's) is asked for once more."""
        if not (self.answering and self._silent):
            return
        self.answering = False
        self.watch.nothing_owed()
        self.say_it_again = not self._said_again
        self._said_again = True
        self.caller_waits = False

    def _tool_asked(self, stream: object, tool_use_id: str, name: str) -> bool:
        if tool_use_id in self.tools:
            return False  # it is being answered; one that was is answered again, by a toolbox that remembers
        self.tools[tool_use_id] = (stream, name)
        self.watch.nothing_owed()  # it is our turn
        return True


def speaks(event: ServiceEvent) -> bool:
    """Return True for an event that only a model gives that has heard something: words, audio, a tool's use."""
    match event:
        case TextOutput(_, Role.USER, content):
            return _WORD.search(content) is not None
        case TextOutput() | AudioOutput() | ToolUse() | ContentStarted(_, _, Role.ASSISTANT, _):
            return True
    return False
