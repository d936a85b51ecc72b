"""What the log may say of an exception: never the values that it was raised over.

An error of ours is worded for the log. Another's text may quote what its function was given (a validation error the
whole record, `int` the digits that a caller said), so of those only what is known to quote nothing is shown: the
system's error, AWS's and SQLite's codes, the names that a mistake in the code is about.
"""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Iterator

from pydantic import ValidationError

_OUR_PACKAGES = frozenset({"agent", "api", "bench", "carlos", "common", "data", "sandbox", "telephony", "tools"})
_MAX_FRAMES = 12  # of a traceback


def error_text(error: BaseException) -> str:
    """Return the error's type and what may be said of it, then the errors that it came from."""
    return " <- ".join(_line(each) for each in _chain(error))


def traceback_text(error: BaseException) -> str:
    """Return the last frames of the error and of those that it came from, oldest first, as Python prints them."""
    told = ["".join(traceback.format_tb(each.__traceback__, -_MAX_FRAMES)) + _line(each) for each in _chain(error)]
    return "\n\nwhich led to\n\n".join(reversed(told))


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen = set[int]()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        yield following
        seen.add(id(following))
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)


def _line(error: BaseException) -> str:
    words = _words(error)
    return f"{type(error).__qualname__}: {words}" if words else type(error).__qualname__


def _words(error: BaseException) -> str:
    package = type(error).__module__.partition(".")[0]
    match error:
        case BaseExceptionGroup():
            return "; ".join(error_text(each) for each in error.exceptions)
        case ValidationError():
            return f"{error.error_count()} in {error.title}"
        case sqlite3.Error():
            return str(getattr(error, "sqlite_errorname", ""))
        case _ if package == "botocore":
            response = getattr(error, "response", {})
            return str(response.get("Error", {}).get("Code", ""))
        case OSError():
            return error.strerror or ""
        case AttributeError() | ImportError() | NameError():
            return str(error)
        case _:
            return str(error) if package in _OUR_PACKAGES else ""
