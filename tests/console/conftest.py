"""Chromium is installed by `make setup-test`; without it these tests are left out loudly, and fail in CI."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.console.chromium import Page, find_chromium

SHOTS = Path(__file__).parents[2] / "docs" / "screenshots"
# Those of the docs that need a conversation; the others are of a scripted day (tests.console.pictures).
OF_CONVERSATIONS = frozenset(
    ("call-browser", "calls-live", "talk-browser", "talk-keypad-dark", "talk-lost", "talk-no-microphone", "talk-phone")
    + ("talk-spanish-dark", "talk-stand-in")
)


@pytest.fixture(autouse=True)
def _needs_chromium(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("browser") is not None and find_chromium() is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is not installed: make browser-setup")
        pytest.skip("NOT RUN, the console in a browser: Chromium is not installed (make browser-setup)")


@pytest.fixture
def shoot(tmp_path: Path) -> Callable[[Page, str], Awaitable[None]]:
    """Keep a picture of a page: one of the docs in docs/screenshots where UPDATE_SCREENSHOTS=1, elsewhere otherwise."""
    is_new = os.environ.get("UPDATE_SCREENSHOTS") == "1"

    async def keep(page: Page, name: str) -> None:
        folder = SHOTS if is_new and name in OF_CONVERSATIONS else tmp_path
        (folder / f"{name}.png").write_bytes(await page.screenshot())

    return keep
