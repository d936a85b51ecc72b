"""Several processes and several Regions: who may open how many streams to Sonic, and where."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from common.settings.concern import Concern, Unsafe

DEFAULT_STREAMS = 20  # of an account in a Region, unless AWS has raised it


class FleetSettings(Concern):
    TITLE: ClassVar[str] = "Fleet"
    UNSAFE: ClassVar[tuple[Unsafe, ...]] = (
        (
            lambda all_: bool(_named(all_.sonic_region_streams) - {*all_.sonic_regions, all_.aws_default_region}),
            "SONIC_REGION_STREAMS names a Region that is not in SONIC_REGIONS",
        ),
        (
            lambda all_: (
                all_.leases_streams and min(all_.streams_in(all_.aws_default_region).values()) <= all_.sonic_headroom
            ),
            "SONIC_HEADROOM={sonic_headroom} leaves a Region without a stream for a call: see SONIC_REGION_STREAMS",
        ),
    )

    sonic_regions: tuple[str, ...] = Field(
        (), description="AWS Regions for Sonic, the preferred one first; none: AWS_DEFAULT_REGION alone."
    )
    sonic_region_streams: tuple[str, ...] = Field(
        (str(DEFAULT_STREAMS),),
        description="Streams that the account may have open at once in each Region, or in one: `20,us-east-1=40`.",
    )
    sonic_headroom: int = Field(
        2,
        ge=0,
        description="Streams of each Region that no new call gets: one that goes on takes a second one for a moment.",
    )
    fleet_leases: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Count streams to Sonic over all processes that share the store; `auto`: with STORE=dynamodb.",
    )
    preconnect: Literal["auto", "always", "never"] = Field(
        "auto",
        description="Open a call's stream while it rings; `auto`: unless streams are leased, for then the media may"
        " come to another process than the ring did.",
    )

    @field_validator("sonic_region_streams")
    @classmethod
    def _streams_are_counts(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        for entry in entries:
            count = entry.rpartition("=")[2]
            if not (count.isascii() and count.isdecimal() and len(count) < 7 and int(count)):
                raise ValueError("is to be a count of streams, or Region=count, with commas between them")
        return entries

    def streams_in(self, default_region: str) -> dict[str, int]:
        """Return how many streams each Region has, in the order of preference."""
        counts = {
            region: int(count) for region, _, count in (each.rpartition("=") for each in self.sonic_region_streams)
        }
        usual = counts.get("", DEFAULT_STREAMS)
        return {region: counts.get(region, usual) for region in self.sonic_regions or (default_region,)}


def _named(entries: tuple[str, ...]) -> set[str]:
    return {region for region, equals, _ in (entry.rpartition("=") for entry in entries) if equals}
