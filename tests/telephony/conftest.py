"""What the tests of the phone line share."""

from __future__ import annotations

import pytest

from sandbox.hang import HANG_S


@pytest.fixture(autouse=True)
def _a_slow_disk_is_no_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test about a store that does not answer sets its own limits."""
    for limit in ("AFTER_TIMEOUT_S", "LOOK_UP_TIMEOUT_S", "STORY_TIMEOUT_S"):
        monkeypatch.setattr(f"telephony.phone_calls.{limit}", HANG_S)
