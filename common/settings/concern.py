"""What the classes of settings have in common: how they are read, and combinations that none of them allows."""

from __future__ import annotations

import os
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

# A combination that a server must not be started with: when it is given, and what to say. `{host}` and other settings
# are filled in.
type Unsafe = tuple[Callable[[Any], bool], str]


def is_loopback(host: str) -> bool:
    """Return True for localhost and for loopback addresses; a name that is not an address is public."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def host_of(url: str) -> str:
    """Return the host in a URL, without its port; empty for what is no URL, such as `http://[`."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def scheme_of(url: str) -> str:
    return urlsplit(url).scheme


MAY_BE_EMPTY = frozenset({"recordings_prefix", "webhook_overrides"})  # for them an empty text is a value


class Concern(BaseSettings):
    """Settings of one concern. Each has a description, with its unit, for docs/settings.md."""

    TITLE: ClassVar[str]
    UNSAFE: ClassVar[tuple[Unsafe, ...]] = ()

    model_config = SettingsConfigDict(
        env_file=os.environ.get("CARLOS_ENV_FILE", ".env") or None,
        env_file_encoding="utf-8",
        enable_decoding=False,  # lists are written with commas, and not as JSON
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,  # some of it is secret
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Where settings come from, the first being the strongest. No file is no source: it would be asked for each
        setting."""
        file = (dotenv_settings,) if getattr(dotenv_settings, "env_file", None) else ()
        return init_settings, env_settings, *file

    @field_validator("*", mode="before")
    @classmethod
    def _read_text(cls, value: object, info: Any) -> object:
        """Split a list that is written with commas; take an empty text, `HEALTH_PORT=`, for one that is not set."""
        if not isinstance(value, str):
            return value
        field = cls.model_fields[info.field_name]
        if str(field.annotation).startswith("tuple["):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        is_unset = not value.strip() and info.field_name not in MAY_BE_EMPTY
        return field.get_default() if is_unset else value
