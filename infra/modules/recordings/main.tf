# Recordings of calls (RECORD_CALLS): closed, encrypted, and kept no longer than calls are.

resource "aws_s3_bucket" "this" {
  bucket        = "${var.name}-recordings-${var.account_id}" # bucket names are everybody's
  force_destroy = !var.deletion_protection
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

# The server deletes what is older itself; this holds when no server runs. There are no versions: erased is erased.
resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    id     = "keep-calls-days"
    status = "Enabled"

    filter {} # all of it: nothing else is in the bucket

    expiration {
      days = var.keep_days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.this]
}

locals {
  prefix  = "recordings/"
  objects = "${aws_s3_bucket.this.arn}/${local.prefix}*"

  # Without it a recording that is not there would be AccessDenied instead of NoSuchKey, and with a condition on the
  # prefix as well, for GetObject has none.
  lists = { Effect = "Allow", Action = ["s3:ListBucket"], Resource = [aws_s3_bucket.this.arn] }
}
