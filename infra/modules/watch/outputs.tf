output "topic" {
  description = "ARN of the topic that alarms go to: subscribe to it."
  value       = aws_sns_topic.this.arn
}

output "log_group_arns" {
  description = "ARN of each log group, by `jobs` and `airflow`."
  value       = { for name, group in aws_cloudwatch_log_group.this : name => group.arn }
}

output "log_group_names" {
  description = "Name of each log group, by `jobs` and `airflow`."
  value       = { for name, group in aws_cloudwatch_log_group.this : name => group.name }
}
