output "tables" {
  description = "Name and ARN of each table."
  value       = { for key, table in aws_dynamodb_table.this : key => { name = table.name, arn = table.arn } }
}

output "indexes" {
  description = "Names of each table's indexes."
  value       = { for key, table in local.tables : key => table.indexes[*].name }
}

output "table_policy" {
  description = "IAM statements for who works on records."
  value = [
    { Effect = "Allow", Action = local.item_actions, Resource = local.table_arns },
    { Effect = "Allow", Action = local.index_actions, Resource = local.index_arns },
  ]
}

output "operator_policy_arn" {
  description = "The operator's policy."
  value       = aws_iam_policy.operator.arn
}

output "secrets" {
  description = "ARN of each secret, by the environment variable that it is."
  value       = { for key, secret in aws_secretsmanager_secret.this : key => secret.arn }
}

output "secret_names" {
  description = "Name of each secret."
  value       = { for key, secret in aws_secretsmanager_secret.this : key => secret.name }
}

output "repository_url" {
  description = "The image repository, without a tag."
  value       = aws_ecr_repository.server.repository_url
}

output "repository_arn" {
  description = "The image repository."
  value       = aws_ecr_repository.server.arn
}
