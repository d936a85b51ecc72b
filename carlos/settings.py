"""Every setting of Carlos, in one class.

The original's variable names are kept (`HOST`, `WS_PORT`, `HEALTH_PORT`, `AWS_DEFAULT_REGION`,
`ORDERS_TABLE`, `APPOINTMENTS_TABLE`, `LOGLEVEL`). With nothing set at all, the server runs on the
embedded defaults: SQLite under `.carlos/` and the Sonic stand-in on loopback.
"""

from __future__ import annotations

from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from carlos.keys import check_entries

Endpointing = Literal["HIGH", "MEDIUM", "LOW"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


def is_loopback(host: str) -> bool:
    """True for localhost and for loopback addresses; a name that is not an address is public."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def host_of(url: str) -> str:
    """The host in a URL, without its port; empty for what is no URL, such as `http://[`."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


class Settings(BaseSettings):
    """Read from the environment and from `.env`; a bad value or an unsafe combination raises ValidationError."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,  # some of it is secret
    )

    # Server
    host: str = Field("localhost", description="Address to bind.")
    ws_port: int = Field(8081, ge=0, le=65535, description="One port for phone, browser, REST and console.")
    health_port: int | None = Field(
        None, ge=0, le=65535, description="A second port for GET /health, as the original had."
    )
    loglevel: LogLevel = "INFO"
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
        4, ge=0, description="Browsers' conversations, in seats of their own: no browser can make the phone busy."
    )
    ecs_agent_uri: str | None = Field(None, description="Set by ECS itself: where task protection is asked for.")
    processes: int = Field(
        1,
        ge=1,
        le=64,
        description="Server processes that share WS_PORT and all seats: one for each core of a big host.",
    )
    drain_seconds: float = Field(110, ge=0, description="How long SIGTERM waits for live calls.")

    # Records
    store: Literal["sqlite", "dynamodb"] = "sqlite"
    aws_default_region: str = "us-east-1"
    dynamodb_endpoint: str | None = Field(None, description="Another endpoint for DynamoDB: a local AWS.")
    orders_table: str = "nova-sonic-server-app-demo-orders"
    appointments_table: str = "nova-sonic-server-app-demo-appointments"
    calls_table: str = "nova-sonic-server-app-demo-calls"

    # Calls
    keep_calls_days: int = Field(90, ge=1, description="Call records and recordings are deleted after that.")
    record_calls: bool = Field(False, description="Keep a stereo WAV of each call under CARLOS_HOME/recordings.")
    call_log_group: str | None = Field(
        None, description="CloudWatch log group that call records and events are delivered to, besides stdout."
    )
    call_log_texts: bool = Field(
        False, description="Also what was said and what the tools were given, masked; else only that it was."
    )
    call_log_endpoint: str | None = Field(None, description="Another endpoint for CloudWatch Logs: a local AWS.")
    emf_seconds: float = Field(30, ge=0, description="Metrics as EMF lines on stdout, this often; 0 for never.")
    metrics_namespace: str = Field(
        "Carlos",
        pattern=r"^[A-Za-z0-9._/#:-]{1,255}$",
        description="CloudWatch namespace of those metrics; one for each stage that shares an account and a Region.",
    )
    price_input_speech: float = Field(3.0, ge=0, description="USD per million tokens; for estimates only.")
    price_output_speech: float = Field(12.0, ge=0)
    price_input_text: float = Field(0.33, ge=0)
    price_output_text: float = Field(2.75, ge=0)
    price_phone_minute: float = Field(0.0125, ge=0, description="USD per minute on the phone line, streaming included.")

    # Sonic
    sonic: Literal["local", "bedrock"] = "local"
    sonic_endpoint: str | None = Field(None, description="Another endpoint for Bedrock Runtime, https only.")
    sonic_ca_file: Path | None = Field(None, description="CA bundle that signs SONIC_ENDPOINT.")
    sonic_model_id: str = "amazon.nova-2-5-sonic"
    sonic_voice: str = "carlos"
    sonic_endpointing: Endpointing | None = Field(
        "HIGH", description="How soon a pause ends the caller's turn; HIGH answers first."
    )
    sonic_temperature: float = Field(0.7, ge=0, le=1)
    sonic_top_p: float = Field(0.9, ge=0, le=1)
    sonic_max_tokens: int = Field(4096, ge=1, description="Of one answer; speech counts, and 1024 cut greetings.")
    tool_time_limit_s: float = Field(
        4.0, gt=0, description="Seconds until the caller is told that a tool's answer cannot be had yet."
    )
    sonic_open_timeout_s: float = Field(
        3.0, gt=0, description="Seconds for a connection to Sonic, and for the head of its response."
    )
    sonic_suspect_s: float = Field(
        3.5, gt=0, description="Seconds without an event, though an answer is due, until a second stream is dialled."
    )
    sonic_answer_timeout_s: float = Field(
        12.0, gt=0, description="Seconds that an answer may take to begin; the slowest seen by others took 9.9."
    )
    sonic_ping_s: float = Field(
        1.0, ge=0, description="A Sonic stream silent for so long is asked with an HTTP/2 PING; 0 never asks."
    )
    local_stt_model: Path | None = Field(
        None, description="CTranslate2 Whisper folder for the stand-in, instead of the pinned packages."
    )

    # Phone
    twilio_account_sid: str | None = None
    twilio_auth_token: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="One token, or two with a comma while rotating."
    )
    stream_token_key: SecretStr | None = Field(
        None, description="Signs stream tokens where there is no TWILIO_AUTH_TOKEN; by default made up at the start."
    )
    twilio_api_base: str = "https://api.twilio.com"
    transfer_numbers: Annotated[tuple[str, ...], NoDecode] = ()

    # Browsers
    browser_trust: Literal["server", "client"] = Field(
        "server", description="Whose persona, tools, voice and limits a browser's conversation has; client is unsafe."
    )
    browser_tokens: bool | None = Field(
        None,
        description="Ask browsers for a token of POST /browser/tokens, as ?token=…; unset: on a public host only.",
    )
    browser_idle_s: float = Field(300, gt=0, description="A conversation in which nobody says anything ends.")
    browser_max_s: float = Field(1800, gt=0, description="The longest conversation of a browser.")
    browser_max_per_address: int = Field(6, ge=0, description="Browser sockets of one address; 0 is any number.")

    # Who gets in
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
    jwt_audience: str | None = None
    jwt_issuer: str | None = None
    rate_limit_per_minute: int = Field(600, ge=1, description="REST requests of one key, or of one stranger's address.")
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = ("http://localhost:3000",)

    @field_validator("twilio_auth_token", "transfer_numbers", "admin_api_keys", "allowed_origins", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @model_validator(mode="after")
    def _refuse_unsafe_combinations(self) -> Self:
        if self.sonic_endpoint and urlsplit(self.sonic_endpoint).scheme != "https":
            raise ValueError("SONIC_ENDPOINT must be https://…: the Bedrock stream needs TLS and HTTP/2")
        if self.processes > 1 and self.sonic == "local" and not self.sonic_endpoint:
            raise ValueError(
                f"PROCESSES={self.processes} needs SONIC=bedrock: each process would start a stand-in of its own, and"
                " its hearing is what takes the time"
            )
        if (
            self.public_base_url
            and urlsplit(self.public_base_url).scheme != "https"
            and not is_loopback(urlsplit(self.public_base_url).hostname or "")
        ):
            raise ValueError("PUBLIC_BASE_URL must be https://…: Twilio connects by wss only")
        if self.jwt_jwks_url:
            url = urlsplit(self.jwt_jwks_url)
            if url.scheme != "https" and not is_loopback(url.hostname or ""):
                raise ValueError("JWT_JWKS_URL must be https://…: whoever changes the keys can sign any token")
            if not (self.jwt_audience and self.jwt_issuer):
                raise ValueError("JWT_JWKS_URL needs JWT_AUDIENCE and JWT_ISSUER: tokens for others must not pass here")
        check_entries(tuple(key.get_secret_value() for key in self.admin_api_keys), hashed=self.is_public)
        if self.is_public:
            if self.browser_trust == "client":
                raise ValueError(f"BROWSER_TRUST=client lets anyone use the model: not on HOST={self.host}")
            if not (self.admin_api_keys or self.jwt_jwks_url):
                raise ValueError(f"HOST={self.host} is reachable by others: set ADMIN_API_KEYS, or bind HOST=localhost")
            if not self.twilio_auth_token:
                raise ValueError(f"HOST={self.host} is reachable by others: set TWILIO_AUTH_TOKEN to check signatures")
            if not self.public_base_url:
                raise ValueError("set PUBLIC_BASE_URL to the https address that Twilio calls; signatures cover it")
        return self

    @cached_property
    def is_public(self) -> bool:
        return not is_loopback(self.host) or (
            self.public_base_url is not None and not is_loopback(urlsplit(self.public_base_url).hostname or "")
        )

    @property
    def asks_browser_tokens(self) -> bool:
        """Whether a browser's socket needs a token: as BROWSER_TOKENS says, and where it says nothing, in public."""
        return self.is_public if self.browser_tokens is None else self.browser_tokens

    @property
    def token_secrets(self) -> list[str]:
        """What signs stream tokens: the same in all processes that answer one number. Empty: each makes its own up."""
        shared = self.twilio_auth_token or ((self.stream_token_key,) if self.stream_token_key else ())
        return [secret.get_secret_value() for secret in shared]

    @property
    def own_api_key(self) -> str | None:
        """The first admin key that is known in clear, for our own commands."""
        keys = (key.get_secret_value().rpartition(":")[2] for key in self.admin_api_keys)
        return next((key for key in keys if not key.startswith("sha256=")), None)

    @property
    def base_url(self) -> str:
        """The server's address as Twilio uses it; on loopback, the bound address."""
        return (self.public_base_url or f"http://{self.host}:{self.ws_port}").rstrip("/")
