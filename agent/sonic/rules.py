"""When a client's event may come, and what it may contain: one table, used by both halves.

Our side asks before sending, so that a mistake of ours never costs a stream; the stand-in asks on receipt
and answers with the same words. A block is `contentStart`, one or more data events, `contentEnd`; blocks may
overlap, only one AUDIO block is open at a time.

Texts marked "live" were recorded from the service by third parties; where the real sentence is not known the
service's generic one stands in. Limits: AWS user guide for Nova 2 Sonic, as of 2026-06-22. Where sources disagree
about a rule it is `Disputed`, and holds only if asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from agent.sonic.errors import INVALID_INPUT, OrderError
from agent.sonic.events import (
    AudioInput,
    AudioStart,
    BlockStart,
    ClientEvent,
    ContentEnd,
    PromptEnd,
    PromptStart,
    Role,
    ServiceEvent,
    SessionEnd,
    SessionStart,
    TextInput,
    TextStart,
    ToolResult,
    ToolResultStart,
    ToolUse,
)

MESSAGE_LIMIT = 50 * 1024  # bytes of one history message
HISTORY_LIMIT = 200 * 1024  # bytes of all history messages
TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]+")
RATES = frozenset({8000, 16000, 24000})  # Hz, in and out

# Voices of Nova 2 Sonic, AWS user guide; the 2.5 model card lists none of its own.
VOICES = frozenset(
    ("tiffany", "matthew", "amy", "olivia", "kiara", "arjun", "ambre", "florian", "beatrice", "lorenzo")
    + ("tina", "lennart", "lupe", "carlos", "carolina", "leo")
)

DUPLICATE_SYSTEM = "Duplicate SYSTEM content. SYSTEM content can only be provided once per prompt."
OPEN_CONTENTS = "All contents must be closed before ending prompt"
HISTORY_OVER_LIMIT = "Chat history is over max limit. Trim chat history and try again."
HISTORY_AFTER_AUDIO = "Chat history should be sent completely before streaming audio."
TOOL_RESULT_NOT_JSON = "Tool Response parsing error"

SCHEMA_KEYS = frozenset({"type", "properties", "required"})  # at the top of a tool's schema
FOREIGN_SCHEMA_KEYS = frozenset({"$schema", "anyOf", "default", "additionalProperties", "title"})  # anywhere in it


class Phase(Enum):
    NEW = "new"
    SESSION = "session"
    PROMPT = "prompt"
    PROMPT_OVER = "prompt over"
    ENDED = "ended"


# What moves the session on. Every other event needs PROMPT and stays there. There is one prompt a stream: a second
# one is not answered with an error, the service closes the stream after 200 ms (live).
PHASES: Mapping[tuple[Phase, type[ClientEvent]], Phase] = {
    (Phase.NEW, SessionStart): Phase.SESSION,
    (Phase.SESSION, PromptStart): Phase.PROMPT,
    (Phase.PROMPT, PromptEnd): Phase.PROMPT_OVER,
    (Phase.PROMPT_OVER, SessionEnd): Phase.ENDED,
    (Phase.SESSION, SessionEnd): Phase.ENDED,
    (Phase.ENDED, SessionEnd): Phase.ENDED,  # strands-agents 1.62 sends connectionEnd behind it
}


class Disputed(Enum):
    """Rules that one source reports and another one contradicts, or that nobody has seen enforced."""

    # For: a comment in AWS's evaluation harness. Against: AWS's example of a history has interactive blocks, and
    # strands-agents 1.62 sends the user's text whenever it comes.
    TEXT_NEEDS_AUDIO = "interactive text of the user needs an AUDIO block, also before there was one"
    # For: AWS user guide, and livekit-plugins-aws 1.8.9 merges neighbours. Against: strands-agents 1.62 does not merge.
    HISTORY_ALTERNATES = "USER and ASSISTANT take turns in the history"
    # For: one report on Nova 2 Sonic, "Invalid input request" at promptStart; AWS's page on tools of the Nova
    # understanding models. Against: an AWS sample for WebRTC sends `default`.
    PLAIN_SCHEMAS = "a tool's schema has only the plainest keys"


OURS: Container[Disputed] = frozenset({Disputed.TEXT_NEEDS_AUDIO})  # what a careful client holds itself to


@dataclass(slots=True)
class Block:
    start: BlockStart
    history: bool
    received: int = 0  # data events
    size: int = 0  # bytes of text


@dataclass(slots=True)
class Prompt:
    """What was said so far in the open prompt."""

    name: str
    open: dict[str, Block] = field(default_factory=dict)
    used_names: set[str] = field(default_factory=set)
    has_system: bool = False
    has_history: bool = False
    has_audio: bool = False
    history_size: int = 0
    history_open: int = 0  # blocks
    last_role: Role | None = None  # of the history


class SessionRules:
    """Follows one session. `check` raises OrderError and changes nothing, or takes the event in."""

    def __init__(self, disputed: Container[Disputed] = OURS) -> None:
        self.phase = Phase.NEW
        self.prompt: Prompt | None = None
        self.awaited_tools: set[str] = set()
        self._disputed = disputed

    def check(self, event: ClientEvent) -> None:
        """Take a client's event in. Raises OrderError with the service's own words."""
        if type(event) is AudioInput and self._is_plain_audio(event):
            return
        for rule in RULES[type(event)]:
            if self._holds(rule) and rule.broken(self, event):
                raise OrderError(rule.words(event))
        self._apply(event)

    def _holds(self, rule: Rule) -> bool:
        return rule.disputed is None or rule.disputed in self._disputed

    def received(self, event: ServiceEvent) -> None:
        """Take a service's event in: a toolUse allows one toolResult."""
        if isinstance(event, ToolUse):
            self.awaited_tools.add(event.tool_use_id)

    @property
    def open_blocks(self) -> tuple[BlockStart, ...]:
        return tuple(block.start for block in self.prompt.open.values()) if self.prompt else ()

    def block(self, event: Any) -> Block | None:
        """The open block that a data event or a contentEnd names."""
        return self.prompt.open.get(event.content_name) if self.prompt else None

    def _is_plain_audio(self, event: AudioInput) -> bool:
        """The hot path: audio for the open audio block of the open prompt breaks no rule."""
        block = self.block(event)
        if block is None or not isinstance(block.start, AudioStart) or not event.audio:
            return False
        if block.start.prompt_name != event.prompt_name or (self.prompt and self.prompt.history_open):
            return False
        block.received += 1
        return True

    def _apply(self, event: ClientEvent) -> None:
        match event:
            case SessionStart() | SessionEnd() | PromptStart() | PromptEnd():
                self._move(event)
            case TextStart() | AudioStart() | ToolResultStart():
                self._open(event)
            case TextInput(content=content) | ToolResult(content=content):
                self._fill(event, _size(content))
            case ContentEnd(content_name=name) if self.prompt:
                self.prompt.history_open -= self.prompt.open.pop(name).history
            case _:
                pass

    def _move(self, event: ClientEvent) -> None:
        self.phase = PHASES[self.phase, type(event)]
        if isinstance(event, PromptStart):
            self.prompt = Prompt(event.prompt_name)
        elif isinstance(event, PromptEnd):
            self.prompt = None
            self.awaited_tools.clear()

    def _open(self, start: BlockStart) -> None:
        if self.prompt is None:
            return
        history = _is_history(self, start)
        self.prompt.open[start.content_name] = Block(start, history)
        self.prompt.used_names.add(start.content_name)
        if history:
            self.prompt.has_history = True
            self.prompt.history_open += 1
        match start:
            case AudioStart():
                self.prompt.has_audio = True
            case TextStart(role=Role.SYSTEM):
                self.prompt.has_system = True
            case TextStart(role=role) if history:
                self.prompt.last_role = role
            case ToolResultStart(tool_use_id=tool_use_id):
                self.awaited_tools.discard(tool_use_id)
            case _:
                pass

    def _fill(self, event: TextInput | ToolResult, size: int) -> None:
        block = self.block(event)
        if self.prompt is None or block is None:
            return
        block.received += 1
        block.size += size
        if block.history:
            self.prompt.history_size += size


