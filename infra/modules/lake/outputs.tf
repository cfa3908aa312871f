output "bucket" {
  description = "Name of the bucket."
  value       = aws_s3_bucket.this.id
}

output "arn" {
  description = "ARN of the bucket."
  value       = aws_s3_bucket.this.arn
}

output "address" {
  description = "What `--lake` and BARLAKE_LAKE__ROOT take."
  value       = "s3a://${aws_s3_bucket.this.id}${local.lake == "" ? "" : "/${local.lake}"}"
}
