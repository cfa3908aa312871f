mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }
}

run "planned" {
  command = plan
  module {
    source = "../envs/aws"
  }
  variables {
    bucket         = "somebodys-lake"
    answers_bucket = "somebodys-answers"
    reader_arns    = ["arn:aws:iam::123456789012:role/analyst"]
  }

  assert {
    condition     = startswith(module.roles.rights["reader"], "{")
    error_message = "The reader has no rights."
  }
}
