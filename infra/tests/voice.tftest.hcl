# What the voice service must never lose: one port, no key in the environment, time for calls to end.

mock_provider "aws" {}

variables {
  name                = "carlos-test"
  region              = "us-east-1"
  account_id          = "123456789012"
  partition           = "aws"
  vpc_id              = "vpc-1"
  public_subnets      = ["subnet-1", "subnet-2"]
  task_subnets        = ["subnet-3", "subnet-4"]
  tasks_are_public    = false
  domain_name         = "carlos.example.com"
  hosted_zone_id      = ""
  certificate_arn     = "arn:aws:acm:us-east-1:123456789012:certificate/1"
  deletion_protection = true
  waf_rate_limit      = 1000
  image               = "repository:1"
  repository_arn      = "arn:aws:ecr:us-east-1:123456789012:repository/carlos-test"
  tables = {
    orders       = { name = "carlos-test-orders", arn = "arn:orders" }
    appointments = { name = "carlos-test-appointments", arn = "arn:appointments" }
    calls        = { name = "carlos-test-calls", arn = "arn:calls" }
  }
  table_policy       = []
  secrets            = { TWILIO_AUTH_TOKEN = "arn:token", ADMIN_API_KEYS = "arn:keys" }
  cpu                = 1024
  memory             = 2048
  min_tasks          = 2
  max_tasks          = 4
  max_calls          = 16
  target_calls       = 8
  settings           = { SONIC_VOICE = "tiffany" }
  metrics_namespace  = "Carlos/carlos-test"
  sonic_model_id     = "amazon.nova-2-5-sonic"
  twilio_account_sid = "AC00000000000000000000000000000000"
  transfer_targets   = "+541112345678|*|24h"
  sonic_regions      = ["us-east-1", "us-west-2"]

  sonic_region_streams = { us-west-2 = 44 }
  sonic_headroom       = 3
  recordings           = { RECORDINGS = "s3", RECORDINGS_BUCKET = "bucket" }
  recordings_policy    = [{ Effect = "Allow", Action = ["s3:PutObject"], Resource = ["arn:bucket/*"] }]
  allowed_origins      = ["https://example.com"]
  log_level            = "INFO"
  log_retention_days   = 30
}

run "voice" {
  module {
    source = "./modules/voice"
  }

  assert {
    condition = alltrue([for port in [
      jsondecode(aws_ecs_task_definition.server.container_definitions)[0].portMappings[0].containerPort,
      tonumber({ for e in jsondecode(aws_ecs_task_definition.server.container_definitions)[0].environment : e.name => e.value }["WS_PORT"]),
      aws_lb_target_group.server.port,
      one(aws_ecs_service.server.load_balancer).container_port,
      aws_vpc_security_group_ingress_rule.task.from_port,
      aws_vpc_security_group_egress_rule.entrance.to_port,
    ] : port == 8081])
    error_message = "Server, container, health check, target group and security groups must speak of one port."
  }

  assert {
    condition     = strcontains(jsondecode(aws_ecs_task_definition.server.container_definitions)[0].healthCheck.command[3], "'127.0.0.1', 8081") && strcontains(jsondecode(aws_ecs_task_definition.server.container_definitions)[0].healthCheck.command[3], "'/health'")
    error_message = "The container's health check must ask /health on the server's port."
  }

  assert {
    condition     = aws_lb_target_group.server.health_check[0].path == "/ready" && aws_lb_target_group.server.deregistration_delay == "3600"
    error_message = "A task that drains must get no new calls, and an hour for those it has."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.server.container_definitions)[0].stopTimeout == 120 && tonumber({ for e in jsondecode(aws_ecs_task_definition.server.container_definitions)[0].environment : e.name => e.value }["DRAIN_SECONDS"]) < 120
    error_message = "The drain must end before ECS kills the container."
  }

  assert {
    condition     = length(setintersection([for e in jsondecode(aws_ecs_task_definition.server.container_definitions)[0].environment : e.name], ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "TWILIO_AUTH_TOKEN", "ADMIN_API_KEYS"])) == 0
    error_message = "Credentials come from the task role, and secrets from Secrets Manager."
  }

  assert {
    condition     = toset([for s in jsondecode(aws_ecs_task_definition.server.container_definitions)[0].secrets : s.name]) == toset(["ADMIN_API_KEYS", "TWILIO_AUTH_TOKEN"])
    error_message = "Both secrets must reach the server."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.server.container_definitions)[0].readonlyRootFilesystem && jsondecode(aws_ecs_task_definition.server.container_definitions)[0].user == "10001"
    error_message = "The container must not be root, and its root file system must be read-only."
  }

  assert {
    condition     = one(aws_ecs_service.server.deployment_circuit_breaker).rollback && aws_ecs_service.server.deployment_minimum_healthy_percent == 100
    error_message = "A release that does not come up must roll back, with the old tasks still there."
  }

  assert {
    condition     = aws_appautoscaling_policy.calls.target_tracking_scaling_policy_configuration[0].customized_metric_specification[0].metric_name == "ActiveCalls" && aws_appautoscaling_policy.calls.target_tracking_scaling_policy_configuration[0].customized_metric_specification[0].statistic == "Average"
    error_message = "Scaling must follow the average of live calls per task."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.task.cidr_ipv4 == null || aws_vpc_security_group_ingress_rule.task.referenced_security_group_id == aws_security_group.entrance.id
    error_message = "Only the load balancer may reach a task."
  }

  assert {
    condition     = aws_lb_listener.https.protocol == "HTTPS" && aws_lb_listener.http.default_action[0].type == "redirect"
    error_message = "Nothing may be served without TLS."
  }

  assert {
    condition     = !strcontains(jsonencode(jsondecode(aws_iam_role_policy.task.policy).Statement[*].Resource), "\"*\"")
    error_message = "The task's role must name what it may touch."
  }
}

