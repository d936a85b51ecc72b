"""Hold a plan against what AWS's API takes, as botocore describes it: allowed values, lengths, patterns, ranges, types,
and what may not be missing. The schema of the Terraform provider knows none of the first four.

A resource is the request that the provider makes of it. Most of its arguments are members of that request under the
same name, written another way (`memory_size`, `MemorySize`); `CALLS` says what the request is, and what is called
otherwise. Only what the configuration says is looked at: what a mock made up is not in the plan.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ServiceModel

type Shape = Any  # botocore's have other attributes by their type_name

ELSEWHERE = ""  # an argument that goes into another request, or stays in Terraform
JSON = "json:"  # before a member: the argument is its JSON


@dataclass(frozen=True, slots=True)
class Call:
    """`does` is an operation, or a shape inside of one. `names` are the arguments that have another name there, by
    their path: `Member`, `Member.Inner`, `=Member` for what gives it in a form of its own, or ELSEWHERE."""

    service: str
    does: str
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def shape(self) -> Shape:
        model = service_model(self.service)
        if self.does in model.operation_names:
            return model.operation_model(self.does).input_shape
        return model.shape_for(self.does)


_GSI = "global_secondary_index"
_CHECK = "health_check"

CALLS: dict[str, Call] = {
    "aws_acm_certificate": Call("acm", "RequestCertificate"),
    "aws_apigatewayv2_api": Call("apigatewayv2", "CreateApi"),
    "aws_apigatewayv2_integration": Call("apigatewayv2", "CreateIntegration"),
    "aws_apigatewayv2_route": Call("apigatewayv2", "CreateRoute"),
    "aws_apigatewayv2_stage": Call("apigatewayv2", "CreateStage", {"name": "StageName"}),
    "aws_appautoscaling_policy": Call("application-autoscaling", "PutScalingPolicy", {"name": "PolicyName"}),
    "aws_appautoscaling_target": Call("application-autoscaling", "RegisterScalableTarget"),
    "aws_cloudwatch_dashboard": Call("cloudwatch", "PutDashboard"),
    "aws_cloudwatch_log_group": Call("logs", "PutRetentionPolicy", {"name": "logGroupName"}),
    "aws_cloudwatch_metric_alarm": Call(
        "cloudwatch",
        "PutMetricAlarm",
        {
            "dimensions": "=Dimensions",
            "metric_query": "Metrics",
            "metric_query.metric": "MetricStat",
            "metric_query.metric.namespace": "Metric.Namespace",
            "metric_query.metric.metric_name": "Metric.MetricName",
            "metric_query.metric.dimensions": "=Metric",
        },
    ),
    "aws_cloudwatch_query_definition": Call("logs", "PutQueryDefinition"),
    "aws_dynamodb_table": Call(
        "dynamodb",
        "CreateTable",
        {
            "name": "TableName",
            "attribute": "AttributeDefinitions",
            "attribute.name": "AttributeName",
            "attribute.type": "AttributeType",
            "hash_key": "=KeySchema",
            "range_key": "=KeySchema",
            "read_capacity": "ProvisionedThroughput.ReadCapacityUnits",
            "write_capacity": "ProvisionedThroughput.WriteCapacityUnits",
            f"{_GSI}": "GlobalSecondaryIndexes",
            f"{_GSI}.name": "IndexName",
            f"{_GSI}.hash_key": "=KeySchema",
            f"{_GSI}.range_key": "=KeySchema",
            f"{_GSI}.projection_type": "Projection.ProjectionType",
            f"{_GSI}.non_key_attributes": "Projection.NonKeyAttributes",
            f"{_GSI}.read_capacity": "ProvisionedThroughput.ReadCapacityUnits",
            f"{_GSI}.write_capacity": "ProvisionedThroughput.WriteCapacityUnits",
            "server_side_encryption": "SSESpecification",
            "point_in_time_recovery": ELSEWHERE,
            "ttl": ELSEWHERE,
        },
    ),
    "aws_ecr_lifecycle_policy": Call(
        "ecr", "PutLifecyclePolicy", {"policy": "lifecyclePolicyText", "repository": "repositoryName"}
    ),
    "aws_ecr_repository": Call("ecr", "CreateRepository", {"name": "repositoryName", "force_delete": ELSEWHERE}),
    "aws_ecs_cluster": Call("ecs", "CreateCluster", {"name": "clusterName"}),
    "aws_ecs_service": Call(
        "ecs",
        "CreateService",
        {
            "name": "serviceName",
            "deployment_circuit_breaker": "deploymentConfiguration.deploymentCircuitBreaker",
            "deployment_maximum_percent": "deploymentConfiguration.maximumPercent",
            "deployment_minimum_healthy_percent": "deploymentConfiguration.minimumHealthyPercent",
            "network_configuration": "networkConfiguration.awsvpcConfiguration",
            # booleans in Terraform, words in the API
            "network_configuration.assign_public_ip": ELSEWHERE,
            "timeouts": ELSEWHERE,
        },
    ),
    "aws_ecs_task_definition": Call(
        "ecs", "RegisterTaskDefinition", {"container_definitions": f"{JSON}containerDefinitions"}
    ),
    "aws_eip": Call("ec2", "AllocateAddress", {"tags": ELSEWHERE}),
    "aws_iam_policy": Call("iam", "CreatePolicy", {"name": "PolicyName", "policy": "PolicyDocument"}),
    "aws_iam_role": Call("iam", "CreateRole", {"name": "RoleName", "assume_role_policy": "AssumeRolePolicyDocument"}),
    "aws_iam_role_policy": Call(
        "iam", "PutRolePolicy", {"name": "PolicyName", "policy": "PolicyDocument", "role": "RoleName"}
    ),
    "aws_kms_key": Call("kms", "CreateKey", {"enable_key_rotation": ELSEWHERE}),
    "aws_lambda_function": Call(
        "lambda", "CreateFunction", {"filename": "=Code", "source_code_hash": ELSEWHERE, "code_sha256": ELSEWHERE}
    ),
    "aws_lambda_permission": Call("lambda", "AddPermission"),
    "aws_lb": Call(
        "elbv2",
        "CreateLoadBalancer",
        {
            "load_balancer_type": "Type",
            "drop_invalid_header_fields": ELSEWHERE,
            "enable_deletion_protection": ELSEWHERE,
            "idle_timeout": ELSEWHERE,
        },
    ),
    "aws_lb_listener": Call("elbv2", "CreateListener", {"default_action.redirect": "RedirectConfig"}),
    "aws_lb_target_group": Call(
        "elbv2",
        "CreateTargetGroup",
        {
            "deregistration_delay": ELSEWHERE,
            "load_balancing_algorithm_type": ELSEWHERE,
            _CHECK: "=HealthCheck",
            f"{_CHECK}.path": "HealthCheckPath",
        },
    ),
    "aws_nat_gateway": Call("ec2", "CreateNatGateway", {"tags": ELSEWHERE}),
    "aws_route53_record": Call(
        "route53",
        "ResourceRecordSet",
        {
            "zone_id": ELSEWHERE,
            "allow_overwrite": ELSEWHERE,
            "alias": "AliasTarget",
            "alias.name": "DNSName",
            "alias.zone_id": "HostedZoneId",
        },
    ),
    "aws_s3_bucket": Call("s3", "CreateBucket", {"force_destroy": ELSEWHERE}),
    "aws_s3_bucket_lifecycle_configuration": Call("s3", "BucketLifecycleConfiguration"),
    "aws_s3_bucket_public_access_block": Call("s3", "PublicAccessBlockConfiguration"),
    "aws_s3_bucket_server_side_encryption_configuration": Call("s3", "ServerSideEncryptionConfiguration"),
    "aws_secretsmanager_secret": Call("secretsmanager", "CreateSecret", {"recovery_window_in_days": ELSEWHERE}),
    "aws_security_group": Call("ec2", "CreateSecurityGroup", {"name": "GroupName"}),
    "aws_sns_topic": Call("sns", "CreateTopic"),
    "aws_sns_topic_subscription": Call("sns", "Subscribe"),
    "aws_subnet": Call("ec2", "CreateSubnet", {"tags": ELSEWHERE}),
    "aws_vpc": Call(
        "ec2", "CreateVpc", {"tags": ELSEWHERE, "enable_dns_hostnames": ELSEWHERE, "enable_dns_support": ELSEWHERE}
    ),
    "aws_vpc_endpoint": Call("ec2", "CreateVpcEndpoint", {"tags": ELSEWHERE}),
    "aws_wafv2_web_acl": Call("wafv2", "CreateWebACL", {"rule_json": f"{JSON}Rules"}),
}
# These say which thing belongs to which, by ids that nobody knows before they are made.
IDS_ALONE = {
    "aws_acm_certificate_validation",
    "aws_default_security_group",
    "aws_internet_gateway",
    "aws_route",
    "aws_route_table",
    "aws_route_table_association",
    "aws_s3_bucket_policy",
    "aws_vpc_security_group_egress_rule",
    "aws_vpc_security_group_ingress_rule",
    "aws_wafv2_web_acl_association",
}


@cache
def service_model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


def problems(kind: str, values: Mapping[str, Any], unknown: Mapping[str, Any] | None = None) -> list[str]:
    """Return what AWS would say of a resource. `unknown` are the arguments whose values will only be known later."""
    call = CALLS[kind]
    return list(_structure(values, call.shape, call.names, "", unknown or {}))


def document_problems(service: str, shape: str, value: Any) -> list[str]:
    """Return what AWS would say of a JSON document of its own, such as a container's definition."""
    return list(_value(value, service_model(service).shape_for(shape), {}, shape, None))


