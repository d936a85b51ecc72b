"""Carlos as he is served, but for two variables of the environment.

BENCH_ROTATE_S is the age at which a stream is rotated, minutes otherwise. With BENCH_PAIRS_IN=never no frame of a
caller waits for another, however busy the loop is.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from time import monotonic
from typing import Any

from agent.line import CallerAudio, LineEvent
from agent.sonic.events import ToolSpec
from agent.sonic.opening import SonicConfig
from bench.servers import probe
from carlos.app import Services
from carlos.server import serve
from common import log
from common.settings import Settings
from telephony.twilio import line as twilio
from telephony.twilio.line import PhoneLine
from telephony.twilio.media_stream import Stopped


def main() -> None:
    if rotate_s := os.environ.get("BENCH_ROTATE_S"):
        _rotate_after(float(rotate_s))
    if os.environ.get("BENCH_PAIRS_IN") == "never":
        twilio.BUSY_IN_LINES = sys.maxsize
    _note_first_reads()
    probe.install()
    settings = Settings(_env_file=None)
    log.configure(settings.loglevel)
    serve(settings)


def _note_first_reads() -> None:
    """Tell the probe when a phone line has read its caller's first frame; the second costs nothing more."""
    made = PhoneLine.__init__

    def noting(self: PhoneLine, *arguments: Any) -> None:
        made(self, *arguments)
        read = self._read

        def first(message: str | bytes) -> LineEvent | Stopped | None:
            event = read(message)
            if isinstance(event, CallerAudio):
                probe.first_reads.append(monotonic())
                del self._read
            return event

        self._read = first  # type: ignore[method-assign]

    PhoneLine.__init__ = noting  # type: ignore[method-assign,assignment]


def _rotate_after(seconds: float) -> None:
    configured = Services.sonic_config

    def sooner(self: Services, system: str, tools: tuple[ToolSpec, ...]) -> SonicConfig:
        return replace(
            configured(self, system, tools), rotate_after_s=seconds, rotate_spread_s=0.0, rotate_by_s=seconds + 5
        )

    Services.sonic_config = sooner  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
