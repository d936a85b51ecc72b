variable "name" {
  description = "First part of every name."
  type        = string
}

variable "region" {
  description = "AWS Region."
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

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "public_subnets" {
  description = "Subnets of the load balancer."
  type        = list(string)
}

variable "task_subnets" {
  description = "Subnets of the tasks."
  type        = list(string)
}

variable "tasks_are_public" {
  description = "Give tasks public addresses, which they need to reach Bedrock where there is no NAT gateway."
  type        = bool
}

variable "domain_name" {
  description = "Host name that Twilio and browsers call."
  type        = string
}

variable "hosted_zone_id" {
  description = "Route 53 zone of it, or empty."
  type        = string
}

variable "certificate_arn" {
  description = "Certificate for it where there is no zone."
  type        = string
}

variable "deletion_protection" {
  description = "Refuse to destroy the load balancer."
  type        = bool
}

variable "waf_rate_limit" {
  description = "Requests per address in five minutes; 0 for no WAF."
  type        = number
}

variable "image" {
  description = "Server image with its tag."
  type        = string
}

variable "repository_arn" {
  description = "Repository of the image."
  type        = string
}

variable "tables" {
  description = "Name and ARN of each table."
  type        = map(object({ name = string, arn = string }))
}

variable "table_policy" {
  description = "IAM statements for the records."
  type        = any
}

variable "secrets" {
  description = "ARN of each secret, by the environment variable that it is."
  type        = map(string)
}

variable "cpu" {
  description = "CPU units of a task."
  type        = number
}

variable "memory" {
  description = "MiB of a task."
  type        = number
}

variable "min_tasks" {
  description = "Tasks that always run."
  type        = number
}

variable "max_tasks" {
  description = "Upper limit of tasks."
  type        = number
}

variable "max_calls" {
  description = "Live calls that one task takes."
  type        = number
}

variable "target_calls" {
  description = "Average of live calls per task that scaling aims at."
  type        = number
}

variable "metrics_namespace" {
  description = "Where the server's metrics are found."
  type        = string
}

variable "settings" {
  description = "Further settings of the server, by name."
  type        = map(string)
}

variable "sonic_model_id" {
  description = "The one Bedrock model that may be invoked."
  type        = string
}

variable "sonic_regions" {
  description = "Regions in which streams to it are opened, the preferred one first; empty for the Region of everything."
  type        = list(string)
}

variable "sonic_region_streams" {
  description = "Concurrent streams of a Region where its quota is not 20."
  type        = map(number)
}

variable "sonic_headroom" {
  description = "Streams of each Region that no new call gets."
  type        = number
}

variable "recordings" {
  description = "Settings that say where recordings go."
  type        = map(string)
}

variable "recordings_policy" {
  description = "IAM statements for the recordings."
  type        = any
}

variable "twilio_account_sid" {
  description = "Twilio account."
  type        = string
}

variable "transfer_targets" {
  description = "People that a call may be passed on to: TRANSFER_TARGETS."
  type        = string
}

variable "allowed_origins" {
  description = "Origins of browser pages."
  type        = list(string)
}

variable "log_level" {
  description = "LOGLEVEL."
  type        = string
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
}
