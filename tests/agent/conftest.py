"""Fixtures of the agent's tests."""

from tests.agent.call_stage import begin

__all__ = ["begin"]
