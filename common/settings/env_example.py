""".env.example, made from the settings' own descriptions.

python -m common.settings.env_example > .env.example
"""

from __future__ import annotations

from textwrap import wrap

from pydantic.fields import FieldInfo

from common.settings import CONCERNS, Settings

WIDTH = 100  # characters of a line

_HEAD = """\
# Every setting of Carlos with its default. None must be set: `make run` needs no file.
# Copy it to .env where the server starts, and take away the # of what is to be different; or let
# `carlos init` ask for the few that matter. A variable of the environment goes before this file.
# Made by `python -m common.settings.env_example`; do not edit.
"""


def env_example() -> str:
    """Every setting, commented out, under what it means."""
    parts = [_HEAD]
    for concern in CONCERNS:
        parts.append(f"\n# --- {concern.TITLE} ---\n")
        parts += [_entry(name, Settings.model_fields[name]) for name in concern.model_fields]
    return "\n".join(parts)


def _entry(name: str, field: FieldInfo) -> str:
    told = wrap(field.description or "", WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False)
    return "\n".join([*told, f"#{name.upper()}={default_text(field)}", ""])


def default_text(field: FieldInfo) -> str:
    """A field's default as a variable has it; empty where it has none."""
    match field.default:
        case None:
            return ""
        case tuple() as several:
            return ",".join(map(str, several))
        case bool() as on:
            return str(on).lower()
        case float() as number:
            return f"{number:g}"
        case default:
            return str(default)


if __name__ == "__main__":
    print(env_example(), end="")
