"""Fixtures of the agent's tests."""

from tests.agent.call_stage import begin
from tests.support.logs import logged

__all__ = ["begin", "logged"]
