"""Which model answers, where, and how patient Carlos is with it."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from common.settings.concern import Concern, Unsafe, scheme_of


class SonicSettings(Concern):
    TITLE: ClassVar[str] = "Sonic"
    UNSAFE: ClassVar[tuple[Unsafe, ...]] = (
        (
            lambda all_: bool(all_.sonic_endpoint) and scheme_of(all_.sonic_endpoint) != "https",
            "SONIC_ENDPOINT must be https://…: the Bedrock stream needs TLS and HTTP/2",
        ),
    )

    sonic: Literal["local", "bedrock"] = Field("local", description="The stand-in on loopback, or Amazon Bedrock.")
    sonic_endpoint: str | None = Field(None, description="Another endpoint for Bedrock Runtime, https only.")
    sonic_ca_file: Path | None = Field(None, description="CA bundle that signs SONIC_ENDPOINT.")
    sonic_model_id: str = Field("amazon.nova-2-5-sonic", description="The model, by Bedrock's name.")
    sonic_voice: str = Field("carlos", description="The voice, by Nova Sonic's name.")
    persona: Literal["original", "nova25"] = Field(
        "original", description="The prompt's core: word for word the original's, or said as Nova 2.5 asks for."
    )
    sonic_endpointing: Literal["HIGH", "MEDIUM", "LOW"] | None = Field(
        "HIGH", description="How soon a pause ends the caller's turn; HIGH answers first."
    )
    sonic_temperature: float = Field(0.7, ge=0, le=1, description="Of the model's choice of words, 0 to 1.")
    sonic_top_p: float = Field(0.9, ge=0, le=1, description="Share of likely words it chooses from, 0 to 1.")
    sonic_max_tokens: int = Field(
        4096, ge=1, description="Tokens of one answer; speech counts, and 1024 cut greetings."
    )
    tool_time_limit_s: float = Field(
        4.0, gt=0, description="Seconds until the caller is told that a tool's answer cannot be had yet."
    )
    sonic_open_timeout_s: float = Field(
        3.0, gt=0, description="Seconds for a connection to Sonic, and for the head of its response."
    )
    sonic_suspect_s: float = Field(
        3.5, gt=0, description="Seconds without an event, though an answer is due, until a second stream is dialled."
    )
    sonic_answer_timeout_s: float = Field(
        12.0, gt=0, description="Seconds that an answer may take to begin; the slowest seen by others took 9.9."
    )
    sonic_ping_s: float = Field(
        1.0, ge=0, description="A Sonic stream silent for so many seconds is asked with an HTTP/2 PING; 0 never asks."
    )
    local_stt_model: Path | None = Field(
        None, description="CTranslate2 Whisper folder for the stand-in, instead of the pinned packages."
    )
