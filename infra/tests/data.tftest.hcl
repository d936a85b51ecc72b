# How tables are paid for.

mock_provider "aws" {}

variables {
  name                = "carlos-test"
  deletion_protection = true
  billing_mode        = "PROVISIONED"
  read_capacity       = 7
  write_capacity      = 3
}

run "provisioned" {
  module {
    source = "./modules/data"
  }

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : table.billing_mode == "PROVISIONED" && table.read_capacity == 7 && table.write_capacity == 3])
    error_message = "Each table must have the capacity that is asked for."
  }

  assert {
    condition     = alltrue(flatten([for table in aws_dynamodb_table.this : [for index in table.global_secondary_index : index.read_capacity == 7 && index.write_capacity == 3]]))
    error_message = "Each index must have the capacity that is asked for, too: one that has none of its own holds its table up."
  }
}

run "on_demand" {
  command = plan

  module {
    source = "./modules/data"
  }

  variables {
    billing_mode = "PAY_PER_REQUEST"
  }

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : table.billing_mode == "PAY_PER_REQUEST"])
    error_message = "Tables must be on demand."
  }
}
