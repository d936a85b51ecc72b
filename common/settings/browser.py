"""The browser line."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from common.settings.concern import Concern, Unsafe


class BrowserSettings(Concern):
    TITLE: ClassVar[str] = "Browsers"
    UNSAFE: ClassVar[tuple[Unsafe, ...]] = (
        (
            lambda all_: all_.is_public and all_.browser_trust == "client",
            "BROWSER_TRUST=client lets anyone use the model: not on HOST={host}",
        ),
    )

    browser_trust: Literal["server", "client"] = Field(
        "server", description="Whose persona, tools, voice and limits a browser's conversation has; client is unsafe."
    )
    browser_tokens: bool | None = Field(
        None,
        description="Ask browsers for a token of POST /browser/tokens, as ?token=…; unset: on a public host only.",
    )
    browser_idle_s: float = Field(
        300, gt=0, description="Seconds after which a conversation in which nobody says anything ends."
    )
    browser_max_s: float = Field(1800, gt=0, description="Seconds of a browser's longest conversation.")
    browser_max_per_address: int = Field(6, ge=0, description="Browser sockets of one address; 0 is any number.")
