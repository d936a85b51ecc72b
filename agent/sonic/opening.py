"""What a new stream is told before the caller is heard on it: set-up, instructions, the conversation so far.

Sources: that the first message must be the user's and that roles alternate, AWS's Nova Sonic user guide; that 68 ms of
audio must precede an interactive text, and that the model stays silent after a reconnect unless the history ends with
the user or an interactive text follows: recorded live by third parties.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from agent.sonic.events import (
    AudioInput,
    AudioStart,
    ClientEvent,
    ContentEnd,
    Endpointing,
    PromptStart,
    Role,
    SessionStart,
    TextInput,
    TextStart,
    ToolResult,
    ToolResultStart,
    ToolSpec,
)

ANSWER_TIMEOUT_S = 12.0  # the slowest answers recorded live took 9.9 s
SUSPECT_S = 3.5  # without an event, though an answer is due, until another stream is dialled beside it
ROTATE_AFTER_S = 360.0  # AWS's own continuation sample starts here
ROTATE_SPREAD_S = 60.0  # calls that began together are not renewed together
ROTATE_BY_S = 450.0  # in mid-sentence if need be
PRIME_S = 0.1

GREETING_CUE = "[llamada] Comenzó la llamada: saludá, decí quién sos y preguntá en qué podés ayudar."
RESUME_CUE = "[seguir] La conexión se cortó un instante: pedí disculpas en pocas palabras y seguí donde estabas."
RESUME_ANSWER_CUE = "[seguir] Te interrumpió un ruido y nadie habló: seguí con lo que estabas diciendo."
PROBE = "[control] Respondé solamente: sí."
SAY_IT_CUE = "[seguir] Tu respuesta no se escuchó: decila de nuevo."

History = Sequence[tuple[Role, str]]


@dataclass(frozen=True, slots=True)
class SonicConfig:
    """What every stream of a conversation is set up with. Rates in Hz, times in seconds."""

    model_id: str
    voice: str
    system: str
    tools: tuple[ToolSpec, ...]
    greeting: str | None = GREETING_CUE
    endpointing: Endpointing | None = None
    temperature: float = 0.7
    top_p: float = 0.9
    max_tokens: int = 4096  # at 1024 a greeting with tools ended without a word (one production's report)
    input_rate: int = 16000
    output_rate: int = 24000
    rotate_after_s: float = ROTATE_AFTER_S
    rotate_spread_s: float = ROTATE_SPREAD_S
    rotate_by_s: float = ROTATE_BY_S
    answer_timeout_s: float = ANSWER_TIMEOUT_S
    suspect_s: float = SUSPECT_S


@dataclass(frozen=True, slots=True)
class Names:
    """What a stream's prompt and its one block of audio are called."""

    prompt: str
    audio: str

    @classmethod
    def new(cls) -> Names:
        return cls(str(uuid4()), str(uuid4()))


def introduction(config: SonicConfig, names: Names, instructions: str, history: History) -> list[ClientEvent]:
    """Return the events from sessionStart to the last message of the history."""
    events: list[ClientEvent] = [
        SessionStart(config.max_tokens, config.top_p, config.temperature, config.endpointing),
        PromptStart(names.prompt, config.voice, config.output_rate, config.tools),
        *text_block(names, Role.SYSTEM, instructions, interactive=False),
    ]
    for role, text in history:
        events += text_block(names, role, text, interactive=False)
    return events


def first_audio(config: SonicConfig, names: Names) -> list[ClientEvent]:
    """Return the start of the block of audio that stays open, and the silence before a text may be answered."""
    silence = bytes(int(PRIME_S * config.input_rate) * 2)
    return [AudioStart(names.prompt, names.audio, config.input_rate), AudioInput(names.prompt, names.audio, silence)]


def text_block(names: Names, role: Role, text: str, *, interactive: bool) -> list[ClientEvent]:
    """Return the events of one message. An interactive one is answered, and cuts off what the model is saying."""
    block = str(uuid4())
    return [
        TextStart(names.prompt, block, role, interactive),
        TextInput(names.prompt, block, text),
        ContentEnd(names.prompt, block),
    ]


def result_block(names: Names, tool_use_id: str, content: str) -> list[ClientEvent]:
    """Return the events of a tool's answer, JSON, to the stream that asked for it."""
    block = str(uuid4())
    return [
        ToolResultStart(names.prompt, block, tool_use_id),
        ToolResult(names.prompt, block, content),
        ContentEnd(names.prompt, block),
    ]


def result_as_text(content: str) -> str:
    """Return the same for a stream that has not asked, and would end over a toolUseId that it does not know.

    An instruction, since a description is not reliably answered, and without the tool's name, since a model that reads
    it uses the tool again: AWS's prompting guide for Nova 2.5 Sonic, its appendix and rule 15.
    """
    return f"[herramienta] Contale ahora al cliente este resultado de lo que pidió: {content}"


def alternating(history: History) -> list[tuple[Role, str]]:
    """Return the messages with one where several of one role stand side by side."""
    merged: list[tuple[Role, str]] = []
    for role, text in history:
        if merged and merged[-1][0] is role:
            merged[-1] = (role, f"{merged[-1][1]} {text}")
        else:
            merged.append((role, text))
    return merged


def is_interruption(content: str) -> bool:
    """Return True for the text block that Sonic sends at a barge-in: `{ "interrupted" : true }`, as recorded live."""
    if not content.startswith("{"):
        return False
    try:
        return bool(json.loads(content) == {"interrupted": True})
    except json.JSONDecodeError:
        return False
