"""Limits of the product that are no settings, lifted where a whole server's test is about something else."""

from __future__ import annotations

import pytest

from sandbox.hang import HANG_S


def be_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that is kept busy Twilio's double may take its time to hang up, and a phone's audio come late."""
    monkeypatch.setattr("telephony.twilio.rest.REQUEST_TIMEOUT_S", HANG_S)
    monkeypatch.setattr("telephony.rate_guards.BURST_MEDIA_S", HANG_S)
    monkeypatch.setattr("agent.call.LINE_END_S", HANG_S)


def hold_until_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """For callers who do interrupt: on busy cores the stand-in's words come later than a service's, and a line that
    has gone on meanwhile was not interrupted."""
    for limit in ("HOLD_S", "HOLD_AFTER_VOICE_S", "LONGEST_HOLD_S"):
        monkeypatch.setattr(f"agent.call.{limit}", HANG_S)
