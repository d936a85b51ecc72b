"""docs/settings.md, made from the settings' own descriptions.

python -m common.settings.page > docs/settings.md
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic.fields import FieldInfo

from common.settings import CONCERNS, Settings
from common.settings.env_example import default_text


def page() -> str:
    """Every setting with its default and what it means."""
    lines = [
        "# Settings",
        "",
        "Made by `python -m common.settings.page`; do not edit.",
        "",
        "Set them as environment variables, or in a file `.env` where the server starts (`CARLOS_ENV_FILE` names"
        " another one): `carlos init` writes one, and `.env.example` has them all. An empty value is the default,"
        " except in lists and where *empty* has a meaning below. A name that looks like one of these and is none is"
        " named at the start.",
        "",
    ]
    for concern in CONCERNS:
        lines += [f"## {concern.TITLE}", "", "| setting | default | |", "|---|---|---|"]
        lines += _rows(concern.model_fields)
        lines.append("")
    return "\n".join(lines).rstrip()


def _rows(fields: dict[str, FieldInfo]) -> Iterator[str]:
    for name in fields:
        field = Settings.model_fields[name]
        yield f"| `{name.upper()}` | {_default(field)} | {_cell(field)} |"


def _cell(field: FieldInfo) -> str:
    """A bar would end the cell."""
    return (field.description or "").replace("|", "\\|")


def _default(field: FieldInfo) -> str:
    text = default_text(field)
    return f"`{text}`" if text else ""


if __name__ == "__main__":
    print(page())
