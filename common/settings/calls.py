"""What is kept and told of a call, and what it is estimated to cost."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from common.settings.concern import Concern, Unsafe


class CallSettings(Concern):
    TITLE: ClassVar[str] = "Calls"
    UNSAFE: ClassVar[tuple[Unsafe, ...]] = (
        (
            lambda all_: all_.recordings == "s3" and not all_.recordings_bucket,
            "RECORDINGS=s3: set RECORDINGS_BUCKET to the bucket that recordings go to",
        ),
    )

    keep_calls_days: int = Field(90, ge=1, description="Days after which call records and recordings are deleted.")
    record_calls: bool = Field(
        False,
        description="Tell each caller that the call may be recorded, and keep a stereo WAV of those who do not say no.",
    )
    recordings: Literal["file", "s3"] = Field(
        "file", description="Where recordings are kept: under CARLOS_HOME/recordings, or in an S3 bucket."
    )
    recordings_bucket: str | None = Field(None, description="The bucket, for RECORDINGS=s3.")
    recordings_prefix: str = Field("recordings/", description="What their keys begin with there; may be empty.")
    recordings_endpoint: str | None = Field(None, description="Another endpoint for S3: a local AWS.")
    call_log_group: str | None = Field(
        None, description="CloudWatch log group that call records and events are delivered to, besides stdout."
    )
    call_log_texts: bool = Field(
        False, description="Also what was said and what the tools were given, masked; else only that it was."
    )
    call_log_endpoint: str | None = Field(None, description="Another endpoint for CloudWatch Logs: a local AWS.")
    emf_seconds: float | None = Field(
        None,
        ge=0,
        description="Metrics as EMF lines on stdout, every so many seconds; 0 for never. Unset: every 30 s, and never"
        " on a terminal.",
    )
    metrics_namespace: str = Field(
        "Carlos",
        pattern=r"^[A-Za-z0-9._/#:-]{1,255}$",
        description="CloudWatch namespace of those metrics; one for each stage that shares an account and a Region.",
    )
    price_input_speech: float = Field(
        3.0, ge=0, description="USD per million tokens of what the caller says; prices are for estimates only."
    )
    price_output_speech: float = Field(12.0, ge=0, description="USD per million tokens that Carlos speaks.")
    price_input_text: float = Field(0.33, ge=0, description="USD per million tokens of prompt, history and results.")
    price_output_text: float = Field(2.75, ge=0, description="USD per million tokens of text that the model writes.")
    price_phone_minute: float = Field(0.0125, ge=0, description="USD per minute on the phone line, streaming included.")
