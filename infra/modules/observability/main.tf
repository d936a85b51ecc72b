# Alarms, the dashboard and saved log queries. The server's own metrics are EMF lines in its log: CloudWatch makes
# metrics of them without an agent. What is watched is in alarms.tf; alarms and dashboard are both made of that.

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
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "${each.value.means} ${var.runbook}#${each.value.runbook}"
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  # One metric,
  namespace          = each.value.metric == null ? null : each.value.namespace
  metric_name        = each.value.metric
  dimensions         = each.value.metric == null ? null : each.value.dimensions
  period             = each.value.metric == null ? null : each.value.period
  statistic          = each.value.metric == null || startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic = each.value.metric != null && startswith(each.value.statistic, "p") ? each.value.statistic : null

  # or several and an expression of them.
  dynamic "metric_query" {
    for_each = each.value.metric == null ? [each.value.expression] : []
    content {
      id          = "${replace(each.key, "-", "_")}_result"
      expression  = metric_query.value
      label       = each.key
      return_data = true
    }
  }

  dynamic "metric_query" {
    for_each = each.value.parts
    content {
      id = metric_query.key
      metric {
        namespace   = each.value.namespace
        metric_name = metric_query.value.metric
        dimensions  = metric_query.value.dimensions
        stat        = each.value.statistic
        period      = each.value.period
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
