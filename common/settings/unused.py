"""Variables that somebody has set in vain: names of tables and keys of AWS do not by themselves lead to AWS, so that
nothing is billed that nobody asked for. The original went there for them."""

from __future__ import annotations

from collections.abc import Iterable

from common.settings import Settings

_TABLES = ("ORDERS_TABLE", "APPOINTMENTS_TABLE", "CALLS_TABLE")
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def unused(settings: Settings, names: Iterable[str]) -> str | None:
    """Return one sentence on those of the given names that do nothing as the settings are, or None."""
    given = {name.upper() for name in names}
    local_store, local_sonic = settings.store == "sqlite", settings.sonic == "local"
    wants_aws = settings.recordings == "s3" or bool(settings.call_log_group)
    idle = [name for name in _TABLES if local_store and name in given]
    idle += [name for name in _KEYS if local_store and local_sonic and not wants_aws and name in given]
    if not idle:
        return None
    missing = ["the records are in a file until STORE=dynamodb is set"]
    if local_sonic:
        missing.append("the stand-in answers until SONIC=bedrock is set")
    return f"{', '.join(idle)}: set, and of no effect; {', and '.join(missing)}"
