# The whole of a stage, as <stage>.tfvars sizes it.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_resource "aws_acm_certificate" {
    defaults = {
      domain_validation_options = [{
        resource_record_name  = "_x.carlos.example.com"
        resource_record_type  = "CNAME"
        resource_record_value = "_y.acm.example.com"
      }]
    }
  }
}

variables {
  domain_name        = "carlos.example.com"
  hosted_zone_id     = "Z0123456789ABC"
  twilio_account_sid = "AC00000000000000000000000000000000"
  image_tag          = "test"
  api_package        = "tests/package.zip"
  alarm_email        = "operator@example.com"
}

# Before anything is made: only what the configuration says is known then, and no value of a mock.
run "planned" {
  command = plan
}

run "stage" {
  assert {
    condition     = output.orders_table_name == "nova-sonic-server-app-${var.stage}-orders"
    error_message = "The original's table names must stay."
  }

  assert {
    condition     = sort(keys(output.dynamodb_tables)) == tolist(["appointments", "calls", "orders"])
    error_message = "There must be three tables."
  }

  assert {
    condition     = output.nova_sonic_ecs_cluster == "nova-sonic-server-app-${var.stage}"
    error_message = "The cluster must have the stage's name."
  }

  assert {
    condition     = output.voice_webhook_url == "https://carlos.example.com/twilio/voice"
    error_message = "Twilio must call by https."
  }

  assert {
    condition     = output.voice_fallback_url == "https://carlos.example.com/twilio/fallback"
    error_message = "Twilio must have somebody to ask when an answer failed."
  }

  assert {
    condition     = var.stage != "prod" || (var.min_tasks >= 2 && var.deletion_protection && var.nat_gateways == 2 && var.waf_rate_limit > 0)
    error_message = "prod must survive a zone, keep its records and limit strangers."
  }
}

run "certificate_of_ones_own" {
  command = plan

  variables {
    hosted_zone_id  = ""
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/1"
  }

  assert {
    condition     = output.voice_webhook_url == "https://carlos.example.com/twilio/voice"
    error_message = "The address that Twilio calls must not depend on who made the certificate."
  }
}
