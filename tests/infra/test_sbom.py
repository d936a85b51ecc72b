"""The image's bill of materials: made here of this environment, which has all that the image has."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from sysconfig import get_path
from typing import Any

import pytest

from tests.infra.planned_stage import INFRA, ROOT

SCRIPT = INFRA / "check" / "sbom.py"


def made(folder: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, folder], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    done = made(get_path("purelib"))
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_it_has_the_form_of_cyclonedx(bill: dict[str, Any]) -> None:
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", bill["serialNumber"])
    subject = bill["metadata"]["component"]
    assert (subject["type"], subject["name"], subject["version"]) == ("application", "carlos", version("carlos"))
    references = [each["bom-ref"] for each in [subject, *bill["components"]]]
    assert len(set(references)) == len(references)
    for each in bill["components"]:
        assert each.keys() == {"type", "bom-ref", "name", "version", "purl", "licenses"}
        assert each["purl"] == f"pkg:pypi/{each['name']}@{each['version']}"
        assert all(each_license.keys() in ({"expression"}, {"license"}) for each_license in each["licenses"])


def test_it_has_every_package_that_the_image_is_locked_to(bill: dict[str, Any]) -> None:
    locked = re.findall(r"^([a-z0-9][\w.-]*)==([^\s;\\]+)", (ROOT / "requirements" / "server.txt").read_text(), re.M)
    there = {(each["name"], each["version"]) for each in bill["components"]}
    names = {name for name, _ in there}
    assert len(locked) > 50
    assert {(name, wanted) for name, wanted in locked if name in names} <= there
    assert not {name for name, _ in locked if name not in names} - for_another_platform()


def for_another_platform() -> set[str]:
    text = (ROOT / "requirements" / "server.txt").read_text()
    return {name for name, _ in re.findall(r"^([a-z0-9][\w.-]*)==[^\s;]+ ; (.+)", text, re.M)}


def test_the_same_packages_make_the_same_bill(bill: dict[str, Any]) -> None:
    assert json.loads(made(get_path("purelib")).stdout) == bill


def test_a_folder_without_carlos_is_refused(tmp_path: Path) -> None:
    done = made(str(tmp_path))
    assert done.returncode != 0
    assert "carlos is not installed" in done.stderr
