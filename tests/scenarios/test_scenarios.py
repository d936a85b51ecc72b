"""Every conversation of `*.yaml` goes as it is written, through the whole server.

Calls take as long as people talk, so the scenarios of a run are placed together, a few at a time, when the first
one is asked for; with pytest-xdist, `--dist loadfile` keeps them in one worker. The local brain is tried by the
recorded callers of `tests/e2e`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from tests.scenarios.expectations import check
from tests.scenarios.runner import AT_ONCE, Result, place
from tests.scenarios.scenario import Scenario, load_scenarios

pytestmark = pytest.mark.slow

SCENARIOS = load_scenarios()
PLACED = [scenario for scenario in SCENARIOS if scenario.can_be_placed]


@dataclass
class Exchange:
    """Places the calls of this run, all of them once the first is asked for."""

    scenarios: list[Scenario]
    homes: pytest.TempPathFactory
    results: dict[str, Result | BaseException] = field(default_factory=dict)

    async def result_of(self, scenario: Scenario) -> Result:
        if scenario.name not in self.results:
            await self._place_all()
        result = self.results[scenario.name]
        if isinstance(result, BaseException):
            raise result
        return result

    async def _place_all(self) -> None:
        capacity = asyncio.Semaphore(AT_ONCE)
        with pytest.MonkeyPatch.context() as patch:  # for these calls, and for no other file's tests
            calls = (self._place(each, capacity, patch) for each in self.scenarios)
            placed = await asyncio.gather(*calls, return_exceptions=True)
        self.results = dict(zip((each.name for each in self.scenarios), placed, strict=True))

    async def _place(self, scenario: Scenario, capacity: asyncio.Semaphore, patch: pytest.MonkeyPatch) -> Result:
        async with capacity:
            return await place(scenario, self.homes.mktemp(scenario.name), patch)


@pytest.fixture(scope="session")
def exchange(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exchange:
    callspecs = [getattr(item, "callspec", None) for item in request.session.items]
    chosen = [spec.params["scenario"] for spec in callspecs if spec and "scenario" in spec.params]
    return Exchange(chosen, tmp_path_factory)


@pytest.mark.parametrize("scenario", PLACED, ids=lambda scenario: scenario.name)
async def test_a_conversation_goes_as_written(scenario: Scenario, exchange: Exchange) -> None:
    check(await exchange.result_of(scenario))


def test_there_are_enough_conversations_and_each_has_a_name_of_its_own() -> None:
    assert len(SCENARIOS) >= 150
    assert sum(scenario.hostile for scenario in SCENARIOS) >= 40
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)
