output "urls" {
  description = "Address of each image's repository, by target."
  value       = { for name, repository in aws_ecr_repository.this : name => repository.repository_url }
}
