variable "name" {
  description = "First part of the bucket's name."
  type        = string
}

variable "account_id" {
  description = "AWS account, the last part of it."
  type        = string
}

variable "keep_days" {
  description = "Days after which a recording is deleted: KEEP_CALLS_DAYS."
  type        = number
}

variable "deletion_protection" {
  description = "Refuse to destroy the bucket while there is a recording in it."
  type        = bool
}
