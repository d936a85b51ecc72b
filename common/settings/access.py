"""Who may use REST and the console."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, SecretStr
from pydantic_settings import NoDecode

from common.settings.concern import Concern, Unsafe, host_of, is_loopback, scheme_of


class AccessSettings(Concern):
    TITLE: ClassVar[str] = "Who gets in"
    UNSAFE: ClassVar[tuple[Unsafe, ...]] = (
        (
            lambda all_: (
                bool(all_.jwt_jwks_url)
                and scheme_of(all_.jwt_jwks_url) != "https"
                and not is_loopback(host_of(all_.jwt_jwks_url))
            ),
            "JWT_JWKS_URL must be https://…: whoever changes the keys can sign any token",
        ),
        (
            lambda all_: bool(all_.jwt_jwks_url) and not (all_.jwt_audience and all_.jwt_issuer),
            "JWT_JWKS_URL needs JWT_AUDIENCE and JWT_ISSUER: tokens for others must not pass here",
        ),
        (
            lambda all_: all_.is_public and not (all_.admin_api_keys or all_.jwt_jwks_url),
            "HOST={host} is reachable by others: set ADMIN_API_KEYS, or bind HOST=localhost",
        ),
    )

    admin_api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        description="With commas: name:scopes:sha256=<hash> as `carlos key` makes it; on loopback a clear key will do.",
    )
    admin_api_keys_secret: str | None = Field(
        None, description="Secrets Manager secret that holds ADMIN_API_KEYS; read by the Lambda entry."
    )
    admin_open_read: bool = Field(
        False,
        description="GET /orders and /appointments without a key, for the original client: they are personal data.",
    )
    jwt_jwks_url: str | None = Field(None, description="https://… of the keys that sign bearer tokens.")
    jwt_audience: str | None = Field(None, description="Who bearer tokens must be for.")
    jwt_issuer: str | None = Field(None, description="Who must have issued them.")
    rate_limit_per_minute: int = Field(
        600, ge=1, description="REST requests a minute of one key, or of one stranger's address."
    )
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        ("http://localhost:3000",), description="With commas: pages elsewhere that may use this server from a browser."
    )
