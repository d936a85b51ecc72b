"""Would a call get a stream? One is opened as a call's is, and closed before any audio."""

from __future__ import annotations

from agent.sonic.errors import (
    SonicError,
    SonicExpired,
    SonicLost,
    SonicRefused,
    SonicRejected,
    SonicThrottled,
    SonicTimedOut,
)
from agent.sonic.opening import Names, SonicConfig, introduction
from agent.sonic.session import Opener

# What an operator is told. The service's own words name accounts and roles: they are for the log.
_WORDS: tuple[tuple[type[SonicError], str], ...] = (
    (SonicRefused, "refused: credentials, access to the model in this Region, or its id"),
    (SonicExpired, "the credentials ran out"),
    (SonicThrottled, "throttled: all streams of the account are taken in this Region"),
    (SonicRejected, "the set-up of a stream was not accepted: a SONIC_ setting"),
    (SonicTimedOut, "the service timed out"),
    (SonicLost, "no stream could be had: network, address or Region"),
)
_BY_NAME = {kind.__name__: words for kind, words in _WORDS}


async def probe(opener: Opener, config: SonicConfig) -> None:
    """Open a stream, and close it when the service has accepted it. Raise SonicError where it does not; OrderError for
    what no stream would take.

    That it is accepted proves credentials, Region and access to the model. So does a refusal for want of a free
    stream, SonicThrottled: whose quota is used up by calls could answer others.
    """
    stream = await opener.open(config.model_id)
    try:
        await stream.send(*introduction(config, Names.new(), config.system, ()))
        await stream.opened()
    finally:
        await stream.close()


def words_of(kind: str) -> str:
    """Return what may be told of an error by the name of its class."""
    return _BY_NAME.get(kind, _BY_NAME[SonicLost.__name__])