def _size(content: str) -> int:
    return len(content.encode(errors="replace"))


# Predicates: true when the rule is broken. Rules are tried in order, so later ones may lean on earlier ones.


def _out_of_phase(order: SessionRules, event: ClientEvent) -> bool:
    if type(event) in {kind for _, kind in PHASES}:
        return (order.phase, type(event)) not in PHASES
    return order.phase is not Phase.PROMPT


def _prompt_again(order: SessionRules, event: PromptStart) -> bool:
    return order.phase is Phase.PROMPT and not _of_another_prompt(order, event)


def _of_another_prompt(order: SessionRules, event: Any) -> bool:
    return order.prompt is None or order.prompt.name != event.prompt_name


def _unknown_voice(order: SessionRules, event: PromptStart) -> bool:
    return event.voice not in VOICES


def _bad_tool(event: PromptStart) -> int | None:
    return next((i for i, tool in enumerate(event.tools) if not TOOL_NAME.fullmatch(tool.name)), None)


def _bad_tool_name(order: SessionRules, event: PromptStart) -> bool:
    return _bad_tool(event) is not None


def _bad_tool_words(event: PromptStart) -> str:
    index = _bad_tool(event) or 0
    return (
        f"Malformed input request: #/toolConfig/tools/{index}/toolSpec/name: "
        f"string [{event.tools[index].name}] does not match pattern ^[a-zA-Z0-9_-]+$"
    )


