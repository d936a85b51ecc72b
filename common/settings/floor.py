"""Who speaks when on a phone line, and for how long nobody may."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from common.settings.concern import Concern

LONGEST_CALL_S = 3600  # of any phone call: a record without an end that is older is nobody's any more


class FloorSettings(Concern):
    TITLE: ClassVar[str] = "The floor of a phone call"

    silence_prompt_s: float = Field(
        8.0, gt=0, description="Seconds of silence after which Carlos asks a caller whether he is still there."
    )
    goodbye_grace_s: float = Field(
        1.5, ge=0, description="Seconds that the line stays open after the goodbye was heard; speech or a key stops it."
    )
    keypad_pause_s: float = Field(3.5, gt=0, description="Seconds without a key that end a keypad entry; # ends it.")
    tool_filler_s: float = Field(
        1.2, gt=0, description="Seconds of a tool's work after which the caller is asked to wait, if nobody speaks."
    )
    max_call_seconds: float = Field(
        900,
        gt=0,
        le=LONGEST_CALL_S,
        description="Seconds of the longest phone call; Carlos says so a minute before, and goodbye at the end.",
    )