run "regions_of_sonic" {
  module {
    source = "./modules/voice"
  }

  assert {
    condition = { for e in jsondecode(aws_ecs_task_definition.server.container_definitions)[0].environment : e.name => e.value if startswith(e.name, "SONIC_REGION") } == {
      SONIC_REGIONS        = "us-east-1,us-west-2"
      SONIC_REGION_STREAMS = "us-east-1=20,us-west-2=44"
    }
    error_message = "The server must know each Region, in order, with its streams."
  }

  assert {
    condition     = contains(jsondecode(aws_ecs_task_definition.server.container_definitions)[0].environment, { name = "SONIC_HEADROOM", value = "3" })
    error_message = "The server must know how many streams of each no new call gets."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.task.policy).Statement[1].Resource == [
      "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-2-5-sonic",
      "arn:aws:bedrock:us-west-2::foundation-model/amazon.nova-2-5-sonic",
    ]
    error_message = "The server must be allowed to invoke the model in each Region, and no other model."
  }
}

run "as_many_places_as_streams" {
  command = plan

  module {
    source = "./modules/voice"
  }

  variables {
    sonic_regions        = []
    sonic_region_streams = {}
    max_tasks            = 2
    max_calls            = 10
  }

  assert {
    condition     = length([for e in jsondecode(aws_ecs_task_definition.server.container_definitions)[0].environment : e if startswith(e.name, "SONIC_REGION")]) == 0
    error_message = "Where nothing is said of Regions the server's defaults hold."
  }
}

run "more_places_than_streams" {
  command = plan

  module {
    source = "./modules/voice"
  }

  variables {
    sonic_regions        = []
    sonic_region_streams = {}
    max_tasks            = 3
    max_calls            = 7
  }

  expect_failures = [aws_ecs_task_definition.server]
}

run "a_setting_that_terraform_sets_itself" {
  command = plan

  module {
    source = "./modules/voice"
  }

  variables {
    settings = { WS_PORT = "8080" }
  }

  expect_failures = [aws_ecs_task_definition.server]
}

run "no_stream_for_a_new_call" {
  command = plan

  module {
    source = "./modules/voice"
  }

  variables {
    sonic_headroom = 20
  }

  expect_failures = [aws_ecs_task_definition.server]
}
