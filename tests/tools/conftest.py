"""Fixtures of the tools' tests."""

from tests.support.logs import logged

__all__ = ["logged"]
