"""Fixtures of the browser line's tests."""

from tests.browser.browser_stage import serve

__all__ = ["serve"]
