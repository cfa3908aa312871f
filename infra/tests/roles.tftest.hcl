mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }
}

variables {
  bucket     = "lake"
  account_id = "123456789012"
}

run "nobody_reads_unless_named" {
  module {
    source = "../modules/roles"
  }

  assert {
    condition     = toset(keys(aws_iam_role.this)) == toset(["ingest", "merge", "stream", "maintenance"])
    error_message = "There are other roles than those that write."
  }
  assert {
    condition     = one(data.aws_iam_policy_document.jobs.statement[0].condition).variable == "aws:SourceAccount"
    error_message = "A job of another account may take the roles."
  }
  assert {
    condition     = length(aws_iam_role_policy.key) == 0
    error_message = "There is a right to a key that is not there."
  }
}

run "a_named_reader" {
  module {
    source = "../modules/roles"
  }
  variables {
    reader_arns = ["arn:aws:iam::123456789012:role/analyst"]
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/own"
  }

  assert {
    condition     = aws_iam_role.this["reader"].name == "barlake-reader"
    error_message = "Nobody reads."
  }
  assert {
    condition     = data.aws_iam_policy_document.key["reader"].statement[0].actions == toset(["kms:Decrypt"])
    error_message = "The reader encrypts."
  }
}

run "everybody_is_no_reader" {
  command = plan
  module {
    source = "../modules/roles"
  }
  variables {
    reader_arns = ["*"]
  }
  expect_failures = [var.reader_arns]
}
