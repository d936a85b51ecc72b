variable "name" {
  description = "First part of every name."
  type        = string
}

variable "region" {
  description = "AWS Region."
  type        = string
}

variable "cidr" {
  description = "Addresses of the VPC."
  type        = string
}

variable "nat_gateways" {
  description = "0, 1 or 2; with none, tasks live in the public subnets."
  type        = number
}

variable "zones" {
  description = "Letters of two availability zones."
  type        = list(string)
}
