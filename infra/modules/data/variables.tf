variable "name" {
  description = "First part of every name."
  type        = string
}

variable "deletion_protection" {
  description = "Refuse to destroy the tables, and keep deleted secrets for 30 days."
  type        = bool
}

variable "billing_mode" {
  description = "PAY_PER_REQUEST or PROVISIONED."
  type        = string
}

variable "read_capacity" {
  description = "Read units a second of each table and each index, if provisioned."
  type        = number
}

variable "write_capacity" {
  description = "Write units a second of each table and each index, if provisioned."
  type        = number
}
