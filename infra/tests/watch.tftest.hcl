mock_provider "aws" {
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:us-east-1:123456789012:barlake-alarms" }
  }
}

run "silence_is_an_alarm" {
  module {
    source = "../modules/watch"
  }
  variables {
    applications = { jobs = "00example" }
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.figure["barlake_sessions_missing"].treat_missing_data == "breaching"
    error_message = "Whoever stops telling is taken for well."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.failed["jobs"].dimensions["ApplicationId"] == "00example"
    error_message = "The alarm is of another application."
  }
  assert {
    condition     = alltrue([for group in aws_cloudwatch_log_group.this : group.retention_in_days == 90])
    error_message = "Logs are kept forever."
  }
}

run "without_an_application" {
  module {
    source = "../modules/watch"
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.failed) == 0
    error_message = "There is an alarm of nothing."
  }
}

run "more_than_a_day_back" {
  command = plan
  module {
    source = "../modules/watch"
  }
  variables {
    silent_hours = 48
  }
  expect_failures = [var.silent_hours]
}
