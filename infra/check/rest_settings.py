"""Print modules/rest/settings.json: the settings that the REST API reads on Lambda, by name.

.venv/bin/python infra/check/rest_settings.py > infra/modules/rest/settings.json

They are looked for in the source of every module that the Lambda's entry imports: `settings.<name>`, where a property
of Settings stands for the fields that it reads itself. So whoever makes REST read another setting need not remember to
pass it on: Terraform gives the Lambda what `server_settings` holds of these.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import api.lambda_handler  # noqa: F401 - what it imports is what is looked at
from common.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
# AWS_DEFAULT_REGION: Lambda sets it itself, and refuses another.
# ADMIN_API_KEYS: secret; the Lambda reads the secret that ADMIN_API_KEYS_SECRET names.
# HOST, PUBLIC_BASE_URL, TRUSTED_PROXIES: they say how a server is reached, and nobody reaches this one but API Gateway.
NOT_FOR_A_LAMBDA = {"AWS_DEFAULT_REGION", "ADMIN_API_KEYS", "HOST", "PUBLIC_BASE_URL", "TRUSTED_PROXIES"}


def our_modules() -> Iterator[ModuleType]:
    for module in list(sys.modules.values()):
        file = Path(getattr(module, "__file__", None) or "/")
        if file.is_relative_to(ROOT) and not file.is_relative_to(ROOT / ".venv"):
            yield module


def attributes(tree: ast.AST, of: str) -> set[str]:
    """Return the names that are read of the variable `of`."""
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    return {node.attr for node in found if isinstance(node.value, ast.Name) and node.value.id == of}


def fields(name: str) -> set[str]:
    """Return the fields behind an attribute of Settings: itself, or those that a property reads."""
    if name in Settings.model_fields:
        return {name}
    found = inspect.getattr_static(Settings, name, None)
    getter = getattr(found, "fget", None) or getattr(found, "func", None)  # a property, or a cached one
    if getter is None:
        return set()
    tree = ast.parse(textwrap.dedent(inspect.getsource(getter)))
    return {field for each in attributes(tree, "self") for field in fields(each)}


def read_by_rest() -> list[str]:
    """Return the names, as they are in the environment."""
    read = {name for module in our_modules() for name in attributes(ast.parse(inspect.getsource(module)), "settings")}
    return sorted({field.upper() for name in read for field in fields(name)} - NOT_FOR_A_LAMBDA)


if __name__ == "__main__":
    print(json.dumps(read_by_rest(), indent=2))
