"""The states of a call, as a table; drawn in docs/architecture.md. What a state has to do with time is elsewhere:
`agent.floor`, `agent.ending`, `agent.keypad`, and for the stream `agent.sonic.session`."""

from __future__ import annotations

from enum import StrEnum, auto


class CallState(StrEnum):
    GREETING = auto()  # the caller has not heard Carlos yet
    RESUMING = auto()  # nor on this line, of a call that was cut off
    LISTENING = auto()  # it is the caller's turn, or the model thinks
    ANSWERING = auto()  # Carlos speaks, or is about to tell what a tool said
    TOOL_PENDING = auto()
    ENDING = auto()  # the model has asked to hang up, or the caller says nothing any more
    CLOSING = auto()  # the time is up: nothing stops this goodbye
    APOLOGISING = auto()  # there is no model any more
    OVER = auto()


class CallMove(StrEnum):
    """What moves a call from state to state."""

    CALLER_SPOKE = auto()  # in words, or with a key
    ANSWER_BEGAN = auto()  # its first audio came
    ANSWER_PLAYED = auto()  # the caller heard the latest one to its end,
    INTERRUPTED = auto()  # or cut it off
    TOOL_CALLED = auto()
    TOOLS_ANSWERED = auto()  # no other is pending
    HANG_UP_ASKED = auto()  # by the model, or by the clock of the floor
    TIME_UP = auto()
    SONIC_LOST = auto()
    ENDED = auto()


# state: {move: next state}. What may happen when; all else is a mistake, here or in the order of Sonic's events.
TRANSITIONS: dict[CallState, dict[CallMove, CallState]] = {
    CallState.GREETING: {
        CallMove.CALLER_SPOKE: CallState.GREETING,
        CallMove.ANSWER_BEGAN: CallState.ANSWERING,
        CallMove.INTERRUPTED: CallState.GREETING,
        CallMove.TOOL_CALLED: CallState.GREETING,
        CallMove.TOOLS_ANSWERED: CallState.GREETING,
        CallMove.HANG_UP_ASKED: CallState.ENDING,
        CallMove.TIME_UP: CallState.CLOSING,
        CallMove.SONIC_LOST: CallState.APOLOGISING,
        CallMove.ENDED: CallState.OVER,
    },
    CallState.RESUMING: {
        CallMove.CALLER_SPOKE: CallState.RESUMING,
        CallMove.ANSWER_BEGAN: CallState.ANSWERING,
        CallMove.INTERRUPTED: CallState.RESUMING,
        CallMove.TOOL_CALLED: CallState.RESUMING,
        CallMove.TOOLS_ANSWERED: CallState.RESUMING,
        CallMove.HANG_UP_ASKED: CallState.ENDING,
        CallMove.TIME_UP: CallState.CLOSING,
        CallMove.SONIC_LOST: CallState.APOLOGISING,
        CallMove.ENDED: CallState.OVER,
    },
    CallState.LISTENING: {
        CallMove.CALLER_SPOKE: CallState.LISTENING,
        CallMove.ANSWER_BEGAN: CallState.ANSWERING,
        CallMove.ANSWER_PLAYED: CallState.LISTENING,
        CallMove.INTERRUPTED: CallState.LISTENING,
        CallMove.TOOL_CALLED: CallState.TOOL_PENDING,
        CallMove.TOOLS_ANSWERED: CallState.ANSWERING,
        CallMove.HANG_UP_ASKED: CallState.ENDING,
        CallMove.TIME_UP: CallState.CLOSING,
        CallMove.SONIC_LOST: CallState.APOLOGISING,
        CallMove.ENDED: CallState.OVER,
    },
    CallState.ANSWERING: {
        CallMove.CALLER_SPOKE: CallState.ANSWERING,
        CallMove.ANSWER_BEGAN: CallState.ANSWERING,
        CallMove.ANSWER_PLAYED: CallState.LISTENING,
        CallMove.INTERRUPTED: CallState.LISTENING,
        CallMove.TOOL_CALLED: CallState.TOOL_PENDING,
        CallMove.TOOLS_ANSWERED: CallState.ANSWERING,
        CallMove.HANG_UP_ASKED: CallState.ENDING,
        CallMove.TIME_UP: CallState.CLOSING,
        CallMove.SONIC_LOST: CallState.APOLOGISING,
        CallMove.ENDED: CallState.OVER,
    },
    CallState.TOOL_PENDING: {
        CallMove.CALLER_SPOKE: CallState.TOOL_PENDING,
        CallMove.ANSWER_BEGAN: CallState.TOOL_PENDING,
        CallMove.ANSWER_PLAYED: CallState.TOOL_PENDING,
        CallMove.INTERRUPTED: CallState.TOOL_PENDING,
        CallMove.TOOL_CALLED: CallState.TOOL_PENDING,
        CallMove.TOOLS_ANSWERED: CallState.ANSWERING,
        CallMove.HANG_UP_ASKED: CallState.ENDING,
        CallMove.TIME_UP: CallState.CLOSING,
        CallMove.SONIC_LOST: CallState.APOLOGISING,
        CallMove.ENDED: CallState.OVER,
    },
    CallState.ENDING: {
        CallMove.CALLER_SPOKE: CallState.LISTENING,
        CallMove.ANSWER_BEGAN: CallState.ENDING,
        CallMove.ANSWER_PLAYED: CallState.ENDING,
        CallMove.INTERRUPTED: CallState.ENDING,
        CallMove.TOOL_CALLED: CallState.ENDING,
        CallMove.TOOLS_ANSWERED: CallState.ENDING,
        CallMove.HANG_UP_ASKED: CallState.ENDING,
        CallMove.TIME_UP: CallState.CLOSING,
        CallMove.SONIC_LOST: CallState.APOLOGISING,
        CallMove.ENDED: CallState.OVER,
    },
    CallState.CLOSING: {
        CallMove.CALLER_SPOKE: CallState.CLOSING,
        CallMove.ANSWER_BEGAN: CallState.CLOSING,
        CallMove.ANSWER_PLAYED: CallState.CLOSING,
        CallMove.INTERRUPTED: CallState.CLOSING,
        CallMove.TOOL_CALLED: CallState.CLOSING,
        CallMove.TOOLS_ANSWERED: CallState.CLOSING,
        CallMove.HANG_UP_ASKED: CallState.CLOSING,
        CallMove.SONIC_LOST: CallState.CLOSING,
        CallMove.ENDED: CallState.OVER,
    },
    CallState.APOLOGISING: {
        CallMove.CALLER_SPOKE: CallState.APOLOGISING,
        CallMove.ANSWER_PLAYED: CallState.APOLOGISING,
        CallMove.TOOLS_ANSWERED: CallState.APOLOGISING,
        CallMove.ENDED: CallState.OVER,
    },
    CallState.OVER: {},
}
