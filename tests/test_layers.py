"""The plan of the house: rooms lie above one another, arrows point down, and no files go round in a circle."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parent.parent
FLOORS = (  # from the ground up; what shares a floor does not know each other
    {"common"},
    {"data"},
    {"tools"},
    {"agent"},
    {"telephony", "api"},
    {"carlos"},
    {"sandbox"},
    {"bench"},
)
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
PROTOCOLS = {  # all that the stand-ins share with the product, beside the ground
    "agent.sonic.events",
    "agent.sonic.encoding",
    "agent.sonic.parsing",
    "agent.sonic.rules",
    "agent.sonic.errors",
    "telephony.twilio.media_stream",
    "telephony.twilio.media_stream_peer",
    "telephony.browser.events",
    "telephony.errors",
}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def modules() -> dict[str, Path]:
    paths = (path for room in FLOOR_OF for path in sorted((ROOT / room).rglob("*.py")))
    return {module_of(path): path for path in paths}


def imports_of(path: Path) -> Iterator[str]:
    """The modules of ours that a file imports, also inside functions and for types alone."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            known = name if name in modules() else name.rpartition(".")[0]
            if known in modules():
                yield known


@cache
def graph() -> dict[str, set[str]]:
    return {module: set(imports_of(path)) - {module} for module, path in modules().items()}


def room_of(module: str) -> str:
    return module.partition(".")[0]


def test_no_arrow_points_up_and_no_room_looks_into_one_beside_it() -> None:
    wrong = [
        f"{module} -> {below}"
        for module, imported in graph().items()
        for below in imported
        if room_of(module) != room_of(below) and FLOOR_OF[room_of(below)] >= FLOOR_OF[room_of(module)]
    ]
    assert not wrong


def test_no_files_import_each_other_in_a_circle() -> None:
    try:
        TopologicalSorter(graph()).prepare()
    except CycleError as error:
        raise AssertionError(f"a circle: {' -> '.join(error.args[1])}") from None


def drawing() -> str:
    """Rooms and the arrows between them, for docs/architecture.md."""
    arrows = {(room_of(module), room_of(below)) for module, imported in graph().items() for below in imported}
    roof_first = sorted(arrows, key=lambda arrow: (-FLOOR_OF[arrow[0]], arrow[0], -FLOOR_OF[arrow[1]], arrow[1]))
    return "\n".join(f"    {room} --> {below}" for room, below in roof_first if room != below)


def test_the_plan_in_the_docs_is_the_code_s_own() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert f"flowchart TD\n{drawing()}\n```" in page
    rooms = re.findall(r"^\| \[(\w+)/\]\([^)]*\) \|", page, re.MULTILINE)
    assert sorted(rooms) == sorted(FLOOR_OF)
    assert [FLOOR_OF[room] for room in rooms] == sorted(FLOOR_OF.values(), reverse=True)


def test_the_sandbox_shares_nothing_but_protocols_and_the_ground_with_the_product() -> None:
    wrong = [
        f"{module} -> {below}"
        for module, imported in graph().items()
        for below in imported
        if room_of(module) == "sandbox" and room_of(below) not in ("sandbox", "common") and below not in PROTOCOLS
    ]
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
