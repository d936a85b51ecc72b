"""What to do when Twilio could not get, or not run, a document of ours: it asks the number's fallback URL, and says in
`ErrorCode` and `ErrorUrl` what went wrong where. https://www.twilio.com/docs/usage/security/availability-reliability

Whoever answers is up again, or another server: the same document is asked for once more, and no more than once in a
row, because the second request carries a mark. Nothing is looked up for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs

FALLBACK_PATH = "/twilio/fallback"
RETRIED = "retried"  # the mark, in the query
_MAX_URL_CHARACTERS = 2000


def asked_again(base_url: str, folder: str, params: Mapping[str, str]) -> str | None:
    """Return path and query to send Twilio to: those that failed, marked. None where there is no second try: they were
    marked already, or are none of ours."""
    url = params.get("ErrorUrl", "").partition("#")[0]
    if len(url) > _MAX_URL_CHARACTERS or not url.startswith(base_url + folder):
        return None
    path, _, query = url.removeprefix(base_url).partition("?")
    if path == FALLBACK_PATH or RETRIED in parse_qs(query):
        return None
    return f"{path}?{query}&{RETRIED}=1" if query else f"{path}?{RETRIED}=1"


def error_code(params: Mapping[str, str]) -> str:
    """Return Twilio's code (https://www.twilio.com/docs/api/errors) for a log line."""
    code = params.get("ErrorCode", "")
    return code if code.isdecimal() and len(code) <= 6 else "none"
