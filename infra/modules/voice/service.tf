# The server: one container a task, a call lives on the WebSocket of one task.

locals {
  port       = 8081 # WS_PORT: phone, browser, REST, health, all on one
  home       = "/var/lib/carlos"
  drain      = 110 # seconds after SIGTERM; then the server has 10 s to end
  log_prefix = "server"

  environment = {
    HOST               = "0.0.0.0"
    WS_PORT            = tostring(local.port)
    PUBLIC_BASE_URL    = "https://${var.domain_name}"
    AWS_DEFAULT_REGION = var.region
    CARLOS_HOME        = local.home
    STORE              = "dynamodb"
    ORDERS_TABLE       = var.tables["orders"].name
    APPOINTMENTS_TABLE = var.tables["appointments"].name
    CALLS_TABLE        = var.tables["calls"].name
    CALL_LOG_GROUP     = aws_cloudwatch_log_group.calls.name
    SONIC              = "bedrock"
    SONIC_MODEL_ID     = var.sonic_model_id
    SONIC_HEADROOM     = tostring(var.sonic_headroom)
    TWILIO_ACCOUNT_SID = var.twilio_account_sid
    TRANSFER_TARGETS   = var.transfer_targets
    ALLOWED_ORIGINS    = join(",", var.allowed_origins)
    TRUSTED_PROXIES    = "1" # the load balancer: the last entry of X-Forwarded-For is its own
    MAX_CALLS          = tostring(var.max_calls)
    DRAIN_SECONDS      = tostring(local.drain)
    LOGLEVEL           = var.log_level
    METRICS_NAMESPACE  = var.metrics_namespace
    EMF_SECONDS        = "30" # the alarm no-heartbeat counts these reports
  }
}

locals {
  streams = { for region in local.sonic_regions : region => lookup(var.sonic_region_streams, region, local.quota) }
  quota   = 20 # of concurrent streams to Nova Sonic, an account and Region, unless AWS gave it another

  sonic_regions = length(var.sonic_regions) > 0 ? var.sonic_regions : [var.region]
  # Where nothing is said of them the server's own defaults hold, and they are the same.
  sonic_settings = length(var.sonic_regions) + length(var.sonic_region_streams) == 0 ? {} : {
    SONIC_REGIONS        = join(",", local.sonic_regions)
    SONIC_REGION_STREAMS = join(",", [for region in local.sonic_regions : "${region}=${local.streams[region]}"])
  }

  own = merge(local.environment, local.sonic_settings, var.recordings) # what Terraform sets itself
}

resource "aws_ecs_cluster" "this" {
  name = var.name

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_cloudwatch_log_group" "server" {
  name              = "/ecs/${var.name}-server"
  retention_in_days = var.log_retention_days
}

# Records and events of calls, which the server delivers itself.
resource "aws_cloudwatch_log_group" "calls" {
  name              = "/carlos/${var.name}/calls"
  retention_in_days = var.log_retention_days
}

resource "aws_ecs_task_definition" "server" {
  family                   = "${var.name}-server"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64"
  }

  # The only places that can be written: the root file system is read-only.
  volume {
    name = "home"
  }

  volume {
    name = "tmp"
  }

  container_definitions = jsonencode([{
    name                   = "server"
    image                  = var.image
    essential              = true
    user                   = "10001"
    readonlyRootFilesystem = true
    stopTimeout            = 120 # Fargate's longest, and longer than the drain
    portMappings           = [{ containerPort = local.port, protocol = "tcp" }]
    environment            = [for name, value in merge(var.settings, local.own) : { name = name, value = value }]
    secrets                = [for name in sort(keys(var.secrets)) : { name = name, valueFrom = var.secrets[name] }]
    mountPoints = [
      { sourceVolume = "home", containerPath = local.home, readOnly = false },
      { sourceVolume = "tmp", containerPath = "/tmp", readOnly = false },
    ]
    healthCheck = {
      command     = ["CMD", "python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', ${local.port}, timeout=4); c.request('GET', '/health'); raise SystemExit(c.getresponse().status != 200)"]
      interval    = 30
      timeout     = 5
      retries     = 3
      startPeriod = 30
    }
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.server.name
        awslogs-region        = var.region
        awslogs-stream-prefix = local.log_prefix
        mode                  = "non-blocking" # a slow CloudWatch must not stop a call
        max-buffer-size       = "4m"
      }
    }
  }])

  lifecycle {
    precondition {
      condition     = length(setintersection(keys(var.settings), keys(local.own))) == 0
      error_message = "server_settings may not hold what Terraform sets itself: ${join(", ", keys(local.own))}."
    }

    precondition {
      condition     = var.sonic_headroom < min(values(local.streams)...)
      error_message = "sonic_headroom (${var.sonic_headroom}) leaves a Region without a stream for a new call: ${join(", ", [for region, streams in local.streams : "${region}: ${streams}"])}."
    }

    precondition {
      condition     = var.max_tasks * var.max_calls <= sum(values(local.streams))
      error_message = "${var.max_tasks} tasks (max_tasks) of ${var.max_calls} calls (max_calls) are ${var.max_tasks * var.max_calls} places, and there are ${sum(values(local.streams))} streams to Sonic (${join(", ", [for region, streams in local.streams : "${region}: ${streams}"])}): the callers beyond them could not be answered. Lower max_tasks or max_calls, add a Region to sonic_regions, or say in sonic_region_streams what quota the account has."
    }
  }
}

resource "aws_ecs_service" "server" {
  name                               = "${var.name}-server"
  cluster                            = aws_ecs_cluster.this.id
  task_definition                    = aws_ecs_task_definition.server.arn
  launch_type                        = "FARGATE"
  desired_count                      = var.min_tasks
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = 60
  availability_zone_rebalancing      = "DISABLED" # it would move tasks while they hold calls
  propagate_tags                     = "SERVICE"

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.task_subnets
    security_groups  = [aws_security_group.task.id]
    assign_public_ip = var.tasks_are_public
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.server.arn
    container_name   = "server"
    container_port   = local.port
  }

  timeouts {
    delete = "75m" # destroying waits for calls, as a release does
  }

  lifecycle {
    ignore_changes = [desired_count] # scaling owns it
  }

  depends_on = [aws_lb_listener.https, aws_iam_role_policy.task, aws_iam_role_policy.execution]
}

# --- scaling: on calls, since a call costs the same whether or not it is noisy -------------------------------

resource "aws_appautoscaling_target" "server" {
  service_namespace  = "ecs"
  resource_id        = "service/${aws_ecs_cluster.this.name}/${aws_ecs_service.server.name}"
  scalable_dimension = "ecs:service:DesiredCount"
  min_capacity       = var.min_tasks
  max_capacity       = var.max_tasks
}

resource "aws_appautoscaling_policy" "calls" {
  name               = "${var.name}-calls"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.server.service_namespace
  resource_id        = aws_appautoscaling_target.server.resource_id
  scalable_dimension = aws_appautoscaling_target.server.scalable_dimension

  target_tracking_scaling_policy_configuration {
    target_value       = var.target_calls
    scale_out_cooldown = 60
    scale_in_cooldown  = 300

    customized_metric_specification {
      namespace   = var.metrics_namespace
      metric_name = "ActiveCalls"
      statistic   = "Average" # every task reports its own, zeros too
      unit        = "Count"
    }
  }
}
