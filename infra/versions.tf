terraform {
  required_version = ">= 1.10" # the S3 backend's lock file

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.62"
    }
  }
}

provider "aws" {
  region = var.aws_region

  default_tags {
    tags = {
      Project     = var.project_name
      Stage       = var.stage
      Environment = var.stage
      ManagedBy   = "terraform"
    }
  }
}
