"""What a browser asks for in its handshake, and what it gets.

The original let the browser decide everything. Here the server's persona, tools, voice and limits win, and what the
browser sent is used only where `BROWSER_TRUST=client` says so. An earlier conversation is told to the model as what
was said, never as an instruction; it verifies nobody and is no part of the record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from agent.sonic.events import PromptStart, Role, SessionStart, ToolSpec
from agent.sonic.opening import SonicConfig
from telephony.browser.events import CallStart, Event, HistoryText, SystemText

MAX_HISTORY_TEXTS = 40  # texts, the newest; Sonic takes 200 KiB of them in all
MAX_TEXT_CHARACTERS = 2000  # characters of one
MAX_SYSTEM_CHARACTERS = 64 * 1024  # characters
MAX_TOKENS = 4096
VOICE = re.compile(r"[a-z]{2,20}")


@dataclass(frozen=True, slots=True)
class ClientSetup:
    """What one browser asked for, as it came."""

    session: SessionStart | None = None
    prompt: PromptStart | None = None
    system: str = ""
    earlier: tuple[tuple[Role, str], ...] = ()  # bounded as it comes
    call: CallStart | None = None  # for a client that holds a call as a phone does
    memory: Mapping[str, Any] = field(default_factory=dict, repr=False)  # of the tools of a call that goes on

    def with_event(self, event: Event) -> ClientSetup:
        match event:
            case SessionStart():
                return replace(self, session=event)
            case PromptStart():
                return replace(self, prompt=event)
            case SystemText(text):
                return replace(self, system=f"{self.system}\n{text}".strip()[:MAX_SYSTEM_CHARACTERS])
            case CallStart():
                return replace(self, call=event)
            case HistoryText(role, text):
                return replace(self, earlier=(*self.earlier, (role, text[:MAX_TEXT_CHARACTERS]))[-MAX_HISTORY_TEXTS:])
            case _:
                return self

    @property
    def history(self) -> list[tuple[Role, str]]:
        """Return the earlier conversation; roles alternate, as Sonic's own history does."""
        history: list[tuple[Role, str]] = []
        for role, text in self.earlier:
            if history and history[-1][0] is role:
                history[-1] = (role, f"{history[-1][1]} {text}")
            else:
                history.append((role, text))
        return history


def with_client_setup(config: SonicConfig, client_setup: ClientSetup) -> SonicConfig:
    """Return the server's configuration, changed to what the browser asked for. Nobody is greeted, as in the original;
    tools that the server does not have are left out."""
    config = replace(config, greeting=None, system=client_setup.system or config.system)
    if client_setup.prompt is not None:
        tools = _known(client_setup.prompt.tools, config.tools) or config.tools
        voice = client_setup.prompt.voice if VOICE.fullmatch(client_setup.prompt.voice) else config.voice
        config = replace(config, tools=tools, voice=voice)
    if client_setup.session is not None:
        wish = client_setup.session
        config = replace(
            config,
            max_tokens=min(max(wish.max_tokens, 1), MAX_TOKENS),
            top_p=min(max(wish.top_p, 0.0), 1.0),
            temperature=min(max(wish.temperature, 0.0), 1.0),
            endpointing=wish.endpointing or config.endpointing,
        )
    return config


def _known(wanted: Iterable[ToolSpec], ours: Iterable[ToolSpec]) -> tuple[ToolSpec, ...]:
    names = {tool.name for tool in ours}
    return tuple(tool for tool in wanted if tool.name in names)
