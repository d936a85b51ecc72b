"""One new file is a new tool, and passes what every tool has to pass."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.hang import HANG_S

ROOT = Path(__file__).parents[2]
SUITES = ("tests/tools/test_tool_contract.py", "tests/tools/test_hostile_model.py", "tests/api/test_masking.py")
LABELS = "tests/console/test_console_files.py::test_a_tool_is_shown_under_the_label_it_is_declared_with"


def test_the_how_to_shows_this_very_file_and_counts_its_lines() -> None:
    code = (ROOT / "tests" / "tools" / "eighth" / "invoices.py").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "how-to" / "add-a-tool.md").read_text(encoding="utf-8")
    assert f"```python\n{code}```" in page
    assert f"`tools/business/invoices.py`, {len(code.splitlines())} lines:" in page


@pytest.mark.slow
def test_an_eighth_tool_is_one_new_file_and_passes_the_suites_of_all_tools() -> None:
    chosen = ("-m", "not ministack", "-k", "consultarFactura or under_the_label")
    command = (sys.executable, "-m", "pytest", "-v", "-p", "tests.tools.eighth_plugin", *chosen, *SUITES, LABELS)
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=HANG_S, check=False)
    assert run.returncode == 0, run.stdout
    for suite in (*SUITES, LABELS):
        assert any(line.startswith(suite) and "PASSED" in line for line in run.stdout.splitlines()), run.stdout
