"""Where the server listens, how many calls it takes and how it ends."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from common.settings.concern import Concern, Unsafe, host_of, is_loopback, scheme_of


class ServerSettings(Concern):
    TITLE: ClassVar[str] = "Server"
    UNSAFE: ClassVar[tuple[Unsafe, ...]] = (
        (
            lambda all_: all_.processes > 1 and all_.sonic == "local" and not all_.sonic_endpoint,
            "PROCESSES={processes} needs SONIC=bedrock: each process would start a stand-in of its own, and its hearing"
            " is what takes the time",
        ),
        (
            lambda all_: (
                bool(all_.public_base_url)
                and scheme_of(all_.public_base_url) != "https"
                and not is_loopback(host_of(all_.public_base_url))
            ),
            "PUBLIC_BASE_URL must be https://…: Twilio connects by wss only",
        ),
    )

    host: str = Field("localhost", description="Address to bind.")
    ws_port: int = Field(8081, ge=0, le=65535, description="One port for phone, browser, REST and console.")
    health_port: int | None = Field(
        None, ge=0, le=65535, description="A second port for GET /health, as the original had."
    )
    loglevel: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="How much the log says; DEBUG is for developers."
    )
    carlos_home: Path = Field(Path(".carlos"), description="Folder of the SQLite file, recordings and logs.")
    public_base_url: str | None = Field(
        None, description="https://… as Twilio sees this server; signatures are checked against it."
    )
    trusted_proxies: int = Field(
        0,
        ge=0,
        description="Proxies in front of us, each adding to X-Forwarded-For; 0: the header is a stranger's word.",
    )
    max_calls: int = Field(
        16,
        ge=1,
        description="Live phone calls; AWS allows 20 streams per account and Region, rotation opens a second one.",
    )
    max_browsers: int = Field(
        4, ge=0, description="Browsers' conversations, in places of their own: no browser can make the phone busy."
    )
    ecs_agent_uri: str | None = Field(None, description="Set by ECS itself: where task protection is asked for.")
    processes: int = Field(
        1,
        ge=1,
        le=64,
        description="Server processes that share WS_PORT and all places: one for each core of a big host.",
    )
    drain_seconds: float = Field(110, ge=0, description="How long SIGTERM waits for live calls.")
