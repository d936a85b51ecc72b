"""What the tests of the phone line share."""

from __future__ import annotations

import pytest

from sandbox.hang import HANG_S

LIMITS = (
    "phone_calls.AFTER_TIMEOUT_S",
    "phone_calls.LOOK_UP_TIMEOUT_S",
    "phone_calls.STORY_TIMEOUT_S",
    "twilio.webhooks.ANSWER_TIMEOUT_S",
)


@pytest.fixture(autouse=True)
def _a_slow_disk_is_no_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test about a store that does not answer sets its own limits."""
    for limit in LIMITS:
        monkeypatch.setattr(f"telephony.{limit}", HANG_S)
