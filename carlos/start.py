"""The `carlos` script: a first word at once, before the imports, which on a slow machine take seconds."""

from __future__ import annotations

import sys
from collections.abc import Sequence

FIRST_WORDS = {"serve": "starting Carlos …", "call": "phoning Carlos …"}
_BRIEF = {"--help", "--list", "--json"}  # whoever asks for these gets them soon enough, and nothing else


def first_word(arguments: Sequence[str]) -> str | None:
    """Return what a person may read while a command gets ready, None where there is no need."""
    return None if _BRIEF.intersection(arguments) else FIRST_WORDS.get(next(iter(arguments), ""))


def main() -> None:
    word = first_word(sys.argv[1:])
    if word is not None and sys.stdout.isatty():
        print(word, file=sys.stderr, flush=True)
    from carlos.cli import main as run

    run()


if __name__ == "__main__":
    main()