def _rich_schema(order: SessionRules, event: PromptStart) -> bool:
    return any(tool.input_schema.keys() - SCHEMA_KEYS or _has_foreign_key(tool.input_schema) for tool in event.tools)


def _has_foreign_key(schema: Any) -> bool:
    if not isinstance(schema, dict):
        return False
    nested = [*schema.get("properties", {}).values(), schema.get("items")]
    return not FOREIGN_SCHEMA_KEYS.isdisjoint(schema) or any(_has_foreign_key(inner) for inner in nested)


def _bad_output_rate(order: SessionRules, event: PromptStart) -> bool:
    return event.output_rate not in RATES


def _bad_input_rate(order: SessionRules, event: AudioStart) -> bool:
    return event.rate not in RATES


def _name_used(order: SessionRules, event: BlockStart) -> bool:
    return order.prompt is not None and event.content_name in order.prompt.used_names


def _second_system(order: SessionRules, event: TextStart) -> bool:
    return order.prompt is not None and event.role is Role.SYSTEM and order.prompt.has_system


def _late_system(order: SessionRules, event: TextStart) -> bool:
    if order.prompt is None or event.role is not Role.SYSTEM:
        return False
    return order.prompt.has_history or order.prompt.has_audio


def _text_of_a_tool(order: SessionRules, event: TextStart) -> bool:
    return event.role is Role.TOOL


def _interactive_for_another(order: SessionRules, event: TextStart) -> bool:
    """Before the audio the mark means nothing: AWS's samples set it on SYSTEM texts and on a history's messages."""
    return event.interactive and event.role is not Role.USER and _had_audio(order)


def _turn_after_audio(order: SessionRules, event: TextStart) -> bool:
    return event.interactive and _had_audio(order) and not _is_audio_open(order)


def _turn_before_audio(order: SessionRules, event: TextStart) -> bool:
    return event.interactive and event.role is Role.USER and not _had_audio(order)


def _had_audio(order: SessionRules) -> bool:
    return order.prompt is not None and order.prompt.has_audio


def _is_audio_open(order: SessionRules) -> bool:
    return any(isinstance(start, AudioStart) for start in order.open_blocks)


def _is_history(order: SessionRules, event: BlockStart) -> bool:
    if not isinstance(event, TextStart) or event.role not in (Role.USER, Role.ASSISTANT):
        return False
    return order.prompt is not None and not order.prompt.has_audio


def _assistant_first(order: SessionRules, event: TextStart) -> bool:
    if order.prompt is None or order.prompt.has_history:
        return False
    return _is_history(order, event) and event.role is not Role.USER


def _same_role_again(order: SessionRules, event: TextStart) -> bool:
    return order.prompt is not None and _is_history(order, event) and event.role is order.prompt.last_role


def _audio_in_history(order: SessionRules, event: AudioInput) -> bool:
    return order.prompt is not None and order.prompt.history_open > 0


def _second_audio(order: SessionRules, event: AudioStart) -> bool:
    return _is_audio_open(order)


def _unknown_tool_use(order: SessionRules, event: ToolResultStart) -> bool:
    return event.tool_use_id not in order.awaited_tools


def _for_another_block(kind: type[BlockStart]) -> Callable[[SessionRules, Any], bool]:
    def broken(order: SessionRules, event: Any) -> bool:
        block = order.block(event)
        return block is None or not isinstance(block.start, kind)

    return broken


def _no_block(order: SessionRules, event: ContentEnd) -> bool:
    return order.block(event) is None


def _empty_audio(order: SessionRules, event: AudioInput) -> bool:
    return not event.audio


def _over_history(order: SessionRules, event: TextInput) -> bool:
    block, size = order.block(event), _size(event.content)
    if order.prompt is None or block is None or not block.history:
        return False
    return block.size + size > MESSAGE_LIMIT or order.prompt.history_size + size > HISTORY_LIMIT


