# The alarms' metrics with their thresholds first, from alarms.tf; then what nobody is woken for.

locals {
  # Each alarm's metrics as a chart has them. Parts of an expression are there for its sake, and not drawn.
  drawn = {
    for name, alarm in local.alarms : name => concat(
      [
        for metric in [alarm.metric] : concat(
          [alarm.namespace, metric],
          flatten([for key, value in alarm.dimensions : [key, value]]),
          [{ stat = alarm.statistic, period = alarm.period }],
        ) if metric != null
      ],
      [
        for expression in [alarm.expression] : [{
          id = "${replace(name, "-", "_")}_result", label = name, expression = expression, period = alarm.period
        }] if expression != null
      ],
      [
        for id, part in alarm.parts : concat(
          [alarm.namespace, part.metric],
          flatten([for key, value in part.dimensions : [key, value]]),
          [{ id = id, visible = false, stat = alarm.statistic, period = alarm.period }],
        )
      ],
    )
  }

  alarm_widgets = [
    for chart in distinct(flatten([for group in local.groups : [for alarm in group : alarm.chart]])) : {
      title   = chart
      label   = distinct([for alarm in local.alarms : alarm.unit if alarm.chart == chart])[0]
      stat    = "Sum"
      metrics = concat([for name, alarm in local.alarms : local.drawn[name] if alarm.chart == chart]...)
      lines   = distinct([for alarm in local.alarms : { label = alarm.runbook, value = alarm.threshold } if alarm.chart == chart])
    }
  ]

  # Title, unit on the axis, statistic, metrics of the server.
  own_widgets = [
    { title = "Calls", label = "calls", stat = "Sum", metrics = ["Calls", "FaultyCalls", "Refusals", "Fallbacks"] },
    { title = "Live calls per task", label = "calls", stat = "Average", metrics = ["ActiveCalls"] },
    { title = "A turn: last word to first sound, p50", label = "ms", stat = "p50", metrics = local.hops },
    { title = "A turn: last word to first sound, p99", label = "ms", stat = "p99", metrics = local.hops },
    { title = "Sonic", label = "events", stat = "Sum", metrics = ["SonicFaults", "SonicSuspicions", "Rotations", "Fillers"] },
    { title = "Webhooks: how long the oldest has waited", label = "seconds", stat = "Maximum", metrics = ["WebhookAgeSeconds"] },
    { title = "REST on the server", label = "requests", stat = "Sum", metrics = ["Requests", "RestDenials"] },
    {
      title   = "What the model bills: tokens", label = "tokens", stat = "Sum"
      metrics = ["InputSpeechTokens", "OutputSpeechTokens", "InputTextTokens", "OutputTextTokens"]
    },
  ]
  hops = ["TurnLatency", "AddedLatency", "ToolLatency", "StoreLatency", "SonicOpenLatency"]

  # USD per million, as the server's own estimates have it (docs/settings.md).
  prices = { InputSpeechTokens = 3, OutputSpeechTokens = 12, InputTextTokens = 0.33, OutputTextTokens = 2.75 }

  cost_widget = {
    title = "What the model costs, estimated", label = "USD", stat = "Sum"
    metrics = concat(
      [[{ id = "usd", label = "USD", expression = join(" + ", [for name, price in local.prices : "${lower(name)} * ${price} / 1000000"]) }]],
      [for name in keys(local.prices) : [local.own, name, { id = lower(name), visible = false }]],
    )
  }

  aws_widgets = [
    {
      title = "CPU and memory of the tasks", label = "percent", stat = "Maximum"
      metrics = [for name in ["CPUUtilization", "MemoryUtilization"] :
      ["AWS/ECS", name, "ClusterName", var.cluster, "ServiceName", var.service]]
    },
    {
      title   = "Requests at the load balancer", label = "requests", stat = "Sum"
      metrics = [["AWS/ApplicationELB", "RequestCount", "LoadBalancer", var.load_balancer]]
    },
    {
      title = "What DynamoDB bills: units", label = "units", stat = "Sum"
      metrics = [for pair in setproduct(values(var.tables)[*].name, ["ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"]) :
      ["AWS/DynamoDB", pair[1], "TableName", pair[0]]]
    },
    {
      title   = "REST API", label = "requests", stat = "Sum"
      metrics = [for name in ["Count", "4xx"] : ["AWS/ApiGateway", name, "ApiId", var.api_id]]
    },
    {
      title = "REST API: latency, p99", label = "ms", stat = "p99"
      metrics = [
        ["AWS/ApiGateway", "Latency", "ApiId", var.api_id],
        ["AWS/Lambda", "Duration", "FunctionName", var.function],
      ]
    },
  ]

  other_widgets = concat(
    [for widget in local.own_widgets : merge(widget, { metrics = [for metric in widget.metrics : [local.own, metric]] })],
    [local.cost_widget],
    local.aws_widgets,
  )
  widgets = concat(local.alarm_widgets, [for widget in local.other_widgets : merge(widget, { lines = [] })])
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = jsonencode({
    widgets = [for position, widget in local.widgets : {
      type   = "metric"
      x      = (position % 2) * 12
      y      = floor(position / 2) * 6
      width  = 12
      height = 6
      properties = {
        title       = widget.title
        region      = var.region
        stat        = widget.stat
        period      = 300
        metrics     = widget.metrics
        yAxis       = { left = { label = widget.label, min = 0, showUnits = false } }
        annotations = { horizontal = widget.lines }
      }
    }]
  })
}
