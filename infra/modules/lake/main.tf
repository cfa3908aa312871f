# The bucket of a lake. Its rules are those that `barlake vacuum` keeps in it (io/lifecycle.py), under
# the same names, so that neither of the two sees news in what the other has written.

locals {
  lake   = trimsuffix(var.prefix, "/")
  suffix = local.lake == "" ? "" : ".${replace(local.lake, "/", ".")}"

  expiring = {
    for name, rule in {
      reports = { folder = "pages/quality/", days = var.lifecycle_days.reports_days }
      staging = { folder = "_staging/", days = var.lifecycle_days.staging_days }
    } : name => rule if rule.days != null
  }
  replaced = var.lifecycle_days.replaced_days == null ? [] : ["pages", "checkpoints", "_staging"]
  uploads  = var.lifecycle_days.uploads_days == null ? [] : [var.lifecycle_days.uploads_days]
  rules    = length(local.expiring) + length(local.replaced) + length(local.uploads)
}

resource "aws_s3_bucket" "this" {
  bucket        = var.bucket
  force_destroy = var.is_emptied
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
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
    # One request to KMS a bucket and day, not one an object.
    bucket_key_enabled = var.kms_key_arn != null

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  count  = local.rules == 0 ? 0 : 1
  bucket = aws_s3_bucket.this.id

  dynamic "rule" {
    for_each = local.expiring
    content {
      id     = "barlake-${rule.key}${local.suffix}"
      status = "Enabled"
      filter {
        prefix = "${var.prefix}${rule.value.folder}"
      }
      expiration {
        days = rule.value.days
      }
    }
  }

  dynamic "rule" {
    for_each = local.replaced
    content {
      id     = "barlake-replaced-${trimprefix(rule.value, "_")}${local.suffix}"
      status = "Enabled"
      filter {
        prefix = "${var.prefix}${rule.value}/"
      }
      noncurrent_version_expiration {
        noncurrent_days = var.lifecycle_days.replaced_days
      }
    }
  }

  # An upload that was never completed is no object: its rule takes no prefix.
  dynamic "rule" {
    for_each = local.uploads
    content {
      id     = "barlake-uploads"
      status = "Enabled"
      filter {
        prefix = ""
      }
      abort_incomplete_multipart_upload {
        days_after_initiation = rule.value
      }
    }
  }
}

data "aws_iam_policy_document" "this" {
  statement {
    sid       = "OverTlsAlone"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  dynamic "statement" {
    for_each = var.commits_are_conditional ? [1] : []
    content {
      sid       = "NoCommitOverAnother"
      effect    = "Deny"
      actions   = ["s3:PutObject"]
      resources = ["${aws_s3_bucket.this.arn}/*/_delta_log/*.json"]

      principals {
        type        = "*"
        identifiers = ["*"]
      }
      condition {
        test     = "Null"
        variable = "s3:if-none-match"
        values   = ["true"]
      }
      # The parts of an upload carry no condition; the request that completes it does.
      condition {
        test     = "Bool"
        variable = "s3:ObjectCreationOperation"
        values   = ["true"]
      }
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = data.aws_iam_policy_document.this.json

  # Both change the bucket's policy status; S3 refuses two changes at once.
  depends_on = [aws_s3_bucket_public_access_block.this]
}
