"""Where orders, appointments and calls are kept."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from common.settings.concern import Concern


class RecordSettings(Concern):
    TITLE: ClassVar[str] = "Records"

    store: Literal["sqlite", "dynamodb"] = Field(
        "sqlite", description="A file under CARLOS_HOME, or the three tables named below."
    )
    aws_default_region: str = Field("us-east-1", description="AWS Region of Bedrock, the tables and the log group.")
    dynamodb_endpoint: str | None = Field(None, description="Another endpoint for DynamoDB: a local AWS.")
    orders_table: str = Field("nova-sonic-server-app-demo-orders", description="DynamoDB table of orders.")
    appointments_table: str = Field(
        "nova-sonic-server-app-demo-appointments", description="DynamoDB table of appointments and of doctors' times."
    )
    calls_table: str = Field("nova-sonic-server-app-demo-calls", description="DynamoDB table of calls.")
