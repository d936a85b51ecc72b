"""Every ordering rule has a case here that breaks it, and no case breaks another rule first."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field

import pytest

from agent.sonic.errors import INVALID_INPUT, OrderError
from agent.sonic.events import (
    AudioInput,
    AudioStart,
    ClientEvent,
    ContentEnd,
    PromptEnd,
    PromptStart,
    Role,
    SessionEnd,
    SessionStart,
    TextInput,
    TextStart,
    ToolResult,
    ToolResultStart,
    ToolSpec,
    ToolUse,
)
from agent.sonic.rules import (
    DUPLICATE_SYSTEM,
    HISTORY_AFTER_AUDIO,
    HISTORY_OVER_LIMIT,
    MESSAGE_LIMIT,
    OPEN_CONTENTS,
    RULES,
    TOOL_RESULT_NOT_JSON,
    Disputed,
    Phase,
    SessionRules,
)

SESSION = SessionStart(1024, 0.9, 0.7)
PROMPT = PromptStart("p", "carlos", 24000)
OPEN: list[ClientEvent] = [SESSION, PROMPT]
AUDIO: list[ClientEvent] = [*OPEN, AudioStart("p", "audio", 16000), AudioInput("p", "audio", b"\0\0")]
TOOL: list[ClientEvent] = [*AUDIO, ToolResultStart("p", "result", "use")]


def text(name: str, role: Role, content: str = "Hola", *, interactive: bool = False) -> list[ClientEvent]:
    return [TextStart("p", name, role, interactive), TextInput("p", name, content), ContentEnd("p", name)]


@dataclass(frozen=True)
class Case:
    rule: str
    before: list[ClientEvent]
    event: ClientEvent
    message: str = INVALID_INPUT
    tool_uses: list[str] = field(default_factory=lambda: ["use"])


CASES = [
    Case("out of phase", [SESSION], SESSION),
    Case("out of phase", [], PROMPT),
    Case("a prompt that is open already", OPEN, PROMPT, "Duplicate prompt name: p"),
    Case("out of phase", OPEN, PromptStart("q", "carlos", 24000)),
    Case("out of phase", [SESSION], TextStart("p", "c", Role.USER)),
    Case("out of phase", [], AudioStart("p", "c", 16000)),
    Case("out of phase", [SESSION], ToolResultStart("p", "c", "use")),
    Case("out of phase", [SESSION], TextInput("p", "c", "Hola")),
    Case("out of phase", [SESSION], AudioInput("p", "c", b"\0\0")),
    Case("out of phase", [SESSION], ToolResult("p", "c", "{}")),
    Case("out of phase", [SESSION], ContentEnd("p", "c")),
    Case("out of phase", [SESSION], PromptEnd("p")),
    Case("out of phase", [], SessionEnd()),
    Case("out of phase", OPEN, SessionEnd()),
    Case(
        "an unknown voice",
        [SESSION],
        PromptStart("p", "Matthew", 24000),
        "Received invalid id: 'Matthew'. Please check AWS documentation for valid voiceIds.",
    ),
    Case(
        "a tool name outside its pattern",
        [SESSION],
        PromptStart("p", "carlos", 24000, (ToolSpec("clock.now", "", {}),)),
        "Malformed input request: #/toolConfig/tools/0/toolSpec/name: "
        "string [clock.now] does not match pattern ^[a-zA-Z0-9_-]+$",
    ),
    *(
        Case("a tool's schema with keys of its own", [SESSION], PromptStart("p", "carlos", 24000, (tool,)))
        for tool in (
            ToolSpec("consultar", "", {"type": "object", "anyOf": []}),
            ToolSpec("consultar", "", {"type": "object", "properties": {"dni": {"type": "string", "default": ""}}}),
            ToolSpec("consultar", "", {"type": "object", "properties": {"ids": {"items": {"title": "Id"}}}}),
        )
    ),
    Case("an output rate that does not exist", [SESSION], PromptStart("p", "carlos", 44100)),
    Case("another prompt's name", OPEN, TextStart("q", "c", Role.USER)),
    Case("another prompt's name", OPEN, AudioStart("q", "c", 16000)),
    Case("another prompt's name", OPEN, ToolResultStart("q", "c", "use")),
    Case("another prompt's name", [*OPEN, TextStart("p", "c", Role.USER)], TextInput("q", "c", "Hola")),
    Case("another prompt's name", AUDIO, AudioInput("q", "audio", b"\0\0")),
    Case("another prompt's name", TOOL, ToolResult("q", "result", "{}")),
    Case("another prompt's name", AUDIO, ContentEnd("q", "audio")),
    Case("another prompt's name", OPEN, PromptEnd("q")),
    Case("a content name used before", [*OPEN, *text("c", Role.USER)], TextStart("p", "c", Role.USER)),
    Case("a content name used before", [*OPEN, *text("c", Role.USER)], AudioStart("p", "c", 16000)),
    Case("a content name used before", AUDIO, ToolResultStart("p", "audio", "use")),
    Case(
        "a second SYSTEM text",
        [*OPEN, *text("c", Role.SYSTEM)],
        TextStart("p", "d", Role.SYSTEM),
        DUPLICATE_SYSTEM,
    ),
    Case("SYSTEM text after history or audio", AUDIO, TextStart("p", "c", Role.SYSTEM)),
    Case(
        "SYSTEM text after history or audio",
        [*OPEN, *text("c", Role.USER)],
        TextStart("p", "d", Role.SYSTEM),
    ),
    Case("text of a tool", OPEN, TextStart("p", "c", Role.TOOL)),
    Case("interactive text that is not the user's", AUDIO, TextStart("p", "c", Role.ASSISTANT, True)),
    Case("interactive text before the audio", OPEN, TextStart("p", "c", Role.USER, True)),
    Case("interactive text after the audio", [*AUDIO, ContentEnd("p", "audio")], TextStart("p", "c", Role.USER, True)),
    Case("history that begins with the assistant", OPEN, TextStart("p", "c", Role.ASSISTANT)),
    Case("history of one role twice", [*OPEN, *text("c", Role.USER)], TextStart("p", "d", Role.USER)),
    Case("an input rate that does not exist", OPEN, AudioStart("p", "c", 11025)),
    Case("a second open audio block", AUDIO, AudioStart("p", "c", 16000)),
    Case("an unknown toolUseId", AUDIO, ToolResultStart("p", "c", "use"), tool_uses=[]),
    Case("an unknown toolUseId", AUDIO, ToolResultStart("p", "c", "another")),
    Case("an unknown toolUseId", TOOL, ToolResultStart("p", "c", "use")),
    Case("text for no open text block", AUDIO, TextInput("p", "audio", "Hola")),
    Case(
        "too much history",
        [*OPEN, TextStart("p", "c", Role.USER)],
        TextInput("p", "c", "a" * (MESSAGE_LIMIT + 1)),
        HISTORY_OVER_LIMIT,
    ),
    Case(
        "too much history",
        [*OPEN, *(e for i in range(4) for e in text(f"c{i}", Role.USER, "a" * MESSAGE_LIMIT))]
        + [TextStart("p", "c", Role.USER)],
        TextInput("p", "c", "a"),
        HISTORY_OVER_LIMIT,
    ),
    Case("audio for no open audio block", TOOL, AudioInput("p", "result", b"\0\0")),
    Case("audio for no open audio block", OPEN, AudioInput("p", "audio", b"\0\0")),
    Case(
        "audio within a block of the history",
        [*OPEN, TextStart("p", "c", Role.USER), AudioStart("p", "audio", 16000)],
        AudioInput("p", "audio", b"\0\0"),
        HISTORY_AFTER_AUDIO,
    ),
    Case("audio of no length", AUDIO, AudioInput("p", "audio", b"")),
    Case("a result for no open tool block", AUDIO, ToolResult("p", "audio", "{}")),
    Case("a result that is no JSON object", TOOL, ToolResult("p", "result", "COMPLETED"), TOOL_RESULT_NOT_JSON),
    Case("a result that is no JSON object", TOOL, ToolResult("p", "result", '"text"'), TOOL_RESULT_NOT_JSON),
    Case("a result that is no JSON object", TOOL, ToolResult("p", "result", "[1]"), TOOL_RESULT_NOT_JSON),
    Case("the end of no open block", OPEN, ContentEnd("p", "c")),
    Case(
        "an empty block",
        [*OPEN, TextStart("p", "c", Role.USER)],
        ContentEnd("p", "c"),
        "Cannot end content c as no content data was received",
    ),
    Case("open blocks at the prompt's end", AUDIO, PromptEnd("p"), OPEN_CONTENTS),
    Case(
        "a prompt without audio",
        [*OPEN, *text("c", Role.USER)],
        PromptEnd("p"),
        "Prompt [p] must have at least one audio content",
    ),
]


def order_after(
    events: list[ClientEvent], tool_uses: list[str], disputed: Container[Disputed] = frozenset()
) -> SessionRules:
    order = SessionRules(disputed)
    for tool_use in tool_uses:
        order.received(ToolUse("content", tool_use, "consultarOrden", "{}"))
    for event in events:
        order.check(event)
    return order


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{type(case.event).__name__}")
def test_a_broken_rule_is_refused_in_the_services_words(case: Case) -> None:
    rule = next(rule for rule in RULES[type(case.event)] if rule.name == case.rule)
    order = order_after(case.before, case.tool_uses, [] if rule.disputed is None else [rule.disputed])
    assert next(rule for rule in RULES[type(case.event)] if rule.broken(order, case.event)) is rule
    with pytest.raises(OrderError) as caught:
        order.check(case.event)
    assert caught.value.message == case.message


def test_every_rule_of_every_event_has_a_case() -> None:
    written = {(kind, rule.name) for kind, rules in RULES.items() for rule in rules}
    tried = {(type(case.event), case.rule) for case in CASES}
    assert tried == written


def test_a_refused_event_leaves_the_session_as_it_was() -> None:
    order = order_after(TOOL, ["use"])
    with pytest.raises(OrderError):
        order.check(ToolResult("p", "result", "COMPLETED"))
    order.check(ToolResult("p", "result", '{"success": true}'))
    order.check(ContentEnd("p", "result"))


def test_a_whole_session_breaks_no_rule() -> None:
    order = order_after(
        [
            *OPEN,
            *text("system", Role.SYSTEM),
            *text("u1", Role.USER),
            *text("a1", Role.ASSISTANT),
            AudioStart("p", "audio", 8000),
            AudioInput("p", "audio", bytes(320)),
            *text("cue", Role.USER, "[llamada]", interactive=True),
            *text("note", Role.USER),
            ToolResultStart("p", "result", "use"),
            AudioInput("p", "audio", bytes(320)),
            ToolResult("p", "result", '{"result": {"success": true}}'),
            ContentEnd("p", "result"),
            ContentEnd("p", "audio"),
            PromptEnd("p"),
            SessionEnd(),
        ],
        ["use"],
    )
    assert order.phase is Phase.ENDED


def test_history_may_fill_its_limit_to_the_last_byte() -> None:
    blocks = [e for i in range(4) for e in text(f"c{i}", Role.USER, "ñ" * (MESSAGE_LIMIT // 2))]
    order = order_after([*OPEN, *blocks], [])
    assert order.open_blocks == ()


def test_a_disputed_rule_holds_only_if_asked_for() -> None:
    again = TextStart("p", "d", Role.USER)
    order_after([*OPEN, *text("c", Role.USER)], []).check(again)
    with pytest.raises(OrderError):
        order_after([*OPEN, *text("c", Role.USER)], [], [Disputed.HISTORY_ALTERNATES]).check(again)


def test_marks_of_awss_own_samples_break_no_rule() -> None:
    order = order_after(
        [
            *OPEN,
            *text("system", Role.SYSTEM, interactive=True),
            *text("speech", Role.SYSTEM_SPEECH),
            *text("u1", Role.USER, interactive=True),
            *text("u2", Role.USER),
            *text("a1", Role.ASSISTANT, interactive=True),
            *AUDIO[2:],
        ],
        [],
    )
    assert order.prompt is not None
    assert order.prompt.has_history


def test_audio_goes_on_within_interactive_text_and_within_a_note() -> None:
    sound = AudioInput("p", "audio", b"\0\0")
    order_after([*AUDIO, TextStart("p", "c", Role.USER, True), sound, TextStart("p", "d", Role.USER), sound], [])


def test_a_property_may_be_named_as_a_foreign_key_is() -> None:
    schema = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
    tool = ToolSpec("anotar", "", schema)
    order_after([SESSION, PromptStart("p", "carlos", 24000, (tool,))], [], list(Disputed))


def test_a_stream_has_one_prompt() -> None:
    order = order_after([*AUDIO, ContentEnd("p", "audio"), PromptEnd("p")], [])
    with pytest.raises(OrderError):
        order.check(PromptStart("q", "carlos", 24000))
    assert order.phase is Phase.PROMPT_OVER
