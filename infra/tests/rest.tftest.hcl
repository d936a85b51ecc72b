# What the REST API's Lambda is told, and what it may do.

mock_provider "aws" {}

variables {
  name               = "carlos-test"
  package            = "tests/package.zip"
  timeout            = 30
  memory             = 1024
  rate_limit         = 50
  tables             = { for key in ["orders", "appointments", "calls"] : key => { name = "carlos-test-${key}", arn = "arn:${key}" } }
  table_policy       = []
  admin_keys_secret  = "arn:keys"
  settings           = { ADMIN_OPEN_READ = "true", PRICE_PHONE_MINUTE = "0.02", JWT_ISSUER = "https://issuer.example", SONIC_VOICE = "tiffany", LOGLEVEL = "DEBUG" }
  recordings         = { RECORDINGS = "s3", RECORDINGS_BUCKET = "bucket" }
  recordings_policy  = [{ Effect = "Allow", Action = ["s3:GetObject"], Resource = ["arn:bucket/*"] }]
  allowed_origins    = ["https://example.com"]
  log_level          = "WARNING"
  log_retention_days = 30
}

run "rest" {
  module {
    source = "./modules/rest"
  }

  assert {
    condition     = { for name in ["ADMIN_OPEN_READ", "PRICE_PHONE_MINUTE", "JWT_ISSUER"] : name => aws_lambda_function.api.environment[0].variables[name] } == { ADMIN_OPEN_READ = "true", PRICE_PHONE_MINUTE = "0.02", JWT_ISSUER = "https://issuer.example" }
    error_message = "What REST reads of the server's settings must reach the Lambda."
  }

  assert {
    condition     = !contains(keys(aws_lambda_function.api.environment[0].variables), "SONIC_VOICE")
    error_message = "What only calls need must not reach the Lambda: a setting there could refuse to start for want of another."
  }

  assert {
    condition     = aws_lambda_function.api.environment[0].variables["LOGLEVEL"] == "WARNING" && aws_lambda_function.api.environment[0].variables["RECORDINGS_BUCKET"] == "bucket"
    error_message = "What Terraform sets itself comes before the server's settings."
  }

  assert {
    condition     = contains(jsondecode(aws_iam_role_policy.function.policy).Statement, var.recordings_policy[0])
    error_message = "The Lambda must be able to read recordings."
  }

  assert {
    condition     = !can(regex("path|sourceIp", aws_apigatewayv2_stage.this.access_log_settings[0].format))
    error_message = "A path holds ids, and an address is somebody's: neither belongs into the access log."
  }
}
