# What is watched: one entry, one alarm, and one line on the dashboard with the alarm's threshold. `means` is for the
# person who is woken; what to do is in docs/runbook.md, under the alarm's name or under `runbook`.

locals {
  own = var.metrics_namespace

  # What holds of an alarm that says nothing else. Where nothing happened DynamoDB, the load balancer and most of the
  # server's metrics report nothing, so missing data are no alarm.
  usual = {
    namespace  = local.own
    metric     = null
    parts      = {}
    expression = null
    dimensions = {}
    statistic  = "Sum"
    comparison = "GreaterThanOrEqualToThreshold"
    threshold  = 1
    period     = 300
    periods    = 1
    missing    = "notBreaching"
    unit       = "count"
  }

  # --- what callers hear ----------------------------------------------------------------------------------------

  of_calls = {
    silent-calls = {
      chart  = "Callers whom nobody answered"
      means  = "A caller spoke and Carlos never answered."
      metric = "SilentCalls"
    }
    audio-lost = {
      chart     = "Speech that never reached the model"
      means     = "A second or more of what callers said never reached the model."
      metric    = "AudioLost"
      threshold = 1000
      unit      = "ms"
    }
    slow-turns = {
      chart     = "Last word to first sound, p99"
      means     = "One turn in a hundred waits over 3 seconds for Carlos; with few calls, the slowest one."
      metric    = "TurnLatency"
      statistic = "p99"
      threshold = 3000
      periods   = 3
      unit      = "ms"
    }
    fault-rate = {
      chart      = "Calls that met a fault"
      means      = "More than one call in twenty met a fault."
      parts      = { for id, metric in { faults = "FaultyCalls", calls = "Calls" } : id => { metric = metric, dimensions = {} } }
      expression = "100 * FILL(faults, 0) / calls"
      comparison = "GreaterThanThreshold"
      threshold  = 5
      periods    = 2
      unit       = "percent"
    }
    calls-refused = {
      chart      = "Callers who heard the busy message"
      means      = "Callers heard the busy message: every task was full."
      metric     = "Refusals"
      dimensions = { reason = "full" } # who is blocked, or calls a closed line, is no alarm
    }
  }

  # --- the model ------------------------------------------------------------------------------------------------

  of_the_model = {
    model-down = {
      chart  = "Calls that no stream to Sonic could be had for"
      means  = "No stream to Sonic could be had for a call, for 8 seconds: it was passed on to a person, or ended with an apology."
      metric = "CallsWithoutModel"
    }
    model-failing = {
      chart  = "Times that Sonic seemed to be down"
      means  = "Five streams to Sonic failed within 5 seconds, and none lived: a task dials slowly until one does."
      metric = "CircuitOpened"
    }
    sonic-throttled = {
      chart  = "Streams that Bedrock refused for their number"
      means  = "Bedrock refuses streams for their number."
      metric = "SonicThrottles"
    }
    leases-exhausted = {
      chart  = "Times that all of the fleet's streams were taken"
      means  = "All streams that the fleet may have to Sonic are taken: who calls now cannot be answered."
      metric = "LeasesExhausted"
    }
  }

  # --- the tasks ------------------------------------------------------------------------------------------------

  of_tasks = {
    no-heartbeat = {
      chart      = "Reports of the tasks, a minute"
      means      = "A task that must run has reported nothing for five minutes."
      metric     = "ActiveCalls"
      statistic  = "SampleCount" # each task reports twice a minute (EMF_SECONDS), with nobody on the line as well
      comparison = "LessThanThreshold"
      threshold  = 2 * var.min_tasks - 1
      period     = 60
      periods    = 5
      missing    = "breaching"
    }
    capacity-lost = {
      chart      = "Ready tasks"
      means      = "Fewer tasks are ready than must always run."
      namespace  = "AWS/ApplicationELB"
      metric     = "HealthyHostCount"
      dimensions = { LoadBalancer = var.load_balancer, TargetGroup = var.target_group }
      statistic  = "Minimum"
      comparison = "LessThanThreshold"
      threshold  = var.min_tasks
      periods    = 2
      missing    = "breaching"
    }
    webhooks-failing = {
      chart      = "5xx at the entrance"
      means      = "The server answers with 5xx: calls are not taken."
      namespace  = "AWS/ApplicationELB"
      metric     = "HTTPCode_Target_5XX_Count"
      dimensions = { LoadBalancer = var.load_balancer, TargetGroup = var.target_group }
    }
    entrance-failing = {
      chart      = "5xx at the entrance"
      means      = "The load balancer itself answers with 5xx: no task takes the request, or one hung up."
      namespace  = "AWS/ApplicationELB"
      metric     = "HTTPCode_ELB_5XX_Count"
      dimensions = { LoadBalancer = var.load_balancer }
    }
    call-log-dropped = {
      chart  = "Events and records of calls that were not delivered"
      means  = "Events or records of calls did not reach their log group."
      metric = "CallLogDropped"
    }
    webhooks-given-up = {
      chart      = "Webhooks that were given up"
      means      = "Events were given up: for days their receiver did not take them."
      metric     = "Webhooks"
      dimensions = { outcome = "given_up" }
    }
  }

  # --- the REST API ---------------------------------------------------------------------------------------------

  of_the_api = {
    api-errors = {
      chart      = "REST API: failures"
      means      = "The REST API's Lambda fails."
      namespace  = "AWS/Lambda"
      metric     = "Errors"
      dimensions = { FunctionName = var.function }
    }
    api-failing = {
      chart      = "REST API: failures"
      means      = "The REST API answers with 5xx."
      namespace  = "AWS/ApiGateway"
      metric     = "5xx"
      dimensions = { ApiId = var.api_id }
    }
  }

  # --- the records ----------------------------------------------------------------------------------------------

  of_records = {
    store-errors = {
      chart     = "Operations that the store did not answer"
      means     = "The store does not answer the server: bookings cannot be confirmed."
      metric    = "StoreErrors"
      threshold = 5
    }
    # DynamoDB counts these for the whole account and Region. A transaction whose condition does not hold, such as a
    # time that somebody else has booked, may be among them.
    request-errors = {
      chart     = "DynamoDB: requests that it finds wrong, of the whole account"
      means     = "DynamoDB refuses many requests of this account as wrong."
      namespace = "AWS/DynamoDB"
      metric    = "UserErrors"
      threshold = 50
      periods   = 2
    }
  }

  # What the server and the Lambda ask of DynamoDB; it counts its own errors by table and operation.
  operations = ["BatchGetItem", "GetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem"]

  system_errors = {
    for key, table in var.tables : "${key}-system-errors" => {
      chart      = "DynamoDB: errors of its own"
      means      = "DynamoDB fails on ${key}."
      runbook    = "system-errors"
      namespace  = "AWS/DynamoDB"
      parts      = { for operation in local.operations : lower("${key}_${operation}") => { metric = "SystemErrors", dimensions = { TableName = table.name, Operation = operation } } }
      expression = "SUM([${join(", ", [for operation in local.operations : lower("${key}_${operation}")])}])"
    }
  }

  # A table and each of its indexes have capacity of their own.
  places = merge([
    for key, table in var.tables : merge(
      { (key) = { TableName = table.name } },
      { for index in table.indexes : "${key}-${index}" => { TableName = table.name, GlobalSecondaryIndexName = index } },
    )
  ]...)

  throttles = {
    for pair in setproduct(keys(local.places), ["Read", "Write"]) : "${pair[0]}-${lower(pair[1])}-throttled" => {
      chart      = "DynamoDB: throttled ${lower(pair[1])}s"
      means      = "DynamoDB refuses to ${lower(pair[1])} ${pair[0]} so fast."
      runbook    = "throttled"
      namespace  = "AWS/DynamoDB"
      metric     = "${pair[1]}ThrottleEvents"
      dimensions = local.places[pair[0]]
    }
  }

  groups = [
    local.of_calls, local.of_the_model, local.of_tasks, local.of_the_api, local.of_records, local.system_errors, local.throttles,
  ]
  alarms = merge([
    for group in local.groups : { for name, alarm in group : name => merge(local.usual, { runbook = name }, alarm) }
  ]...)
}
