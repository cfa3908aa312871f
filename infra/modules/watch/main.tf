# Logs, and who is told of what. Each alarm's sentence says what to do.

locals {
  # Of the figures that `barlake metrics` prints: above zero is an alarm.
  figures = {
    barlake_sessions_missing = "A session is beyond its deadline and not published: barlake status, then docs/runbook.md."
  }
}

resource "aws_cloudwatch_log_group" "this" {
  for_each = toset(["jobs", "airflow"])

  name              = "/${var.name}/${each.key}"
  retention_in_days = var.log_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_sns_topic" "this" {
  name              = "${var.name}-alarms"
  kms_master_key_id = "alias/aws/sns"
}

resource "aws_cloudwatch_metric_alarm" "figure" {
  for_each = local.figures

  alarm_name          = "${var.name}-${replace(trimprefix(each.key, "barlake_"), "_", "-")}"
  alarm_description   = each.value
  namespace           = var.namespace
  metric_name         = each.key
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 3600
  evaluation_periods  = var.silent_hours
  datapoints_to_alarm = 1
  # Whoever puts the figures there has died: that is no better than a figure above zero.
  treat_missing_data = "breaching"
  alarm_actions      = [aws_sns_topic.this.arn]
  ok_actions         = [aws_sns_topic.this.arn]
}

resource "aws_cloudwatch_metric_alarm" "failed" {
  for_each = var.applications

  alarm_name          = "${var.name}-run-failed-${each.key}"
  alarm_description   = "A run of EMR Serverless failed: barlake status names it, its log is in /${var.name}/jobs."
  namespace           = "AWS/EMRServerless"
  metric_name         = "FailedJobs"
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 300
  evaluation_periods  = 1
  # No run, no figure.
  treat_missing_data = "notBreaching"
  alarm_actions      = [aws_sns_topic.this.arn]

  dimensions = {
    ApplicationId = each.value
  }
}
