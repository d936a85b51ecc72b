"""A stage as Terraform would make it, and where things are."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
TOOLS = ROOT / ".venv-infra" / "bin"
STAGES = ("demo", "prod")

type Json = dict[str, Any]
type Offline = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True, slots=True)
class Stage:
    """The state of a mocked apply."""

    name: str
    state: Json

    def all(self, kind: str) -> list[Json]:
        """The values of all resources of a type."""
        return [r["values"] for r in _resources(self.state["root_module"]) if r["type"] == kind]

    def one(self, kind: str, **values: object) -> Json:
        (found,) = [r for r in self.all(kind) if all(r[name] == value for name, value in values.items())]
        return found

    def container(self) -> Json:
        (container,) = json.loads(self.one("aws_ecs_task_definition")["container_definitions"])
        return dict(container)


def _resources(module: Json) -> Iterator[Json]:
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from _resources(child)
