# A wrong value is refused before anything is made.

mock_provider "aws" {}

variables {
  domain_name        = "carlos.example.com"
  certificate_arn    = "arn:aws:acm:us-east-1:123456789012:certificate/1"
  twilio_account_sid = "AC00000000000000000000000000000000"
  image_tag          = "test"
  api_package        = "tests/package.zip"
}

run "wrong_values" {
  command = plan

  variables {
    stage              = "Demo!"
    project_name       = "a-name-that-a-load-balancer-cannot-have"
    domain_name        = "https://carlos.example.com/"
    aws_region         = "Virginia"
    zones              = ["a", "a"]
    task_cpu           = 1000
    min_tasks          = 3
    max_tasks          = 2
    max_calls          = 8
    target_calls       = 8
    nat_gateways       = 3
    image_tag          = "latest"
    sonic_model_id     = "*"
    twilio_account_sid = "a-secret-token"
    transfer_targets   = "1150310001|*"
    allowed_origins    = ["*"]
    server_settings    = { ADMIN_API_KEYS = "a-key" }
    sonic_regions      = ["us-east-1", "us-east-1"]
    sonic_headroom     = 1.5

    dynamodb_billing_mode = "ON_DEMAND"
    api_package           = "tests/nowhere.zip"
  }

  expect_failures = [
    var.stage, var.project_name, var.domain_name, var.aws_region, var.zones,
    var.task_cpu, var.max_tasks, var.target_calls, var.nat_gateways,
    var.image_tag, var.sonic_model_id, var.twilio_account_sid, var.transfer_targets, var.allowed_origins, var.server_settings, var.api_package,
    var.sonic_regions, var.sonic_headroom, var.dynamodb_billing_mode,
  ]
}

run "settings_that_are_variables" {
  command = plan

  variables {
    server_settings = { SONIC_HEADROOM = "4" }
  }

  expect_failures = [var.server_settings]
}

run "streams_of_a_region_that_is_not_used" {
  command = plan

  variables {
    sonic_region_streams = { us-west-2 = 40 }
  }

  expect_failures = [var.sonic_region_streams]
}

run "no_certificate" {
  command = plan

  variables {
    certificate_arn = ""
    hosted_zone_id  = ""
  }

  expect_failures = [var.certificate_arn]
}
