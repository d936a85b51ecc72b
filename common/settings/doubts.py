"""What a server can be started with, and was probably not meant. Lists of AWS's grow: none of it is refused."""

from __future__ import annotations

import re

from common.settings import Settings

_REGION = re.compile(r"[a-z]{2}(-[a-z]+){1,3}-\d{1,2}")
# Of Nova 2 Sonic, by its model card and pipecat 1.14; for Nova 2.5 no list of its own was found.
SONIC_REGIONS = ("us-east-1", "us-west-2", "eu-north-1", "ap-northeast-1")
SONIC_VOICES = (
    *("carlos", "lupe"),  # Spanish
    *("ambre", "amy", "arjun", "beatrice", "carolina", "florian", "kiara", "lennart", "leo", "lorenzo", "matthew"),
    *("olivia", "tiffany", "tina"),
)
_MAX_QUOTED = 40  # characters of a value


def doubts(settings: Settings) -> list[str]:
    """Return a sentence on each setting that is probably a mistake."""
    return [*_regions(settings), *_voice(settings), *_account(settings)]


def _regions(settings: Settings) -> list[str]:
    told: list[str] = []
    given = {settings.aws_default_region: "AWS_DEFAULT_REGION"} | dict.fromkeys(settings.sonic_regions, "SONIC_REGIONS")
    for region, name in given.items():
        for_sonic = name == "SONIC_REGIONS" or not settings.sonic_regions
        if not _REGION.fullmatch(region):
            told.append(f"{name}: {region[:_MAX_QUOTED]!r} does not look like an AWS Region, such as us-east-1")
        elif settings.sonic == "bedrock" and for_sonic and region not in SONIC_REGIONS:
            told.append(f"{name}: Nova Sonic was not known in {region}, only in {', '.join(SONIC_REGIONS)}")
    return told


def _voice(settings: Settings) -> list[str]:
    voice = settings.sonic_voice
    if voice in SONIC_VOICES:
        return []
    return [
        f"SONIC_VOICE: {voice[:_MAX_QUOTED]!r} is no voice of Nova Sonic that was known; those for Spanish are carlos"
        " and lupe, in lower case"
    ]


def _account(settings: Settings) -> list[str]:
    if settings.twilio_auth_token and not settings.twilio_account_sid:
        return [
            "TWILIO_AUTH_TOKEN without TWILIO_ACCOUNT_SID: calls are answered, but not hung up over Twilio's REST API"
        ]
    if settings.twilio_account_sid and not settings.twilio_auth_token:
        return [
            "TWILIO_ACCOUNT_SID without TWILIO_AUTH_TOKEN: signatures are not checked, and nothing is hung up by REST"
        ]
    return []
