"""May this account talk to the model? One stream is opened as a call opens it, and closed before a word is spoken."""

from __future__ import annotations

import asyncio

from agent.sonic.errors import OrderError, SonicError, SonicExpired, SonicRefused, SonicRejected, SonicThrottled
from agent.sonic.events import ContentEnd, PromptEnd, SessionEnd
from agent.sonic.opening import Names, SonicConfig, first_audio, introduction
from agent.sonic.wire.client import SonicClient
from carlos.checks.finding import Finding, failed, not_tried, ok
from common.settings import Settings

MODEL = "model"
ANSWER_S = 10.0  # for the service to end the stream that we ended

_ADVICE: tuple[tuple[type[SonicError], str], ...] = (
    (
        SonicRefused,
        "credentials, access to this model in this Region, and the action bedrock:InvokeModel are looked at in"
        " docs/go-live.md",
    ),
    (SonicRejected, "SONIC_VOICE or another SONIC_ setting is not the service's"),
    (SonicExpired, "the credentials ran out: log in again, or give the server a role"),
    (SonicThrottled, "all streams of the account are taken in this Region, or its quota is zero"),
    (SonicError, "look at the network, and whether AWS_DEFAULT_REGION has the model"),
)


async def check_model(settings: Settings) -> Finding:
    if settings.sonic == "local" and settings.sonic_endpoint is None:
        return not_tried(MODEL, "SONIC=local: the stand-in on this machine answers. For Amazon set SONIC=bedrock")
    where = f"{settings.sonic_model_id} in {settings.aws_default_region}"
    client = SonicClient(
        settings.aws_default_region,
        settings.sonic_endpoint,
        settings.sonic_ca_file,
        open_timeout_s=settings.sonic_open_timeout_s,
    )
    try:
        await _open_and_close(client, settings)
    except TimeoutError:
        return failed(MODEL, f"{where} opened a stream and did not end it within {ANSWER_S:g} s")
    except OrderError as error:  # what no stream would take is not sent
        return failed(MODEL, f"{where}: {error.message}; look at SONIC_VOICE")
    except SonicError as error:
        advice = next(advice for kind, advice in _ADVICE if isinstance(error, kind))
        return failed(MODEL, f"{where}: {error.detail}; {advice}")
    return ok(MODEL, f"{where} opened a stream, with the voice {settings.sonic_voice}; nothing was said in it")


async def _open_and_close(client: SonicClient, settings: Settings) -> None:
    config = SonicConfig(
        model_id=settings.sonic_model_id,
        voice=settings.sonic_voice,
        system="Prueba de conexión.",
        tools=(),
        endpointing=settings.sonic_endpointing,
        temperature=settings.sonic_temperature,
        top_p=settings.sonic_top_p,
        max_tokens=settings.sonic_max_tokens,
    )
    stream = await client.open(config.model_id)
    try:
        names = Names.new()
        await stream.send(*introduction(config, names, config.system, ()), *first_audio(config, names))
        await stream.send(ContentEnd(names.prompt, names.audio), PromptEnd(names.prompt), SessionEnd())
        async with asyncio.timeout(ANSWER_S):
            await stream.opened()
            while await stream.receive() is not None:
                pass
    finally:
        await stream.close()
