#!/usr/bin/env python3
"""Check infra/ with no AWS, no account and no network: fmt, init, validate, and the tests of both stages.

    .venv-infra/bin/python infra/check/offline.py [--plans FOLDER] [--checkov]

Terraform gets the schema-only provider beside this file instead of the real one, from a mirror in a temporary folder,
and runs on a copy there: neither `.terraform` nor a lock file with the stand-in's checksum is left in infra/.
`--plans` keeps what each stage would make, as JSON, for the tests that compare it with the code.
Where terraform is missing this says so and passes, or fails when CI is set.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
INFRA = HERE.parent
STAGES = ("demo", "prod")
PARTS = ("voice", "variables")
TIMEOUT_S = 300

Json = dict[str, Any]


class Failed(Exception):
    """A check that did not pass; the text is what the tool said."""


class Terraform:
    """terraform on a copy of infra/ in `folder`."""

    def __init__(self, folder: Path, source: Path = INFRA) -> None:
        self._source = source
        self._root = folder / "infra"
        shutil.copytree(source, self._root, ignore=shutil.ignore_patterns(".terraform*", "check", "__pycache__"))
        (self._root / "tests" / "package.zip").touch()  # stands for the Lambda's code
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            "TF_CLI_CONFIG_FILE": str(folder / "terraformrc"),
        }
        self._write_mirror(folder)

    def fmt(self) -> None:
        self._run("fmt", "-check", "-recursive", "-diff", str(self._source))

    def init(self) -> None:
        self._run("init", "-backend=false", "-input=false", "-no-color")

    def validate(self) -> None:
        self._run("validate", "-no-color")

    def test_parts(self) -> int:
        """Run the tests that are the same for every stage; how many passed."""
        return sum(_passed(self._test(f"-filter=tests/{name}.tftest.hcl")) for name in PARTS)

    def test_stage(self, stage: str) -> Json:
        """Run tests/stage.tftest.hcl with the stage's values; the state that its run named stage made."""
        messages = self._test("-filter=tests/stage.tftest.hcl", f"-var-file={stage}.tfvars", "-verbose")
        _passed(messages)
        state = next(m["test_state"] for m in messages if m["type"] == "test_state" and m["@testrun"] == "stage")
        return {name: state[name] for name in ("root_module", "outputs")}

    def _test(self, *arguments: str) -> list[Json]:
        return [json.loads(line) for line in self._run("test", "-json", *arguments, checks=False).splitlines()]

    def _write_mirror(self, folder: Path) -> None:
        config = folder / "terraformrc"
        config.write_text("")
        version = json.loads((HERE / "aws-schema.json").read_text())["version"]
        home = (
            folder
            / "mirror"
            / self._registry(folder / "empty")
            / "hashicorp"
            / "aws"
            / version
            / _platform(self._run("version", "-json"))
        )
        home.mkdir(parents=True)
        executable = home / f"terraform-provider-aws_v{version}"
        executable.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{HERE / "provider.py"}"\n')
        executable.chmod(executable.stat().st_mode | stat.S_IXUSR)
        config.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{folder}/mirror"\n  }}\n}}\n')

    def _registry(self, folder: Path) -> str:
        """The host that terraform puts before `hashicorp/aws`."""
        folder.mkdir()
        (folder / "main.tf").write_text('provider "aws" {}\n')
        answer = self._run("providers", "-no-color", root=folder)
        return answer.partition("provider[")[2].partition("/hashicorp/aws]")[0]

    def _run(self, command: str, *arguments: str, checks: bool = True, root: Path | None = None) -> str:
        done = subprocess.run(  # noqa: S603 - our own arguments
            ["terraform", f"-chdir={root or self._root}", command, *arguments],  # noqa: S607
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        if checks and done.returncode:
            raise Failed(f"terraform {command}:\n{done.stdout}{done.stderr}")
        return done.stdout


def _platform(version: str) -> str:
    return str(json.loads(version)["platform"])


def _passed(messages: list[Json]) -> int:
    """How many tests passed. Raises Failed with what failed, or when none ran."""
    summary = next((m["test_summary"] for m in messages if m["type"] == "test_summary"), None)
    if summary is None or summary["status"] != "pass" or not summary["passed"]:
        raise Failed("\n".join(_complaints(messages)) or json.dumps(messages))
    return int(summary["passed"])


def _complaints(messages: list[Json]) -> Iterator[str]:
    for message in messages:
        if message["type"] == "diagnostic" and message["diagnostic"]["severity"] == "error":
            found = message["diagnostic"]
            where = found.get("range", {})
            line = where.get("start", {}).get("line", "?")
            yield f"{where.get('filename', '?')}:{line}: {found['summary']}: {found.get('detail', '')}"


def resources(module: Json) -> Iterator[Json]:
    """All resources of a state's module and of those below it."""
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from resources(child)


def show(stage: str, state: Json) -> None:
    counts = Counter(r["type"] for r in resources(state["root_module"]) if r["mode"] == "managed")
    print(f"{stage}: {counts.total()} resources of {len(counts)} types")
    for name, count in sorted(counts.items()):
        print(f"  {count:3} {name}")


def checkov() -> None:
    """Settings and the justified skips are in infra/checkov.yaml."""
    done = subprocess.run(  # noqa: S603
        [Path(sys.executable).with_name("checkov"), "--config-file", INFRA / "checkov.yaml", "--directory", INFRA],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise Failed(f"checkov:\n{done.stdout}{done.stderr}")
    print("checkov:", " ".join(re.findall(r"(?:Passed|Failed|Skipped) checks: \d+", done.stdout)))


def check(plans: Path | None, with_checkov: bool, source: Path = INFRA) -> None:
    with tempfile.TemporaryDirectory(prefix="carlos-infra-") as folder:
        terraform = Terraform(Path(folder), source)
        terraform.fmt()
        terraform.init()
        terraform.validate()
        print("terraform: fmt, init and validate passed (schema-only provider, no AWS)")
        print(f"terraform: {terraform.test_parts()} tests of parts passed")
        for stage in STAGES:
            state = terraform.test_stage(stage)
            show(stage, state)
            if plans is not None:
                (plans / f"{stage}.json").write_text(json.dumps(state))
    if with_checkov:
        checkov()


def main() -> None:
    parser = argparse.ArgumentParser(description="Check infra/ without AWS.")
    parser.add_argument("--plans", type=Path, help="folder for <stage>.json")
    parser.add_argument("--checkov", action="store_true", help="and look for security mistakes")
    parser.add_argument("--source", type=Path, default=INFRA, help="another infra/, for the tests of this check")
    options = parser.parse_args()
    if shutil.which("terraform") is None:
        message = "terraform is not installed: infra/ WAS NOT CHECKED"
        print("=" * len(message), message, "=" * len(message), sep="\n")
        raise SystemExit(1 if os.environ.get("CI") else 0)
    try:
        check(options.plans, options.checkov, options.source)
    except Failed as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
