"""A Terraform provider that only serves a schema: enough for `validate` and for `test` with mock_provider.

It speaks plugin protocol 6 (by the `tf` package) and serves aws-schema.json. It plans and applies nothing: `terraform
test` answers for a mocked provider by itself and asks it for the schema alone.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import tf.provider
from tf import runner
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc

SCHEMA = Path(__file__).with_name("aws-schema.json")
NESTING = {
    "list": pb.Schema.NestedBlock.LIST,
    "set": pb.Schema.NestedBlock.SET,
    "single": pb.Schema.NestedBlock.SINGLE,
}

Json = dict[str, Any]


def block(described: Json, computes: bool) -> pb.Schema.Block:
    """`computes`: an argument that is left out may get a value from AWS; never in a provider block or in a set."""
    return pb.Schema.Block(
        attributes=[attribute(name, one, computes) for name, one in described["attributes"].items()],
        block_types=[nested(name, one, computes) for name, one in described.get("blocks", {}).items()],
    )


def attribute(name: str, described: Json, computes: bool) -> pb.Schema.Attribute:
    required, exported = "required" in described, "exported" in described
    return pb.Schema.Attribute(
        name=name,
        type=json.dumps(described["type"]).encode(),
        required=required,
        optional=not required and not exported,
        computed=exported or (computes and not required),
    )


def nested(name: str, described: Json, computes: bool) -> pb.Schema.NestedBlock:
    nesting = described["nesting"]
    limits = {} if nesting == "single" else {"min_items": described.get("min", 0), "max_items": described.get("max", 0)}
    inner = block(described["block"], computes and nesting == "list")
    return pb.Schema.NestedBlock(type_name=name, block=inner, nesting=NESTING[nesting], **limits)


class SchemaOnly(rpc.ProviderServicer):  # type: ignore[misc]
    def __init__(self, _provider: object) -> None:
        known = json.loads(SCHEMA.read_text())
        self._schema = pb.GetProviderSchema.Response(
            provider=pb.Schema(block=block(known["provider"]["aws"], computes=False)),
            resource_schemas={name: pb.Schema(block=block(one, True)) for name, one in known["resource"].items()},
            data_source_schemas={name: pb.Schema(block=block(one, True)) for name, one in known["data"].items()},
        )

    def GetProviderSchema(self, request: Any, context: Any) -> Any:
        return self._schema

    def ValidateProviderConfig(self, request: Any, context: Any) -> Any:
        return pb.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:
        return pb.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:
        return pb.ValidateDataResourceConfig.Response()

    def StopProvider(self, request: Any, context: Any) -> Any:
        return pb.StopProvider.Response()


class Described:
    """What `tf` asks of a provider's description."""

    def full_name(self) -> str:
        return "hashicorp/aws"


def main() -> None:
    tf.provider.ProviderServicer = SchemaOnly
    runner.run_provider(Described(), sys.argv)


if __name__ == "__main__":
    main()
