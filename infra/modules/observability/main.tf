# Alarms, the dashboard and saved log queries. The server's own metrics are EMF lines in its log: CloudWatch makes
# metrics of them without an agent.

locals {
  own = var.metrics_namespace

  # One entry, one alarm. The server emits each metric without dimensions and, where it has labels, with them, too.
  alarms = {
    silent-calls = {
      description = "A caller spoke and Carlos never answered."
      namespace   = local.own, metric = "SilentCalls", statistic = "Sum", dimensions = null
      threshold   = 1, periods = 1, missing = "notBreaching", below = false
    }
    slow-turns = {
      description = "One turn in a hundred waits over 3 seconds for Carlos."
      namespace   = local.own, metric = "TurnLatency", statistic = "p99", dimensions = null
      threshold   = 3000, periods = 3, missing = "notBreaching", below = false
    }
    sonic-throttled = {
      description = "Bedrock refuses streams: ask for a higher quota, or lower MAX_CALLS."
      namespace   = local.own, metric = "SonicThrottles", statistic = "Sum", dimensions = null
      threshold   = 1, periods = 1, missing = "notBreaching", below = false
    }
    calls-refused = {
      description = "Callers heard the busy message: every task was full."
      namespace   = local.own, metric = "Refusals", statistic = "Sum"
      dimensions  = { reason = "full" } # who is blocked, or calls a closed line, is no alarm
      threshold   = 1, periods = 1, missing = "notBreaching", below = false
    }
    capacity-lost = {
      description = "Fewer tasks are ready than must always run."
      namespace   = "AWS/ApplicationELB", metric = "HealthyHostCount", statistic = "Minimum"
      dimensions  = { LoadBalancer = var.load_balancer, TargetGroup = var.target_group }
      threshold   = var.min_tasks, periods = 2, missing = "breaching", below = true
    }
    webhooks-failing = {
      description = "The server answers with 5xx: calls are not taken."
      namespace   = "AWS/ApplicationELB", metric = "HTTPCode_Target_5XX_Count", statistic = "Sum"
      dimensions  = { LoadBalancer = var.load_balancer, TargetGroup = var.target_group }
      threshold   = 1, periods = 1, missing = "notBreaching", below = false
    }
    entrance-failing = {
      description = "The load balancer itself answers with 5xx: no task takes the request, or one hung up."
      namespace   = "AWS/ApplicationELB", metric = "HTTPCode_ELB_5XX_Count", statistic = "Sum"
      dimensions  = { LoadBalancer = var.load_balancer }
      threshold   = 1, periods = 1, missing = "notBreaching", below = false
    }
    api-errors = {
      description = "The REST API's Lambda fails."
      namespace   = "AWS/Lambda", metric = "Errors", statistic = "Sum"
      dimensions  = { FunctionName = var.function }
      threshold   = 1, periods = 1, missing = "notBreaching", below = false
    }
  }

  throttles = {
    for pair in setproduct(keys(var.tables), ["Read", "Write"]) : "${pair[0]}-${lower(pair[1])}-throttled" => {
      description = "DynamoDB refuses to ${lower(pair[1])} ${pair[0]}."
      namespace   = "AWS/DynamoDB", metric = "${pair[1]}ThrottleEvents", statistic = "Sum"
      dimensions  = { TableName = var.tables[pair[0]] }
      threshold   = 1, periods = 1, missing = "notBreaching", below = false
    }
  }
}

resource "aws_sns_topic" "alarms" {
  name              = "${var.name}-alarms"
  kms_master_key_id = aws_kms_key.alarms.id
}

# CloudWatch may not use the account's aws/sns key, so an encrypted topic needs one of its own.
resource "aws_kms_key" "alarms" {
  description         = "Alarms of ${var.name}"
  enable_key_rotation = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { AWS = "arn:${var.partition}:iam::${var.account_id}:root" }
        Action    = "kms:*"
        Resource  = "*" # of a key's policy: this key
      },
      {
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "email" {
  count = var.alarm_email == "" ? 0 : 1

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = merge(local.alarms, local.throttles)

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic  = startswith(each.value.statistic, "p") ? each.value.statistic : null
  comparison_operator = each.value.below ? "LessThanThreshold" : "GreaterThanOrEqualToThreshold"
  threshold           = each.value.threshold
  period              = 300
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "fault_rate" {
  alarm_name          = "${var.name}-fault-rate"
  alarm_description   = "More than one call in twenty met a fault."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 5
  evaluation_periods  = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  metric_query {
    id          = "percent"
    expression  = "100 * FILL(faults, 0) / calls"
    label       = "calls with a fault, percent"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { faults = "FaultyCalls", calls = "Calls" }
    content {
      id = metric_query.key
      metric {
        namespace   = local.own
        metric_name = metric_query.value
        stat        = "Sum"
        period      = 300
      }
    }
  }
}

resource "aws_cloudwatch_query_definition" "one_call" {
  name            = "${var.name}/one call"
  log_group_names = [var.log_group, var.call_group]
  query_string    = <<-QUERY
    fields @timestamp, level, logger, message, type, text
    | filter call_id = "<call id>"
    | sort @timestamp asc
    | limit 1000
  QUERY
}

resource "aws_cloudwatch_query_definition" "faults" {
  name            = "${var.name}/warnings and errors"
  log_group_names = [var.log_group]
  query_string    = <<-QUERY
    fields @timestamp, call_id, logger, message, exception
    | filter level in ["WARNING", "ERROR", "CRITICAL"]
    | sort @timestamp desc
    | limit 200
  QUERY
}
