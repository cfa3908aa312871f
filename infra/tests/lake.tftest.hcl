mock_provider "aws" {
  mock_resource "aws_s3_bucket" {
    defaults = { id = "lake", arn = "arn:aws:s3:::lake" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  bucket         = "lake"
  lifecycle_days = { reports_days = 365, staging_days = 7, replaced_days = 30, uploads_days = 7 }
}

run "closed_and_encrypted" {
  module {
    source = "../modules/lake"
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls,
      aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls,
      aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    error_message = "Something public gets in."
  }
  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256"
    error_message = "Objects are not encrypted."
  }
  assert {
    condition     = one(aws_s3_bucket_ownership_controls.this.rule).object_ownership == "BucketOwnerEnforced"
    error_message = "Access lists of single objects count."
  }
  assert {
    condition     = !aws_s3_bucket.this.force_destroy
    error_message = "A lake would go with its bucket."
  }
  assert {
    condition     = data.aws_iam_policy_document.this.statement[0].effect == "Deny" && one(data.aws_iam_policy_document.this.statement[0].condition).variable == "aws:SecureTransport"
    error_message = "The bucket answers without TLS."
  }
  assert {
    condition     = data.aws_iam_policy_document.this.statement[1].sid == "NoCommitOverAnother"
    error_message = "A commit may overwrite another."
  }
  assert {
    condition     = output.address == "s3a://lake"
    error_message = "The address is another one."
  }
}

run "a_lake_below_a_prefix" {
  module {
    source = "../modules/lake"
  }
  variables {
    prefix = "us/minutes/"
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.this[0].rule[0].id == "barlake-reports.us.minutes"
    error_message = "The lake's rules have another lake's names."
  }
  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.this[0].rule[0].filter[0].prefix == "us/minutes/pages/quality/"
    error_message = "The rule is for other objects."
  }
  assert {
    condition     = output.address == "s3a://lake/us/minutes"
    error_message = "The address is another one."
  }
}

run "null_is_never" {
  module {
    source = "../modules/lake"
  }
  variables {
    lifecycle_days = {}
  }

  assert {
    condition     = length(aws_s3_bucket_lifecycle_configuration.this) == 0
    error_message = "There are rules."
  }
}

run "a_key_of_ones_own" {
  module {
    source = "../modules/lake"
  }
  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/own"
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default[0].kms_master_key_id == var.kms_key_arn
    error_message = "The key is not used."
  }
}

run "a_prefix_without_its_slash" {
  command = plan
  module {
    source = "../modules/lake"
  }
  variables {
    prefix = "minutes"
  }
  expect_failures = [var.prefix]
}
