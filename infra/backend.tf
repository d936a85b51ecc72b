# The bucket is not named here: infra/setup-backend makes it and writes <stage>.s3.tfbackend, which
# `terraform init -backend-config=<stage>.s3.tfbackend` reads.
terraform {
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}
