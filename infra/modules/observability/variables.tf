variable "name" {
  description = "First part of every name."
  type        = string
}

variable "region" {
  description = "AWS Region."
  type        = string
}

variable "metrics_namespace" {
  description = "Where the server's metrics are found."
  type        = string
}

variable "alarm_email" {
  description = "Address that alarms go to, or empty."
  type        = string
}

variable "runbook" {
  description = "Where docs/runbook.md is read; alarms add #<name>."
  type        = string
}

variable "min_tasks" {
  description = "Tasks that always run."
  type        = number
}

variable "cluster" {
  description = "ECS cluster."
  type        = string
}

variable "service" {
  description = "ECS service."
  type        = string
}

variable "log_group" {
  description = "The server's log group."
  type        = string
}

variable "load_balancer" {
  description = "ARN suffix of the load balancer."
  type        = string
}

variable "target_group" {
  description = "ARN suffix of the target group."
  type        = string
}

variable "tables" {
  description = "Name of each table, and the names of its indexes."
  type        = map(object({ name = string, indexes = list(string) }))
}

variable "function" {
  description = "Name of the Lambda."
  type        = string
}

variable "api_id" {
  description = "Id of the HTTP API."
  type        = string
}

variable "account_id" {
  description = "AWS account."
  type        = string
}

variable "partition" {
  description = "aws, or another partition."
  type        = string
}

variable "call_group" {
  description = "The log group with records and events of calls."
  type        = string
}
