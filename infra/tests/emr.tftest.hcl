mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }
}

variables {
  role_names    = { ingest = "barlake-ingest", merge = "barlake-merge" }
  code          = "arn:aws:s3:::answers/code/*"
  log_group_arn = "arn:aws:logs:us-east-1:123456789012:log-group:/barlake/jobs"
}

run "bounded_and_stopped_when_idle" {
  module {
    source = "../modules/emr"
  }

  assert {
    condition     = aws_emrserverless_application.this.maximum_capacity[0].cpu == "16 vCPU"
    error_message = "There is no bound to what runs may use."
  }
  assert {
    condition     = aws_emrserverless_application.this.auto_stop_configuration[0].enabled
    error_message = "The application never stops."
  }
  assert {
    condition     = length(aws_iam_role_policy.job) == 2
    error_message = "A role cannot read the code that it runs."
  }
  assert {
    condition     = length(aws_emrserverless_application.this.network_configuration) == 0
    error_message = "There is a network that nobody named."
  }
}

run "an_image_by_its_tag" {
  command = plan
  module {
    source = "../modules/emr"
  }
  variables {
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/barlake/spark:newest"
  }
  expect_failures = [var.image]
}