def _not_an_object(order: SessionRules, event: ToolResult) -> bool:
    try:
        return not isinstance(json.loads(event.content), dict)
    except (ValueError, RecursionError):
        return True


def _empty_block(order: SessionRules, event: ContentEnd) -> bool:
    block = order.block(event)
    return block is not None and not block.received


def _open_contents(order: SessionRules, event: PromptEnd) -> bool:
    return bool(order.open_blocks)


def _no_audio(order: SessionRules, event: PromptEnd) -> bool:
    return order.prompt is not None and not order.prompt.has_audio


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    broken: Callable[[SessionRules, Any], bool]
    text: str | Callable[[Any], str] = INVALID_INPUT
    disputed: Disputed | None = None  # holds always, or only if asked for

    def words(self, event: ClientEvent) -> str:
        return self.text if isinstance(self.text, str) else self.text(event)


_PHASE = Rule("out of phase", _out_of_phase)
_PROMPT = Rule("another prompt's name", _of_another_prompt)
_NAME = Rule("a content name used before", _name_used)

RULES: Mapping[type[Any], tuple[Rule, ...]] = {
    SessionStart: (_PHASE,),
    PromptStart: (
        Rule(
            "a prompt that is open already", _prompt_again, lambda e: f"Duplicate prompt name: {e.prompt_name}"
        ),  # live
        _PHASE,
        Rule(
            "an unknown voice",  # live
            _unknown_voice,
            lambda e: f"Received invalid id: '{e.voice}'. Please check AWS documentation for valid voiceIds.",
        ),
        Rule("a tool name outside its pattern", _bad_tool_name, _bad_tool_words),  # live
        Rule("a tool's schema with keys of its own", _rich_schema, disputed=Disputed.PLAIN_SCHEMAS),
        Rule("an output rate that does not exist", _bad_output_rate),
    ),
    TextStart: (
        _PHASE,
        _PROMPT,
        _NAME,
        Rule("a second SYSTEM text", _second_system, DUPLICATE_SYSTEM),  # live
        Rule("SYSTEM text after history or audio", _late_system),
        Rule("text of a tool", _text_of_a_tool),
        Rule("interactive text that is not the user's", _interactive_for_another),
        Rule("interactive text after the audio", _turn_after_audio),
        Rule("interactive text before the audio", _turn_before_audio, disputed=Disputed.TEXT_NEEDS_AUDIO),
        Rule("history that begins with the assistant", _assistant_first),
        Rule("history of one role twice", _same_role_again, disputed=Disputed.HISTORY_ALTERNATES),
    ),
    AudioStart: (
        _PHASE,
        _PROMPT,
        _NAME,
        Rule("an input rate that does not exist", _bad_input_rate),
        Rule("a second open audio block", _second_audio),
    ),
    # That an unknown toolUseId is fatal was recorded live; its text was not.
    ToolResultStart: (_PHASE, _PROMPT, _NAME, Rule("an unknown toolUseId", _unknown_tool_use)),
    TextInput: (
        _PHASE,
        _PROMPT,
        Rule("text for no open text block", _for_another_block(TextStart)),
        Rule("too much history", _over_history, HISTORY_OVER_LIMIT),  # live
    ),
    AudioInput: (
        _PHASE,
        _PROMPT,
        Rule("audio for no open audio block", _for_another_block(AudioStart)),
        # The text is what livekit-plugins-aws 1.8.9 waits for. Within interactive text audio is fine (AWS's harness).
        Rule("audio within a block of the history", _audio_in_history, HISTORY_AFTER_AUDIO),
        Rule("audio of no length", _empty_audio),
    ),
    ToolResult: (
        _PHASE,
        _PROMPT,
        Rule("a result for no open tool block", _for_another_block(ToolResultStart)),
        Rule("a result that is no JSON object", _not_an_object, TOOL_RESULT_NOT_JSON),  # live
    ),
    ContentEnd: (
        _PHASE,
        _PROMPT,
        Rule("the end of no open block", _no_block),
        Rule(
            "an empty block",  # live
            _empty_block,
            lambda e: f"Cannot end content {e.content_name} as no content data was received",
        ),
    ),
    PromptEnd: (
        _PHASE,
        _PROMPT,
        Rule("open blocks at the prompt's end", _open_contents, OPEN_CONTENTS),  # live
        Rule(
            "a prompt without audio",  # live, brackets included
            _no_audio,
            lambda e: f"Prompt [{e.prompt_name}] must have at least one audio content",
        ),
    ),
    SessionEnd: (_PHASE,),
}
