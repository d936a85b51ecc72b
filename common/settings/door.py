"""Which calls are answered, and what the others hear."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from common.calling_codes import COUNTRIES
from common.settings.concern import Concern, Unsafe

_PUNCTUATION = re.compile(r"[\s().-]+")  # in a number as people write it
_NUMBER = re.compile(r"\+(?:[1-9]\d{0,14})?\*?")
_ADDRESS = re.compile(r"(?:sip|client):[!-~]{0,190}")
_PREFIX = re.compile(r"\+[1-9]\d{0,14}")
_OVERRIDES = re.compile(r"(?:[a-z]{1,4}=[a-z0-9,-]{1,60}(?:&|$)){0,8}(?<!&)")


class DoorSettings(Concern):
    TITLE: ClassVar[str] = "Door"
    UNSAFE: ClassVar[tuple[Unsafe, ...]] = (
        (
            lambda all_: all_.closed == "callback" and not all_.callbacks,
            "CLOSED=callback needs CALLBACKS=true: nothing keeps the call-backs",
        ),
    )

    closed: Literal["answer", "message", "voicemail", "callback"] = Field(
        "answer",
        description="Calls outside the opening hours of the facts: answered as ever, or told when the line opens, and"
        " then ended, given a voicemail, or offered a call-back.",
    )
    voicemail_max_s: int = Field(120, ge=5, le=600, description="Seconds that a voicemail may last.")
    blocked_numbers: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Callers who are rejected: `+5491155550100`, `+882*` for all that begin so, `sip:ana@example.com`,"
        " `client:*`.",
    )
    allowed_countries: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Countries whose numbers are answered: ISO codes or prefixes, `AR,UY,+1212`. Empty: all."
    )
    anonymous: Literal["answer", "reject"] = Field(
        "answer", description="Calls with a withheld number, or one that is none."
    )
    calls_per_number_per_minute: int | None = Field(
        None,
        ge=0,
        description="Calls of one number that are answered in a minute; 0 for no limit. By default 6 on a public host,"
        " and no limit on loopback.",
    )
    seats_per_number: int | None = Field(
        None,
        ge=0,
        description="Calls that one number may hold at a time; 0 for no limit. By default 2 on a public host, and no"
        " limit on loopback.",
    )
    webhook_overrides: str = Field(
        "rc=2&rp=ct,rt,5xx&ct=2000&rt=6000",
        description="Twilio's connection overrides for the URLs that it gets from us: how often, on what and after how"
        " many milliseconds it asks again. Empty: Twilio's own.",
    )

    @field_validator("blocked_numbers")
    @classmethod
    def _read_blocked(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        """Return them as callers' ids are written (telephony.caller_id). Raise ValueError with all that are none."""
        read = [_PUNCTUATION.sub("", entry) if entry.startswith("+") else entry.lower() for entry in entries]
        bad = [entry for entry in read if not (_NUMBER.fullmatch(entry) or _ADDRESS.fullmatch(entry))]
        _refuse(bad, "neither a number, +5491155550100 or +882*, nor sip:… or client:…")
        return tuple(read)

    @field_validator("allowed_countries")
    @classmethod
    def _read_countries(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        read = [entry.upper() for entry in entries]
        bad = [entry for entry in read if entry not in COUNTRIES and not _PREFIX.fullmatch(entry)]
        _refuse(bad, "neither a country's ISO code, AR, nor a prefix, +54")
        return tuple(read)

    @field_validator("webhook_overrides")
    @classmethod
    def _check_overrides(cls, text: str) -> str:
        if not _OVERRIDES.fullmatch(text):
            raise ValueError("is not of the form rc=2&rp=ct,rt,5xx")
        return text


def _refuse(faulty: list[str], what: str) -> None:
    if faulty:
        raise ValueError(f"{what}: {', '.join(entry[:40] for entry in faulty[:10])}")
