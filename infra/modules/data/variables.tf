variable "name" {
  description = "First part of every name."
  type        = string
}

variable "deletion_protection" {
  description = "Refuse to destroy the tables, and keep deleted secrets for 30 days."
  type        = bool
}
