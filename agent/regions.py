"""Regions of AWS with streams to Sonic: which of them a stream is opened in, and how many of its streams are for what.

    for what            streams of the Region that must stay free     of all streams of the Region, at most
    a ringing call      headroom                                      ·
    a browser           headroom                                      a fifth: no browser can make the phone busy
    a call that goes on none                                          ·

A call that goes on is one whose line or server died, or whose stream is replaced, which takes a second one for a
moment: for these the headroom is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum

from data.leases import Terms

BROWSERS = "browser:"  # what the names of their leases begin with
BROWSERS_SHARE = 5  # one stream in five


class Need(Enum):
    """What a stream is for."""

    CALL = "call"
    BROWSER = "browser"
    GOES_ON = "goes on"


@dataclass(frozen=True, slots=True)
class RegionPlan:
    """`streams` of each Region, the preferred one first; `headroom` streams of each are no new call's."""

    streams: Mapping[str, int]
    headroom: int = 0

    @property
    def regions(self) -> tuple[str, ...]:
        return tuple(self.streams)

    def order(self, is_down: Callable[[str], bool], avoided: Collection[str] = ()) -> list[str]:
        """Return the Regions in the order in which to try them: those that seem to be down last, and before them the
        `avoided` ones, in which something has just failed."""
        return sorted(self.streams, key=lambda region: (is_down(region), region in avoided))

    def usable(self, is_down: Callable[[str], bool]) -> list[str]:
        """Return the Regions for a new call, in order of preference: those that are up. All of them where none seems
        to be, for then it is known of none that it is still down."""
        return [region for region in self.streams if not is_down(region)] or list(self.streams)

    def terms(self, need: Need, region: str) -> Terms:
        match need:
            case Need.CALL:
                return Terms(self.headroom)
            case Need.BROWSER:
                return Terms(self.headroom, BROWSERS, max(1, self.streams[region] // BROWSERS_SHARE))
        return Terms()
