"""Variables that were meant for Carlos and are none of his: a typing error in a name is otherwise a setting ignored."""

from __future__ import annotations

import os
from collections.abc import Iterable
from difflib import get_close_matches

from dotenv import dotenv_values

from common.settings import Settings

MIN_SIMILARITY = 0.86  # of difflib's ratio: LOG_LEVEL and MAX_CALL are found, HOSTNAME and PORT are not
OURS = {"CARLOS_ENV_FILE"}  # that are no settings
OUR_PREFIXES = ("CARLOS_", "SONIC_", "BROWSER_")  # nobody else's names begin like this


def misspelt(names: Iterable[str]) -> dict[str, str | None]:
    """Return the names that look like a setting's and are none, each with the setting that was probably meant."""
    known = {name.upper() for name in Settings.model_fields} | OURS
    found: dict[str, str | None] = {}
    for name in sorted({name.upper() for name in names} - known):
        nearest = get_close_matches(name, known, n=1, cutoff=MIN_SIMILARITY)
        if nearest or name.startswith(OUR_PREFIXES):
            found[name] = nearest[0] if nearest else None
    return found


def names_given() -> set[str]:
    """Return every name in the environment and in `.env`."""
    file = Settings.model_config["env_file"]
    return {*os.environ, *(dotenv_values(str(file)) if file else ())}
