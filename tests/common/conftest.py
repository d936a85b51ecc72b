"""Fixtures of the ground's tests."""

from tests.support.logs import logged

__all__ = ["logged"]
