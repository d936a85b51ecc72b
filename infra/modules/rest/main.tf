# The REST API without a server: the same FastAPI application, in a Lambda behind an HTTP API.

locals {
  function  = "${var.name}-api"
  log_group = "/aws/lambda/${local.function}"

  # The settings that the application reads here, as its code says (make infra-settings), and a test keeps them equal.
  reads = jsondecode(file("${path.module}/settings.json"))

  # AWS_DEFAULT_REGION is the Lambda's own: it sets it and refuses another.
  environment = merge(var.recordings, {
    ADMIN_API_KEYS_SECRET = var.admin_keys_secret # the keys themselves never stand in an environment
    ALLOWED_ORIGINS       = join(",", var.allowed_origins)
    APPOINTMENTS_TABLE    = var.tables["appointments"].name
    CALLS_TABLE           = var.tables["calls"].name
    CARLOS_HOME           = "/tmp/carlos" # the only place that can be written
    LOGLEVEL              = var.log_level
    ORDERS_TABLE          = var.tables["orders"].name
    STORE                 = "dynamodb"
  })
}

resource "aws_cloudwatch_log_group" "function" {
  name              = local.log_group
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_log_group" "access" {
  name              = "/aws/apigateway/${local.function}"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "function" {
  name = local.function
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "function" {
  name = "carlos"
  role = aws_iam_role.function.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(var.table_policy, var.recordings_policy, [
      {
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${aws_cloudwatch_log_group.function.arn}:*"]
      },
      {
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue"]
        Resource = [var.admin_keys_secret]
      },
    ])
  })
}

resource "aws_lambda_function" "api" {
  function_name    = local.function
  role             = aws_iam_role.function.arn
  runtime          = "python3.13"
  architectures    = ["x86_64"] # infra/package-api takes wheels for it
  handler          = "api.lambda_handler.handler"
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  timeout          = var.timeout
  memory_size      = var.memory

  environment {
    variables = merge({ for name, value in var.settings : name => value if contains(local.reads, name) }, local.environment)
  }

  depends_on = [aws_cloudwatch_log_group.function, aws_iam_role_policy.function]
}

resource "aws_apigatewayv2_api" "this" {
  name          = local.function
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_integration" "api" {
  api_id                 = aws_apigatewayv2_api.this.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.api.invoke_arn
  payload_format_version = "2.0"
}

# One route: the application knows its own, asks for a key on each and answers preflights.
resource "aws_apigatewayv2_route" "api" {
  api_id    = aws_apigatewayv2_api.this.id
  route_key = "$default"
  target    = "integrations/${aws_apigatewayv2_integration.api.id}"
}

resource "aws_apigatewayv2_stage" "this" {
  api_id      = aws_apigatewayv2_api.this.id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit  = var.rate_limit
    throttling_burst_limit = 2 * var.rate_limit
  }

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    # Neither path nor address: the one holds ids, the other is somebody's. The function's own line has the route, and
    # the same `request`.
    format = jsonencode({
      time     = "$context.requestTime"
      request  = "$context.requestId"
      method   = "$context.httpMethod"
      status   = "$context.status"
      ms       = "$context.responseLatency"
      lambdaMs = "$context.integrationLatency"
      error    = "$context.integrationErrorMessage"
    })
  }
}

resource "aws_lambda_permission" "api" {
  statement_id  = "AllowHttpApi"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.api.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/*/*"
}
