"""A pytest plugin: the garbage collector's rounds are through what tests make, not through what they are made of.

Ten thousand tests and the modules that they import are millions of objects that live to the end. A round through all of
them takes half a second of CPU, while they are collected as well, and finds nothing.
"""

from __future__ import annotations

import gc

import pytest


def pytest_configure() -> None:
    gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """All tests are collected, where this process collects any."""
    gc.freeze()
    gc.enable()
