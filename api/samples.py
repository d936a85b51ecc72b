"""A request of each route, made from the examples in its description, as curl and as Python.

A parameter is in it if it has an example (`Path(examples=[…])`, `Query(examples=[…])`, `Header(examples=[…])`), a body
as its model's example.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

ADDRESS = "http://localhost:8081"
MOST_COLUMNS = 120
SET_UP = """\
import os

import httpx

carlos = httpx.Client(base_url="http://localhost:8081", headers={"X-Api-Key": os.environ["CARLOS_API_KEY"]})"""


class NoExample(Exception):
    """A part of a request that must be there has no example; its text says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A request. `body` is JSON; `answer` the media type of the answer; `is_open` where no key is asked for."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    answer: str
    is_open: bool

    @classmethod
    def of(cls, schema: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]) -> Sample:
        """Return the request of a route. Raise NoExample."""
        route, given = f"{method.upper()} {path}", dict[str, dict[str, str]](query={}, header={})
        for parameter in operation.get("parameters", []):
            name, examples = parameter["name"], parameter["schema"].get("examples", [])
            if parameter["in"] == "path":
                if not examples:
                    raise NoExample(f"{route}: give `{name}` an example, `Annotated[str, Path(examples=[…])]`")
                path = path.replace(f"{{{name}}}", quote(str(examples[0]), safe=""))
            elif examples:
                given[parameter["in"]][name] = str(examples[0])
            elif parameter.get("required"):
                kind = parameter["in"].capitalize()
                raise NoExample(f"{route}: give `{name}` an example, `Annotated[str, {kind}(examples=[…])]`")
        body = None
        if asked := operation.get("requestBody"):
            name = asked["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            body = schema["components"]["schemas"][name].get("example")
            if body is None:
                raise NoExample(
                    f"{route}: give {name} an example, `ConfigDict(json_schema_extra={{'example': …}})`, which its"
                    " subclasses do not inherit where they have a configuration of their own"
                )
        headers = {name.title(): value for name, value in given["header"].items()}
        is_open = "security" not in operation
        return cls(method.upper(), path, given["query"], headers, body, media_type(operation), is_open)

    @property
    def url(self) -> str:
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    def curl(self) -> str:
        words = ["curl"]
        if self.method not in ("GET", "POST") or (self.method == "POST" and self.body is None):
            words += ["-X", self.method]
        if self.answer == "text/event-stream":
            words.append("-N")
        lines = [" ".join([*words, shlex.quote(ADDRESS + self.url)])]
        if not self.is_open:
            lines.append('-H "X-Api-Key: $CARLOS_API_KEY"')
        lines += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in self.headers.items()]
        if self.body is not None:
            lines.append("-H 'Content-Type: application/json'")
            lines.append(f"-d {shlex.quote(json.dumps(self.body, ensure_ascii=False))}")
        if self.answer == "audio/wav":
            lines.append("-o call.wav")
        return " \\\n  ".join(lines)

    def python(self) -> str:
        """Return lines that follow `SET_UP`."""
        if self.answer == "text/event-stream":
            return (
                f'with carlos.stream("{self.method}", "{self.path}", timeout=None) as answer:\n'
                "    for line in answer.iter_lines():\n"
                "        print(line)"
            )
        given: dict[str, Any] = {"": self.path}
        if self.query:
            given["params"] = self.query
        if self.headers:
            given["headers"] = self.headers
        if self.body is not None:
            given["json"] = self.body
        asked = _call(f"answer = carlos.{self.method.lower()}", given)
        return f"{asked}\nanswer.raise_for_status()\n{self._used()}"

    def _used(self) -> str:
        if self.answer == "audio/wav":
            return 'with open("call.wav", "wb") as file:\n    file.write(answer.content)'
        if self.answer != "application/json":
            return "print(answer.text)"
        return "print(answer.json())" if self.is_open else 'print(answer.json()["data"])'


def media_type(operation: Mapping[str, Any]) -> str:
    """Return that of an operation's success."""
    return str(next(iter(success_of(operation)[1].get("content", {"": None}))))


def success_of(operation: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return an operation's success: its status, and what the description says of it."""
    return next((status, said) for status, said in operation["responses"].items() if status.startswith("2"))


def _call(name: str, given: Mapping[str, Any]) -> str:
    """Return a call as ruff lays it out, which formats the reference, too; a name that is empty is no keyword."""
    named = {f"{keyword}=" if keyword else "": value for keyword, value in given.items()}
    flat = f"{name}({', '.join(keyword + _literal(value) for keyword, value in named.items())})"
    if len(flat) <= MOST_COLUMNS:
        return flat
    lines = [f"    {keyword}{_laid_out(value, 4, len(keyword))}," for keyword, value in named.items()]
    return "\n".join([f"{name}(", *lines, ")"])


def _laid_out(value: Any, indent: int, before: int) -> str:
    """Return a literal that begins `before` columns behind the indent, on several lines where one is too short."""
    flat = _literal(value)
    if indent + before + len(flat) < MOST_COLUMNS or not isinstance(value, Mapping | list):
        return flat
    inner = " " * (indent + 4)
    if isinstance(value, list):
        lines = [f"{inner}{_laid_out(each, indent + 4, 0)}," for each in value]
        return "\n".join(["[", *lines, f"{' ' * indent}]"])
    names = {name: f"{json.dumps(name)}: " for name in value}
    lines = [f"{inner}{names[name]}{_laid_out(each, indent + 4, len(names[name]))}," for name, each in value.items()]
    return "\n".join(["{", *lines, f"{' ' * indent}}}"])


def _literal(value: Any) -> str:
    """Return a value of JSON as a literal of Python."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(name)}: {_literal(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_literal(each) for each in value) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
