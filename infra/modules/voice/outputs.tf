output "cluster" {
  description = "ECS cluster."
  value       = aws_ecs_cluster.this.name
}

output "service" {
  description = "ECS service."
  value       = aws_ecs_service.server.name
}

output "task_role_arn" {
  description = "Role of the tasks."
  value       = aws_iam_role.task.arn
}

output "log_group" {
  description = "The server's log group."
  value       = aws_cloudwatch_log_group.server.name
}

output "load_balancer_dns_name" {
  description = "Address of the load balancer."
  value       = aws_lb.this.dns_name
}

output "load_balancer_suffix" {
  description = "The load balancer's name in CloudWatch."
  value       = aws_lb.this.arn_suffix
}

output "target_group_suffix" {
  description = "The target group's name in CloudWatch."
  value       = aws_lb_target_group.server.arn_suffix
}

output "call_log_group" {
  description = "Records and events of calls."
  value       = aws_cloudwatch_log_group.calls.name
}
