"""Imports point one way, and no product code knows the sandbox."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LEAVES = {"common.settings", "common.keys", "common.log", "common.masking", "common.metrics"}  # anyone may import these
BELOW = {
    "data": set(),
    "tools": {"data"},
    "agent": {"tools", "data"},
    "telephony": {"agent", "tools", "data"},
    "api": {"agent", "tools", "data"},
    "carlos": {"api", "telephony", "agent", "tools", "data", "bench"},
}
PROTOCOLS = {  # all that the stand-ins share with the product
    "agent.sonic.protocol",
    "agent.sonic.events",
    "agent.sonic.encoding",
    "agent.sonic.parsing",
    "agent.sonic.rules",
    "agent.sonic.errors",
    "telephony.twilio.media_stream",
    "telephony.twilio.media_stream_peer",
    "telephony.browser.events",
    "telephony.errors",
    "common.settings",
}
COMMANDS_INTO_THE_SANDBOX = {"carlos/commands/call.py"}  # `carlos call` is the double's own command


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            whole = "." not in node.module  # from carlos import metrics
            found |= {f"{node.module}.{alias.name}" for alias in node.names} if whole else {node.module}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def files_of(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", sorted(BELOW))
def test_a_package_imports_only_what_lies_below_it(package: str) -> None:
    ours = set(BELOW) | {"sandbox", "bench"}
    wrong = {
        (str(path.relative_to(ROOT)), name)
        for path in files_of(package)
        for name in imports_of(path)
        if name.split(".")[0] in ours - {package} - BELOW[package] and not is_allowed(path, name)
    }
    assert not wrong


def is_allowed(path: Path, name: str) -> bool:
    if any(name == leaf or name.startswith(f"{leaf}.") for leaf in LEAVES):
        return True
    return str(path.relative_to(ROOT)) in COMMANDS_INTO_THE_SANDBOX and name.startswith("sandbox.")


def test_the_sandbox_shares_nothing_but_protocols_with_the_product() -> None:
    product = set(BELOW)
    wrong = {
        (str(path.relative_to(ROOT)), name)
        for path in files_of("sandbox")
        for name in imports_of(path)
        if name.split(".")[0] in product and name not in PROTOCOLS
    }
    assert not wrong


def test_no_committed_file_names_a_package_registry_or_a_machine() -> None:
    import re
    import subprocess

    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    pattern = re.compile(
        rb"https?://[^\s\"]+(/simple|\.whl|\.tgz|\.tar\.gz)|(^|[^A-Za-z0-9._-])/(root|work)/|pyenv[/]versions"
    )
    named = [name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    wrong = [
        name for name in named
        if b"\0" not in (text := (ROOT / name).read_bytes())[:8000] and name != "tests/test_layers.py"
        and any(pattern.search(line) for line in text.splitlines())
    ]  # fmt: skip
    assert not wrong