def _structure(
    values: Mapping[str, Any], shape: Shape, names: Mapping[str, str], path: str, unknown: Mapping[str, Any]
) -> Iterator[str]:
    given = {_root(_target(name, path, shape, names)) for name, is_later in unknown.items() if is_later}
    for name, value in values.items():
        if value in (None, [], {}, [None]):
            continue
        where = f"{path}.{name}" if path else name
        target = _target(name, path, shape, names)
        given.add(_root(target))
        if target == ELSEWHERE or target.startswith("="):
            continue
        member = _member(shape, target.removeprefix(JSON))
        if member is None:
            yield f"{where}: {shape.name} has nothing of this name"
        else:
            value = json.loads(value) if target.startswith(JSON) else value
            yield from _value(value, member, names, where, unknown.get(name))
    missing = [member for member in shape.required_members if member not in given]
    yield from (f"{path or shape.name}: {member} is missing" for member in missing)


def _target(name: str, path: str, shape: Shape, names: Mapping[str, str]) -> str:
    """Return what an argument is called in the request."""
    where = f"{path}.{name}" if path else name
    if where in names:
        return names[where]
    wanted = _bare(name)
    found = {_bare(member): member for member in shape.members}
    return found.get(wanted) or found.get(f"{wanted}s") or name


def _root(target: str) -> str:
    """Return the member of the request itself that a target is, or is in."""
    return target.removeprefix(JSON).removeprefix("=").partition(".")[0]


