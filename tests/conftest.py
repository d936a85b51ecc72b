"""Stores for every test that needs one, and the count of cases that ran on each."""

from __future__ import annotations

# isort: off
import os

os.environ["CARLOS_ENV_FILE"] = ""  # before settings are imported: no test depends on a developer's .env
os.environ["OMP_NUM_THREADS"] = "1"  # before numpy and Whisper are: their threads spin while they wait for a busy core
# isort: on

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from itertools import chain, zip_longest
from pathlib import Path

import pytest
from hypothesis import settings

from bench.stores import fresh_dynamodb, fresh_sqlite
from data.store import Store
from sandbox.ministack import ministack
from tests.support.clocks import Clock

pytest_plugins = ["tests.support.garbage", "tests.support.leftovers", "tests.support.steps"]

STORES = ("sqlite", "dynamodb")

# Files that last ten seconds and more, half of which they wait: begun early and one after another, the longest first.
# So what waits and what computes are mixed, and nothing long is begun last. The others go by their number of tests.
LONG = (
    "tests/scenarios/test_scenarios.py",
    "tests/e2e/test_callers.py",
    "tests/e2e/test_person.py",
    "tests/agent/test_call.py",
    "tests/e2e/test_one_port.py",
    "tests/console/test_console_page.py",
    "tests/e2e/test_resume.py",
    "tests/console/test_console_axe.py",
    "tests/browser/test_browser_microphone.py",
    "tests/e2e/test_phone.py",
    "tests/console/test_console_full.py",
    "tests/speech/test_short_answers.py",
    "tests/data/test_streaming.py",
    "tests/api/test_rest_contract.py",
    "tests/browser/test_browser_conversation.py",
    "tests/data/test_call_records.py",
    "tests/carlos/test_processes.py",
    "tests/speech/test_utterances.py",
    "tests/sip/test_baresip.py",
    "tests/tools/test_find_records.py",
    "tests/infra/test_alarms.py",
    "tests/api/test_lambda.py",
    "tests/e2e/test_door.py",
    "tests/tools/test_hostile_model.py",
    "tests/console/test_console_docs.py",
    "tests/infra/test_terraform.py",
    "tests/e2e/test_serve.py",
    "tests/console/test_console_conversation.py",
    "tests/browser/test_browser_long.py",
    "tests/console/test_console_calls.py",
    "tests/console/test_console_admin.py",
    "tests/e2e/test_message.py",
    "tests/browser/test_browser_limits.py",
    "tests/infra/test_lambda_smoke.py",
    "tests/sip/test_sipp_calls.py",
    "tests/sip/test_sip_fuzz.py",
    "tests/data/test_killed_process.py",
    "tests/sip/test_sip_warm.py",
    "tests/tools/test_eighth_tool.py",
    "tests/e2e/test_two_servers.py",
    "tests/data/test_races.py",
    "tests/speech/test_caller_audio.py",
    "tests/e2e/test_restart.py",
    "tests/agent/test_private_log.py",
)

# A shared machine is slow at times; no test here measures time.
# Hypothesis chooses the same examples each time, or a test would fail by chance; `--hypothesis-profile=explore` looks
# for new ones, and `quick`, the inner loop's, makes do with few.
settings.register_profile("carlos", deadline=None, derandomize=True)
settings.register_profile("quick", deadline=None, derandomize=True, max_examples=20)
settings.register_profile("explore", deadline=None)
settings.load_profile("carlos")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def local_aws() -> Iterator[Callable[[], str]]:
    """The endpoint of one ministack for each worker, started when first asked for.

    `DYNAMODB_TEST_ENDPOINT` names another local DynamoDB instead, as a referee.
    """
    running = ministack("dynamodb")
    endpoints: list[str] = []

    def endpoint() -> str:
        if referee := os.environ.get("DYNAMODB_TEST_ENDPOINT"):
            return referee
        if not endpoints:
            endpoints.append(running.__enter__())
        return endpoints[0]

    yield endpoint
    if endpoints:
        running.__exit__(None, None, None)


@pytest.fixture(params=[pytest.param(name, marks=[pytest.mark.ministack] * (name != "sqlite")) for name in STORES])
async def store(
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
    clock: Clock,
    tmp_path: Path,
    local_aws: Callable[[], str],
) -> AsyncIterator[Store]:
    """An empty store, once of each kind: a case that asks for it runs on both."""
    record_property("store", request.param)
    fresh = fresh_sqlite(tmp_path, clock) if request.param == "sqlite" else fresh_dynamodb(local_aws(), clock)
    async with fresh as made:
        yield made


@pytest.hookimpl(trylast=True)  # after pytest-randomly has shuffled them
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order in which pytest-xdist hands out files, with `--no-loadscope-reorder`."""
    files = Counter(_file(item) for item in items)
    short = [file for file, _ in files.most_common() if file not in LONG]
    order = _in_turns([file for file in LONG if file in files], short[::2], short[1::2])
    places = {file: place for place, file in enumerate(order)}
    items.sort(key=lambda item: places[_file(item)])


def _in_turns(*several: Sequence[str]) -> list[str]:
    return [each for each in chain(*zip_longest(*several)) if each is not None]


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many cases ran on each store; with the markers left alone, the counts are equal."""
    ran = Counter(
        value
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if report.when == "call"
        for name, value in report.user_properties
        if name == "store"
    )
    if ran:
        counts = ", ".join(f"{name} {ran[name]}" for name in STORES)
        terminalreporter.write_line(f"cases on each store: {counts}")
