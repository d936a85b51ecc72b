output "settings" {
  description = "What the server and the Lambda are told: settings by name."
  value = {
    RECORDINGS        = "s3"
    RECORDINGS_BUCKET = aws_s3_bucket.this.bucket
    RECORDINGS_PREFIX = local.prefix
  }
}

output "writer_policy" {
  description = "IAM statements for the server: it stores, reads and deletes."
  value = [
    local.lists,
    { Effect = "Allow", Action = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"], Resource = [local.objects] },
  ]
}

output "reader_policy" {
  description = "IAM statements for the REST API: it reads, and erases with a customer's data."
  value = [
    local.lists,
    { Effect = "Allow", Action = ["s3:DeleteObject", "s3:GetObject"], Resource = [local.objects] },
  ]
}

output "bucket" {
  description = "Name of the bucket."
  value       = aws_s3_bucket.this.bucket
}
