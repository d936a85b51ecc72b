# Tables, secrets and images: what must exist before a release and survives it.
# tables.json is written from what data/records.py declares (make infra-tables), and a test keeps them equal.

locals {
  tables  = jsondecode(file("${path.module}/tables.json"))
  secrets = toset(["TWILIO_AUTH_TOKEN", "ADMIN_API_KEYS"]) # each is one environment variable of the server

  # Of each table and of each index; an on-demand table has none.
  provisioned = var.billing_mode == "PROVISIONED"
  capacity    = { read = local.provisioned ? var.read_capacity : null, write = local.provisioned ? var.write_capacity : null }

  # What the server and the Lambda do with records. A transaction is allowed by the actions of its parts.
  item_actions  = ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:Query"]
  index_actions = ["dynamodb:Query"]
  # What only an operator's commands do: backup, restore, migrate, doctor.
  operator_actions = ["dynamodb:Scan", "dynamodb:BatchWriteItem", "dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive"]

  table_arns = [for table in aws_dynamodb_table.this : table.arn]
  index_arns = flatten([
    for key, table in local.tables : [
      for index in table.indexes : "${aws_dynamodb_table.this[key].arn}/index/${index.name}"
    ]
  ])
}

resource "aws_dynamodb_table" "this" {
  for_each = local.tables

  name                        = "${var.name}-${each.key}"
  billing_mode                = var.billing_mode
  hash_key                    = each.value.hash
  range_key                   = each.value.range
  deletion_protection_enabled = var.deletion_protection
  read_capacity               = local.capacity.read
  write_capacity              = local.capacity.write

  dynamic "attribute" {
    for_each = toset(each.value.attributes)
    content {
      name = attribute.value
      type = "S"
    }
  }

  dynamic "global_secondary_index" {
    for_each = each.value.indexes
    content {
      name            = global_secondary_index.value.name
      hash_key        = global_secondary_index.value.hash
      range_key       = global_secondary_index.value.range
      projection_type = global_secondary_index.value.projection
      read_capacity   = local.capacity.read
      write_capacity  = local.capacity.write
    }
  }

  dynamic "ttl" {
    for_each = each.value.ttl == null ? [] : [each.value.ttl]
    content {
      attribute_name = ttl.value
      enabled        = true
    }
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled = true # with the account's aws/dynamodb key, whose use CloudTrail shows
  }
}

# Their values are set by hand (docs/deploy.md), so that no variable, plan or state ever holds one.
resource "aws_secretsmanager_secret" "this" {
  for_each = local.secrets

  name                    = "${var.name}/${each.key}"
  description             = "${each.key} of ${var.name}"
  recovery_window_in_days = var.deletion_protection ? 30 : 7
}

resource "aws_ecr_repository" "server" {
  name                 = var.name
  image_tag_mutability = "IMMUTABLE"
  force_delete         = !var.deletion_protection

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "AES256"
  }
}

resource "aws_ecr_lifecycle_policy" "server" {
  repository = aws_ecr_repository.server.name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "keep the last 20 images, to roll back to"
      selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 20 }
      action       = { type = "expire" }
    }]
  })
}

resource "aws_iam_policy" "operator" {
  name        = "${var.name}-operator"
  description = "carlos backup, restore, migrate and doctor on the records of ${var.name}"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = concat(local.item_actions, local.operator_actions), Resource = local.table_arns },
      { Effect = "Allow", Action = local.index_actions, Resource = local.index_arns },
      { Effect = "Allow", Action = ["dynamodb:ListTables"], Resource = ["*"] }, # this action knows no resource
    ]
  })
}
