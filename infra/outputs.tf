output "voice_webhook_url" {
  description = "Twilio number > Voice > A call comes in (HTTP POST)."
  value       = "https://${var.domain_name}/twilio/voice"
}

output "voice_fallback_url" {
  description = "Twilio number > Voice > Primary handler fails (HTTP POST): VoiceFallbackUrl."
  value       = "https://${var.domain_name}/twilio/fallback"
}

output "aws_region" {
  description = "AWS_DEFAULT_REGION."
  value       = var.aws_region
}

output "recordings_bucket" {
  description = "RECORDINGS_BUCKET."
  value       = module.recordings.bucket
}

output "api_gateway_url" {
  description = "Base of the REST API; /orders and /appointments follow, and the original's /demo/orders."
  value       = module.rest.url
}

output "orders_table_name" {
  description = "ORDERS_TABLE."
  value       = module.data.tables["orders"].name
}

output "appointments_table_name" {
  description = "APPOINTMENTS_TABLE."
  value       = module.data.tables["appointments"].name
}

output "calls_table_name" {
  description = "CALLS_TABLE."
  value       = module.data.tables["calls"].name
}

output "dynamodb_tables" {
  description = "ARN of each table."
  value       = { for key, table in module.data.tables : key => table.arn }
}

output "operator_policy_arn" {
  description = "What `carlos backup`, `restore`, `migrate` and `doctor` need; attach it to who runs them."
  value       = module.data.operator_policy_arn
}

output "repository_url" {
  description = "Where server images are pushed."
  value       = module.data.repository_url
}

output "secret_names" {
  description = "Secrets that need a value before the first task can start."
  value       = module.data.secret_names
}

output "lambda_function" {
  description = "Name of the REST API's Lambda."
  value       = module.rest.function_name
}

output "iam_role_arn" {
  description = "Role of the Lambda."
  value       = module.rest.role_arn
}

output "nova_sonic_ecs_cluster" {
  description = "ECS cluster of the voice service."
  value       = module.voice.cluster
}

output "nova_sonic_service_name" {
  description = "ECS service that answers calls."
  value       = module.voice.service
}

output "nova_sonic_task_role_arn" {
  description = "Role of the server's tasks."
  value       = module.voice.task_role_arn
}

output "load_balancer_dns_name" {
  description = "Point domain_name's CNAME here where DNS is not in Route 53."
  value       = module.voice.load_balancer_dns_name
}

output "log_group" {
  description = "The server's log group."
  value       = module.voice.log_group
}

output "call_log_group" {
  description = "Records and events of calls."
  value       = module.voice.call_log_group
}

output "dashboard_url" {
  description = "CloudWatch dashboard of the stage."
  value       = module.observability.dashboard_url
}
