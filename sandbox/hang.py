"""The one bound of every wait on the wall clock. It catches a hang and judges nothing: a loaded machine is slow."""

from __future__ import annotations

HANG_S = 300.0
