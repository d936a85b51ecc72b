"""Carlos as he is served. Only BENCH_ROTATE_S is not: the age at which a stream is rotated, minutes otherwise."""

from __future__ import annotations

import os
from dataclasses import replace

from agent.sonic.protocol import ToolSpec
from agent.sonic.session import SonicConfig
from bench.servers import probe
from carlos import log
from carlos.app import House
from carlos.server import serve
from carlos.settings import Settings


def main() -> None:
    if rotate_s := os.environ.get("BENCH_ROTATE_S"):
        _rotate_after(float(rotate_s))
    probe.install()
    settings = Settings(_env_file=None)
    log.configure(settings.loglevel)
    serve(settings)


def _rotate_after(seconds: float) -> None:
    configured = House.sonic_config

    def sooner(self: House, system: str, tools: tuple[ToolSpec, ...]) -> SonicConfig:
        return replace(configured(self, system, tools), rotate_after_s=seconds, rotate_by_s=seconds + 5)

    House.sonic_config = sooner  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
