#!/usr/bin/env python3
"""Check infra/ with no AWS, no account and no network: fmt, init, validate, and the tests of both stages.

    .venv-infra/bin/python infra/check/offline.py [--plans FOLDER]

Terraform gets the schema-only provider beside this file instead of the real one, and runs on a copy in a temporary
folder, so that no `.terraform` is left in infra/. The provider is started once, not by each of terraform's walks.
`--plans` keeps what each stage would make, as JSON, for the tests that compare it with the code and with AWS's API.
Where terraform is missing this says so and passes, or fails when CI is set.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
INFRA = HERE.parent
STAGES = ("demo", "prod")
PARTS = ("data", "rest", "voice", "variables")
TIMEOUT_S = 300

Json = dict[str, Any]


class Failed(Exception):
    """A check that did not pass; the text is what the tool said."""


class Terraform:
    """terraform on a copy of infra/ in `folder`, attached to a provider that runs."""

    def __init__(self, folder: Path, provider: str, source: Path = INFRA) -> None:
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
            "TF_REATTACH_PROVIDERS": provider,
        }

    def fmt(self) -> None:
        self._run("fmt", "-check", "-recursive", "-diff", str(self._source))

    def init(self) -> None:
        self._run("init", "-backend=false", "-input=false", "-no-color")

    def validate(self) -> None:
        self._run("validate", "-no-color")

    def test_parts(self) -> int:
        """Run the tests that are the same for every stage; how many passed."""
        return sum(_passed(self._test(f"-filter=tests/{name}.tftest.hcl")) for name in PARTS)

    def test_stage(self, stage: str) -> tuple[Json, list[Json]]:
        """Run tests/stage.tftest.hcl with the stage's values. Return the state that its run named stage made, and what
        its run named planned knew before: the change of each resource."""
        messages = self._test("-filter=tests/stage.tftest.hcl", f"-var-file={stage}.tfvars", "-verbose")
        _passed(messages)
        state = next(m["test_state"] for m in messages if m["type"] == "test_state" and m["@testrun"] == "stage")
        plan = next(m["test_plan"] for m in messages if m["type"] == "test_plan" and m["@testrun"] == "planned")
        return {name: state[name] for name in ("root_module", "outputs")}, plan["resource_changes"]

    def _test(self, *arguments: str) -> list[Json]:
        return [json.loads(line) for line in self._run("test", "-json", *arguments, checks=False).splitlines()]

    def _run(self, command: str, *arguments: str, checks: bool = True) -> str:
        done = subprocess.run(  # noqa: S603 - our own arguments
            ["terraform", f"-chdir={self._root}", command, *arguments],  # noqa: S607
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        if checks and done.returncode:
            raise Failed(f"terraform {command}:\n{done.stdout}{done.stderr}")
        return done.stdout


@contextmanager
def schema_only_provider() -> Iterator[str]:
    """provider.py, running; where terraform finds it (TF_REATTACH_PROVIDERS)."""
    command: list[str | Path] = [sys.executable, "-u", HERE / "provider.py", "--dev"]
    with (
        tempfile.TemporaryDirectory(prefix="carlos-provider-") as folder,  # it leaves its socket's folder there
        subprocess.Popen(  # noqa: S603
            command, env=os.environ | {"TMPDIR": folder}, stdout=subprocess.PIPE, text=True
        ) as running,
    ):
        assert running.stdout is not None  # noqa: S101 - it was asked for
        try:
            said = (re.search(r"TF_REATTACH_PROVIDERS='(.+)'", line) for line in running.stdout)
            address = next((match[1] for match in said if match), None)
            if address is None:
                raise Failed("the schema-only provider does not start")
            yield address
        finally:
            running.terminate()


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


def check(plans: Path | None, source: Path = INFRA) -> None:
    with tempfile.TemporaryDirectory(prefix="carlos-infra-") as folder, schema_only_provider() as provider:
        terraform = Terraform(Path(folder), provider, source)
        terraform.fmt()
        terraform.init()
        terraform.validate()
        print("terraform: fmt, init and validate passed (schema-only provider, no AWS)")
        print(f"terraform: {terraform.test_parts()} tests of parts passed")
        for stage in STAGES:
            state, changes = terraform.test_stage(stage)
            show(stage, state)
            if plans is not None:
                (plans / f"{stage}.json").write_text(json.dumps(state))
                (plans / f"{stage}.plan.json").write_text(json.dumps(changes))


def main() -> None:
    parser = argparse.ArgumentParser(description="Check infra/ without AWS.")
    parser.add_argument("--plans", type=Path, help="folder for <stage>.json")
    parser.add_argument("--source", type=Path, default=INFRA, help="another infra/, for the tests of this check")
    options = parser.parse_args()
    if shutil.which("terraform") is None:
        message = "terraform is not installed: infra/ WAS NOT CHECKED"
        print("=" * len(message), message, "=" * len(message), sep="\n")
        raise SystemExit(1 if os.environ.get("CI") else 0)
    try:
        check(options.plans, options.source)
    except Failed as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
