output "arns" {
  description = "ARN of each role, by its short name."
  value       = { for name, role in aws_iam_role.this : name => role.arn }
}

output "names" {
  description = "Name of each role, by its short name."
  value       = { for name, role in aws_iam_role.this : name => role.name }
}

output "rights" {
  description = "What each role may do in the lake: policy documents, as JSON, by the role's short name."
  value       = local.rights
}
