"""One new file is a new tool, with a record of its own or without, and passes what every one has to pass."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.hang import HANG_S

ROOT = Path(__file__).parents[2]
SUITES = ("tests/tools/test_tool_contract.py", "tests/tools/test_hostile_model.py", "tests/api/test_masking.py")
LABELS = "tests/console/test_console_files.py::test_a_tool_is_shown_under_the_label_it_is_declared_with"
RECORDS = ("tests/data/test_record_types.py", "tests/api/test_rest_record_types.py")  # export, erasure, check, REST
PAGE = ROOT / "docs" / "how-to" / "add-a-tool.md"


@pytest.mark.parametrize("folder", ["eighth", "eighth_with_record"])
def test_the_how_to_shows_these_very_files_and_counts_their_lines(folder: str) -> None:
    code = (ROOT / "tests" / "tools" / folder / "invoices.py").read_text(encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    assert f"`tools/business/invoices.py`, {len(code.splitlines())} lines:\n\n```python\n{code}```" in page


def run_suites(plugin: str, chosen: str, marks: str, suites: tuple[str, ...]) -> list[str]:
    """The lines of the tests that passed, where all did."""
    command = (sys.executable, "-m", "pytest", "-v", "-p", plugin, "-m", marks, "-k", chosen, *suites)
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=HANG_S, check=False)
    assert run.returncode == 0, run.stdout
    return [line for line in run.stdout.splitlines() if "PASSED" in line]


def named_in(passed: list[str]) -> set[str]:
    """The suites of which at least a test passed."""
    return {suite for suite in (*SUITES, LABELS, *RECORDS) if any(line.startswith(suite) for line in passed)}


@pytest.mark.slow
def test_an_eighth_tool_is_one_new_file_and_passes_the_suites_of_all_tools() -> None:
    chosen, suites = "consultarFactura or under_the_label", (*SUITES, LABELS)
    assert named_in(run_suites("tests.tools.eighth_plugin", chosen, "not ministack", suites)) == set(suites)


@pytest.mark.slow
@pytest.mark.ministack
def test_a_tool_with_a_record_of_its_own_is_one_new_file_too_and_passes_them_on_both_stores() -> None:
    suites = (*SUITES, LABELS, *RECORDS)
    passed = run_suites("tests.tools.eighth_record_plugin", "nvoice or Factura or under_the_label", "", suites)
    on_dynamodb = [line for line in passed if "[dynamodb" in line]
    assert named_in([line for line in passed if line not in on_dynamodb]) == set(suites)
    assert named_in(on_dynamodb) >= {*SUITES[:2], RECORDS[0]}
