variable "name" {
  description = "First part of every name."
  type        = string
}

variable "package" {
  description = "Zip with the code."
  type        = string
}

variable "timeout" {
  description = "Seconds for one request."
  type        = number
}

variable "memory" {
  description = "MiB."
  type        = number
}

variable "rate_limit" {
  description = "Requests per second, all callers together."
  type        = number
}

variable "tables" {
  description = "Name and ARN of each table."
  type        = map(object({ name = string, arn = string }))
}

variable "table_policy" {
  description = "IAM statements for the records."
  type        = any
}

variable "admin_keys_secret" {
  description = "ARN of the secret with the admin keys."
  type        = string
}

variable "settings" {
  description = "Further settings of the server, by name; the Lambda gets those that REST reads."
  type        = map(string)
}

variable "recordings" {
  description = "Settings that say where recordings are."
  type        = map(string)
}

variable "recordings_policy" {
  description = "IAM statements for the recordings."
  type        = any
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
