output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "public_subnets" {
  description = "Subnets of the load balancer."
  value       = aws_subnet.public[*].id
}

output "task_subnets" {
  description = "Subnets of the tasks."
  value       = local.private ? aws_subnet.private[*].id : aws_subnet.public[*].id
}