def _member(shape: Shape, target: str) -> Shape | None:
    for part in target.split("."):
        if shape.type_name != "structure" or part not in shape.members:
            return None
        shape = shape.members[part]
    return shape


def _value(value: Any, shape: Shape, names: Mapping[str, str], where: str, unknown: Any) -> Iterator[str]:
    match shape.type_name:
        case "structure":
            for one in value if isinstance(value, list) else [value]:  # a block is a list of one
                inner = unknown[0] if isinstance(unknown, list) and unknown else unknown
                yield from _structure(one, shape, names, where, inner if isinstance(inner, dict) else {})
        case "list":
            items = value if isinstance(value, list) else [value]
            later = unknown if isinstance(unknown, list) else [unknown] * len(items)
            for item, is_it in zip(items, later, strict=False):
                if item is not None:
                    yield from _value(item, shape.member, names, where, is_it)
        case "map":
            for key, item in value.items():
                yield from _value(key, shape.key, names, f"{where}[{key}]", None)
                if item is not None:
                    yield from _value(item, shape.value, names, f"{where}[{key}]", None)
        case "boolean":
            if not isinstance(value, bool):
                yield f"{where}: {value!r} is neither true nor false"
        case "integer" | "long" | "float" | "double":
            yield from _number(value, shape, where)
        case "string":
            yield from _text(str(value), shape, where)


def _number(value: Any, shape: Shape, where: str) -> Iterator[str]:
    try:
        number = float(value)
    except (TypeError, ValueError):
        yield f"{where}: {value!r} is no number"
        return
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and number < low:
        yield f"{where}: {value} is less than {low}"
    if high is not None and number > high:
        yield f"{where}: {value} is more than {high}"


def _text(value: str, shape: Shape, where: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        yield f"{where}: {value!r} is none of {', '.join(shape.enum)}"
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max", len(value))
    if not low <= len(value) <= high:
        yield f"{where}: {len(value)} characters are not from {low} to {high}"
    pattern = shape.metadata.get("pattern")
    if pattern and not _matches(pattern, value):
        yield f"{where}: {value!r} does not match {pattern}"


def _matches(pattern: str, value: str) -> bool:
    """Patterns are Java's; one that Python cannot read says nothing."""
    pattern = re.sub(r"\\p\{(?:L|Alpha)\}", "A-Za-z", pattern).replace(r"\p{Z}", r"\s").replace(r"\p{N}", "0-9")
    try:
        return re.fullmatch(pattern, value, re.DOTALL) is not None
    except re.error:
        return True


def _bare(name: str) -> str:
    return name.replace("_", "").lower()
