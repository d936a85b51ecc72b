"""Limits of the product and of Twilio that are no settings, lifted where a whole server is part of a test."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from sandbox.hang import HANG_S
from sandbox.twilio.overrides import Overrides, split
from telephony.twilio.routes import phone_routes

LIMITS = (
    "agent.call.LINE_END_S",
    "agent.record_writer.KEPT_TIMEOUT_S",
    "sandbox.twilio.stream.CLOSE_TIMEOUT_S",
    "sandbox.twilio.stream.OPEN_TIMEOUT_S",
    "telephony.phone_calls.AFTER_TIMEOUT_S",
    "telephony.phone_calls.LET_GO_TIMEOUT_S",
    "telephony.phone_calls.LOOK_UP_TIMEOUT_S",
    "telephony.phone_calls.STORY_TIMEOUT_S",
    "telephony.rate_guards.BURST_MEDIA_S",
    "telephony.spent_nonces.SPEND_LIMIT_S",
    "telephony.twilio.line.MEDIA_TIMEOUT_S",
    "telephony.twilio.rest.REQUEST_TIMEOUT_S",
    "telephony.twilio.webhooks.ANSWER_TIMEOUT_S",
)


def be_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that is kept busy each side may take its time to connect, to answer and to hang up."""
    for limit in LIMITS:
        monkeypatch.setattr(limit, HANG_S)
    monkeypatch.setattr("sandbox.twilio.webhooks.split", _unhurried)
    monkeypatch.setattr("telephony.twilio.carrier.phone_routes", partial(phone_routes, start_timeout_s=HANG_S))


def _unhurried(url: str) -> tuple[str, Overrides]:
    bare, overrides = split(url)
    return bare, replace(overrides, connect_s=HANG_S, read_s=HANG_S, total_s=HANG_S)


def hold_until_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """For callers who do interrupt: on busy cores the stand-in's words come later than a service's, and a line that
    has gone on meanwhile was not interrupted."""
    holds = ("HOLD_S", "AFTER_VOICE_S", "WORDS_S", "UNENDED_S", "LONGEST_S")
    for limit in (*(f"barge_in.{hold}" for hold in holds), "sonic.session.RESUME_ANSWER_S"):
        monkeypatch.setattr(f"agent.{limit}", HANG_S)
